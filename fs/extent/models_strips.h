/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model in strips: its bytes in MODEL_STRIPS parts of equal length, and the XOR of those, from which any one can be computed that is lost.
 *
 * This is the single-parity code of RAID 4 and 5 (Patterson, Gibson, Katz 1988). A hash of the whole says whether a strip is right that was computed, and
 * finds the wrong one when no checksum has told. Strips lie back to back in one buffer, the XOR last: the buffer begins with the model.
 */
#ifndef FIRN_FS_MODELS_STRIPS_H
#define FIRN_FS_MODELS_STRIPS_H

#include <stdbool.h>

#include "index/format.h"

/* Room for the strips of a model of so many bytes, malloc'ed; NULL. */
uint8_t *strips_new(uint32_t bytes);

/* The same, filled. */
uint8_t *strips_make(const void *model, uint32_t bytes);

/* Whether the model's XXH3-128 in canonical form begins with these bytes. */
bool strips_right(const uint8_t *strips, uint32_t bytes, const uint8_t *hash, size_t hash_len);

/*
 * Makes all strips what they must be. lost: bit i says that strip i is not there, whatever its room holds. *bad: the strip that was lost or wrong, -1 none.
 * -EUCLEAN: more than one is; the buffer then holds nothing of use.
 */
int strips_mend(uint8_t *strips, uint32_t bytes, unsigned lost, const uint8_t *hash, size_t hash_len, int *bad);

#endif
