/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every namespace operation with each of its index writes failing in turn: the error is returned and nothing
 * has changed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/names/acl.h"
#include "fs/names/attr.h"
#include "fs/names/xattr.h"
#include "tests/fs/acls.h"
#include "tests/fs/names.h"

/* The linker puts this in the place of index_put: one write fails, those of the undoing work. */
static int countdown = -1;

int __real_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len);
int __wrap_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len);

int __wrap_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len)
{
	if (countdown >= 0 && countdown-- == 0)
		return -ENOMEM;
	return __real_index_put(op, table, key, key_len, value, len);
}

/* What stands in the index: a sum over all records of the namespace's tables. */
static uint64_t fingerprint(struct volume *vol)
{
	static const enum table tables[] = { TABLE_INODE, TABLE_DIRENT, TABLE_XATTR, TABLE_ORPHAN };
	static struct index_record rec;
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		struct index_scan *scan;
		struct index_op op;

		index_begin(vol->index, &op);
		assert_int_equal(index_scan_open(&op, tables[i], NULL, 0, NULL, 0, &scan), 0);
		while (index_scan_next(scan, &rec) == 1) {
			for (size_t j = 0; j < rec.key_len; j++)
				sum = (sum ^ rec.key[j]) * 1099511628211u;
			for (size_t j = 0; j < rec.len; j++)
				sum = (sum ^ rec.value[j]) * 1099511628211u;
		}
		index_scan_close(scan);
		index_end(&op);
	}
	return sum;
}

/* "a" and "d/a" are files, "e" is an empty directory, "s" a directory with one. */
struct scene {
	struct names *n;
	struct inode *a, *d;
};

static int do_file(struct scene *s)
{
	struct dir_new what = { .mode = S_IFREG | 0600 };
	struct inode *made;
	int r = dir_make(s->n->root, "new", &what, &made);

	if (r == 0)
		inode_put(made, 1);
	return r;
}

static int do_mkdir(struct scene *s)
{
	struct dir_new what = { .mode = S_IFDIR | 0700 };
	struct inode *made;
	int r = dir_make(s->d, "new", &what, &made);

	if (r == 0)
		inode_put(made, 1);
	return r;
}

static int do_symlink(struct scene *s)
{
	char target[3000];
	struct inode *made;
	int r;

	memset(target, 't', sizeof target);
	target[sizeof target - 1] = '\0';
	r = dir_symlink(s->n->root, "new", target, 0, 0, &made);
	if (r == 0)
		inode_put(made, 1);
	return r;
}

static int do_link(struct scene *s)
{
	return dir_link(s->a, s->d, "new");
}

static int do_unlink(struct scene *s)
{
	return dir_unlink(s->n->root, "a");
}

static int do_rmdir(struct scene *s)
{
	return dir_rmdir(s->n->root, "e");
}

static int do_rename(struct scene *s)
{
	return dir_rename(s->n->root, "e", s->d, "new", 0);
}

static int do_rename_over(struct scene *s)
{
	return dir_rename(s->n->root, "a", s->d, "a", 0);
}

static int do_rename_over_directory(struct scene *s)
{
	return dir_rename(s->n->root, "s", s->n->root, "e", 0);
}

static int do_exchange(struct scene *s)
{
	return dir_rename(s->n->root, "e", s->d, "a", RENAME_EXCHANGE);
}

static int do_chmod(struct scene *s)
{
	struct inode_attr to = { .mode = 0 };

	return attr_set(s->a, ATTR_MODE, &to);
}

static int do_setxattr(struct scene *s)
{
	static char value[3000];

	return xattr_set(s->a, "user.new", value, sizeof value, 0);
}

static int do_replace_xattr(struct scene *s)
{
	return xattr_set(s->d, "user.old", "short", 5, 0);
}

static int do_grow_xattr(struct scene *s)
{
	static char value[6000];

	return xattr_set(s->d, "user.old", value, sizeof value, 0);
}

static int do_set_acl(struct scene *s)
{
	uint8_t acl[ACL_LEN(5)];

	acl_fill(acl, 1, 2, 3, 4, 5);
	return acl_set(s->a, ACL_ACCESS, acl, sizeof acl, false);
}

static int do_remove_acl(struct scene *s)
{
	return acl_set(s->a, ACL_ACCESS, NULL, 0, false);
}

static int do_tmpfile(struct scene *s)
{
	struct dir_new what = { .mode = S_IFREG | 0600 };
	struct inode *made;
	int r = dir_tmpfile(s->d, &what, &made);

	if (r)
		return r;
	r = dir_link(made, s->n->root, "new");
	inode_put(made, 1);
	return r;
}

static void scene_make(struct scene *s)
{
	uint8_t acl[ACL_LEN(5)];
	char value[2500];
	struct inode *sub;

	memset(value, 'v', sizeof value);
	s->a = names_file(s->n->root, "a");
	s->d = names_dir(s->n->root, "d");
	inode_put(names_file(s->d, "a"), 1);
	inode_put(names_dir(s->n->root, "e"), 1);
	sub = names_dir(s->n->root, "s");
	assert_int_equal(xattr_set(s->d, "user.old", value, sizeof value, 0), 0);
	acl_fill(acl, 7, 6, 5, 4, 0);
	assert_int_equal(acl_set(s->a, ACL_ACCESS, acl, sizeof acl, false), 0);
	assert_int_equal(acl_set(s->d, ACL_DEFAULT, acl, sizeof acl, false), 0);
	inode_put(names_dir(sub, "below"), 1);
	inode_put(sub, 1);
}

static void scene_clear(struct scene *s)
{
	inode_put(s->a, 1);
	inode_put(s->d, 1);
}

/* Fails the first write, then the second ..., until the operation no longer makes so many. */
static void fail_each(struct names *n, int (*operation)(struct scene *s))
{
	struct scene s = { .n = n };
	struct inode_attr a, d, root;
	uint64_t before;
	int writes = 0, r;

	scene_make(&s);
	before = fingerprint(n->vol);
	a = s.a->attr;
	d = s.d->attr;
	root = n->root->attr;
	for (;; writes++) {
		countdown = writes;
		r = operation(&s);
		countdown = -1;
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_true(fingerprint(n->vol) == before);
		assert_memory_equal(&s.a->attr, &a, sizeof a);
		assert_memory_equal(&s.d->attr, &d, sizeof d);
		assert_memory_equal(&n->root->attr, &root, sizeof root);
	}
	assert_true(writes > 0);
	assert_true(fingerprint(n->vol) != before);
	scene_clear(&s);
}

#define FAILING(operation) \
	static void test_##operation(void **state) \
	{ \
		fail_each(*state, do_##operation); \
	}

FAILING(file)
FAILING(mkdir)
FAILING(symlink)
FAILING(link)
FAILING(unlink)
FAILING(rmdir)
FAILING(rename)
FAILING(rename_over)
FAILING(rename_over_directory)
FAILING(exchange)
FAILING(chmod)
FAILING(setxattr)
FAILING(replace_xattr)
FAILING(grow_xattr)
FAILING(set_acl)
FAILING(remove_acl)
FAILING(tmpfile)

#define TEST(operation) cmocka_unit_test_setup_teardown(test_##operation, names_setup, names_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file), TEST(mkdir), TEST(symlink), TEST(link), TEST(unlink), TEST(rmdir), TEST(rename),
		TEST(rename_over), TEST(rename_over_directory), TEST(exchange), TEST(chmod), TEST(setxattr),
		TEST(replace_xattr), TEST(grow_xattr), TEST(set_acl), TEST(remove_acl), TEST(tmpfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
