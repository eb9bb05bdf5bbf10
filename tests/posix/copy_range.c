/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copy_file_range(2): within a file and between two, unaligned, from holes, to beyond the end; and what it refuses.
 */
#include "tests/posix/pattern.h"

/* Copies all of it, however often that must be asked for. */
static void copy(int from, off_t off, int to, off_t at, size_t len)
{
	while (len > 0) {
		ssize_t n = copy_file_range(from, &off, to, &at, len, 0);

		assert_true(n > 0 && (size_t)n <= len);
		len -= (size_t)n;
	}
}

static void between_files(void **state)
{
	static const size_t places[] = { 0, 1, 4096, 5000, CHUNK - 1, CHUNK, 2 * CHUNK + 77 };
	enum { N = sizeof places / sizeof *places };

	(void)state;
	for (int i = 0; i < N * N; i++) {
		size_t off = places[i / N], at = places[i % N];
		int from = place_new("from"), to = place_new("to");

		write_pattern(from, 0, 4 * CHUNK);
		if (i % 2)
			assert_done(fsync(from));
		copy(from, (off_t)off, to, (off_t)at, CHUNK + 300);
		assert_int_equal(place_stat("to").st_size, at + CHUNK + 300);
		assert_zeros(to, 0, at);
		assert_pattern_as(to, at, CHUNK + 300, off);
		write_pattern(from, 0, 100); /* each is on its own again */
		write_pattern(to, at + 50, 1000);
		assert_pattern(from, off, CHUNK + 300);
		assert_pattern(to, at + 50, 1000);
		assert_done(close(from));
		assert_done(close(to));
		assert_done(unlink("from"));
		assert_done(unlink("to"));
	}
}

static void within_a_file(void **state)
{
	int fd = place_new("f");

	(void)state;
	write_pattern(fd, 0, 2 * CHUNK);
	copy(fd, 100, fd, 3 * CHUNK + 5, CHUNK);
	assert_pattern(fd, 0, 2 * CHUNK);
	assert_zeros(fd, 2 * CHUNK, CHUNK + 5);
	assert_pattern_as(fd, 3 * CHUNK + 5, CHUNK, 100);
	copy(fd, 0, fd, CHUNK, CHUNK); /* neighbours do not overlap */
	assert_pattern_as(fd, CHUNK, CHUNK, 0);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void holes(void **state)
{
	int from = place_new("from"), to = place_new("to");

	(void)state;
	assert_done(ftruncate(from, 4 * CHUNK));
	write_pattern(from, CHUNK, 1000);
	write_pattern(to, 0, 4 * CHUNK);
	copy(from, 0, to, 0, 3 * CHUNK); /* a hole copied over data leaves zeros */
	assert_zeros(to, 0, CHUNK);
	assert_pattern(to, CHUNK, 1000);
	assert_zeros(to, CHUNK + 1000, 2 * CHUNK - 1000);
	assert_pattern(to, 3 * CHUNK, CHUNK);
	assert_done(close(from));
	assert_done(close(to));
	assert_done(unlink("from"));
	assert_done(unlink("to"));
}

static void survives_the_source(void **state)
{
	int from = place_new("from"), to = place_new("to");

	(void)state;
	write_pattern(from, 0, 2 * CHUNK);
	assert_done(fsync(from));
	copy(from, 0, to, 0, 2 * CHUNK);
	assert_done(ftruncate(from, 0));
	assert_done(unlink("from"));
	assert_done(close(from));
	assert_done(fsync(to));
	assert_done(posix_fadvise(to, 0, 0, POSIX_FADV_DONTNEED));
	assert_pattern(to, 0, 2 * CHUNK);
	assert_done(close(to));
	assert_done(unlink("to"));
}

static void ends_and_offsets(void **state)
{
	int from = place_new("from"), to = place_new("to");
	off_t off = 900, at = 0;

	(void)state;
	write_pattern(from, 0, 1000);
	assert_int_equal(copy_file_range(from, &off, to, &at, 500, 0), 100); /* short at the end */
	assert_int_equal(off, 1000);
	assert_int_equal(at, 100);
	assert_int_equal(copy_file_range(from, &off, to, &at, 500, 0), 0);
	assert_int_equal(copy_file_range(from, &off, to, &at, 0, 0), 0);
	assert_int_equal(lseek(from, 10, SEEK_SET), 10);
	assert_int_equal(copy_file_range(from, NULL, to, NULL, 20, 0), 20); /* the files' own offsets move */
	assert_int_equal(lseek(from, 0, SEEK_CUR), 30);
	assert_int_equal(lseek(to, 0, SEEK_CUR), 20);
	assert_pattern_as(to, 0, 20, 10);
	place_age("to");
	off = at = 0;
	assert_int_equal(copy_file_range(from, &off, to, &at, 500, 0), 500);
	assert_true(place_stat("to").st_mtim.tv_sec > 1000);
	assert_done(close(from));
	assert_done(close(to));
	assert_done(unlink("from"));
	assert_done(unlink("to"));
}

static void refuses(void **state)
{
	int fd = place_new("f"), to = place_new("to"), reading = open("to", O_RDONLY), appending = open("to", O_WRONLY | O_APPEND);
	int dir = open(".", O_RDONLY);
	off_t off = 0, at = 10;

	(void)state;
	write_pattern(fd, 0, 100);
	assert_errno((int)copy_file_range(fd, &off, fd, &at, 20, 0), EINVAL); /* they overlap */
	assert_errno((int)copy_file_range(fd, &off, reading, &at, 20, 0), EBADF);
	assert_errno((int)copy_file_range(fd, &off, appending, &at, 20, 0), EBADF);
	assert_errno((int)copy_file_range(dir, &off, to, &at, 20, 0), EISDIR);
	assert_errno((int)copy_file_range(fd, &off, to, &at, 20, 77), EINVAL);
	assert_int_equal(place_stat("to").st_size, 0);
	assert_pattern(fd, 0, 100);
	assert_done(close(dir));
	assert_done(close(appending));
	assert_done(close(reading));
	assert_done(close(to));
	assert_done(close(fd));
	assert_done(unlink("to"));
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(between_files),
		place_case(within_a_file),
		place_case(holes),
		place_case(survives_the_source),
		place_case(ends_and_offsets),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
