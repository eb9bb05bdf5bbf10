/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes: what setattr changes and what it leaves, sizes, and the access time by each policy.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "tests/fs/names.h"

static void test_members(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	struct inode_attr to = {
		.mode = S_IFDIR | 04711, .uid = 10, .gid = 20, .atime = -5, .mtime = 7, .ctime = 9};
	uint64_t ino = file->ino;
	struct stat st;

	assert_int_equal(attr_set(file, ATTR_MODE, &to), 0);
	inode_stat(file, &st);
	assert_int_equal(st.st_mode, S_IFREG | 04711);
	assert_int_equal(st.st_uid, 1);
	assert_int_equal(attr_set(file, ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME, &to), 0);
	inode_put(file, 1);
	names_reopen(n);
	assert_int_equal(inode_get(n->vol, ino, &file), 0);
	assert_int_equal(file->attr.mode, S_IFREG | 04711);
	assert_int_equal(file->attr.uid, 10);
	assert_int_equal(file->attr.gid, 20);
	assert_int_equal(file->attr.atime, -5);
	assert_int_equal(file->attr.mtime, 7);
	assert_int_equal(file->attr.ctime, 9);
	assert_int_equal(attr_set(file, ATTR_GID, &to), 0);
	assert_true(file->attr.ctime > 9);
	inode_put(file, 1);
}

static void test_size(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f"), *dir = names_dir(n->root, "d"), *link;
	struct inode_attr to = { .size = 100000 };
	char byte = 'x';

	assert_int_equal(attr_set(dir, ATTR_SIZE, &to), -EISDIR);
	assert_int_equal(dir_symlink(n->root, "l", "f", 0, 0, &link), 0);
	assert_int_equal(attr_set(link, ATTR_SIZE, &to), -EINVAL);
	assert_int_equal(attr_set(file, ATTR_SIZE, &to), 0);
	assert_int_equal(file->attr.size, 100000);
	assert_int_equal(file_read(file, &byte, 1, 99999), 1);
	assert_int_equal(byte, 0);
	to = (struct inode_attr){ .size = 0, .mtime = 77 };
	assert_int_equal(attr_set(file, ATTR_SIZE | ATTR_MTIME, &to), 0);
	assert_int_equal(file->attr.size, 0);
	assert_int_equal(file->attr.mtime, 77);
	inode_put(link, 1);
	inode_put(dir, 1);
	inode_put(file, 1);
}

/* Sets the three times, reads, and tells whether the access time moved. */
static bool atime_moves(struct inode *file, int64_t atime, int64_t mtime, int64_t ctime)
{
	struct inode_attr to = { .atime = atime, .mtime = mtime, .ctime = ctime };

	assert_int_equal(attr_set(file, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME, &to), 0);
	attr_accessed(file);
	assert_int_equal(file->attr.mtime, mtime);
	assert_int_equal(file->attr.ctime, ctime);
	return file->attr.atime != atime;
}

static void test_atime(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	int64_t now = volume_now(), second = INT64_C(1000000000), day = 86400 * second;

	assert_true(atime_moves(file, now - 3 * second, now - 2 * second, now - 4 * second));
	assert_true(atime_moves(file, now - 3 * second, now - 4 * second, now - 2 * second));
	assert_false(atime_moves(file, now - 3 * second, now - 4 * second, now - 4 * second));
	assert_true(atime_moves(file, now - day - second, now - 2 * day, now - 2 * day));
	n->vol->opt.atime = ATIME_STRICT;
	assert_true(atime_moves(file, now - 3 * second, now - 4 * second, now - 4 * second));
	n->vol->opt.atime = ATIME_NOATIME;
	assert_false(atime_moves(file, now - 3 * second, now - 2 * second, now - 2 * second));
	inode_put(file, 1);
}

static void test_readonly(void **state)
{
	struct names *n = *state;
	struct volume_options opt;
	struct inode_attr to = { .mode = 0 };
	struct dir_new what = { .mode = S_IFREG };
	struct inode *file;

	inode_put(names_file(n->root, "f"), 1);
	names_close(n);
	volume_options_init(&opt);
	opt.readonly = true;
	opt.role = "test";
	names_open(n, &opt);
	assert_int_equal(dir_lookup(n->root, "f", &file), 0);
	assert_int_equal(attr_set(file, ATTR_MODE, &to), -EROFS);
	assert_int_equal(dir_unlink(n->root, "f"), -EROFS);
	assert_int_equal(dir_rename(n->root, "f", n->root, "g", 0), -EROFS);
	assert_int_equal(dir_link(file, n->root, "g"), -EROFS);
	inode_put(file, 1);
	assert_int_equal(dir_make(n->root, "g", &what, &file), -EROFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_members, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_size, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_atime, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_readonly, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
