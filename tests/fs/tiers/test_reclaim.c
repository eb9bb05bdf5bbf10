/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Space comes back: after random writes, deletions and recompaction, a pass leaves no more than a tenth of what is alive and two segments;
 * what is read stays hot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/heat.h"
#include "fs/extent/scan.h"
#include "fs/tiers/background.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define FILES 250u
#define LEN_MAX 60000u
#define SEGMENT (1u << 17)

struct known {
	bool here;
	unsigned seed;
	size_t len;
};

/* A store of small segments, so that there are many. */
static void small_segments(struct filled *f)
{
	struct index_op op;

	f->vol->super.segment_size = SEGMENT;
	index_begin(f->vol->index, &op);
	assert_int_equal(super_store(&op, &f->vol->super), 0);
	index_end(&op);
	filled_reopen(f);
	assert_int_equal(f->vol->super.segment_size, SEGMENT);
}

static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof name, "file%u", i);
	return name;
}

static void contents(uint8_t *bytes, const struct known *k)
{
	if (k->seed % 3 == 0)
		bytes_random(bytes, k->len, k->seed);
	else
		bytes_text(bytes, k->len, k->seed);
}

static void change(struct filled *f, struct known *k, unsigned i, unsigned *seed)
{
	static uint8_t bytes[LEN_MAX];
	unsigned r = *seed = *seed * 1103515245u + 12345;

	if (k->here)
		filled_remove(f, name_of(i));
	k->here = r >> 16 & 3;
	if (!k->here)
		return;
	k->seed = r >> 8;
	k->len = 1 + (r >> 10) % (r & 1 << 20 ? LEN_MAX - 1 : 3000);
	contents(bytes, k);
	filled_put(f, name_of(i), bytes, k->len);
}

static void check(struct filled *f, const struct known *known)
{
	static uint8_t bytes[LEN_MAX];

	for (unsigned i = 0; i < FILES; i++) {
		if (!known[i].here)
			continue;
		contents(bytes, &known[i]);
		assert_int_equal(filled_check(f, name_of(i), bytes, known[i].len), 0);
	}
}

/* What the segments take on the disk, and what of it is alive: summed over the extents, not taken from the counters. */
static int alive_add(void *arg, const struct extent *e)
{
	uint64_t *alive = arg;

	if (!e->is_group)
		*alive += e->stored + (e->group ? 0 : sizeof(struct record_disk));
	return 0;
}

static void check_space(struct filled *f)
{
	uint64_t used = 0, alive = 0, bytes, disk;
	uint32_t *numbers;
	size_t n;

	assert_int_equal(scan_extents(f->vol, alive_add, &alive), 0);
	assert_int_equal(segment_list(f->vol->segments, &numbers, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(segment_size(f->vol->segments, numbers[i], &bytes, &disk), 0);
		used += disk;
	}
	free(numbers);
	if (used > alive + alive / 10 + 2 * (uint64_t)SEGMENT)
		fail_msg("%llu bytes for %llu alive", (unsigned long long)used, (unsigned long long)alive);
}

static void test_bounded(void **state)
{
	struct filled *f = *state;
	struct known known[FILES] = {{0}};
	struct compact_result result;
	unsigned seed = 4711;

	small_segments(f);
	for (unsigned round = 0; round < 12; round++) {
		struct compact_options opt;

		for (unsigned n = 0; n < 250; n++) {
			unsigned i = (seed >> 12) % FILES;

			change(f, &known[i], i, &seed);
			if (n % 50 == 49)
				assert_int_equal(volume_commit(f->vol), 0);
		}
		compact_options_init(&opt);
		opt.tier = TIER_WARM;
		opt.now = round % 3 == 0;
		opt.reclaim = !opt.now;
		opt.lazy = round % 2;
		assert_int_equal(compact_run(f->vol, &opt, &result), 0);
		assert_int_equal(result.damaged, 0);
		check_space(f);
		check(f, known);
	}
	filled_reopen(f);
	check_space(f);
	check(f, known);
}

/* When all is deleted, nothing is left but what is being written to. */
static void test_all_deleted(void **state)
{
	struct filled *f = *state;
	struct known known[FILES] = {{0}};
	struct compact_options opt;
	struct compact_result result;
	unsigned seed = 1;

	small_segments(f);
	for (unsigned n = 0; n < 2 * FILES; n++)
		change(f, &known[n % FILES], n % FILES, &seed);
	assert_int_equal(volume_commit(f->vol), 0);
	for (unsigned i = 0; i < FILES; i++) {
		if (known[i].here)
			filled_remove(f, name_of(i));
	}
	compact_options_init(&opt);
	opt.reclaim = true;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	check_space(f);
	assert_int_equal(result.extents, 0);
}

struct ages {
	uint32_t oldest, newest;
	unsigned n;
};

static int age_add(void *arg, const struct extent *e)
{
	struct ages *a = arg;

	a->oldest = a->n == 0 || e->touched < a->oldest ? e->touched : a->oldest;
	a->newest = e->touched > a->newest ? e->touched : a->newest;
	a->n++;
	return 0;
}

static struct ages ages(struct filled *f)
{
	struct ages a = {0};

	assert_int_equal(scan_extents(f->vol, age_add, &a), 0);
	return a;
}

struct aging {
	uint64_t ids[64];
	unsigned n;
};

static int age_collect(void *arg, const struct extent *e)
{
	struct aging *a = arg;

	assert_true(a->n < 64);
	a->ids[a->n++] = e->id;
	return 0;
}

/* Makes all extents a hundred hours old at this hour. */
static void make_old(struct filled *f, uint32_t hour)
{
	struct aging a = {.n = 0};

	assert_int_equal(scan_extents(f->vol, age_collect, &a), 0);
	for (unsigned i = 0; i < a.n; i++) {
		struct index_op op;
		struct extent e;

		index_begin(f->vol->index, &op);
		assert_int_equal(extent_get(&op, a.ids[i], &e), 0);
		e.touched = hour - 100;
		assert_int_equal(extent_store(&op, &e), 0);
		index_end(&op);
	}
	assert_int_equal(volume_commit(f->vol), 0);
}

/* Reading a file makes it hot again, once that is settled; recompaction of the others does not. */
static void test_heat(void **state)
{
	struct filled *f = *state;
	static uint8_t bytes[40000];
	const uint32_t hour = heat_hour();
	struct compact_options opt;
	struct compact_result result;

	bytes_text(bytes, sizeof bytes, 5);
	filled_put(f, "read", bytes, sizeof bytes);
	filled_put(f, "forgotten", bytes, sizeof bytes);
	assert_int_equal(volume_commit(f->vol), 0);
	make_old(f, hour);
	assert_int_equal(ages(f).newest, hour - 100);
	filled_reopen(f);
	assert_int_equal(filled_check(f, "read", bytes, sizeof bytes), 0);
	heat_settle(f->vol, false);
	assert_true(ages(f).newest < heat_hour() - 90); /* so little can wait */
	filled_reopen(f);
	assert_true(ages(f).newest >= heat_hour() - 1);
	assert_true(ages(f).oldest < heat_hour() - 90);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.cold_after_hours = 50;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(result.extents, 3); /* of six: those that nobody read */
	assert_true(ages(f).oldest < heat_hour() - 90);
}

/* A step is due once for each state of things; an error puts it off. */
static void test_due(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt = {.automatic = true, .cold_after_hours = 70, .neural_level = NEURAL_NORMAL};
	struct compactor_request r;
	struct background b = {.errors = 0};

	assert_true(background_due(f->vol, &opt, &b, &r));
	assert_int_equal(r.tier, TIER_WARM);
	assert_true(r.cold_after_hours < 70 && r.cold_after_hours > 0);
	background_done(f->vol, &b, -EINTR);
	assert_true(background_due(f->vol, &opt, &b, &r));
	assert_int_equal(r.tier, TIER_WARM);
	background_done(f->vol, &b, 0);
	b.not_before = 0;
	assert_true(background_due(f->vol, &opt, &b, &r));
	assert_int_equal(r.tier, TIER_COLD);
	assert_int_equal(r.cold_after_hours, 70);
	background_done(f->vol, &b, -ENOSPC);
	assert_false(background_due(f->vol, &opt, &b, &r));
	b.not_before = 0;
	assert_true(background_due(f->vol, &opt, &b, &r));
	background_done(f->vol, &b, 0);
	b.not_before = 0;
	for (unsigned s = 0; s < BACKGROUND_RECLAIM; s++)
		b.done[s].hour = heat_hour(); /* should the hour have changed meanwhile */
	assert_false(background_due(f->vol, &opt, &b, &r));
	b.done[BACKGROUND_WARM].hour--;
	assert_true(background_due(f->vol, &opt, &b, &r));
	assert_int_equal(r.tier, TIER_WARM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bounded, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_all_deleted, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_heat, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_due, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
