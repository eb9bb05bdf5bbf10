/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that tell where they belong, written to files and found again.
 */
#ifndef FIRN_TESTS_POSIX_PATTERN_H
#define FIRN_TESTS_POSIX_PATTERN_H

#include "tests/posix/place.h"

#define CHUNK 131072

static inline uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 2654435761u >> 24 ^ at >> 13);
}

static inline void write_pattern(int fd, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(at + i);
	assert_int_equal(pwrite(fd, buf, len, (off_t)at), len);
	free(buf);
}

/* At `at` are the bytes that were written for `as`. */
static inline void assert_pattern_as(int fd, uint64_t at, size_t len, uint64_t as)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	assert_int_equal(pread(fd, buf, len, (off_t)at), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], pattern(as + i));
	free(buf);
}

static inline void assert_pattern(int fd, uint64_t at, size_t len)
{
	assert_pattern_as(fd, at, len, at);
}

static inline void assert_zeros(int fd, uint64_t at, size_t len)
{
	uint8_t *buf = malloc(len);

	assert_non_null(buf);
	assert_int_equal(pread(fd, buf, len, (off_t)at), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(buf[i], 0);
	free(buf);
}

#endif
