/* SPDX-License-Identifier: BSD-2-Clause */
/* How the dictionary's index is addressed: shared by its builder (model/model.c) and its reader (model/context.c). */
#ifndef FIRN_MODEL_DICT_H
#define FIRN_MODEL_DICT_H

#include <stdint.h>

/* Bytes that are hashed; the reader works two bytes late, so matches begin at this + 2. */
#define DICT_MATCH_MIN 5u

/* Slot of the last DICT_MATCH_MIN bytes, newest lowest. */
static inline uint32_t dict_slot(uint64_t last, uint32_t index_log2)
{
	return (uint32_t)(((last & 0xffffffffff) * 0x9e3779b97f4a7c15u) >> (64 - index_log2));
}

#endif
