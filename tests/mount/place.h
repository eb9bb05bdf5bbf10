/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the POSIX programs: they take an empty directory as argument and work in it, so that the same assertions are proved on any
 * other file system, and checks of a call's errno.
 */
#ifndef FIRN_TESTS_MOUNT_PLACE_H
#define FIRN_TESTS_MOUNT_PLACE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The call fails with exactly this errno. */
#define assert_errno(call, code)                 \
	do {                                     \
		errno = 0;                       \
		assert_int_equal((call), -1);    \
		assert_int_equal(errno, (code)); \
	} while (0)

#define assert_done(call) assert_int_equal((call), 0)

static inline void place_enter(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: %s EMPTY-DIRECTORY\n", argv[0]);
		_exit(2);
	}
	umask(022);
}

/* A regular file with this text. */
static inline void place_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_done(close(fd));
}

static inline void assert_text(const char *name, const char *text)
{
	char buf[256];
	int fd = open(name, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, sizeof buf - 1);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
	assert_done(close(fd));
}

static inline struct stat place_stat(const char *name)
{
	struct stat st;

	assert_done(lstat(name, &st));
	return st;
}

#endif
