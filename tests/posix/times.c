/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times to the nanosecond: setting them, and which calls move which of the three.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/posix/place.h"

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

static void now_and_omit(void **state)
{
	const struct timespec only_atime_now[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
	const struct timespec neither[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	const struct timespec bad[2] = { { 0, 1000000000 }, { 0, 0 } };

	(void)state;
	place_file("f", "x");
	place_age("f");
	assert_done(utimensat(AT_FDCWD, "f", only_atime_now, 0));
	assert_true(place_stat("f").st_atim.tv_sec > 1000);
	assert_int_equal(place_stat("f").st_mtim.tv_sec, 1000);
	place_age("f");
	assert_done(utimensat(AT_FDCWD, "f", neither, 0));
	assert_int_equal(place_stat("f").st_atim.tv_sec, 1000);
	assert_done(utimensat(AT_FDCWD, "f", NULL, 0));
	assert_true(place_stat("f").st_mtim.tv_sec > 1000);
	assert_errno(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
	assert_errno(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
	assert_done(unlink("f"));
}

static void of_a_symlink(void **state)
{
	(void)state;
	place_file("f", "x");
	place_age("f");
	assert_done(symlink("f", "s"));
	place_age("s");
	assert_int_equal(place_stat("s").st_mtim.tv_sec, 1000);
	assert_done(utimensat(AT_FDCWD, "s", NULL, 0)); /* of what it points to */
	assert_int_equal(place_stat("s").st_mtim.tv_sec, 1000);
	assert_true(place_stat("f").st_mtim.tv_sec > 1000);
	assert_done(unlink("s"));
	assert_done(unlink("f"));
}

/* A read moves atime when it is not newer than mtime (relatime), unless the mount or the open says no. */
static void reading(void **state)
{
	char byte;
	int fd;

	(void)state;
	place_file("f", "x");
	place_age("f");
	fd = open("f", O_RDONLY | O_NOATIME);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_done(close(fd));
	assert_int_equal(place_stat("f").st_atim.tv_sec, 1000);
	fd = open("f", O_RDONLY);
	assert_done(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_done(close(fd));
	assert_int_equal(place_stat("f").st_mtim.tv_sec, 1000);
	if (place_stat("f").st_atim.tv_sec == 1000) {
		assert_done(unlink("f"));
		place_skip("reading does not move atime: mounted noatime, or answered from the kernel's cache");
	}
	assert_done(unlink("f"));
}

/* The three times before a call, all long ago but ctime, which no call can set. */
#define assert_moves(name, call, moves_mtime)                                                            \
	do {                                                                                             \
		struct stat before_, after_;                                                             \
		place_age(name);                                                                         \
		before_ = place_stat(name);                                                              \
		wait_for_clock(&before_.st_ctim);                                                        \
		call;                                                                                    \
		after_ = place_stat(name);                                                               \
		assert_int_equal(after_.st_mtim.tv_sec > 1000, (moves_mtime));                           \
		assert_true(later(&after_.st_ctim, &before_.st_ctim));                                   \
	} while (0)

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Returns when a file stamped now would be stamped later than this. */
static void wait_for_clock(const struct timespec *past)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (!later(&now, past));
}

static void write_text(const char *name, bool map)
{
	int fd = open(name, O_RDWR);

	assert_true(fd >= 0);
	if (map) {
		char *bytes = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		assert_ptr_not_equal(bytes, MAP_FAILED);
		bytes[0] = 'z';
		assert_done(msync(bytes, 1, MS_SYNC));
		assert_done(munmap(bytes, 1));
	} else {
		assert_int_equal(write(fd, "y", 1), 1);
	}
	assert_done(close(fd));
}

static void of_files(void **state)
{
	(void)state;
	place_file("f", "x");
	assert_moves("f", write_text("f", false), true);
	assert_moves("f", write_text("f", true), true);
	assert_moves("f", assert_done(truncate("f", 0)), true);
	assert_moves("f", assert_done(truncate("f", 10)), true);
	assert_moves("f", assert_done(chmod("f", 0600)), false);
	assert_moves("f", assert_done(chown("f", geteuid(), getegid())), false);
	assert_moves("f", assert_done(link("f", "g")), false);
	assert_moves("f", assert_done(unlink("g")), false);
	assert_moves("f", assert_done(utimensat(AT_FDCWD, "f", NULL, 0)), true);
	if (setxattr("f", "user.a", "1", 1, 0) == 0) {
		assert_moves("f", assert_done(setxattr("f", "user.a", "2", 1, 0)), false);
		assert_moves("f", assert_done(removexattr("f", "user.a")), false);
	}
	assert_done(unlink("f"));
}

static void of_directories(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0755));
	assert_moves("d", place_file("d/f", "x"), true);
	assert_moves("d", assert_done(link("d/f", "d/g")), true);
	assert_moves("d", assert_done(rename("d/g", "d/h")), true);
	assert_moves("d", assert_done(unlink("d/h")), true);
	assert_moves("d", assert_done(mkdir("d/e", 0755)), true);
	assert_moves("d", assert_done(rmdir("d/e")), true);
	assert_moves("d", assert_done(symlink("x", "d/s")), true);
	assert_moves("d", assert_done(rename("d/s", "s")), true);
	assert_moves("d", assert_done(rename("s", "d/s")), true);
	assert_moves("d", assert_done(mkfifo("d/p", 0600)), true);
	assert_moves("d", assert_done(chmod("d", 0700)), false);
	place_age("d");
	place_file("d/f", "yy"); /* no change of names */
	assert_int_equal(place_stat("d").st_mtim.tv_sec, 1000);
	assert_errno(mkdir("d/f", 0755), EEXIST); /* nor what fails */
	assert_errno(unlink("d/none"), ENOENT);
	assert_int_equal(place_stat("d").st_mtim.tv_sec, 1000);
	assert_done(unlink("d/p"));
	assert_done(unlink("d/s"));
	assert_done(unlink("d/f"));
	assert_done(rmdir("d"));
}

static void of_the_renamed(void **state)
{
	(void)state;
	place_file("f", "x");
	assert_moves("f", assert_done(rename("f", "g")); assert_done(rename("g", "f")), false);
	assert_done(unlink("f"));
}

static void write_then_set_times(void **state)
{
	int fd = open("f", O_CREAT | O_WRONLY, 0644);
	struct stat st;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "data", 4), 4);
	place_age("f");
	assert_done(fsync(fd)); /* what cp -p does: the write is not stamped again when it reaches the disk */
	assert_done(close(fd));
	st = place_stat("f");
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_int_equal(st.st_size, 4);
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(set_times),
		place_case(now_and_omit),
		place_case(of_a_symlink),
		place_case(reading),
		place_case(of_files),
		place_case(of_directories),
		place_case(of_the_renamed),
		place_case(write_then_set_times),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
