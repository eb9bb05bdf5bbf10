/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File contents: reading and writing across chunk borders, appending by several processes, truncation, holes, shared mappings,
 * files beyond 4 GiB, files without a name.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/mount/place.h"

#define CHUNK 131072

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 2654435761u >> 24 ^ at >> 13);
}

static void write_pattern(int fd, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(at + i);
	assert_int_equal(pwrite(fd, buf, len, (off_t)at), len);
	free(buf);
}

static void assert_pattern(int fd, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	assert_int_equal(pread(fd, buf, len, (off_t)at), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], pattern(at + i));
	free(buf);
}

static void assert_zeros(int fd, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	assert_int_equal(pread(fd, buf, len, (off_t)at), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], 0);
	free(buf);
}

static int open_new(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0644);

	assert_true(fd >= 0);
	return fd;
}

static void random_writes(void **state)
{
	enum { SIZE = 5 * CHUNK + 777 };
	int fd = open_new("f", 0);
	uint8_t *written = calloc(1, SIZE);
	unsigned seed = 1;

	(void)state;
	assert_non_null(written);
	for (int i = 0; i < 400; i++) {
		size_t at, len;

		seed = seed * 1103515245 + 12345;
		at = (seed >> 8) % SIZE;
		seed = seed * 1103515245 + 12345;
		len = 1 + (seed >> 8) % (i % 8 ? 3000 : 200000);
		if (len > SIZE - at)
			len = SIZE - at;
		write_pattern(fd, at, len);
		memset(written + at, 1, len);
		if (i % 50 == 49)
			assert_done(fsync(fd));
	}
	for (size_t at = 0; at < SIZE; at++) {
		uint8_t byte = 0;
		ssize_t n = pread(fd, &byte, 1, (off_t)at);

		if (n == 0)
			break;
		assert_int_equal(byte, written[at] ? pattern(at) : 0);
		at += 97;
	}
	assert_done(close(fd));
	assert_done(unlink("f"));
	free(written);
}

static void append_line(int fd, char who, int i)
{
	char line[64];

	snprintf(line, sizeof line, "%c %06d ------------------------------\n", who, i);
	if (write(fd, line, 40) != 40)
		_exit(1);
}

static void appends(void **state)
{
	enum { LINES = 1000 };
	int fd = open_new("log", O_APPEND), next[2] = { 0, 0 }, status;
	char line[41] = "";
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		int own = open("log", O_WRONLY | O_APPEND);

		for (int i = 0; own >= 0 && i < LINES; i++)
			append_line(own, 'b', i);
		_exit(own < 0);
	}
	for (int i = 0; i < LINES; i++)
		append_line(fd, 'a', i);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(place_stat("log").st_size, 2 * LINES * 40);
	for (int i = 0; i < 2 * LINES; i++) {
		int who;

		assert_int_equal(pread(fd, line, 40, i * 40), 40);
		who = line[0] == 'b';
		assert_true(line[0] == 'a' || line[0] == 'b');
		assert_int_equal(atoi(line + 2), next[who]++);
	}
	assert_done(close(fd));
	assert_done(unlink("log"));
}

static void truncation(void **state)
{
	int fd = open_new("t", 0);

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

static void holes(void **state)
{
	enum { MIB = 1 << 20 };
	int fd = open_new("sparse", 0);

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

static void beyond_4_gib(void **state)
{
	const uint64_t at = (5ull << 30) + 12345;
	int fd = open_new("large", 0);

	(void)state;
	write_pattern(fd, at, 200000);
	write_pattern(fd, (1ull << 32) - 100, 200); /* across the border */
	assert_done(close(fd));
	fd = open("large", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(place_stat("large").st_size, at + 200000);
	assert_true(place_stat("large").st_blocks < 8192);
	assert_pattern(fd, at, 200000);
	assert_pattern(fd, (1ull << 32) - 100, 200);
	assert_zeros(fd, 1ull << 31, 100000);
	assert_done(close(fd));
	assert_done(unlink("large"));
}

static void shared_mapping(void **state)
{
	int fd = open_new("m", 0);
	uint8_t *map;

	(void)state;
	assert_done(ftruncate(fd, 2 * CHUNK));
	map = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	for (size_t i = 0; i < 2 * CHUNK; i++)
		map[i] = pattern(i);
	assert_done(msync(map, 2 * CHUNK, MS_SYNC));
	assert_done(munmap(map, 2 * CHUNK));
	assert_pattern(fd, 0, 2 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("m"));
}

static void without_a_name(void **state)
{
	int fd = open_new("gone", 0);
	struct stat st;

	(void)state;
	write_pattern(fd, 0, 2 * CHUNK);
	assert_done(unlink("gone"));
	assert_errno(access("gone", F_OK), ENOENT);
	assert_done(fstat(fd, &st));
	assert_int_equal(st.st_nlink, 0);
	write_pattern(fd, 2 * CHUNK, 100);
	assert_done(fsync(fd));
	assert_pattern(fd, 0, 2 * CHUNK + 100);
	assert_done(ftruncate(fd, 10));
	assert_pattern(fd, 0, 10);
	assert_done(close(fd));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_writes), cmocka_unit_test(appends),      cmocka_unit_test(truncation),
		cmocka_unit_test(holes),         cmocka_unit_test(beyond_4_gib), cmocka_unit_test(shared_mapping),
		cmocka_unit_test(without_a_name),
	};

	place_enter(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
