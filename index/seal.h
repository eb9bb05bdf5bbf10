/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seal of a value in the index: 16 bits of XXH3-64 over table, key and value, stored behind it.
 *
 * LMDB keeps no checksums: a flipped bit of index.mdb would be another name, size or place. 16 bits let one of 65536 damages pass; four bytes would
 * make the index of small files 3 % larger, and contents have a checksum of 64 bits of their own.
 */
#ifndef FIRN_INDEX_SEAL_H
#define FIRN_INDEX_SEAL_H

#include <stdbool.h>

#include "index/format.h"

/* Of a value of len bytes. A wrong one: of a value that is known to be damaged and is to stay so. */
uint16_t seal_make(enum table table, const void *key, size_t key_len, const void *value, size_t len);

/* Sets *len, which counts the seal, to the value's own length (0 when there is no room for a seal); true when the seal matches. */
bool seal_open(enum table table, const void *key, size_t key_len, const void *sealed, size_t *len);

#endif
