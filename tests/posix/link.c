/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link(2), symlink(2), unlink(2) and their *at twins.
 */
#include <limits.h>

#include "tests/posix/place.h"

static void counts(void **state)
{
	(void)state;
	place_file("a", "x");
	assert_done(mkdir("d", 0755));
	for (int i = 1; i <= 50; i++) {
		char name[16];

		snprintf(name, sizeof name, "d/%d", i);
		assert_done(link("a", name));
		assert_int_equal(place_stat("a").st_nlink, i + 1);
		assert_int_equal(place_stat(name).st_ino, place_stat("a").st_ino);
	}
	assert_done(unlink("a"));
	for (int i = 1; i <= 50; i++) {
		char name[16];

		snprintf(name, sizeof name, "d/%d", i);
		assert_text(name, "x");
		assert_int_equal(place_stat(name).st_nlink, 51 - i);
		assert_done(unlink(name));
	}
	assert_done(rmdir("d"));
}

static void times(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	place_file("a", "x");
	place_age("a");
	place_age("d");
	assert_done(link("a", "d/b"));
	assert_int_equal(place_stat("a").st_mtim.tv_sec, 1000);
	assert_true(place_stat("a").st_ctim.tv_sec > 1000);
	assert_true(place_stat("d").st_mtim.tv_sec > 1000);
	assert_true(place_stat("d").st_ctim.tv_sec > 1000);
	place_age("d");
	assert_done(unlink("d/b"));
	assert_true(place_stat("d").st_mtim.tv_sec > 1000);
	assert_int_equal(place_stat("a").st_mtim.tv_sec, 1000);
	assert_done(unlink("a"));
	assert_done(rmdir("d"));
}

static void of_symlinks(void **state)
{
	char back[16];

	(void)state;
	place_file("a", "x");
	assert_done(symlink("a", "s"));
	assert_done(link("s", "s2")); /* a second name of the symlink itself */
	assert_true(S_ISLNK(place_stat("s2").st_mode));
	assert_int_equal(place_stat("s2").st_nlink, 2);
	assert_int_equal(readlink("s2", back, sizeof back), 1);
	assert_done(linkat(AT_FDCWD, "s", AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
	assert_int_equal(place_stat("b").st_ino, place_stat("a").st_ino);
	assert_done(unlink("s"));
	assert_done(unlink("s2"));
	assert_done(unlink("b"));
	assert_done(unlink("a"));
}

static void of_other_types(void **state)
{
	(void)state;
	assert_done(mkfifo("p", 0600));
	assert_done(link("p", "q"));
	assert_int_equal(place_stat("p").st_nlink, 2);
	assert_done(unlink("p"));
	assert_true(S_ISFIFO(place_stat("q").st_mode));
	assert_done(unlink("q"));
	assert_done(mkdir("d", 0755));
	assert_errno(link("d", "e"), EPERM);
	assert_done(rmdir("d"));
}

static void by_descriptor(void **state)
{
	int fd = place_new("a");
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_done(linkat(AT_FDCWD, path, AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
	assert_done(unlink("a"));
	assert_done(unlink("b"));
	assert_errno(linkat(AT_FDCWD, path, AT_FDCWD, "c", AT_SYMLINK_FOLLOW), ENOENT); /* gone is gone */
	assert_done(close(fd));
}

static void refuses(void **state)
{
	char name[NAME_MAX + 2];

	(void)state;
	place_file("a", "x");
	place_file("b", "y");
	assert_done(mkdir("d", 0755));
	memset(name, 'n', NAME_MAX + 1);
	name[NAME_MAX + 1] = '\0';
	assert_errno(link("a", "b"), EEXIST);
	assert_errno(link("none", "c"), ENOENT);
	assert_errno(link("a", "none/c"), ENOENT);
	assert_errno(link("a", "b/c"), ENOTDIR);
	assert_errno(link("a", name), ENAMETOOLONG);
	assert_errno(link("a", "/dev/not-there"), EXDEV);
	assert_errno(unlink("d"), EISDIR);
	assert_errno(unlink("a/"), ENOTDIR);
	assert_errno(unlink("none"), ENOENT);
	assert_errno(unlink(""), ENOENT);
	assert_errno(unlink(name), ENAMETOOLONG);
	assert_errno(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR), ENOTDIR);
	assert_errno(symlink("x", "a"), EEXIST);
	assert_errno(symlink("", "empty"), ENOENT);
	assert_errno(symlink("x", name), ENAMETOOLONG);
	assert_text("b", "y");
	assert_done(rmdir("d"));
	assert_done(unlink("b"));
	assert_done(unlink("a"));
}

static void symlink_lengths(void **state)
{
	static const size_t lengths[] = { 1, 59, 60, 61, 255, 256, 1000, 2047, 2048, 4000, 4095 };
	char target[4097], back[4097];

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		memset(target, 'a' + (int)i, lengths[i]);
		target[lengths[i]] = '\0';
		assert_done(symlink(target, "s"));
		assert_int_equal(place_stat("s").st_size, lengths[i]);
		assert_int_equal(readlink("s", back, sizeof back), lengths[i]);
		assert_memory_equal(back, target, lengths[i]);
		assert_int_equal(readlink("s", back, 1), 1); /* cut to what fits */
		assert_int_equal(place_stat("s").st_mode, S_IFLNK | 0777);
		assert_done(unlink("s"));
	}
	memset(target, 'x', 4096);
	target[4096] = '\0';
	assert_errno(symlink(target, "s"), ENAMETOOLONG);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(counts),
		place_case(times),
		place_case(of_symlinks),
		place_case(of_other_types),
		place_case(by_descriptor),
		place_case(refuses),
		place_case(symlink_lengths),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
