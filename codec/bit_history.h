/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bit histories: what a context has seen of one bit, in one byte: how many zeros, how many ones,
 * which came last.
 *
 * Counts are small and forget: a bit of the other kind takes back most of a long run, as a run that
 * broke is no longer one. What a history is worth is learned elsewhere, by whoever keeps a
 * probability for each.
 */
#ifndef FIRN_CODEC_BIT_HISTORY_H
#define FIRN_CODEC_BIT_HISTORY_H

#include <stdint.h>

#define BIT_HISTORIES 256 /* 0: nothing seen */

struct bit_history {
	uint8_t next[BIT_HISTORIES][2]; /* after one more bit */
	uint8_t seen[BIT_HISTORIES]; /* zeros and ones together: how much would be lost with it */
	uint16_t
		chance[BIT_HISTORIES]; /* that a one follows, of 65536: a start for who learns it */
};

void bit_history_init(struct bit_history *h);

#endif
