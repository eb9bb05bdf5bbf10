/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Import: a tree with one of everything comes over as it is; what fails is named, and progress may stop it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/data/file.h"
#include "fs/names/xattr.h"
#include "fs/store/import.h"
#include "fs/store/volume_open.h"
#include "tests/fs/names.h"

#define BIG (5 * CHUNK_SIZE_MIN + 321)

static struct store source; /* a copy: the fixture knows one store at a time */
static uint8_t big[BIG];

/* A path below the source tree, good until the next call. */
static const char *at(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", source.path, name);
	return path;
}

static void write_file(const char *name, const void *bytes, size_t len, off_t offset)
{
	int fd = open(at(name), O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static int tree_setup(void **state)
{
	struct timespec times[2] = { { 1000000000, 123456789 }, { 999999999, 987654321 } };
	char link[512];
	void *store;

	assert_int_equal(store_setup(&store), 0);
	source = *(struct store *)store;
	for (size_t i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * i >> 7);
	assert_int_equal(mkdir(at("dir"), 0751), 0);
	write_file("dir/big", big, BIG, 0);
	write_file("empty", "", 0, 0);
	write_file("sparse", "end", 3, 1000000);
	snprintf(link, sizeof link, "%s", at("dir/big"));
	assert_int_equal(linkat(AT_FDCWD, link, AT_FDCWD, at("second"), 0), 0);
	assert_int_equal(symlink("dir/big", at("symlink")), 0);
	assert_int_equal(mkfifo(at("fifo"), 0620), 0);
	assert_int_equal(chmod(at("dir/big"), 04711), 0);
	assert_int_equal(utimensat(AT_FDCWD, at("symlink"), times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(utimensat(AT_FDCWD, at("dir/big"), times, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, at("dir"), times, 0), 0);
	return names_setup(state);
}

static int tree_teardown(void **state)
{
	void *store = &source;

	names_teardown(state);
	return store_teardown(&store);
}

static struct inode *copy_of(struct names *n, const char *name)
{
	struct inode *inode, *parent = n->root;
	char path[64], *rest = path, *part;

	snprintf(path, sizeof path, "%s", name);
	inode_ref(parent);
	while ((part = strsep(&rest, "/"))) {
		assert_int_equal(dir_lookup(parent, part, &inode), 0);
		inode_put(parent, 1);
		parent = inode;
	}
	return parent;
}

/* Everything stat(2) tells but what belongs to the file system; ctime can't be set. */
static void stat_check(struct names *n, const char *name)
{
	struct inode *inode = copy_of(n, name);
	struct stat want, is;

	assert_int_equal(lstat(at(name), &want), 0);
	inode_stat(inode, &is);
	inode_put(inode, 1);
	assert_int_equal(is.st_mode, want.st_mode);
	assert_int_equal(is.st_uid, want.st_uid);
	assert_int_equal(is.st_gid, want.st_gid);
	assert_int_equal(is.st_nlink, want.st_nlink);
	assert_int_equal(is.st_rdev, want.st_rdev);
	assert_memory_equal(&is.st_mtim, &want.st_mtim, sizeof is.st_mtim);
	if (!S_ISDIR(want.st_mode))
		assert_int_equal(is.st_size, want.st_size);
}

static void test_everything(void **state)
{
	static const char *const all[] = {".",	   "dir",    "dir/big", "second",
					  "empty", "sparse", "symlink", "fifo"};
	bool xattrs = setxattr(at("dir/big"), "user.note", "worth keeping", 13, 0) == 0;
	bool device = mknod(at("null"), S_IFCHR | 0666, makedev(1, 3)) == 0;
	struct import_progress done;
	struct volume_error err;
	struct names *n = *state;
	struct inode *inode;
	static uint8_t back[BIG];
	char text[64];

	assert_int_equal(import_tree(n->vol, source.path, NULL, &done, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(done.files, 7 + device);
	names_reopen(n);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		stat_check(n, all[i]);
	if (device)
		stat_check(n, "null");
	inode = copy_of(n, "dir");
	assert_int_equal(names_ino(inode, "big"), names_ino(n->root, "second"));
	inode_put(inode, 1);
	inode = copy_of(n, "second");
	assert_int_equal(file_read(inode, back, BIG, 0), BIG);
	assert_memory_equal(back, big, BIG);
	if (xattrs) {
		assert_int_equal(xattr_get(inode, "user.note", text, sizeof text), 13);
		assert_memory_equal(text, "worth keeping", 13);
	}
	inode_put(inode, 1);
	inode = copy_of(n, "sparse");
	assert_int_equal(names_records(n->vol, TABLE_CHUNK, inode->ino), 1);
	assert_int_equal(file_read(inode, text, 8, 999998), 5);
	assert_memory_equal(text, "\0\0end", 5);
	inode_put(inode, 1);
	inode = copy_of(n, "symlink");
	assert_int_equal(dir_readlink(inode, text, sizeof text), 7);
	assert_string_equal(text, "dir/big");
	inode_put(inode, 1);
}

static int stop_at_two(void *arg, const struct import_progress *p)
{
	(void)arg;
	return p->files >= 2;
}

static void test_stopped(void **state)
{
	struct import_options opt = { .progress = stop_at_two };
	struct import_progress done;
	struct volume_error err;
	struct names *n = *state;

	assert_int_equal(import_tree(n->vol, source.path, &opt, &done, &err), -EINTR);
	assert_int_equal(done.files, 2);
}

static void test_failures(void **state)
{
	struct import_progress done;
	struct volume_error err;
	struct names *n = *state;
	struct dir_new what = { .mode = S_IFREG | 0644 };
	struct inode *dir;

	assert_int_equal(import_tree(n->vol, at("none"), NULL, &done, &err), -ENOENT);
	assert_string_equal(err.text, at("none"));
	assert_int_equal(import_tree(n->vol, at("empty"), NULL, &done, &err), -ENOTDIR);
	assert_int_equal(import_tree(n->vol, n->store->path, NULL, &done, &err), -EINVAL);
	/* A name in the way, deep in the tree. */
	assert_int_equal(mkdir(at("dir/sub"), 0755), 0);
	write_file("dir/sub/x", "1", 1, 0);
	assert_int_equal(dir_make(n->root, "fifo", &what, &dir), 0);
	inode_put(dir, 1);
	assert_int_equal(import_tree(n->vol, source.path, NULL, &done, &err), -EEXIST);
	assert_string_equal(err.text, at("fifo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_stopped, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(test_failures, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
