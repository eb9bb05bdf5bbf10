/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lseek(2) with SEEK_DATA and SEEK_HOLE: data is never called a hole, and where holes are found they are found whole.
 */
#include "tests/posix/pattern.h"

static void holes(void **state)
{
	enum { MIB = 1 << 20 };
	int fd = place_new("sparse");

	(void)state;
	write_pattern(fd, 4 * MIB, MIB);
	assert_done(ftruncate(fd, 64 * MIB));
	assert_done(fsync(fd));
	assert_true(place_stat("sparse").st_blocks * 512 < 3 * MIB);
	assert_zeros(fd, 0, 4 * MIB);
	assert_pattern(fd, 4 * MIB, MIB);
	assert_zeros(fd, 5 * MIB, 4 * MIB);
	/* A hole may be called data, but data never a hole. */
	assert_true(lseek(fd, 0, SEEK_DATA) >= 0 && lseek(fd, 0, SEEK_DATA) <= 4 * MIB);
	assert_int_equal(lseek(fd, 4 * MIB, SEEK_DATA), 4 * MIB);
	assert_true(lseek(fd, 4 * MIB, SEEK_HOLE) >= 5 * MIB);
	assert_errno((int)lseek(fd, 64 * MIB, SEEK_DATA), ENXIO);
	assert_errno((int)lseek(fd, 64 * MIB, SEEK_HOLE), ENXIO);
	write_pattern(fd, 20 * MIB, 10); /* nor data that has not reached the file system yet */
	assert_true(lseek(fd, 6 * MIB, SEEK_DATA) <= 20 * MIB);
	assert_true(lseek(fd, 20 * MIB, SEEK_HOLE) >= 20 * MIB + 10);
	assert_int_equal(lseek(fd, 0, SEEK_END), 64 * MIB);
	assert_done(close(fd));
	assert_done(unlink("sparse"));
}

static void ends(void **state)
{
	int fd = place_new("f");

	(void)state;
	assert_errno((int)lseek(fd, 0, SEEK_DATA), ENXIO); /* empty */
	assert_errno((int)lseek(fd, 0, SEEK_HOLE), ENXIO);
	write_pattern(fd, 0, 10000);
	assert_int_equal(lseek(fd, 0, SEEK_DATA), 0);
	assert_int_equal(lseek(fd, 9999, SEEK_DATA), 9999);
	assert_int_equal(lseek(fd, 0, SEEK_HOLE), 10000); /* the end counts as one */
	assert_int_equal(lseek(fd, 9999, SEEK_HOLE), 10000);
	assert_errno((int)lseek(fd, 10000, SEEK_HOLE), ENXIO);
	assert_errno((int)lseek(fd, -1, SEEK_HOLE), ENXIO);
	assert_errno((int)lseek(fd, -1, SEEK_DATA), ENXIO);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Data and holes in turns of a mebibyte, which every file system that knows holes can tell apart. */
static void in_turns(void **state)
{
	enum { MIB = 1 << 20, N = 8 };
	int fd = place_new("f");

	(void)state;
	for (int i = 1; i < N; i += 2)
		write_pattern(fd, (uint64_t)i * MIB, MIB);
	assert_done(ftruncate(fd, (N + 1) * MIB));
	for (int synced = 0; synced < 2; synced++) { /* dirty, and on disk */
		if (lseek(fd, 0, SEEK_DATA) == 0) {
			assert_done(close(fd));
			assert_done(unlink("f"));
			place_skip(synced ? "no holes are told" : "no holes are told in data not yet on disk");
		}
		for (int i = 0; i < N; i += 2) {
			assert_int_equal(lseek(fd, (off_t)i * MIB, SEEK_HOLE), (off_t)i * MIB);
			assert_int_equal(lseek(fd, (off_t)i * MIB + 100, SEEK_DATA), (off_t)(i + 1) * MIB);
			assert_int_equal(lseek(fd, (off_t)(i + 1) * MIB, SEEK_DATA), (off_t)(i + 1) * MIB);
			assert_int_equal(lseek(fd, (off_t)(i + 1) * MIB + 5, SEEK_HOLE), (off_t)(i + 2) * MIB);
		}
		assert_errno((int)lseek(fd, N * MIB, SEEK_DATA), ENXIO); /* nothing but the last hole */
		assert_int_equal(lseek(fd, N * MIB, SEEK_HOLE), N * MIB);
		assert_done(fsync(fd));
	}
	assert_done(close(fd));
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(holes),
		place_case(ends),
		place_case(in_turns),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
