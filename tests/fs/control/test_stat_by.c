/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files take, by directory, type, tier and age.
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

#include "fs/control/stat.h"
#include "fs/control/stat_by.h"
#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/names/dir.h"
#include "fs/tiers/compact.h"
#include "tests/fs/fixture.h"

#define CHUNK 4096u

struct tree {
	struct fixture f;
	struct inode *root, *a, *b;
};

static struct inode *made(struct inode *dir, const char *name, uint32_t type, size_t len)
{
	static const char line[] = "all work and no play makes jack a dull boy, and ";
	struct dir_new what = {.mode = type | 0755};
	char *bytes = malloc(len + 1);
	struct inode *inode;

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = line[i % (sizeof line - 1)];
	assert_int_equal(dir_make(dir, name, &what, &inode), 0);
	assert_int_equal(len ? file_write(inode, bytes, len, 0, false) : 0, len);
	free(bytes);
	return inode;
}

static void file(struct inode *dir, const char *name, size_t len)
{
	inode_put(made(dir, name, S_IFREG, len), 1);
}

/* / has empty.c and README; a/ has 1.c, 2.h and b/, which has 3.c and .hidden. */
static int setup(void **state)
{
	struct tree *t = malloc(sizeof *t);

	fixture_init(&t->f, CHUNK);
	assert_int_equal(inode_get(t->f.vol, INO_ROOT, &t->root), 0);
	t->a = made(t->root, "a", S_IFDIR, 0);
	t->b = made(t->a, "b", S_IFDIR, 0);
	file(t->root, "empty.c", 0);
	file(t->root, "README", 500);
	file(t->a, "1.c", 1000);
	file(t->a, "2.h", 2000);
	file(t->b, "3.c", 5000);
	file(t->b, ".hidden", 100);
	assert_int_equal(volume_commit(t->f.vol), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;

	inode_put(t->b, 1);
	inode_put(t->a, 1);
	inode_put(t->root, 1);
	fixture_fini(&t->f);
	free(t);
	return 0;
}

struct expected {
	const char *name;
	uint64_t files, plain;
};

static void check(struct tree *t, enum stat_by by, uint64_t dir, const struct expected *want, uint32_t n)
{
	struct stat_row *rows = calloc(STAT_ROWS_MAX, sizeof *rows);
	uint32_t got;

	assert_int_equal(stat_by(t->f.vol, by, dir, rows, &got), 0);
	assert_int_equal(got, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_string_equal(rows[i].name, want[i].name);
		assert_int_equal(rows[i].files, want[i].files);
		assert_int_equal(rows[i].plain, want[i].plain);
		assert_true(want[i].plain == 0 || rows[i].stored > 0);
	}
	free(rows);
}

static void test_by_dir(void **state)
{
	static const struct expected all[] = {{"a", 4, 8100}, {".", 2, 500}}, in_a[] = {{"b", 2, 5100}, {".", 2, 3000}};
	struct tree *t = *state;

	check(t, STAT_BY_DIR, INO_ROOT, all, 2);
	check(t, STAT_BY_DIR, t->a->ino, in_a, 2);
}

static void test_by_type(void **state)
{
	static const struct expected all[] = {{".c", 3, 6000}, {".h", 1, 2000}, {"(none)", 2, 600}};
	static const struct expected in_b[] = {{".c", 1, 5000}, {"(none)", 1, 100}};
	struct tree *t = *state;

	check(t, STAT_BY_TYPE, INO_ROOT, all, 3);
	check(t, STAT_BY_TYPE, t->b->ino, in_b, 2);
}

/* One file under two names is one file. */
static void test_links_count_once(void **state)
{
	static const struct expected linked[] = {{".c", 3, 6000}, {".h", 1, 2000}, {"(none)", 2, 600}};
	struct tree *t = *state;
	struct inode *inode;

	assert_int_equal(dir_lookup(t->b, "3.c", &inode), 0);
	assert_int_equal(dir_link(inode, t->root, "three.c"), 0);
	check(t, STAT_BY_TYPE, INO_ROOT, linked, 3);
	inode_put(inode, 1);
}

static void test_by_tier(void **state)
{
	static const struct expected hot[] = {{"hot", 5, 8600}}, warm[] = {{"warm", 5, 8600}};
	struct tree *t = *state;
	struct compact_options opt;
	struct compact_result result;

	check(t, STAT_BY_TIER, INO_ROOT, hot, 1);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	opt.threads = 1;
	assert_int_equal(compact_run(t->f.vol, &opt, &result), 0);
	check(t, STAT_BY_TIER, INO_ROOT, warm, 1);
}

static void test_by_age(void **state)
{
	static const struct expected all[] = {{"under 1 day", 4, 8100}, {"7 to 30 days", 1, 500}};
	struct tree *t = *state;
	struct inode *inode = fixture_find(&t->f, "README");
	struct index_op op;
	uint8_t key[12];
	le64_t id;

	be32_put(be64_put(key, inode->ino), 0);
	index_begin(t->f.vol->index, &op);
	assert_int_equal(index_get(&op, TABLE_CHUNK, key, sizeof key, &id, sizeof id), sizeof id);
	index_end(&op);
	fixture_age(&t->f, le64_get(id), 10 * 24);
	check(t, STAT_BY_AGE, INO_ROOT, all, 2);
	inode_put(inode, 1);
}

static void test_many_rows(void **state)
{
	struct tree *t = *state;
	struct stat_row *rows = calloc(STAT_ROWS_MAX, sizeof *rows);
	uint64_t files = 0;
	char name[32];
	uint32_t n;

	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "f.%u", i);
		file(t->root, name, 10);
	}
	assert_int_equal(volume_commit(t->f.vol), 0);
	assert_int_equal(stat_by(t->f.vol, STAT_BY_TYPE, INO_ROOT, rows, &n), 0);
	assert_int_equal(n, STAT_ROWS_MAX);
	for (uint32_t i = 0; i < n; i++)
		files += rows[i].files;
	assert_int_equal(files, 306);
	assert_string_equal(rows[n - 1].name, "(others)");
	assert_int_equal(rows[n - 1].files, 303 - (STAT_ROWS_MAX - 1));
	free(rows);
}

static void test_no_directory(void **state)
{
	struct tree *t = *state;
	struct inode *inode = fixture_find(&t->f, "README");
	struct stat_row *rows = calloc(STAT_ROWS_MAX, sizeof *rows);
	uint32_t n;

	assert_int_equal(stat_by(t->f.vol, STAT_BY_DIR, inode->ino, rows, &n), -ENOTDIR);
	assert_int_equal(stat_by(t->f.vol, STAT_BY_DIR, 999999, rows, &n), -ENOENT);
	inode_put(inode, 1);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_dir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_type, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_count_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_tier, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
