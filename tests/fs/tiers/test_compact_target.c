/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction follows the tier policies of directories: which tier, which level, and after how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/control/stat_by.h"
#include "fs/data/commit.h"
#include "fs/extent/scan.h"
#include "fs/names/dir.h"
#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/fixture.h"

#define CHUNK 16384u
#define LEN 40000u

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof *f);

	fixture_init(f, CHUNK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

/* A directory in the root with a policy, if any, and a file of LEN bytes. */
static void directory(struct fixture *f, const char *name, const char *policy)
{
	static uint8_t bytes[LEN];
	struct dir_new what = {.mode = S_IFDIR | 0755};
	struct inode *root, *dir, *inode;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &root), 0);
	assert_int_equal(dir_make(root, name, &what, &dir), 0);
	if (policy)
		assert_int_equal(xattr_set(dir, TIER_XATTR, policy, strlen(policy), 0), 0);
	what.mode = S_IFREG | 0644;
	assert_int_equal(dir_make(dir, "file", &what, &inode), 0);
	bytes_text(bytes, LEN, (unsigned)dir->ino);
	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	inode_put(inode, 1);
	inode_put(dir, 1);
	inode_put(root, 1);
	assert_int_equal(volume_commit(f->vol), 0);
}

static void compact(struct fixture *f, enum compact_tier tier, bool now, bool lazy)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = tier;
	opt.now = now;
	opt.lazy = lazy;
	opt.threads = 2;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(result.damaged + result.refused, 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

/* All of a directory's bytes are in this tier: 'h', 'w', 'c'. */
static void check(struct fixture *f, const char *name, char tier)
{
	struct stat_row *rows = calloc(STAT_ROWS_MAX, sizeof *rows);
	uint32_t n, i = 0;

	assert_int_equal(stat_by(f->vol, STAT_BY_DIR, INO_ROOT, rows, &n), 0);
	while (i < n && strcmp(rows[i].name, name) != 0)
		i++;
	assert_true(i < n);
	if (rows[i].plain != LEN || rows[i].warm != (tier == 'w' ? LEN : 0) || rows[i].cold != (tier == 'c' ? LEN : 0))
		fail_msg("%s: of %u bytes %u warm, %u cold", name, (unsigned)rows[i].plain, (unsigned)rows[i].warm,
			 (unsigned)rows[i].cold);
	free(rows);
}

static int count_level(void *arg, const struct extent *e)
{
	unsigned *count = arg;

	if (!e->is_group)
		count[e->tried_level]++;
	return 0;
}

static void test_goals(void **state)
{
	struct fixture *f = *state;
	unsigned tried[256] = {0};

	directory(f, "hot", "hot");
	directory(f, "warm", "warm after=100d");
	directory(f, "cold", "cold level=fast after=100d");
	directory(f, "auto", NULL);
	compact(f, TIER_COLD, true, false);
	check(f, "hot", 'h');
	check(f, "warm", 'w');
	check(f, "cold", 'c');
	check(f, "auto", 'c');
	assert_int_equal(scan_extents(f->vol, count_level, tried), 0);
	assert_int_equal(tried[TRIED_NONE], 3);
	assert_int_equal(tried[TRIED_WARM], 3);
	assert_int_equal(tried[TRIED_COLD + NEURAL_FAST], 3);
	assert_int_equal(tried[TRIED_COLD + NEURAL_NORMAL], 3);

	/* What is asked for by the run is the coldest. */
	directory(f, "new cold", "cold");
	compact(f, TIER_WARM, true, false);
	check(f, "new cold", 'w');
	check(f, "hot", 'h');
	check(f, "cold", 'c');
}

/* Ages are counted in hours, and a new one may begin between writing and recompaction. */
static void test_ages(void **state)
{
	struct fixture *f = *state;

	directory(f, "cold", "cold");
	directory(f, "cold later", "cold after=2h");
	directory(f, "auto now", "auto after=0h");
	directory(f, "auto", NULL);
	directory(f, "warm", "warm");
	compact(f, TIER_COLD, false, false);
	check(f, "cold", 'c');
	check(f, "cold later", 'h');
	check(f, "auto now", 'c');
	check(f, "auto", 'h');
	check(f, "warm", 'h');
}

/* In the background what is to be cold is not made warm first, and what has a time of its own is warm after its seventh. */
static void test_background(void **state)
{
	struct fixture *f = *state;

	directory(f, "cold", "cold");
	directory(f, "quick", "auto after=14h");
	directory(f, "slow", "auto after=42h");
	fixture_age(f, 0, 3);
	compact(f, TIER_WARM, false, true);
	check(f, "cold", 'h');
	check(f, "quick", 'w');
	check(f, "slow", 'h');
	compact(f, TIER_COLD, false, true);
	check(f, "cold", 'c');
	check(f, "quick", 'w');
	check(f, "slow", 'h');
}

static void store_default(struct fixture *f, const char *policy)
{
	struct inode *root;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &root), 0);
	assert_int_equal(xattr_set(root, TIER_XATTR, policy, strlen(policy), 0), 0);
	inode_put(root, 1);
}

static void compact_given(struct fixture *f, unsigned after_hours, bool after_given, bool level_given)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.cold_after_hours = after_hours;
	opt.after_given = after_given;
	opt.level_given = level_given;
	opt.neural_level = NEURAL_NORMAL;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

/* The root's policy holds for what says nothing else, as long as the options of the run do not. */
static void test_default(void **state)
{
	struct fixture *f = *state;
	unsigned tried[256] = {0};

	store_default(f, "cold after=2h level=fast");
	directory(f, "plain", NULL);
	directory(f, "hot", "hot");
	directory(f, "own", "auto after=100h");
	compact_given(f, 0, false, false); /* not the options' age: the store's */
	check(f, "plain", 'h');
	fixture_age(f, 0, 3);
	compact_given(f, 100, true, false); /* the options' age, for they were given */
	check(f, "plain", 'h');
	compact_given(f, 100, false, false);
	check(f, "plain", 'c');
	check(f, "hot", 'h');
	check(f, "own", 'h');
	assert_int_equal(scan_extents(f->vol, count_level, tried), 0);
	assert_int_equal(tried[TRIED_COLD + NEURAL_FAST], 3);

	directory(f, "later", NULL);
	fixture_age(f, 0, 3);
	compact_given(f, 1, true, true);
	memset(tried, 0, sizeof tried);
	assert_int_equal(scan_extents(f->vol, count_level, tried), 0);
	assert_int_equal(tried[TRIED_COLD + NEURAL_FAST], 0); /* a higher level was given: it was tried again */
	assert_int_equal(tried[TRIED_COLD + NEURAL_NORMAL], 6);
	check(f, "hot", 'h');

	store_default(f, "hot");
	directory(f, "last", NULL);
	fixture_age(f, 0, 3);
	compact_given(f, 1, true, true);
	check(f, "last", 'h');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_background, setup, teardown),
		cmocka_unit_test_setup_teardown(test_default, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
