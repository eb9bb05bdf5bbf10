/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums of the index's values. */
#include "index/seal.h"

#include <xxhash.h>

uint16_t seal_make(enum table table, const void *key, size_t key_len, const void *value, size_t len)
{
	uint64_t of_key = XXH3_64bits_withSeed(key, key_len, (uint64_t)table);

	return (uint16_t)XXH3_64bits_withSeed(value, len, of_key);
}

bool seal_open(enum table table, const void *key, size_t key_len, const void *sealed, size_t *len)
{
	const uint8_t *bytes = sealed;
	le16_t seal;

	if (*len < SEAL_LEN) {
		*len = 0;
		return false;
	}
	*len -= SEAL_LEN;
	memcpy(&seal, bytes + *len, sizeof seal);
	return le16_get(seal) == seal_make(table, key, key_len, bytes, *len);
}
