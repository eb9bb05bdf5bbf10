/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the POSIX programs. Each takes a directory as argument (or $POSIX_DIR), works in a directory of its own in it and must leave nothing
 * behind, so that the same assertions are proved on any other file system. What cannot be tried there is skipped with its reason.
 */
#ifndef FIRN_TESTS_POSIX_PLACE_H
#define FIRN_TESTS_POSIX_PLACE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The call fails with exactly this errno. */
#define assert_errno(call, code)                                                         \
	do {                                                                             \
		errno = 0;                                                               \
		if ((call) != -1)                                                        \
			fail_msg("%s succeeds", #call);                                  \
		if (errno != (code))                                                     \
			fail_msg("%s: %s, not %s", #call, strerror(errno), strerror(code)); \
	} while (0)

/* The call returns 0. */
#define assert_done(call)                                                   \
	do {                                                                \
		errno = 0;                                                  \
		if ((call) != 0)                                            \
			fail_msg("%s: %s", #call, strerror(errno));         \
	} while (0)

#define place_skip(reason)                                                          \
	do {                                                                        \
		print_message("not tested: %s\n", (reason));                        \
		skip();                                                             \
	} while (0)

static int place_base; /* the directory of the program; each case has one of its own in it */

static inline void place_enter(int argc, char **argv)
{
	const char *dir = argc == 2 ? argv[1] : getenv("POSIX_DIR");
	char own[] = "posix.XXXXXX";

	if (argc > 2 || !dir || chdir(dir) != 0 || !mkdtemp(own) || chmod(own, 0755) != 0 || chdir(own) != 0 ||
	    (place_base = open(".", O_RDONLY | O_DIRECTORY)) < 0) {
		fprintf(stderr, "usage: %s DIRECTORY (or $POSIX_DIR): %s\n", argv[0], strerror(errno));
		_exit(2);
	}
	umask(022);
}

/* Exit status: the number of failed cases, and one more when the directory could not be removed. */
static inline int place_leave(int failed)
{
	char here[4096];

	if (fchdir(place_base) != 0 || !getcwd(here, sizeof here) || chdir("..") != 0 || rmdir(here) != 0) {
		fprintf(stderr, "cannot remove the directory: %s\n", strerror(errno));
		failed++;
	}
	return failed;
}

#define place_run(tests) place_leave(cmocka_run_group_tests((tests), NULL, NULL))

/* From here on as another user, in no other group than this. Only root can. */
static inline void place_become(uid_t uid, gid_t gid)
{
	assert_done(setgroups(1, &gid));
	assert_done(setegid(gid));
	assert_done(seteuid(uid));
}

/* As root again. */
static inline int place_root(void)
{
	return getuid() == 0 && (seteuid(0) || setegid(0) || setgroups(0, NULL)) ? -1 : 0;
}

static inline int place_setup(void **state)
{
	(void)state;
	return mkdirat(place_base, "case", 0755) || fchdir(place_base) || chdir("case");
}

static inline int place_remove(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* A case that leaves something behind has failed, and leaves nothing to the next one. */
static inline int place_teardown(void **state)
{
	(void)state;
	umask(022);
	if (place_root() || fchdir(place_base))
		return -1;
	if (rmdir("case") == 0)
		return 0;
	nftw("case", place_remove, 8, FTW_DEPTH | FTW_PHYS);
	return -1;
}

#define place_case(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)

#define place_need_root()                            \
	do {                                         \
		if (geteuid() != 0)                  \
			place_skip("must be root");  \
	} while (0)

/* A regular file with this text. */
static inline void place_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_done(close(fd));
}

/* Opened for reading and writing, new. */
static inline int place_new(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	return fd;
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

/* Both times in 1970, so that what moves one is seen however coarse the clock is. */
static inline void place_age(const char *name)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };

	assert_done(utimensat(AT_FDCWD, name, old, AT_SYMLINK_NOFOLLOW));
}

#endif
