/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes: modes, owners, times to the nanosecond and which calls change them, extended attributes, statfs(2).
 */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "tests/mount/place.h"

static void modes(void **state)
{
	int fd;

	(void)state;
	place_file("f", "x");
	assert_done(chmod("f", 06755));
	assert_int_equal(place_stat("f").st_mode & 07777, 06755);
	fd = open("f", O_WRONLY);
	assert_true(fd >= 0);
	assert_done(fchmod(fd, 0));
	assert_int_equal(place_stat("f").st_mode & 07777, 0);
	assert_int_equal(write(fd, "y", 1), 1); /* the open file stays open */
	assert_done(close(fd));
	assert_errno(chmod("none", 0644), ENOENT);
	assert_done(unlink("f"));
}

static void owners(void **state)
{
	(void)state;
	place_file("f", "x");
	if (geteuid() == 0) {
		assert_done(chown("f", 4000000000u, 3000000000u));
		assert_int_equal(place_stat("f").st_uid, 4000000000u);
		assert_int_equal(place_stat("f").st_gid, 3000000000u);
		assert_done(chown("f", (uid_t)-1, 7));
		assert_int_equal(place_stat("f").st_uid, 4000000000u);
		assert_int_equal(place_stat("f").st_gid, 7);
		assert_done(mkdir("g", 0755));
		assert_done(chown("g", 0, 77));
		assert_done(chmod("g", 02775));
		assert_done(mkdir("g/sub", 0755)); /* a set-group-id directory hands on its group, and the bit to directories */
		place_file("g/file", "x");
		assert_int_equal(place_stat("g/sub").st_gid, 77);
		assert_int_equal(place_stat("g/sub").st_mode & 07777, 02755);
		assert_int_equal(place_stat("g/file").st_gid, 77);
		assert_done(unlink("g/file"));
		assert_done(rmdir("g/sub"));
		assert_done(rmdir("g"));
	}
	assert_done(unlink("f"));
}

static void set_times(void **state)
{
	const struct timespec exact[2] = { { 1000000001, 123456789 }, { -5, 999999999 } };
	const struct timespec only_mtime[2] = { { 0, UTIME_OMIT }, { 4102444800, 1 } };
	struct stat st;

	(void)state;
	place_file("f", "x");
	assert_done(utimensat(AT_FDCWD, "f", exact, 0));
	st = place_stat("f");
	assert_int_equal(st.st_atim.tv_sec, 1000000001);
	assert_int_equal(st.st_atim.tv_nsec, 123456789);
	assert_int_equal(st.st_mtim.tv_sec, -5); /* before 1970 */
	assert_int_equal(st.st_mtim.tv_nsec, 999999999);
	assert_done(utimensat(AT_FDCWD, "f", only_mtime, 0));
	st = place_stat("f");
	assert_int_equal(st.st_atim.tv_nsec, 123456789);
	assert_int_equal(st.st_mtim.tv_sec, 4102444800);
	assert_done(unlink("f"));
}

static void set_old(const char *name)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	assert_done(utimensat(AT_FDCWD, name, old, 0));
}

static void changes_times(void **state)
{
	int fd;

	(void)state;
	assert_done(mkdir("d", 0755));
	place_file("d/f", "x");
	set_old("d");
	place_file("d/f", "yy"); /* no change of names */
	assert_int_equal(place_stat("d").st_mtim.tv_sec, 1000);
	assert_done(rename("d/f", "d/g"));
	assert_true(place_stat("d").st_mtim.tv_sec > 1000);
	set_old("d/g");
	assert_done(chmod("d/g", 0600));
	assert_int_equal(place_stat("d/g").st_mtim.tv_sec, 1000);
	assert_true(place_stat("d/g").st_ctim.tv_sec > 1000);
	fd = open("d/g", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "z", 1), 1);
	assert_done(close(fd));
	assert_true(place_stat("d/g").st_mtim.tv_sec > 1000);
	set_old("d");
	assert_done(unlink("d/g"));
	assert_true(place_stat("d").st_mtim.tv_sec > 1000);
	assert_done(rmdir("d"));
}

static void write_then_set_times(void **state)
{
	int fd = open("f", O_CREAT | O_WRONLY, 0644);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "data", 4), 4);
	set_old("f");
	assert_done(fsync(fd)); /* what cp -p does: the write is not stamped again when it reaches the disk */
	assert_done(close(fd));
	st = place_stat("f");
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_int_equal(st.st_size, 4);
	assert_done(unlink("f"));
}

static void statfs_is_sane(void **state)
{
	struct statvfs vfs;

	(void)state;
	assert_done(statvfs(".", &vfs));
	assert_int_equal(vfs.f_namemax, 255);
	assert_true(vfs.f_bsize >= 512);
	assert_true(vfs.f_blocks > 0);
	assert_true(vfs.f_bavail <= vfs.f_bfree && vfs.f_bfree <= vfs.f_blocks);
	assert_true(vfs.f_files == 0 || vfs.f_ffree <= vfs.f_files);
}

static void extended(void **state)
{
	char value[2000], back[2000], list[256];

	(void)state;
	place_file("f", "x");
	if (setxattr("f", "user.a", "1", 1, 0) != 0 && errno == ENOTSUP)
		skip(); /* this file system has none */
	memset(value, 'v', sizeof value);
	assert_errno(setxattr("f", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	assert_errno(setxattr("f", "user.b", "2", 1, XATTR_REPLACE), ENODATA);
	assert_done(setxattr("f", "user.big", value, sizeof value, XATTR_CREATE));
	assert_int_equal(getxattr("f", "user.big", back, sizeof back), sizeof value);
	assert_memory_equal(back, value, sizeof value);
	assert_int_equal(getxattr("f", "user.big", NULL, 0), sizeof value);
	assert_errno((int)getxattr("f", "user.big", back, 10), ERANGE);
	assert_done(setxattr("f", "user.empty", "", 0, 0));
	assert_int_equal(getxattr("f", "user.empty", back, sizeof back), 0);
	assert_int_equal(listxattr("f", list, sizeof list), sizeof "user.a" + sizeof "user.big" + sizeof "user.empty");
	assert_errno((int)listxattr("f", list, 3), ERANGE);
	assert_done(setxattr("f", "user.big", "small", 5, XATTR_REPLACE));
	assert_int_equal(getxattr("f", "user.big", back, sizeof back), 5);
	assert_done(removexattr("f", "user.a"));
	assert_errno(removexattr("f", "user.a"), ENODATA);
	assert_errno((int)getxattr("f", "user.a", back, sizeof back), ENODATA);
	assert_done(unlink("f"));
	place_file("f", "x"); /* a new file of the same name has none of them */
	assert_int_equal(listxattr("f", list, sizeof list), 0);
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),          cmocka_unit_test(owners),
		cmocka_unit_test(set_times),      cmocka_unit_test(changes_times),
		cmocka_unit_test(write_then_set_times), cmocka_unit_test(statfs_is_sane),
		cmocka_unit_test(extended),
	};

	place_enter(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
