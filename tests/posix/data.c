/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File contents: reading and writing across chunk borders, appending by several processes, files beyond 4 GiB, files without a name.
 */
#include <sys/wait.h>

#include "tests/posix/pattern.h"

static void random_writes(void **state)
{
	enum { SIZE = 5 * CHUNK + 777 };
	int fd = place_new("f");
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
	int fd = open("log", O_RDWR | O_CREAT | O_EXCL | O_APPEND, 0644), next[2] = { 0, 0 }, status;
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

static void beyond_4_gib(void **state)
{
	const uint64_t at = (5ull << 30) + 12345;
	int fd = place_new("large");

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

static void without_a_name(void **state)
{
	int fd = place_new("gone");
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
		place_case(random_writes), place_case(appends),         place_case(beyond_4_gib),
		place_case(without_a_name),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
