/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of a file: allocated, punched, zeroed, sought and copied, while parts of them are only in the page cache.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/posix/place.h"

#define CHUNK 131072

static uint8_t buf[4 * CHUNK], want[8 * CHUNK];

static int open_new(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, int byte, size_t at, size_t len)
{
	memset(buf, byte, len);
	memset(want + at, byte, len);
	assert_int_equal(pwrite(fd, buf, len, (off_t)at), len);
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_done(fstat(fd, &st));
	return st.st_size;
}

static void assert_wanted(int fd, size_t size)
{
	assert_int_equal(size_of(fd), size);
	for (size_t at = 0; at < size; at += sizeof buf) {
		size_t n = size - at < sizeof buf ? size - at : sizeof buf;

		assert_int_equal(pread(fd, buf, n, (off_t)at), n);
		assert_memory_equal(buf, want + at, n);
	}
}

static int start(void **state)
{
	memset(want, 0, sizeof want);
	return place_setup(state);
}

static void allocate(void **state)
{
	int fd = open_new("f"), ro;

	(void)state;
	put(fd, 'a', 0, 1000);
	assert_done(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 * CHUNK));
	assert_wanted(fd, 1000);
	assert_done(fallocate(fd, 0, 500, 100));
	assert_wanted(fd, 1000);
	assert_done(fallocate(fd, 0, 500, 2 * CHUNK));
	assert_wanted(fd, 2 * CHUNK + 500);
	assert_errno(fallocate(fd, 0, 0, 0), EINVAL);
	assert_errno(fallocate(fd, 0, -1, 5), EINVAL);
	assert_errno(fallocate(fd, 0, LLONG_MAX - 5, 100), EFBIG);
	assert_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5), EOPNOTSUPP);
	assert_int_not_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)1 << 44), 0);
	assert_wanted(fd, 2 * CHUNK + 500);
	ro = open("f", O_RDONLY);
	assert_errno(fallocate(ro, 0, 0, 5), EBADF);
	assert_done(close(ro));
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void punch(void **state)
{
	int fd = open_new("f");
	struct stat before, after;

	(void)state;
	for (int i = 0; i < 8; i++)
		put(fd, 'a' + i, (size_t)i * CHUNK, CHUNK);
	assert_done(fsync(fd));
	assert_done(fstat(fd, &before));
	put(fd, 'x', 3 * CHUNK + 5, CHUNK); /* not sent yet, when it is punched */
	memset(want + CHUNK + 100, 0, 4 * CHUNK);
	assert_done(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, CHUNK + 100, 4 * CHUNK));
	assert_wanted(fd, 8 * CHUNK);
	assert_done(fsync(fd));
	assert_done(fstat(fd, &after));
	assert_true(after.st_blocks <= before.st_blocks - 2 * CHUNK / 512);
	memset(want + 10, 0, 50);
	assert_done(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 50));
	memset(want + 7 * CHUNK + 1, 0, CHUNK - 1);
	assert_done(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * CHUNK + 1, 5 * CHUNK));
	assert_wanted(fd, 8 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void zero(void **state)
{
	int fd = open_new("f");

	(void)state;
	put(fd, 'a', 0, 3 * CHUNK);
	memset(want + 100, 0, CHUNK);
	assert_done(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, CHUNK));
	assert_wanted(fd, 3 * CHUNK);
	memset(want + 3 * CHUNK - 10, 0, 10);
	assert_done(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * CHUNK - 10, 100));
	assert_wanted(fd, 3 * CHUNK);
	assert_done(fallocate(fd, FALLOC_FL_ZERO_RANGE, 3 * CHUNK - 10, 100));
	assert_wanted(fd, 3 * CHUNK + 90);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Data just written, by a call or through a mapping, is never in a hole. */
static void seek(void **state)
{
	int fd = open_new("f");
	off_t data, hole;
	char *map;

	(void)state;
	put(fd, 'a', 5 * CHUNK + 10, 100);
	data = lseek(fd, 0, SEEK_DATA);
	assert_true(data >= 0 && data <= 5 * CHUNK + 10);
	hole = lseek(fd, 5 * CHUNK + 10, SEEK_HOLE);
	assert_int_equal(hole, 5 * CHUNK + 110);
	hole = lseek(fd, 0, SEEK_HOLE);
	assert_true(hole == 0 || hole == 5 * CHUNK + 110);
	assert_errno((int)lseek(fd, 5 * CHUNK + 110, SEEK_DATA), ENXIO);
	assert_errno((int)lseek(fd, 5 * CHUNK + 110, SEEK_HOLE), ENXIO);
	assert_done(ftruncate(fd, 7 * CHUNK));
	map = mmap(NULL, 7 * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	map[2 * CHUNK + 7] = 'm';
	data = lseek(fd, 0, SEEK_DATA);
	assert_true(data >= 0 && data <= 2 * CHUNK + 7);
	map[7 * CHUNK - 1] = 'n';
	data = lseek(fd, 6 * CHUNK, SEEK_DATA);
	assert_true(data >= 6 * CHUNK && data <= 7 * CHUNK - 1);
	hole = lseek(fd, 7 * CHUNK - 1, SEEK_HOLE);
	assert_int_equal(hole, 7 * CHUNK);
	assert_int_equal(map[2 * CHUNK + 7], 'm');
	assert_done(munmap(map, 7 * CHUNK));
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void copy_all(int in, off_t from, int out, off_t to, size_t len)
{
	while (len > 0) {
		ssize_t n = copy_file_range(in, &from, out, &to, len, 0);

		assert_true(n > 0);
		len -= (size_t)n;
	}
}

static void copy_ranges(void **state)
{
	int a = open_new("a"), b = open_new("b");
	off_t from = 0, to = CHUNK / 2;

	(void)state;
	put(a, 'a', 100, 3 * CHUNK);
	put(a, 'b', CHUNK + 5, 70);
	copy_all(a, 0, b, 0, 3 * CHUNK + 100); /* nothing of it has been sent yet */
	assert_wanted(b, 3 * CHUNK + 100);
	memmove(want + CHUNK + 33, want + 50, CHUNK);
	copy_all(a, 50, b, CHUNK + 33, CHUNK);
	assert_wanted(b, 3 * CHUNK + 100);
	put(b, 'c', 2 * CHUNK + 3, 1000);
	memmove(want + 5 * CHUNK + 7, want + 7, 2 * CHUNK);
	copy_all(b, 7, b, 5 * CHUNK + 7, 2 * CHUNK);
	assert_wanted(b, 7 * CHUNK + 7);
	assert_errno((int)copy_file_range(b, &from, b, &to, CHUNK, 0), EINVAL);
	from = 3 * CHUNK + 100;
	assert_int_equal(copy_file_range(a, &from, b, &to, CHUNK, 0), 0);
	assert_done(close(a));
	assert_done(close(b));
	assert_done(unlink("a"));
	assert_done(unlink("b"));
}

/* Copies are equal and independent, also where a hole is copied over data. */
static void copy_independent(void **state)
{
	int a = open_new("a"), b = open_new("b");

	(void)state;
	put(b, 'b', 0, 4 * CHUNK);
	memset(want, 0, sizeof want);
	put(a, 'a', 2 * CHUNK, CHUNK);
	assert_done(ftruncate(a, 4 * CHUNK));
	assert_done(fsync(a));
	copy_all(a, 0, b, 0, 4 * CHUNK);
	assert_wanted(b, 4 * CHUNK);
	put(b, 'x', 2 * CHUNK + 9, 9);
	assert_wanted(b, 4 * CHUNK);
	memset(want + 2 * CHUNK, 'a', CHUNK);
	assert_wanted(a, 4 * CHUNK);
	assert_done(unlink("b"));
	assert_done(close(b));
	assert_done(fsync(a));
	assert_wanted(a, 4 * CHUNK);
	assert_done(close(a));
	assert_done(unlink("a"));
}

/* The size that only the page cache knows counts. */
static void copy_short_source(void **state)
{
	int a = open_new("a"), b = open_new("b");

	(void)state;
	put(a, 'a', 0, 100);
	assert_done(fsync(a));
	put(a, 'b', 3 * CHUNK, 10);
	copy_all(a, 0, b, 0, 2 * CHUNK);
	memset(want + 2 * CHUNK, 0, 2 * CHUNK);
	assert_wanted(b, 2 * CHUNK);
	assert_done(close(a));
	assert_done(close(b));
	assert_done(unlink("a"));
	assert_done(unlink("b"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(allocate, start, place_teardown),         cmocka_unit_test_setup_teardown(punch, start, place_teardown),
		cmocka_unit_test_setup_teardown(zero, start, place_teardown),             cmocka_unit_test_setup_teardown(seek, start, place_teardown),
		cmocka_unit_test_setup_teardown(copy_ranges, start, place_teardown),      cmocka_unit_test_setup_teardown(copy_independent, start, place_teardown),
		cmocka_unit_test_setup_teardown(copy_short_source, start, place_teardown),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
