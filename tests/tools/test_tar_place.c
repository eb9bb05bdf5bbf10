/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of archives: where they lie, and which lie nowhere.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fs/names.h"
#include "tools/tar_place.h"

/* Base is a directory of the store, so that there is something to escape to. */
static void place_open(struct names *n, struct tar_place *p)
{
	const struct dir_new what = { .mode = S_IFDIR | 0755 };
	struct inode *inode;
	const char *why;

	assert_int_equal(dir_make(n->root, "base", &what, &inode), 0);
	inode_put(inode, 1);
	assert_int_equal(tar_place_open(n->vol, "/base/", p, &why), 0);
}

static void refused(struct tar_place *p, const char *name, int error)
{
	struct inode *dir;
	const char *why;
	char *last;

	assert_int_equal(tar_place_find(p, name, true, &dir, &last, &why), error);
	assert_null(last);
	if (error == -EINVAL || error == -ENOTDIR)
		assert_non_null(strstr(why, "refused"));
}

static void test_found(void **state)
{
	struct tar_place p;
	struct inode *dir, *same;
	const char *why;
	char *last;

	place_open(*state, &p);
	assert_int_equal(tar_place_find(&p, "./", true, &dir, &last, &why), 0);
	assert_ptr_equal(dir, p.base);
	assert_string_equal(last, "");
	inode_put(dir, 1);
	free(last);
	assert_int_equal(tar_place_find(&p, "a/b/c", false, &dir, &last, &why), -ENOENT);
	assert_int_equal(tar_place_find(&p, "./a//b/./c/", true, &dir, &last, &why), 0);
	assert_string_equal(last, "c");
	free(last);
	assert_int_equal(tar_place_get(&p, "a/b", &same, &why), 0);
	assert_ptr_equal(same, dir);
	inode_put(same, 1);
	inode_put(dir, 1);
	tar_place_close(&p);
}

static void test_refused(void **state)
{
	struct tar_place p;
	struct inode *link;
	char *deep = malloc(20001);

	place_open(*state, &p);
	assert_int_equal(dir_symlink(p.base, "link", "..", 0, 0, &link), 0);
	inode_put(link, 1);
	refused(&p, "", -EINVAL);
	refused(&p, "/", -EINVAL);
	refused(&p, "/etc/passwd", -EINVAL);
	refused(&p, "..", -EINVAL);
	refused(&p, "a/../../b", -EINVAL);
	refused(&p, "link/file", -ENOTDIR);
	refused(&p, "link/base/file", -ENOTDIR);
	assert_non_null(deep);
	for (size_t i = 0; i < 20000; i++)
		deep[i] = i % 2 ? '/' : 'd';
	deep[20000] = '\0';
	refused(&p, deep, -EINVAL);
	memset(deep, 'n', 300);
	deep[300] = '/';
	deep[301] = 'x';
	deep[302] = '\0';
	refused(&p, deep, -ENAMETOOLONG);
	free(deep);
	tar_place_close(&p);
}

/* What was removed is not found again. */
static void test_forget(void **state)
{
	struct tar_place p;
	struct inode *dir;
	const char *why;
	char *last;

	place_open(*state, &p);
	assert_int_equal(tar_place_find(&p, "gone/x", true, &dir, &last, &why), 0);
	inode_put(dir, 1);
	free(last);
	assert_int_equal(dir_rmdir(p.base, "gone"), 0);
	tar_place_forget(&p);
	assert_int_equal(tar_place_find(&p, "gone/x", false, &dir, &last, &why), -ENOENT);
	tar_place_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_refused, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_forget, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
