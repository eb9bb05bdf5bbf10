/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkdir(2), rmdir(2): link counts, inherited groups, directories that are gone but still open, and what they refuse.
 */
#include <dirent.h>

#include "tests/posix/place.h"

static void modes(void **state)
{
	mode_t mask = umask(027);

	(void)state;
	assert_done(mkdir("masked", 0777));
	umask(0);
	assert_done(mkdir("sticky", 01777));
	umask(mask);
	assert_int_equal(place_stat("masked").st_mode, S_IFDIR | 0750);
	assert_int_equal(place_stat("sticky").st_mode, S_IFDIR | 01777);
	assert_int_equal(place_stat("sticky").st_nlink, 2);
	assert_done(mkdir("slash/", 0755));
	assert_done(rmdir("slash/"));
	assert_done(rmdir("sticky"));
	assert_done(rmdir("masked"));
}

static void inherits_group(void **state)
{
	(void)state;
	place_need_root();
	assert_done(mkdir("g", 0755));
	assert_done(chown("g", 0, 77));
	assert_done(chmod("g", 02775));
	assert_done(mkdir("g/sub", 0755)); /* a set-group-id directory hands on its group, and the bit to directories */
	place_file("g/file", "x");
	assert_int_equal(place_stat("g/sub").st_gid, 77);
	assert_int_equal(place_stat("g/sub").st_mode & 07777, 02755);
	assert_int_equal(place_stat("g/file").st_gid, 77);
	assert_int_equal(place_stat("g/file").st_mode & 07777, 0644);
	assert_done(unlink("g/file"));
	assert_done(rmdir("g/sub"));
	assert_done(rmdir("g"));
}

static void link_counts(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	for (int i = 1; i <= 20; i++) {
		char name[16];

		snprintf(name, sizeof name, "d/%d", i);
		assert_done(mkdir(name, 0755));
		assert_int_equal(place_stat("d").st_nlink, 2 + i);
	}
	place_file("d/f", "x");
	assert_int_equal(place_stat("d").st_nlink, 22);
	assert_done(unlink("d/f"));
	for (int i = 20; i >= 1; i--) {
		char name[16];

		snprintf(name, sizeof name, "d/%d", i);
		assert_done(rmdir(name));
		assert_int_equal(place_stat("d").st_nlink, 1 + i);
	}
	assert_done(rmdir("d"));
}

static void gone_but_open(void **state)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	struct stat st;
	char buf[64];
	DIR *dir;

	(void)state;
	assert_done(mkdir("d", 0755));
	dir = opendir("d");
	assert_non_null(dir);
	assert_done(chdir("d"));
	assert_done(unlinkat(here, "d", AT_REMOVEDIR));
	assert_errno(open("f", O_CREAT | O_WRONLY, 0644), ENOENT);
	assert_errno(mkdir("e", 0755), ENOENT);
	assert_errno(symlink("x", "s"), ENOENT);
	assert_null(getcwd(buf, sizeof buf));
	assert_int_equal(errno, ENOENT);
	assert_done(fstat(dirfd(dir), &st));
	assert_int_equal(st.st_nlink, 0);
	for (struct dirent *e; (e = readdir(dir));)
		assert_true(strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
	assert_done(closedir(dir));
	assert_done(fchdir(here));
	assert_done(close(here));
}

static void refuses(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	assert_done(mkdir("d/e", 0755));
	place_file("f", "x");
	assert_done(symlink("nowhere", "s"));
	assert_errno(mkdir("d", 0755), EEXIST);
	assert_errno(mkdir("f", 0755), EEXIST);
	assert_errno(mkdir("s", 0755), EEXIST);
	assert_errno(mkdir(".", 0755), EEXIST);
	assert_errno(mkdir("f/x", 0755), ENOTDIR);
	assert_errno(mkdir("none/x", 0755), ENOENT);
	assert_errno(mkdir("", 0755), ENOENT);
	assert_errno(rmdir("d"), ENOTEMPTY);
	assert_errno(rmdir("d/e/.."), ENOTEMPTY);
	assert_errno(rmdir("d/e/."), EINVAL);
	assert_errno(rmdir("f"), ENOTDIR);
	assert_errno(rmdir("s"), ENOTDIR);
	assert_errno(rmdir("none"), ENOENT);
	assert_done(unlink("s"));
	assert_done(unlink("f"));
	assert_done(rmdir("d/e"));
	assert_done(rmdir("d"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(modes),
		place_case(inherits_group),
		place_case(link_counts),
		place_case(gone_but_open),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
