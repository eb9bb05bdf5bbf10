/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat(2), fstat(2), statx(2): every member, blocks that are honest, numbers that stay.
 */
#include <sys/sysmacros.h>

#include "tests/posix/pattern.h"

static void members(void **state)
{
	struct stat a, b;
	int fd = place_new("f");

	(void)state;
	assert_int_equal(write(fd, "12345", 5), 5);
	assert_done(fstat(fd, &a));
	b = place_stat("f");
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_dev, b.st_dev);
	assert_int_equal(a.st_dev, place_stat(".").st_dev);
	assert_int_equal(a.st_size, 5);
	assert_int_equal(a.st_nlink, 1);
	assert_int_equal(a.st_uid, geteuid());
	assert_int_equal(a.st_gid, getegid());
	assert_int_equal(a.st_rdev, 0);
	assert_true(a.st_blksize >= 512);
	assert_true(S_ISREG(a.st_mode));
	assert_done(close(fd));
	assert_done(unlink("f"));
	place_file("g", "x");
	assert_done(fstatat(AT_FDCWD, "g", &a, 0));
	fd = open("g", O_PATH);
	assert_done(fstatat(fd, "", &b, AT_EMPTY_PATH));
	assert_int_equal(a.st_ino, b.st_ino);
	assert_done(close(fd));
	assert_done(unlink("g"));
}

static void blocks(void **state)
{
	uint8_t noise[65536];
	uint64_t seed = 3;
	int fd = place_new("f");

	(void)state;
	assert_int_equal(place_stat("f").st_blocks, 0);
	assert_done(ftruncate(fd, 100 << 20));
	assert_done(fsync(fd));
	assert_true(place_stat("f").st_blocks * 512 < 1 << 20); /* a hole */
	for (size_t i = 0; i < sizeof noise; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		noise[i] = (uint8_t)(seed >> 56);
	}
	assert_int_equal(pwrite(fd, noise, sizeof noise, 50 << 20), sizeof noise);
	assert_done(fsync(fd));
	assert_true(place_stat("f").st_blocks * 512 >= (long)sizeof noise * 9 / 10);
	assert_true(place_stat("f").st_blocks * 512 < 1 << 20);
	assert_int_equal(place_stat("f").st_size, 100 << 20);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void numbers(void **state)
{
	ino_t file, dir;

	(void)state;
	place_file("f", "x");
	assert_done(mkdir("d", 0755));
	file = place_stat("f").st_ino;
	dir = place_stat("d").st_ino;
	assert_int_not_equal(file, dir);
	assert_done(rename("f", "d/g"));
	assert_int_equal(place_stat("d/g").st_ino, file);
	assert_done(rename("d", "e"));
	assert_int_equal(place_stat("e").st_ino, dir);
	assert_int_equal(place_stat("e/g").st_ino, file);
	assert_int_equal(place_stat("e/..").st_ino, place_stat(".").st_ino);
	assert_int_equal(place_stat("e/.").st_ino, dir);
	assert_done(unlink("e/g"));
	assert_done(rmdir("e"));
}

static void extended(void **state)
{
	struct statx stx;
	struct stat st;

	(void)state;
	place_file("f", "text");
	st = place_stat("f");
	assert_done(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &stx));
	assert_int_equal(stx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	assert_int_equal(stx.stx_ino, st.st_ino);
	assert_int_equal(stx.stx_size, 4);
	assert_int_equal(stx.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
	assert_int_equal(makedev(stx.stx_dev_major, stx.stx_dev_minor), st.st_dev);
	assert_done(unlink("f"));
}

static void birth(void **state)
{
	struct statx stx;

	(void)state;
	place_file("f", "x");
	place_age("f");
	assert_done(statx(AT_FDCWD, "f", 0, STATX_BTIME, &stx));
	assert_done(unlink("f"));
	if (!(stx.stx_mask & STATX_BTIME))
		place_skip("no time of birth");
	assert_true(stx.stx_btime.tv_sec > 1000);
}

/* Set and asked for through a descriptor of a file that has no name any more. */
static void without_a_name(void **state)
{
	int fd = place_new("f");
	struct stat st;

	(void)state;
	assert_done(unlink("f"));
	assert_done(fchmod(fd, 0601));
	assert_done(fstat(fd, &st));
	assert_int_equal(st.st_mode & 07777, 0601);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_done(fstat(fd, &st));
	assert_int_equal(st.st_size, 3);
	assert_done(futimens(fd, NULL));
	assert_done(close(fd));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(members),
		place_case(blocks),
		place_case(numbers),
		place_case(extended),
		place_case(birth),
		place_case(without_a_name),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
