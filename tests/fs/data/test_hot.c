/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a flush makes of fresh data under each choice of the hot codec, and that what was stored in a hurry is compressed before
 * its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/scan.h"
#include "fs/extent/space.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/fixture.h"

#define CHUNK (64u << 10)
#define CHUNKS 6u
#define LEN (CHUNKS * CHUNK)

struct tally {
	unsigned codec[CODEC_COUNT], untried;
};

static int tally_extent(void *arg, const struct extent *e)
{
	struct tally *t = arg;

	t->codec[e->codec]++;
	t->untried += e->codec == CODEC_RAW && e->level == RAW_UNTRIED;
	return 0;
}

static struct tally tally(struct fixture *f)
{
	struct tally t = { 0 };

	assert_int_equal(scan_extents(f->vol, tally_extent, &t), 0);
	return t;
}

/* Four chunks of text, one of noise, one of zeros. */
static uint8_t *contents(uint64_t seed)
{
	uint8_t *bytes = calloc(1, LEN);

	assert_non_null(bytes);
	bytes_text(bytes, 4 * CHUNK, seed);
	bytes_random(bytes + 4 * CHUNK, CHUNK, seed);
	return bytes;
}

/* As if compression were much slower than the disk, and that has plenty of room, or has not. */
static void press(struct volume *vol, bool plenty)
{
	struct flusher *fl = vol->flusher;

	pthread_mutex_lock(&vol->space->mutex);
	vol->space->plenty = plenty;
	vol->space->reserved += vol->opt.dirty_bytes;
	pthread_mutex_unlock(&vol->space->mutex);
	pthread_mutex_lock(&fl->pace.mutex);
	fl->pace.encode = UINT64_MAX / 4096;
	fl->pace.append = 1;
	fl->pace.ratio = 512;
	pthread_mutex_unlock(&fl->pace.mutex);
}

enum mood { AT_EASE, PRESSED, PRESSED_FULL };

static void put_in(struct fixture *f, const char *name, const uint8_t *bytes, enum mood mood)
{
	struct inode *inode = fixture_make(f, name);

	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	if (mood != AT_EASE)
		press(f->vol, mood == PRESSED);
	assert_int_equal(file_sync(inode), 0);
	inode_put(inode, 1);
}

static void put(struct fixture *f, const char *name, const uint8_t *bytes)
{
	put_in(f, name, bytes, AT_EASE);
}

static void check(struct fixture *f, const char *name, const uint8_t *bytes)
{
	struct inode *inode = fixture_find(f, name);

	fixture_check(inode, bytes, LEN);
	inode_put(inode, 1);
}

static void begin(struct fixture *f, enum volume_hot hot)
{
	fixture_init(f, CHUNK);
	f->opt.hot = hot;
	f->opt.offline = true;
	fixture_reopen(f);
}

static void test_lz4(void **state)
{
	uint8_t *bytes = contents(1);
	struct fixture f;

	(void)state;
	begin(&f, HOT_LZ4);
	put(&f, "file", bytes);
	assert_int_equal(tally(&f).codec[CODEC_LZ4], 4);
	assert_int_equal(tally(&f).codec[CODEC_RAW], 1);
	assert_int_equal(tally(&f).untried, 0);
	check(&f, "file", bytes);
	fixture_fini(&f);
	free(bytes);
}

static void test_raw(void **state)
{
	uint8_t *bytes = contents(2);
	struct fixture f;

	(void)state;
	begin(&f, HOT_RAW);
	put(&f, "file", bytes);
	assert_int_equal(tally(&f).codec[CODEC_RAW], 5);
	assert_int_equal(tally(&f).untried, 4); /* one look tells noise from text even then */
	assert_int_equal(f.vol->flusher->untried, 4);
	fixture_reopen(&f);
	check(&f, "file", bytes);
	fixture_fini(&f);
	free(bytes);
}

/* Without pressure, auto is LZ4. */
static void test_auto_at_ease(void **state)
{
	uint8_t *bytes = contents(3);
	struct fixture f;

	(void)state;
	begin(&f, HOT_AUTO);
	put(&f, "file", bytes);
	assert_int_equal(tally(&f).codec[CODEC_LZ4], 4);
	assert_int_equal(tally(&f).untried, 0);
	fixture_fini(&f);
	free(bytes);
}

static void test_auto_pressed(void **state)
{
	uint8_t *bytes = contents(4);
	struct fixture f;

	(void)state;
	begin(&f, HOT_AUTO);
	put_in(&f, "file", bytes, PRESSED);
	assert_int_equal(tally(&f).codec[CODEC_RAW], 5);
	assert_int_equal(tally(&f).untried, 4);
	/* With little room left on the disk nothing is stored raw that need not be. */
	fixture_unlink(&f, "file");
	put_in(&f, "other", bytes, PRESSED_FULL);
	assert_int_equal(tally(&f).untried, 0);
	fixture_reopen(&f);
	check(&f, "other", bytes);
	fixture_fini(&f);
	free(bytes);
}

static struct compact_options lazily(enum compact_tier tier)
{
	struct compact_options opt;

	compact_options_init(&opt);
	opt.tier = tier;
	opt.lazy = true;
	opt.cold_after_hours = 24;
	return opt;
}

/* Of two files just written the one stored raw is compressed at once, and only into the warm tier. */
static void test_made_up_for(void **state)
{
	struct compact_options warm = lazily(TIER_WARM), cold = lazily(TIER_COLD);
	uint8_t *hurried = contents(5), *calm = contents(6);
	struct compact_result r;
	struct fixture f;

	(void)state;
	begin(&f, HOT_RAW);
	put(&f, "hurried", hurried);
	f.opt.hot = HOT_LZ4;
	fixture_reopen(&f);
	put(&f, "calm", calm);
	assert_int_equal(compact_run(f.vol, &cold, &r), 0);
	assert_int_equal(r.extents, 0);
	assert_int_equal(compact_run(f.vol, &warm, &r), 0);
	assert_int_equal(r.extents, 4);
	assert_int_equal(r.moved, 4);
	assert_int_equal(volume_commit(f.vol), 0);
	assert_int_equal(tally(&f).codec[CODEC_ZSTD], 4);
	assert_int_equal(tally(&f).codec[CODEC_LZ4], 4);
	assert_int_equal(tally(&f).untried, 0);
	assert_int_equal(compact_run(f.vol, &warm, &r), 0);
	assert_int_equal(r.extents, 0);
	fixture_reopen(&f);
	check(&f, "hurried", hurried);
	check(&f, "calm", calm);
	fixture_fini(&f);
	free(hurried);
	free(calm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lz4),	     cmocka_unit_test(test_raw),
		cmocka_unit_test(test_auto_at_ease), cmocka_unit_test(test_auto_pressed),
		cmocka_unit_test(test_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
