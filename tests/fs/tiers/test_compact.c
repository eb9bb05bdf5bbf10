/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction changes no byte of any file, gives space back, stops when told to, and leaves alone what it cannot read.
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
#include "fs/extent/models.h"
#include "fs/extent/scan.h"
#include "fs/tiers/compact.h"
#include "model/context.h"
#include "model/train.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define FILES 24u
#define LEN 50000u /* four chunks */

/* File i: text, random bytes, or both; known from i. */
static void contents(uint8_t bytes[LEN], unsigned i)
{
	bytes_text(bytes, LEN, i);
	if (i % 4 == 3)
		bytes_random(bytes, i % 8 == 3 ? LEN : LEN / 2, i);
}

static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof name, "file%u", i);
	return name;
}

static void fill(struct filled *f)
{
	uint8_t bytes[LEN];

	for (unsigned i = 0; i < FILES; i++) {
		contents(bytes, i);
		filled_put(f, name_of(i), bytes, LEN);
	}
	assert_int_equal(volume_commit(f->vol), 0);
}

static int check_file(struct filled *f, unsigned i)
{
	uint8_t bytes[LEN];

	contents(bytes, i);
	return filled_check(f, name_of(i), bytes, LEN);
}

static void check_all(struct filled *f)
{
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(check_file(f, i), 0);
}

static void add_zdict(struct filled *f)
{
	uint8_t dict[4096];
	size_t len = filled_train_zdict(dict, sizeof dict, 77);
	uint16_t number;

	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, dict, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

/* A small network that knows such text. */
static void add_net(struct filled *f)
{
	struct model_shape shape = {
		.contexts = 4, .hidden = 32, .context_ids = {CTX_O1, CTX_O2, CTX_O3, CTX_O4}, .rows_log2 = {8, 10, 11, 11},
	};
	static uint8_t text[40][LEN / 4];
	struct train_chunk chunks[40];
	struct train_options opt = {.seed = 1, .threads = 1};
	struct model *m;
	uint8_t *bytes;
	uint16_t number;
	size_t len;

	for (unsigned i = 0; i < 40; i++) {
		bytes_text(text[i], sizeof text[i], 1000 + i);
		chunks[i] = (struct train_chunk){text[i], sizeof text[i]};
	}
	assert_int_equal(model_create(&shape, &m), 0);
	assert_int_equal(train_model(m, chunks, 36, chunks + 36, 4, &opt, NULL), 0);
	assert_int_equal(model_save(m, &bytes, &len), 0);
	assert_int_equal(models_add(f->vol, MODEL_NEURAL, 1, bytes, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	free(bytes);
	model_destroy(m);
}

struct tally {
	unsigned codec[CODEC_COUNT];
	struct extent last[CODEC_COUNT];
};

static int tally_extent(void *arg, const struct extent *e)
{
	struct tally *t = arg;

	t->codec[e->codec]++;
	t->last[e->codec] = *e;
	return 0;
}

static struct tally tally(struct filled *f)
{
	struct tally t = {{0}, {{0}}};

	assert_int_equal(scan_extents(f->vol, tally_extent, &t), 0);
	return t;
}

static struct compact_options now(enum compact_tier tier)
{
	struct compact_options opt;

	compact_options_init(&opt);
	opt.now = true;
	opt.tier = tier;
	opt.neural_level = NEURAL_FAST;
	return opt;
}

static void test_warm_then_cold(void **state)
{
	struct filled *f = *state;
	struct compact_options warm = now(TIER_WARM), cold = now(TIER_COLD);
	struct extent_totals before, between, after;
	struct compact_result r;

	fill(f);
	add_zdict(f);
	extent_totals(f->vol, &before);
	assert_int_equal(compact_run(f->vol, &warm, &r), 0);
	assert_int_equal(r.extents, 4 * FILES);
	assert_int_equal(r.moved + r.kept, r.extents);
	assert_int_equal(r.damaged + r.refused + r.raced, 0);
	assert_true(r.figures.done_bytes == (uint64_t)FILES * LEN && r.figures.total_bytes == r.figures.done_bytes);
	assert_true(r.figures.after_bytes < r.figures.before_bytes);
	assert_true(r.segments_removed >= 1 && r.bytes_reclaimed > 0);
	assert_int_equal(tally(f).codec[CODEC_LZ4], 0);
	assert_true(tally(f).codec[CODEC_RAW] > 0);
	check_all(f);
	extent_totals(f->vol, &between);
	assert_true(between.segment_bytes < before.segment_bytes);
	assert_true(between.live_bytes >= between.segment_bytes / 16 * 15);

	/* Nothing is tried twice. */
	assert_int_equal(compact_run(f->vol, &warm, &r), 0);
	assert_int_equal(r.extents, 0);

	filled_reopen(f);
	check_all(f);
	assert_int_equal(compact_run(f->vol, &cold, &r), 0);
	assert_int_equal(r.extents, 4 * FILES);
	assert_true(r.moved > 0);
	extent_totals(f->vol, &after);
	assert_true(after.segment_bytes < between.segment_bytes);
	filled_reopen(f);
	check_all(f);
}

static void test_network(void **state)
{
	struct filled *f = *state;
	struct compact_options warm = now(TIER_WARM), cold = now(TIER_COLD);
	struct compact_result r;

	fill(f);
	add_zdict(f);
	assert_int_equal(compact_run(f->vol, &warm, &r), 0);
	add_net(f);
	assert_int_equal(compact_run(f->vol, &cold, &r), 0);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT) != 0, tally(f).codec[CODEC_ZSTD] > 0);
	assert_int_equal(r.refused + r.damaged, 0);
	assert_true(tally(f).codec[CODEC_NEURAL] > 0);
	check_all(f);
	filled_reopen(f);
	check_all(f);
	/* A model in use is not removed, even when another takes its place. */
	assert_true(models_active(f->vol, MODEL_NEURAL) == tally(f).last[CODEC_NEURAL].model);
	assert_int_equal(models_reap(f->vol, false), 0);
	/* A higher level is a reason to look again. */
	cold.neural_level = NEURAL_NORMAL;
	assert_int_equal(compact_run(f->vol, &cold, &r), 0);
	assert_int_equal(r.extents, 4 * FILES);
	assert_int_equal(compact_run(f->vol, &cold, &r), 0);
	assert_int_equal(r.extents, 0);
	filled_reopen(f);
	check_all(f);
}

static void test_fresh_is_left(void **state)
{
	struct filled *f = *state;
	struct compact_options opt = now(TIER_COLD);
	struct compact_result r;

	fill(f);
	opt.now = false;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.extents, 0);
	assert_true(tally(f).codec[CODEC_LZ4] > 0);
	opt.cold_after_hours = 0;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.extents, 4 * FILES);
	check_all(f);
}

static int stop_soon(void *arg, const struct compact_progress *p)
{
	(void)p;
	return --*(int *)arg <= 0;
}

static void test_interrupted(void **state)
{
	struct filled *f = *state;
	struct compact_options opt = now(TIER_COLD);
	struct compact_result r;
	int left = 10;

	fill(f);
	opt.threads = 2; /* and not so many that all is under way when it stops */
	opt.progress = stop_soon;
	opt.arg = &left;
	assert_int_equal(compact_run(f->vol, &opt, &r), -EINTR);
	assert_in_range(r.extents, 1, 4 * FILES - 1);
	check_all(f);
	filled_reopen(f);
	check_all(f);
	opt.progress = NULL;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_in_range(r.extents, 1, 4 * FILES - 1); /* only what was left */
	assert_int_equal(tally(f).codec[CODEC_LZ4], 0);
	check_all(f);
}

static void test_damaged_extent(void **state)
{
	struct filled *f = *state;
	struct compact_options opt = now(TIER_COLD);
	struct compact_result r;
	struct extent hurt;
	unsigned bad = 0;

	fill(f);
	hurt = tally(f).last[CODEC_LZ4];
	filled_damage(f, hurt.pos.segment, hurt.pos.offset + sizeof(struct record_disk) + hurt.pos.stored / 2);
	filled_reopen(f);
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.damaged, 1);
	assert_int_equal(tally(f).codec[CODEC_LZ4], 1); /* left where it was */
	assert_true(tally(f).last[CODEC_LZ4].pos.offset == hurt.pos.offset);
	filled_reopen(f);
	for (unsigned i = 0; i < FILES; i++) {
		int rc = check_file(f, i);

		assert_true(rc == 0 || rc == -EIO);
		bad += rc < 0;
	}
	assert_int_equal(bad, 1);
}

static void test_cleaning(void **state)
{
	struct filled *f = *state;
	struct compact_options opt = now(TIER_WARM);
	struct extent_totals totals;
	struct compact_result r;

	fill(f);
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	for (unsigned i = 0; i < FILES; i++) {
		if (i % 3 != 0)
			filled_remove(f, name_of(i));
	}
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	extent_totals(f->vol, &totals);
	assert_true(totals.live_bytes < totals.segment_bytes / 2);
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.extents, FILES / 3); /* the ends of files, whose groups lost members */
	assert_true(r.segments_removed >= 1);
	extent_totals(f->vol, &totals);
	assert_true(totals.live_bytes >= totals.segment_bytes / 16 * 15);
	filled_reopen(f);
	for (unsigned i = 0; i < FILES; i += 3)
		assert_int_equal(check_file(f, i), 0);
}

static void test_empty(void **state)
{
	struct filled *f = *state;
	struct compact_options opt = now(TIER_COLD);
	struct compact_result r;

	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.extents, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_warm_then_cold, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_network, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_fresh_is_left, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_extent, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_cleaning, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_empty, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
