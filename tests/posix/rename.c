/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2), renameat2(2) as POSIX and Linux define them: every pairing of types, NOREPLACE, EXCHANGE, loops, effects on links.
 */
#include "tests/posix/place.h"

static void replaces_file(void **state)
{
	struct stat before;
	int fd;
	char buf[8];

	(void)state;
	place_file("a", "new");
	place_file("b", "old");
	before = place_stat("a");
	fd = open("b", O_RDONLY);
	assert_true(fd >= 0);
	assert_done(rename("a", "b"));
	assert_errno(access("a", F_OK), ENOENT);
	assert_text("b", "new");
	assert_int_equal(place_stat("b").st_ino, before.st_ino);
	assert_int_equal(read(fd, buf, sizeof buf), 3); /* who had the old one open keeps it */
	assert_memory_equal(buf, "old", 3);
	assert_done(close(fd));
	assert_done(unlink("b"));
}

static void replaces_directory(void **state)
{
	(void)state;
	assert_done(mkdir("d1", 0755));
	assert_done(mkdir("d2", 0755));
	assert_done(mkdir("full", 0755));
	place_file("d1/inside", "x");
	place_file("full/inside", "y");
	assert_errno(rename("d1", "full"), ENOTEMPTY);
	assert_done(rename("d1", "d2"));
	assert_text("d2/inside", "x");
	assert_errno(access("d1", F_OK), ENOENT);
	assert_done(unlink("d2/inside"));
	assert_done(unlink("full/inside"));
	assert_done(rmdir("d2"));
	assert_done(rmdir("full"));
}

static void refuses_mixed_types(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	place_file("f", "x");
	assert_errno(rename("d", "f"), ENOTDIR);
	assert_errno(rename("f", "d"), EISDIR);
	assert_errno(rename("none", "f"), ENOENT);
	assert_errno(rename("f", "none/f"), ENOENT);
	assert_done(unlink("f"));
	assert_done(rmdir("d"));
}

static void refuses_loops(void **state)
{
	(void)state;
	assert_done(mkdir("top", 0755));
	assert_done(mkdir("top/mid", 0755));
	assert_errno(rename("top", "top/mid/top"), EINVAL);
	assert_errno(rename("top", "top/self"), EINVAL);
	assert_errno(rename("top/mid", "top"), ENOTEMPTY);
	assert_done(rmdir("top/mid"));
	assert_done(rmdir("top"));
}

static void two_names_of_one_file(void **state)
{
	(void)state;
	place_file("a", "x");
	assert_done(link("a", "b"));
	assert_done(rename("a", "b")); /* POSIX: does nothing */
	assert_done(access("a", F_OK));
	assert_int_equal(place_stat("b").st_nlink, 2);
	assert_done(unlink("a"));
	assert_done(unlink("b"));
}

static void noreplace(void **state)
{
	(void)state;
	place_file("a", "a");
	place_file("b", "b");
	assert_errno(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
	assert_text("b", "b");
	assert_done(unlink("b"));
	assert_done(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	assert_text("b", "a");
	assert_done(unlink("b"));
}

static void exchange(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	assert_done(mkdir("d/sub", 0755));
	place_file("f", "file");
	place_file("d/sub/x", "deep");
	assert_errno(renameat2(AT_FDCWD, "f", AT_FDCWD, "none", RENAME_EXCHANGE), ENOENT);
	assert_done(renameat2(AT_FDCWD, "f", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
	assert_text("d/sub", "file");
	assert_text("f/x", "deep");
	assert_int_equal(place_stat("d").st_nlink, 2);
	assert_done(unlink("f/x"));
	assert_done(rmdir("f"));
	assert_done(unlink("d/sub"));
	assert_done(rmdir("d"));
}

static void moves_directory(void **state)
{
	struct stat st;

	(void)state;
	assert_done(mkdir("from", 0755));
	assert_done(mkdir("to", 0755));
	assert_done(mkdir("from/d", 0755));
	assert_done(rename("from/d", "to/d"));
	assert_int_equal(place_stat("from").st_nlink, 2);
	assert_int_equal(place_stat("to").st_nlink, 3);
	assert_done(stat("to/d/..", &st));
	assert_int_equal(st.st_ino, place_stat("to").st_ino);
	assert_done(rmdir("to/d"));
	assert_done(rmdir("to"));
	assert_done(rmdir("from"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(replaces_file),   place_case(replaces_directory),
		place_case(refuses_mixed_types), place_case(refuses_loops),
		place_case(two_names_of_one_file), place_case(noreplace),
		place_case(exchange),        place_case(moves_directory),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
