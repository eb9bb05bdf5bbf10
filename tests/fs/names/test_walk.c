/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk: every name once, sorted by bytes, directories before what they hold; it ends when it is told to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/names/walk.h"
#include "tests/fs/names.h"

struct seen {
	char paths[4096];
	unsigned left; /* entries until it stops */
};

static int entry_note(void *arg, const char *path, struct inode *inode)
{
	struct seen *s = arg;
	size_t len = strlen(s->paths);

	if (s->left-- == 0)
		return -EINTR;
	snprintf(s->paths + len, sizeof s->paths - len, "%s%s ", path, S_ISDIR(inode->type) ? "/" : "");
	return 0;
}

static int entry_lost(void *arg, const char *path, int error)
{
	(void)arg;
	fail_msg("%s is lost: %d", path, error);
	return 0;
}

static struct inode *make(struct inode *dir, const char *name, uint32_t type)
{
	const struct dir_new what = { .mode = type | 0755 };
	struct inode *inode;

	assert_int_equal(dir_make(dir, name, &what, &inode), 0);
	return inode;
}

static void tree_make(struct inode *root)
{
	struct inode *b = make(root, "b", S_IFDIR), *deep = make(b, "deep", S_IFDIR);

	inode_put(make(root, "c", S_IFREG), 1);
	inode_put(make(root, "b.x", S_IFREG), 1);
	inode_put(make(root, "\xff", S_IFREG), 1);
	inode_put(make(root, "B", S_IFIFO), 1);
	inode_put(make(deep, "z", S_IFREG), 1);
	inode_put(make(b, "a", S_IFREG), 1);
	inode_put(deep, 1);
	inode_put(b, 1);
}

static void test_order(void **state)
{
	struct names *n = *state;
	struct seen s = { .left = 100 };
	const struct walk walk = { .entry = entry_note, .lost = entry_lost, .arg = &s };

	tree_make(n->root);
	assert_int_equal(walk_tree(n->root, ".", &walk), 0);
	assert_string_equal(s.paths, "./ ./B ./b/ ./b/a ./b/deep/ ./b/deep/z ./b.x ./c ./\xff ");
}

static void test_end(void **state)
{
	struct names *n = *state;
	struct seen s = { .left = 5 };
	const struct walk walk = { .entry = entry_note, .lost = entry_lost, .arg = &s };

	tree_make(n->root);
	assert_int_equal(walk_tree(n->root, "top", &walk), -EINTR);
	assert_string_equal(s.paths, "top/ top/B top/b/ top/b/a top/b/deep/ ");
}

static void test_file(void **state)
{
	struct names *n = *state;
	struct seen s = { .left = 100 };
	const struct walk walk = { .entry = entry_note, .lost = entry_lost, .arg = &s };
	struct inode *file = make(n->root, "file", S_IFREG);

	assert_int_equal(walk_tree(file, "a/file", &walk), 0);
	assert_string_equal(s.paths, "a/file ");
	inode_put(file, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_end, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_file, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
