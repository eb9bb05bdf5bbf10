/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of chunks made of records of one length: the column, the bytes above in the records
 * before, and how far these have lately foretold this column. They take the place of contexts that
 * mean something in text only.
 */
#ifndef FIRN_MODEL_RECORD_H
#define FIRN_MODEL_RECORD_H

#include <stdint.h>

#include "model/context.h"

#define RECORD_RUN_MAX 7
#define RECORD_HASH 0x9e3779b97f4a7c15u

struct record {
	uint32_t stride; /* 0: the chunk has no records */
	uint32_t column;
	uint8_t same[256]; /* by column: how many times in a row the byte was the one above */
	uint8_t line[256]; /* likewise, as far from that above as that from the one above it */
};

static inline uint8_t record_run(uint8_t run, int right)
{
	return (uint8_t)(!right ? 0 : run < RECORD_RUN_MAX ? run + 1 : run);
}

/* The byte that has become known at pos - 1. */
static inline void record_update(struct record *r, const uint8_t *buf, uint32_t pos, uint8_t byte)
{
	uint32_t s = r->stride, k = r->column;
	uint8_t above = pos > s ? buf[pos - 1 - s] : 0,
		before = pos > 2 * s ? buf[pos - 1 - 2 * s] : 0;

	r->same[k] = record_run(r->same[k], byte == above);
	r->line[k] = record_run(r->line[k], byte == (uint8_t)(2 * above - before));
	r->column = k + 1 < s ? k + 1 : 0;
}

static inline void record_hash(const struct record *r, const uint8_t *buf, uint32_t pos,
			       uint64_t c8, uint64_t hash[CTX_IDS])
{
	uint32_t s = r->stride, k = r->column;
	uint64_t at = (uint64_t)s << 8 | k, c1 = c8 & 0xff;
	uint64_t above = pos >= s ? buf[pos - s] : 0, before = pos >= 2 * s ? buf[pos - 2 * s] : 0;
	uint64_t left = pos > s ? buf[pos - s - 1] : 0;
	uint64_t order = c1 < left ? 0 : c1 == left ? 1 : 2;

	hash[CTX_WORD] = (at << 8 | above) * RECORD_HASH;
	hash[CTX_WORD2] = (at << 16 | before << 8 | above) * RECORD_HASH;
	hash[CTX_ABOVE] = (at << 16 | ((c1 - left) & 0xff) << 8 | above) * RECORD_HASH;
	hash[CTX_FIELD] =
		((uint64_t)r->same[k] << 13 | order << 11 | (uint64_t)r->line[k] << 8 | above) *
		RECORD_HASH;
	hash[CTX_SKIP48] = ((uint64_t)r->line[k] << 24 | (uint64_t)r->same[k] << 16 |
			    ((2 * above - before) & 0xff)) *
			   RECORD_HASH;
	hash[CTX_SKIP23] = (at << 16 | (c8 & 0xffff)) * RECORD_HASH;
}

#endif
