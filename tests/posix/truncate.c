/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * truncate(2) and ftruncate(2): what is cut off is gone, what grows is zero, times move, and what they refuse.
 */
#include "tests/posix/pattern.h"

static void truncation(void **state)
{
	int fd = place_new("t");

	(void)state;
	write_pattern(fd, 0, 3 * CHUNK);
	assert_done(ftruncate(fd, CHUNK + 1000));
	assert_int_equal(place_stat("t").st_size, CHUNK + 1000);
	assert_done(ftruncate(fd, 3 * CHUNK)); /* what grew back is zero, not what was there */
	assert_pattern(fd, 0, CHUNK + 1000);
	assert_zeros(fd, CHUNK + 1000, 2 * CHUNK - 1000);
	assert_done(fsync(fd));
	assert_zeros(fd, CHUNK + 1000, 2 * CHUNK - 1000);
	assert_done(close(fd));
	fd = open("t", O_RDWR | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(place_stat("t").st_size, 0);
	assert_int_equal(place_stat("t").st_blocks, 0);
	assert_done(close(fd));
	assert_errno(truncate("none", 1), ENOENT);
	assert_done(unlink("t"));
}

static void borders(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK };
	int fd = place_new("t");

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		write_pattern(fd, 0, 3 * CHUNK);
		if (i % 2)
			assert_done(fsync(fd));
		assert_done(ftruncate(fd, (off_t)sizes[i]));
		assert_done(ftruncate(fd, 4 * CHUNK));
		assert_pattern(fd, 0, sizes[i]);
		assert_zeros(fd, sizes[i], 4 * CHUNK - sizes[i]);
	}
	assert_done(close(fd));
	assert_done(unlink("t"));
}

static void times(void **state)
{
	int fd;

	(void)state;
	place_file("t", "text");
	place_age("t");
	assert_done(truncate("t", 2));
	assert_true(place_stat("t").st_mtim.tv_sec > 1000);
	place_age("t");
	fd = open("t", O_RDWR);
	assert_done(ftruncate(fd, 100));
	assert_true(place_stat("t").st_mtim.tv_sec > 1000);
	assert_true(place_stat("t").st_ctim.tv_sec > 1000);
	assert_done(close(fd));
	assert_text("t", "te");
	assert_done(unlink("t"));
}

static void frees_space(void **state)
{
	int fd = place_new("t");
	uint64_t seed = 1;
	long before;

	(void)state;
	for (int i = 0; i < 8 * CHUNK / 4096; i++) { /* noise, that no file system packs */
		uint64_t noise[512];

		for (int k = 0; k < 512; k++)
			noise[k] = seed = seed * 6364136223846793005u + 1442695040888963407u;
		assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
	}
	assert_done(fsync(fd));
	before = (long)place_stat("t").st_blocks;
	assert_true(before > 8 * CHUNK / 512 / 2);
	assert_done(ftruncate(fd, CHUNK));
	assert_done(fsync(fd));
	assert_true(place_stat("t").st_blocks < before / 4);
	assert_done(close(fd));
	assert_done(unlink("t"));
}

static void refuses(void **state)
{
	int fd;

	(void)state;
	place_file("f", "text");
	assert_done(mkdir("d", 0755));
	assert_done(mkfifo("p", 0600));
	assert_errno(truncate("d", 0), EISDIR);
	assert_errno(truncate("p", 0), EINVAL);
	assert_errno(truncate("none", 0), ENOENT);
	assert_errno(truncate("f", -1), EINVAL);
	assert_errno(truncate("f/x", 0), ENOTDIR);
	assert_errno(truncate("f", INT64_MAX), EFBIG);
	fd = open("f", O_RDONLY);
	assert_errno(ftruncate(fd, 0), EINVAL);
	assert_done(close(fd));
	assert_text("f", "text");
	assert_done(unlink("p"));
	assert_done(rmdir("d"));
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(truncation),
		place_case(borders),
		place_case(times),
		place_case(frees_space),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
