/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-chunk history: what followed the last time this context was seen in the chunk. One table per context, direct-indexed by
 * its hash with a check byte, small enough to stay in the second-level cache, cleared for every chunk.
 */
#ifndef FIRN_MODEL_HISTORY_H
#define FIRN_MODEL_HISTORY_H

#include <stdint.h>

#define HISTORY_SLOTS_LOG2 14

/* A slot: last byte seen (bits 0-7), the last different byte before it (8-15), how often in a row, up to 3 (16-17), check (24-31). */
struct history {
	uint32_t *now; /* slot of the context at the current position */
	uint32_t slots[1u << HISTORY_SLOTS_LOG2];
};

/* Goes to the slot of the context with this hash (well mixed in its high bits) and returns its 18 bits of state; 0: never seen. */
static inline uint32_t history_find(struct history *h, uint64_t hash)
{
	uint32_t *slot = &h->slots[hash >> (64 - HISTORY_SLOTS_LOG2)];
	uint32_t check = (uint32_t)(hash >> (56 - HISTORY_SLOTS_LOG2)) << 24;

	if ((*slot ^ check) >> 24)
		*slot = check;
	h->now = slot;
	return *slot & 0x3ffff;
}

/* Notes the byte that followed. */
static inline void history_note(struct history *h, uint8_t byte)
{
	uint32_t s = *h->now;
	uint32_t run = s >> 16 & 3;

	if (run && (uint8_t)s == byte)
		*h->now = run < 3 ? s + 0x10000 : s;
	else
		*h->now = (s & 0xff000000) | 0x10000 | (s & 0xff) << 8 | byte;
}

#endif
