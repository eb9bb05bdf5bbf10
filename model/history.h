/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-chunk history: what followed the last time this context was seen in the chunk. One table per context, direct-indexed by
 * its hash with a check byte, small enough to stay in the second-level cache, smaller for short chunks, cleared for every chunk.
 */
#ifndef FIRN_MODEL_HISTORY_H
#define FIRN_MODEL_HISTORY_H

#include <stdint.h>

#define HISTORY_SLOTS_LOG2 14 /* at most */

/* A slot: last byte seen (bits 0-7), the last different byte before it (8-15), how often in a row, up to 3 (16-17), check (24-31). */
struct history {
	uint32_t at;    /* slot of the context at the current position */
	uint32_t state; /* what it holds */
	uint32_t slots[1u << HISTORY_SLOTS_LOG2];
};

/* Goes to the slot, of 2^slots_log2, of the context with this hash (well mixed in its high bits), so that memory can work before history_read. */
static inline void history_find(struct history *h, uint64_t hash, unsigned slots_log2)
{
	h->at = (uint32_t)(hash >> (64 - slots_log2));
	h->state = (uint32_t)(hash >> (56 - slots_log2)) << 24;
	__builtin_prefetch(&h->slots[h->at]);
}

/* Its 18 bits of state; 0: never seen. */
static inline uint32_t history_read(struct history *h)
{
	uint32_t slot = h->slots[h->at];

	h->state |= (slot ^ h->state) >> 24 ? 0 : slot;
	return h->state & 0x3ffff;
}

/* Notes the byte that followed. */
static inline void history_note(struct history *h, uint8_t byte)
{
	uint32_t s = h->state, run = s >> 16 & 3;
	uint32_t again = s + (run < 3 ? 0x10000 : 0);
	uint32_t other = (s & 0xff000000) | 0x10000 | (s & 0xff) << 8 | byte;

	h->slots[h->at] = run && (uint8_t)s == byte ? again : other;
}

#endif
