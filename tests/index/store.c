/* SPDX-License-Identifier: BSD-2-Clause */
/* Temporary stores for the tests of index/. */
#include "tests/index/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void store_make(struct store *s)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(s->path, sizeof s->path, "%s/firn-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->path));
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->fd >= 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void) st;
	(void) type;
	(void) ftw;
	return remove(path);
}

void store_remove(struct store *s)
{
	close(s->fd);
	assert_int_equal(nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int store_setup(void **state)
{
	static struct store the_store;

	store_make(&the_store);
	*state = &the_store;
	return 0;
}

int store_teardown(void **state)
{
	store_remove(*state);
	return 0;
}

void store_poke(const struct store *s, const char *name, uint64_t offset, const void *bytes, size_t len)
{
	int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t) offset), (ssize_t) len);
	close(fd);
}

void store_peek(const struct store *s, const char *name, uint64_t offset, void *bytes, size_t len)
{
	int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, len, (off_t) offset), (ssize_t) len);
	close(fd);
}

void store_truncate(const struct store *s, const char *name, uint64_t len)
{
	int fd = openat(s->fd, name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t) len), 0);
	close(fd);
}

uint64_t store_size(const struct store *s, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(s->fd, name, &st, 0), 0);
	return (uint64_t) st.st_size;
}

void store_flip(const struct store *s, const char *name, uint64_t offset)
{
	int fd = openat(s->fd, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t) offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t) offset), 1);
	close(fd);
}

uint64_t rng_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 2685821657736338717u;
}
