/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What recompaction has in memory at once: where windows and batches end, and that small files find company that is far away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/scan.h"
#include "fs/tiers/compact.h"
#include "fs/tiers/compact_window.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define GROUP (128u << 10)
#define SMALL (GROUP / 2)
#define LARGE GROUP

static size_t window_length(const struct plan_item *items, size_t n, uint32_t bytes)
{
	const struct window_limits limits = {GROUP, bytes};
	struct window w;
	size_t length;

	assert_int_equal(window_init(&w, items, n, &limits), 0);
	length = w.n;
	for (size_t i = 0; i < length; i++)
		assert_ptr_equal(w.items[i].plan, &items[i]);
	window_fini(&w);
	return length;
}

static void test_ends(void **state)
{
	static struct plan_item items[4 * WINDOW_BYTES_SMALL / SMALL];
	const size_t n = sizeof items / sizeof *items;

	(void)state;
	for (size_t i = 0; i < n; i++)
		items[i].plain = SMALL;
	assert_int_equal(window_length(items, n, WINDOW_BYTES), WINDOW_BYTES / SMALL);
	assert_int_equal(window_length(items, n, WINDOW_BYTES_SMALL), WINDOW_BYTES_SMALL / SMALL);
	assert_int_equal(window_length(items, 3, WINDOW_BYTES_SMALL), 3);
	for (size_t i = 0; i < n; i++)
		items[i].plain = i % 2 ? LARGE : SMALL;
	assert_int_equal(window_length(items, n, WINDOW_BYTES_SMALL), 2 * (WINDOW_BYTES / LARGE));
	for (size_t i = 0; i < n; i++)
		items[i].plain = SMALL + 1; /* one that has no company is large */
	assert_int_equal(window_length(items, n, WINDOW_BYTES_SMALL), WINDOW_BYTES / (SMALL + 1) + 1);
}

static void test_batches(void **state)
{
	struct unit units[300];
	const struct window w = {.units = units, .n_units = 300};
	size_t first = 0, batches = 0;

	(void)state;
	memset(units, 0, sizeof units);
	for (size_t i = 0; i < w.n_units; i++)
		units[i].plain = i % 3 ? GROUP : 1;
	for (; first < w.n_units; batches++) {
		size_t end = window_batch(&w, first);
		uint64_t bytes = 0;

		assert_in_range(end, first + 1, w.n_units);
		for (size_t i = first; i < end; i++)
			bytes += units[i].plain;
		assert_true(bytes < WINDOW_BYTES + GROUP && (bytes >= WINDOW_BYTES || end == w.n_units));
		first = end;
	}
	assert_int_equal(batches, 200 * GROUP / WINDOW_BYTES + 1);
}

#define FILLERS (WINDOW_BYTES / FILLER + 1)
#define FILLER 8000u
#define FIRST 8001u
#define LAST 8002u

/* Half a byte of each is news, and no two seeds have a word in common. */
static void letters(uint8_t *bytes, size_t n, uint64_t seed)
{
	bytes_random(bytes, n, seed);
	for (size_t i = 0; i < n; i++)
		bytes[i] = 'a' + bytes[i] % 16;
}

struct found {
	uint64_t first, last; /* their groups */
	size_t members;
};

static int found_look(void *arg, const struct extent *e)
{
	struct found *f = arg;

	f->members += e->group != 0;
	if (e->plain == FIRST)
		f->first = e->group;
	if (e->plain == LAST)
		f->last = e->group;
	return 0;
}

/* Two that are alike, and more than a window of others between them. */
static void test_far(void **state)
{
	struct filled *f = *state;
	struct found found = {0};
	struct compact_options opt;
	struct compact_result r;
	uint8_t bytes[LAST];
	char name[16];

	letters(bytes, FIRST, 1);
	filled_put(f, "first", bytes, FIRST);
	for (unsigned i = 0; i < FILLERS; i++) {
		letters(bytes, FILLER, 2 + i);
		snprintf(name, sizeof name, "%u", i);
		filled_put(f, name, bytes, FILLER);
	}
	letters(bytes, LAST, 1);
	filled_put(f, "last", bytes, LAST);
	assert_int_equal(volume_commit(f->vol), 0);
	compact_options_init(&opt);
	opt.now = true;
	opt.tier = TIER_WARM;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.extents, FILLERS + 2);
	assert_int_equal(r.moved, FILLERS + 2);
	assert_int_equal(r.figures.done_bytes, r.figures.total_bytes);
	assert_int_equal(scan_extents(f->vol, found_look, &found), 0);
	assert_in_range(found.members, FILLERS, FILLERS + 2); /* the one left over is alone */
	assert_true(found.first != 0 && found.first == found.last);
	assert_int_equal(filled_check(f, "last", bytes, LAST), 0);
	letters(bytes, FILLER, 2 + FILLERS / 2);
	snprintf(name, sizeof name, "%u", FILLERS / 2);
	assert_int_equal(filled_check(f, name, bytes, FILLER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_batches),
		cmocka_unit_test_setup_teardown(test_far, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
