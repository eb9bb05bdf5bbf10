/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync_writer write DIR: writes files without end and prints the name of each one once its fsync (and that of the
 * directory) returned 0; to be interrupted by a crash of what lies beneath. sync_writer verify DIR reads those names and says which file is
 * not whole. What a file holds follows from its name. Exit code 0: ended by the crash as expected, or all are whole; 1 else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 400000 };
static uint8_t expected[SIZE_MAX_BYTES], found[SIZE_MAX_BYTES + 1];

/* Fills expected[] for file number n and returns its size: text-like in even files, noise in odd ones. */
static size_t contents(unsigned n)
{
	uint32_t x = n * 2654435761u + 1;
	size_t size = n % 7 == 0 ? 0 : (n * 7919u) % SIZE_MAX_BYTES;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		expected[i] = (uint8_t)(n % 2 ? x : "the firn settles "[i % 17] ^ (i % 4096 == 0 ? x & 7 : 0));
	}
	return size;
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

/* Every third file is written under another name and renamed over, as editors do. */
static int write_file(int dirfd, unsigned n)
{
	const char *draft = "draft";
	char name[32];
	size_t size = contents(n);
	int fd, failed;

	snprintf(name, sizeof name, "file-%06u", n);
	fd = openat(dirfd, n % 3 ? name : draft, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		return -1;
	failed = write_all(fd, expected, size) < 0 || fsync(fd) < 0;
	if (close(fd) < 0 || failed)
		return -1;
	if (n % 3 == 0 && renameat(dirfd, draft, dirfd, name) < 0)
		return -1;
	if (fsync(dirfd) < 0)
		return -1;
	return puts(name) < 0 || fflush(stdout) < 0 ? -1 : 0;
}

static int write_until_crash(int dirfd)
{
	for (unsigned n = 1; n < 1000000; n++)
		if (write_file(dirfd, n) < 0)
			return errno == ENOTCONN || errno == ECONNABORTED || errno == EIO || errno == EINTR ? 0 : 1;
	return 1;
}

static int verify(int dirfd)
{
	unsigned n, whole = 0, torn = 0;

	while (scanf(" file-%u", &n) == 1) {
		size_t size = contents(n);
		char name[32];
		ssize_t got;
		int fd;

		snprintf(name, sizeof name, "file-%06u", n);
		fd = openat(dirfd, name, O_RDONLY);
		got = fd < 0 ? -1 : 0;
		for (ssize_t k = 1; got >= 0 && k > 0 && got <= (ssize_t)size; got += k > 0 ? k : 0)
			k = read(fd, found + got, size + 1 - (size_t)got);
		if (fd >= 0)
			close(fd);
		if (got == (ssize_t)size && memcmp(found, expected, size) == 0) {
			whole++;
			continue;
		}
		printf("%s: %zd of %zu bytes%s\n", name, got, size, got == (ssize_t)size ? ", wrong ones" : "");
		torn++;
	}
	printf("%u whole, %u torn\n", whole, torn);
	return torn > 0 || whole == 0;
}

int main(int argc, char **argv)
{
	int dirfd = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY) : -1;

	if (dirfd < 0 || (strcmp(argv[1], "write") != 0 && strcmp(argv[1], "verify") != 0)) {
		fprintf(stderr, "usage: sync_writer write|verify DIR\n");
		return 2;
	}
	return strcmp(argv[1], "write") == 0 ? write_until_crash(dirfd) : verify(dirfd);
}
