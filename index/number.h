/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of few bytes: LEB128 (7 bits a byte, lowest first, the shortest form); differences are zigzag: 0, -1, 1, -2 as 0, 1, 2, 3.
 */
#ifndef FIRN_INDEX_NUMBER_H
#define FIRN_INDEX_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The longest forms. */
#define NUMBER_MAX_64 10u
#define NUMBER_MAX_32 5u

struct number_writer {
	uint8_t *p, *end;
	bool full; /* something did not fit */
};
void number_put(struct number_writer *w, uint64_t x);

struct number_reader {
	const uint8_t *p, *end;
};
/* The next number, at most max; false when there is none, or not in its shortest form. */
bool number_get(struct number_reader *r, uint64_t max, uint64_t *x);

/* Differences modulo 2^64, and back. */
static inline uint64_t number_zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t number_unzigzag(uint64_t x)
{
	return x >> 1 ^ (0 - (x & 1));
}

#endif
