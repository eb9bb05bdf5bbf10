/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync_writer write DIR: works in DIR as careful programs do, without end, and prints a line for each thing that fsync acknowledged; to be
 * interrupted by a crash of what lies beneath. sync_writer verify DIR reads those lines and says what of it is not so. Exit code 0: ended
 * by the crash as expected, or all is as acknowledged; 1 else.
 *
 *     file NAME N   NAME holds contents(N), or those of a later number: a new file, or one that replaced another by rename
 *     log NAME N    NAME begins with N records
 *     dir NAME 0    there is a directory
 *     gone NAME 0   there is nothing of this name
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 400000, RECORD = 1000, NAMES_MAX = 20000 };
static uint8_t expected[SIZE_MAX_BYTES], found[SIZE_MAX_BYTES + 1];

struct claim {
	char what[8], name[24];
	unsigned n;
};
static struct claim claims[NAMES_MAX];

/* Fills expected[] for number n and returns its size: text-like for even numbers, noise for odd ones; it begins with n. */
static size_t contents(unsigned n)
{
	uint32_t x = n * 2654435761u + 1;
	size_t size = n % 7 == 0 ? sizeof n : sizeof n + (n % 4 ? n * 79u % 9000 : n * 7919u % (SIZE_MAX_BYTES - sizeof n));

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		expected[i] = (uint8_t)(n % 2 ? x : "the firn settles "[i % 17] ^ (i % 4096 == 0 ? x & 7 : 0));
	}
	memcpy(expected, &n, sizeof n);
	return size;
}

static void record(unsigned n, uint8_t bytes[RECORD])
{
	memset(bytes, (int)(n * 37 + 1), RECORD);
	memcpy(bytes, &n, sizeof n);
}

static int write_all(int fd, const uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n < 0)
			return -1;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_put(int dirfd, const char *name, unsigned n)
{
	size_t size = contents(n);
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	bool failed;

	if (fd < 0)
		return -1;
	failed = write_all(fd, expected, size) < 0 || fsync(fd) < 0;
	return close(fd) < 0 || failed ? -1 : 0;
}

static int log_append(int dirfd, unsigned n)
{
	uint8_t bytes[RECORD];
	int fd = openat(dirfd, "log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	bool failed;

	record(n, bytes);
	if (fd < 0)
		return -1;
	failed = write_all(fd, bytes, RECORD) < 0 || fdatasync(fd) < 0 || (n == 0 && fsync(dirfd) < 0);
	return close(fd) < 0 || failed ? -1 : 0;
}

static int claim(const char *what, const char *name, unsigned n)
{
	return printf("%s %s %u\n", what, name, n) < 0 || fflush(stdout) < 0 ? -1 : 0;
}

/* One of each kind of work. */
static int work(int dirfd, unsigned n)
{
	char name[24], old[24], slot[24];

	snprintf(name, sizeof name, "file-%u", n);
	snprintf(old, sizeof old, "file-%u", n - n % 8);
	snprintf(slot, sizeof slot, "slot-%u", n % 5);
	switch (n % 8) {
	case 0: case 1: case 2:
		return file_put(dirfd, name, n) < 0 || fsync(dirfd) < 0 ? -1 : claim("file", name, n);
	case 3: case 4:
		if (file_put(dirfd, "draft", n) < 0 || renameat(dirfd, "draft", dirfd, slot) < 0 || fsync(dirfd) < 0)
			return -1;
		return claim("file", slot, n);
	case 5:
		return log_append(dirfd, n / 8) < 0 ? -1 : claim("log", "log", n / 8 + 1);
	case 6:
		snprintf(name, sizeof name, "dir-%u", n);
		return mkdirat(dirfd, name, 0755) < 0 || fsync(dirfd) < 0 ? -1 : claim("dir", name, 0);
	default:
		if (n % 16 != 7)
			return 0;
		/* from here on it may be there or not */
		if (claim("any", old, 0) < 0 || unlinkat(dirfd, old, 0) < 0 || fsync(dirfd) < 0)
			return -1;
		return claim("gone", old, 0);
	}
}

static bool crashed(void)
{
	return errno == ENOTCONN || errno == ECONNABORTED || errno == EIO || errno == EINTR;
}

/* When the names are used up, what is left to be done is to wait. */
static int work_until_crash(int dirfd)
{
	unsigned n = 0;

	while ((n < NAMES_MAX ? work(dirfd, n) : fsync(dirfd)) == 0)
		n += n < NAMES_MAX;
	return crashed() ? 0 : 1;
}

/* The length that was read, at most SIZE_MAX_BYTES + 1; -1: none. */
static ssize_t file_get(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY);
	ssize_t got = 0, k = 1;

	if (fd < 0)
		return -1;
	while (k > 0 && got <= SIZE_MAX_BYTES) {
		k = read(fd, found + got, sizeof found - (size_t)got);
		got += k > 0 ? k : 0;
	}
	close(fd);
	return k < 0 ? -1 : got;
}

static bool file_is(int dirfd, const struct claim *c)
{
	ssize_t got = file_get(dirfd, c->name);
	unsigned n;

	if (got < (ssize_t)sizeof n)
		return false;
	memcpy(&n, found, sizeof n);
	return (n == c->n || (n > c->n && strncmp(c->name, "slot", 4) == 0)) && contents(n) == (size_t)got &&
	       memcmp(found, expected, (size_t)got) == 0;
}

static bool log_is(int dirfd, const struct claim *c)
{
	ssize_t got = file_get(dirfd, c->name);
	uint8_t bytes[RECORD];

	for (unsigned i = 0; i < c->n && (i + 1) * RECORD <= SIZE_MAX_BYTES; i++) {
		record(i, bytes);
		if (got < (ssize_t)(i + 1) * RECORD || memcmp(found + i * RECORD, bytes, RECORD))
			return false;
	}
	return true;
}

static bool holds(int dirfd, const struct claim *c)
{
	struct stat st;

	if (strcmp(c->what, "file") == 0)
		return file_is(dirfd, c);
	if (strcmp(c->what, "log") == 0)
		return log_is(dirfd, c);
	if (strcmp(c->what, "dir") == 0)
		return fstatat(dirfd, c->name, &st, 0) == 0 && S_ISDIR(st.st_mode);
	if (strcmp(c->what, "gone") == 0)
		return fstatat(dirfd, c->name, &st, 0) < 0 && errno == ENOENT;
	return strcmp(c->what, "any") == 0;
}

/* Of each name the last claim counts. */
static int verify(int dirfd)
{
	unsigned count = 0, broken = 0;
	struct claim c;

	while (scanf("%7s %23s %u", c.what, c.name, &c.n) == 3) {
		unsigned i = count;

		while (i > 0 && strcmp(claims[i - 1].name, c.name) != 0)
			i--;
		if (i == 0 && count == NAMES_MAX)
			return 2;
		claims[i > 0 ? i - 1 : count++] = c;
	}
	for (unsigned i = 0; i < count; i++) {
		if (holds(dirfd, &claims[i]))
			continue;
		printf("not so: %s %s %u\n", claims[i].what, claims[i].name, claims[i].n);
		broken++;
	}
	printf("%u of %u are not so\n", broken, count);
	return broken > 0;
}

int main(int argc, char **argv)
{
	int dirfd = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY) : -1;

	if (argc == 3 && strcmp(argv[1], "write") == 0 && dirfd < 0 && crashed())
		return 0;
	if (dirfd < 0 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "verify") != 0)) {
		fprintf(stderr, "usage: sync_writer write|verify DIR\n");
		return 2;
	}
	return strcmp(argv[1], "write") == 0 ? work_until_crash(dirfd) : verify(dirfd);
}
