/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACLs and modes in step, inheritance, and ACLs that are none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/names/acl.h"
#include "fs/names/attr.h"
#include "fs/names/xattr.h"
#include "tests/fs/acls.h"
#include "tests/fs/names.h"

static void check_acl(struct inode *inode, const char *name, unsigned owner, unsigned named, unsigned group, unsigned mask,
		      unsigned other)
{
	uint8_t want[ACL_LEN(5)], got[ACL_MAX];

	acl_fill(want, owner, named, group, mask, other);
	assert_int_equal(xattr_get(inode, name, got, sizeof got), sizeof want);
	assert_memory_equal(got, want, sizeof want);
}

static void check_none(struct inode *inode, const char *name)
{
	assert_int_equal(xattr_get(inode, name, NULL, 0), -ENODATA);
}

static void test_mode_and_acl(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f");
	struct inode_attr to = { .mode = 04751 };
	uint8_t acl[ACL_LEN(5)];

	acl_fill(acl, 6, 7, 4, 5, 1);
	assert_int_equal(acl_set(file, ACL_ACCESS, acl, sizeof acl, false), 0);
	assert_int_equal(file->attr.mode, S_IFREG | 0651);
	check_acl(file, ACL_ACCESS, 6, 7, 4, 5, 1);
	assert_int_equal(attr_set(file, ATTR_MODE, &to), 0);
	assert_int_equal(file->attr.mode, S_IFREG | 04751);
	check_acl(file, ACL_ACCESS, 7, 7, 4, 5, 1);
	to.mode = 02700;
	assert_int_equal(attr_set(file, ATTR_MODE, &to), 0);
	check_acl(file, ACL_ACCESS, 7, 7, 4, 0, 0);
	acl_fill(acl, 7, 7, 7, 7, 7);
	assert_int_equal(acl_set(file, ACL_ACCESS, acl, sizeof acl, false), 0);
	assert_int_equal(file->attr.mode, S_IFREG | 02777);
	assert_int_equal(acl_set(file, ACL_ACCESS, acl, sizeof acl, true), 0);
	assert_int_equal(file->attr.mode, S_IFREG | 0777);
	assert_int_equal(acl_set(file, ACL_ACCESS, NULL, 0, false), 0);
	check_none(file, ACL_ACCESS);
	assert_int_equal(acl_set(file, ACL_ACCESS, NULL, 0, false), 0); /* there is none: no error */
	assert_int_equal(file->attr.mode, S_IFREG | 0777);
	inode_put(file, 1);
}

static void test_malformed(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f"), *dir = names_dir(n->root, "d"), *link;
	uint8_t acl[ACL_LEN(5)], bad[ACL_LEN(5)], large[ACL_MAX + 8] = { 2 };

	acl_fill(acl, 7, 7, 7, 7, 7);
	for (size_t len = 1; len < sizeof acl; len++)
		assert_int_equal(acl_set(dir, ACL_DEFAULT, acl, len, false), len == 4 ? 0 : -EINVAL);
	for (size_t i = 0; i < sizeof acl; i++) {
		bool id = i >= 4 && (i - 4) % 8 >= 4, perm = i >= 4 && (i - 4) % 8 == 2;

		memcpy(bad, acl, sizeof bad);
		bad[i] = perm ? 8 : (uint8_t)(bad[i] ^ 0x40);
		assert_int_equal(acl_set(dir, ACL_DEFAULT, bad, sizeof bad, false), id ? 0 : -EINVAL);
	}
	assert_int_equal(acl_set(dir, ACL_DEFAULT, large, sizeof large, false), -E2BIG);
	assert_int_equal(acl_set(file, ACL_DEFAULT, acl, sizeof acl, false), -EACCES);
	assert_int_equal(acl_set(file, ACL_DEFAULT, NULL, 0, false), 0);
	assert_int_equal(dir_symlink(n->root, "l", "f", 0, 0, &link), 0);
	assert_int_equal(acl_set(link, ACL_ACCESS, acl, sizeof acl, false), -EOPNOTSUPP);
	inode_put(link, 1);
	inode_put(dir, 1);
	inode_put(file, 1);
}

static struct inode *make(struct inode *parent, const char *name, uint32_t mode)
{
	struct dir_new what = { .mode = mode, .umask = 077 };
	struct inode *made;

	assert_int_equal(dir_make(parent, name, &what, &made), 0);
	return made;
}

static void test_inheritance(void **state)
{
	struct names *n = *state;
	struct inode *dir = names_dir(n->root, "d"), *made, *sub;
	uint8_t acl[ACL_LEN(5)];

	made = make(dir, "before", S_IFREG | 0666);
	assert_int_equal(made->attr.mode, S_IFREG | 0600);
	inode_put(made, 1);
	acl_fill(acl, 7, 6, 5, 6, 4);
	assert_int_equal(acl_set(dir, ACL_DEFAULT, acl, sizeof acl, false), 0);
	made = make(dir, "file", S_IFREG | 04640);
	assert_int_equal(made->attr.mode, S_IFREG | 04640);
	check_acl(made, ACL_ACCESS, 6, 6, 5, 4, 0);
	check_none(made, ACL_DEFAULT);
	inode_put(made, 1);
	sub = make(dir, "sub", S_IFDIR | 0777);
	assert_int_equal(sub->attr.mode, S_IFDIR | 0764);
	check_acl(sub, ACL_ACCESS, 7, 6, 5, 6, 4);
	check_acl(sub, ACL_DEFAULT, 7, 6, 5, 6, 4);
	made = make(sub, "deep", S_IFIFO | 0666);
	assert_int_equal(made->attr.mode, S_IFIFO | 0664);
	inode_put(made, 1);
	inode_put(sub, 1);
	inode_put(dir, 1);
	names_reopen(n); /* what is known of a directory in memory is gone */
	assert_int_equal(dir_lookup(n->root, "d", &dir), 0);
	made = make(dir, "again", S_IFREG | 0666);
	assert_int_equal(made->attr.mode, S_IFREG | 0664);
	inode_put(made, 1);
	assert_int_equal(xattr_remove(dir, ACL_DEFAULT), 0);
	made = make(dir, "after", S_IFREG | 0666);
	assert_int_equal(made->attr.mode, S_IFREG | 0600);
	check_none(made, ACL_ACCESS);
	inode_put(made, 1);
	inode_put(dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode_and_acl, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_malformed, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_inheritance, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
