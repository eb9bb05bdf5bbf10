/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What packing an extent denser is expected to save, by what came of others like it: so that what pays is done first.
 */
#ifndef FIRN_FS_GAIN_H
#define FIRN_FS_GAIN_H

#include "codec/codec.h"
#include "fs/extent/extent.h"

/* Like it: the same codec, as dense, and small enough to be packed with others or not. */
#define GAIN_DENSITIES 8u
#define GAIN_CLASSES (CODEC_COUNT * GAIN_DENSITIES * 2u)

/* Results so far; all zero: none. Of one thread. */
struct gain {
	struct {
		uint64_t plain;
		int64_t saved;
	} classes[GAIN_CLASSES];
};

/* group_bytes: as in struct compact_options. */
uint8_t gain_class(const struct extent *e, uint32_t group_bytes);

/* An extent of that class, of so many plain bytes, took `before` bytes and takes `after`. */
void gain_note(struct gain *g, uint8_t class, uint64_t plain, uint64_t before, uint64_t after);

/* Bytes expected to be saved for each plain byte, which is what encoding takes its time for. */
double gain_expect(const struct gain *g, uint8_t class);

/* That, coarsely: 0 the best. Within a rank neighbours stay neighbours. */
#define GAIN_RANKS 4u
unsigned gain_rank(const struct gain *g, uint8_t class);

#endif
