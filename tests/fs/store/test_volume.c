/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and opening stores: what is refused, why in words, and that nothing is left behind or harmed by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/store/volume_open.h"
#include "index/lock.h"
#include "tests/fs/fixture.h"

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof *f);

	fixture_init(f, 16 << 10);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static mode_t mode_of(const char *dir, const char *name)
{
	int fd = open(dir, O_PATH | O_DIRECTORY);
	struct stat st;

	assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	close(fd);
	return st.st_mode & 07777;
}

static int try_open(struct fixture *f, const char *path, struct volume_error *err)
{
	struct volume *vol;
	int r = volume_open(path, &f->opt, &vol, err);

	if (r == 0)
		assert_int_equal(volume_close(vol), 0);
	else
		assert_null(vol);
	return r;
}

static void test_create_is_private(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mode_of(f->path, "."), 0700);
	assert_int_equal(mode_of(f->path, "seg"), 0700);
	assert_int_equal(mode_of(f->path, "index.mdb"), 0600);
	assert_int_equal(mode_of(f->path, "lock"), 0600);
}

static void test_create_refuses(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char path[400];

	assert_int_equal(volume_create(f->path, 16384, NULL, 0, 0, &err), -ENOTEMPTY);
	assert_string_equal(err.text, "the directory is not empty");
	snprintf(path, sizeof path, "%s/other", f->dir);
	assert_int_equal(volume_create(path, 5000, NULL, 0, 0, &err), -EINVAL);
	assert_non_null(strstr(err.text, "power of two"));
	assert_int_equal(volume_create(path, 16384, "a label of more than thirty-two bytes", 0, 0, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "label"));
	snprintf(path, sizeof path, "%s/no/where", f->dir);
	assert_int_equal(volume_create(path, 16384, NULL, 0, 0, &err), -ENOENT);
	assert_int_equal(entries(f->dir), 1);
	fixture_reopen(f); /* the store is as it was */
}

static void test_create_in_an_empty_directory(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char path[400];

	snprintf(path, sizeof path, "%s/empty", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(volume_create(path, 4096, "label", 7, 8, &err), 0);
	assert_int_equal(mode_of(path, "."), 0700);
	assert_int_equal(try_open(f, path, &err), 0);
}

static void test_create_undoes(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char path[400];
	int status;
	pid_t pid;

	snprintf(path, sizeof path, "%s/empty", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	pid = fork();
	if (pid == 0) {
		const struct rlimit limit = { 4, 4 }; /* descriptors run out before the index is open */

		setrlimit(RLIMIT_NOFILE, &limit);
		_exit(volume_create(path, 4096, NULL, 0, 0, &err) < 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(entries(path), 0);
	assert_int_equal(mode_of(path, "."), 0755);
}

static void test_open_refuses_what_is_no_store(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char path[400];

	snprintf(path, sizeof path, "%s/missing", f->dir);
	assert_int_equal(try_open(f, path, &err), -ENOENT);
	assert_string_equal(err.text, "");
	assert_int_equal(try_open(f, f->dir, &err), -ENOENT);
	assert_non_null(strstr(err.text, "not a firn store"));
	assert_int_equal(entries(f->dir), 1);
}

static void test_open_refuses_a_locked_store(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char text[256];

	assert_int_equal(try_open(f, f->path, &err), -EBUSY);
	snprintf(text, sizeof text, "in use by firn, pid %ld", (long)getpid());
	assert_string_equal(err.text, text);
	assert_int_equal(store_lock_update(f->vol->lockfd, "firn compact", "/mnt/a b"), 0);
	assert_int_equal(try_open(f, f->path, &err), -EBUSY);
	snprintf(text, sizeof text, "in use by firn compact, pid %ld, on /mnt/a b", (long)getpid());
	assert_string_equal(err.text, text);
}

/* A process that holds the lock, and lets it go when told so through `end`, or (-1) soon. */
static pid_t holder_start(struct fixture *f, const char *role, int end)
{
	int ready[2], dirfd = open(f->path, O_RDONLY | O_DIRECTORY);
	char byte;
	pid_t pid;

	assert_true(dirfd >= 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r = store_lock(dirfd, role, "/is/not/mounted", NULL) < 0 || write(ready[1], "x", 1) != 1;

		if (end >= 0)
			r |= read(end, &byte, 1) != 1;
		else
			usleep(100 * 1000); /* whether the other waits for the lock or finds it free: it gets it */
		_exit(r);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(dirfd);
	return pid;
}

static void test_open_waits_for_a_daemon_that_ends(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	int status, end[2];
	pid_t pid;

	fixture_close(f);
	pid = holder_start(f, "firnfs", -1);
	assert_int_equal(try_open(f, f->path, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid); /* dead and unburied until here */
	assert_int_equal(status, 0);
	assert_int_equal(pipe(end), 0);
	pid = holder_start(f, "firn compact", end[0]);
	assert_int_equal(try_open(f, f->path, &err), -EBUSY); /* this one says himself when he is done */
	assert_int_equal(write(end[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(end[0]);
	close(end[1]);
}

/* Puts a superblock with other fields in place of the store's. */
static void super_replace(struct fixture *f, const struct super *sb, bool damage)
{
	struct super_disk disk;
	struct index_op op;

	index_begin(f->vol->index, &op);
	assert_int_equal(super_store(&op, sb), 0);
	if (damage) {
		assert_int_equal(index_get(&op, TABLE_META, "super", 5, &disk, sizeof disk), sizeof disk);
		disk.label[0] ^= 1;
		assert_int_equal(index_put(&op, TABLE_META, "super", 5, &disk, sizeof disk), 0);
	}
	index_end(&op);
	fixture_close(f);
}

static void test_open_refuses_a_newer_format(void **state)
{
	struct fixture *f = *state;
	struct super sb = f->vol->super;
	struct volume_error err;

	sb.version = FORMAT_VERSION + 1;
	super_replace(f, &sb, false);
	assert_int_equal(try_open(f, f->path, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.text, "made by a newer firn (format 3; this one knows 2)");
}

static void test_open_refuses_an_older_format(void **state)
{
	struct fixture *f = *state;
	struct super sb = f->vol->super;
	struct volume_error err;

	sb.version = FORMAT_VERSION - 1;
	super_replace(f, &sb, false);
	assert_int_equal(try_open(f, f->path, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.text, "made by an older firn (format 1; this one knows 2)");
}

static void test_open_refuses_unknown_features(void **state)
{
	struct fixture *f = *state;
	struct super sb = f->vol->super;
	struct volume_error err;

	sb.incompat = 0x30;
	super_replace(f, &sb, false);
	assert_int_equal(try_open(f, f->path, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.text, "made by a newer firn (it needs the features 0x30)");
}

static void test_unknown_ro_compat_is_read_only(void **state)
{
	struct fixture *f = *state;
	struct super sb = f->vol->super;

	sb.ro_compat = 1;
	super_replace(f, &sb, false);
	fixture_open(f);
	assert_true(f->vol->readonly);
}

static void test_open_refuses_a_damaged_superblock(void **state)
{
	struct fixture *f = *state;
	struct super sb = f->vol->super;
	struct volume_error err;

	super_replace(f, &sb, true);
	assert_int_equal(try_open(f, f->path, &err), -EUCLEAN);
	assert_string_equal(err.text, "damaged superblock: fsck.firn can mend it");
}

static void test_open_refuses_a_foreign_index(void **state)
{
	struct fixture *f = *state;
	struct volume_error err;
	char path[400];
	int fd;

	fixture_close(f);
	snprintf(path, sizeof path, "%s/index.mdb", f->path);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "this is no database at all", 26), 26);
	close(fd);
	assert_int_equal(try_open(f, f->path, &err), -EUCLEAN);
	assert_string_equal(err.text, "damaged or foreign index.mdb: fsck.firn makes a new one");
}

static void test_readonly_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = fixture_make(f, "file");
	uint8_t bytes[100000];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1000);
	assert_int_equal(file_write(inode, bytes, sizeof bytes, 0, false), sizeof bytes);
	inode_put(inode, 1);
	fixture_close(f);
	f->opt.readonly = true;
	assert_int_equal(chmod(f->path, 0500), 0);
	fixture_open(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, bytes, sizeof bytes);
	assert_int_equal(file_write(inode, "x", 1, 0, false), -EROFS);
	assert_int_equal(file_sync(inode), 0);
	inode_put(inode, 1);
	fixture_close(f);
	assert_int_equal(chmod(f->path, 0700), 0);
	f->opt.readonly = false;
	fixture_open(f);
}

static void test_statfs(void **state)
{
	struct fixture *f = *state;
	struct volume_statfs st;

	assert_int_equal(volume_statfs(f->vol, &st), 0);
	assert_int_equal(st.block_size, 4096);
	assert_true(st.blocks >= st.blocks_free && st.blocks_free >= st.blocks_available);
	assert_int_equal(st.files - st.files_free, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create_is_private, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_in_an_empty_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_undoes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_what_is_no_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_a_locked_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_waits_for_a_daemon_that_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_a_newer_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_an_older_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_unknown_features, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_ro_compat_is_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_a_damaged_superblock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_refuses_a_foreign_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readonly_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statfs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
