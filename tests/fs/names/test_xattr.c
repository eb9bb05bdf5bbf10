/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: every size around a piece, flags, lists, and what stands in the index afterwards.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "fs/names/xattr.h"
#include "tests/fs/names.h"

static uint8_t value[XATTR_VALUE_MAX + 1], back[XATTR_VALUE_MAX + 1];

static void value_fill(uint64_t seed)
{
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)rng_next(&seed);
}

static void value_check(struct inode *file, const char *name, size_t len)
{
	memset(back, 0, sizeof back);
	assert_int_equal(xattr_get(file, name, NULL, 0), len);
	assert_int_equal(xattr_get(file, name, back, sizeof back), len);
	assert_memory_equal(back, value, len);
	if (len > 1)
		assert_int_equal(xattr_get(file, name, back, len - 1), -ERANGE);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {65536, 0,    1,	   1023,  1024,	 1025, 2047,
				       2048,  2049, 64512, 65535, 65536, 3};
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	uint64_t ino = file->ino;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t pieces = sizes[i] ? (sizes[i] + XATTR_PIECE - 1) / XATTR_PIECE : 1;

		value_fill(i + 1);
		assert_int_equal(xattr_set(file, "user.v", value, sizes[i], 0), 0);
		value_check(file, "user.v", sizes[i]);
		assert_int_equal(names_records(n->vol, TABLE_XATTR, ino), pieces);
		inode_put(file, 1);
		names_reopen(n);
		assert_int_equal(inode_get(n->vol, ino, &file), 0);
		value_check(file, "user.v", sizes[i]);
	}
	assert_int_equal(xattr_set(file, "user.v", value, XATTR_VALUE_MAX + 1, 0), -E2BIG);
	value_check(file, "user.v", 3);
	assert_int_equal(xattr_remove(file, "user.v"), 0);
	assert_int_equal(names_records(n->vol, TABLE_XATTR, ino), 0);
	assert_int_equal(xattr_get(file, "user.v", NULL, 0), -ENODATA);
	inode_put(file, 1);
}

static void test_flags(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");

	assert_int_equal(xattr_set(file, "user.a", "x", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(xattr_set(file, "user.a", "x", 1, XATTR_CREATE), 0);
	assert_int_equal(xattr_set(file, "user.a", "y", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(xattr_get(file, "user.a", back, 8), 1);
	assert_int_equal(back[0], 'x');
	assert_int_equal(xattr_set(file, "user.a", "y", 1, XATTR_REPLACE), 0);
	assert_int_equal(xattr_get(file, "user.a", back, 8), 1);
	assert_int_equal(back[0], 'y');
	assert_int_equal(xattr_set(file, "user.a", "y", 1, 64), -EINVAL);
	assert_int_equal(xattr_remove(file, "user.b"), -ENODATA);
	inode_put(file, 1);
}

static void test_names(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	char name[XATTR_NAME_MAX_LEN + 2], list[64];

	memset(name, 'n', sizeof name);
	name[XATTR_NAME_MAX_LEN + 1] = '\0';
	assert_int_equal(xattr_set(file, name, "", 0, 0), -ERANGE);
	assert_int_equal(xattr_set(file, "", "", 0, 0), -ERANGE);
	name[XATTR_NAME_MAX_LEN] = '\0';
	value_fill(9);
	assert_int_equal(xattr_set(file, name, value, 3000, 0), 0);
	value_check(file, name, 3000);
	assert_int_equal(xattr_remove(file, name), 0);

	/* Names of which one begins the other stay apart. */
	assert_int_equal(xattr_list(file, list, sizeof list), 0);
	assert_int_equal(xattr_set(file, "user.a", "1", 1, 0), 0);
	assert_int_equal(xattr_set(file, "user.ab", value, 2000, 0), 0);
	assert_int_equal(xattr_set(file, "user", "3", 1, 0), 0);
	assert_int_equal(xattr_list(file, NULL, 0), 20);
	assert_int_equal(xattr_list(file, list, 19), -ERANGE);
	assert_int_equal(xattr_list(file, list, sizeof list), 20);
	assert_memory_equal(list, "user\0user.a\0user.ab", 20);
	assert_int_equal(xattr_remove(file, "user.a"), 0);
	value_check(file, "user.ab", 2000);
	inode_put(file, 1);
}

static void test_list_bound(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	char name[256];
	int r = 0;
	unsigned i;

	for (i = 0; r == 0 && i < 400; i++) {
		snprintf(name, sizeof name, "user.%0240u", i);
		r = xattr_set(file, name, "v", 1, 0);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(xattr_list(file, NULL, 0), (i - 1) * 246);
	assert_true((i - 1) * 246 <= 65536 && i * 246 > 65536);
	snprintf(name, sizeof name, "user.%0240u", 0u);
	assert_int_equal(xattr_set(file, name, "w", 1, 0), 0);
	inode_put(file, 1);
}

static void test_symlink_target_hidden(void **state)
{
	struct names *n = *state;
	char target[SYMLINK_MAX_LEN + 2], read[SYMLINK_MAX_LEN + 2];
	struct inode *link;
	struct stat st;

	memset(target, 't', sizeof target);
	target[SYMLINK_MAX_LEN + 1] = '\0';
	assert_int_equal(dir_symlink(n->root, "l", target, 0, 0, &link), -ENAMETOOLONG);
	assert_int_equal(dir_symlink(n->root, "l", "", 0, 0, &link), -ENOENT);
	target[SYMLINK_MAX_LEN] = '\0';
	assert_int_equal(dir_symlink(n->root, "l", target, 3, 4, &link), 0);
	assert_int_equal(xattr_set(link, "trusted.t", "v", 1, 0), 0);
	assert_int_equal(xattr_list(link, NULL, 0), 10);
	assert_int_equal(dir_readlink(link, read, sizeof read), SYMLINK_MAX_LEN);
	assert_string_equal(read, target);
	assert_int_equal(dir_readlink(link, read, SYMLINK_MAX_LEN), -ERANGE);
	assert_int_equal(dir_readlink(n->root, read, sizeof read), -EINVAL);
	inode_stat(link, &st);
	assert_int_equal(st.st_size, SYMLINK_MAX_LEN);
	inode_put(link, 1);
	assert_int_equal(dir_unlink(n->root, "l"), 0);
	assert_int_equal(names_records(n->vol, TABLE_XATTR, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sizes, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_flags, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_names, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_list_bound, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_symlink_target_hidden, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
