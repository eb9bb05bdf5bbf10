/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strips of a model made, checked, and computed from the others.
 */
#include "fs/extent/models_strips.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

static void strip_xor(uint8_t *restrict to, const uint8_t *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] ^= from[i];
}

/* The last strip and all the others: zero when the last was their XOR. */
static void strips_fold(uint8_t *strips, size_t n)
{
	for (size_t i = 0; i < MODEL_STRIPS; i++)
		strip_xor(strips + MODEL_STRIPS * n, strips + i * n, n);
}

static bool strip_zero(const uint8_t *strip, size_t n)
{
	uint8_t all = 0;

	for (size_t i = 0; i < n; i++)
		all |= strip[i];
	return all == 0;
}

uint8_t *strips_new(uint32_t bytes)
{
	return malloc((size_t)(MODEL_STRIPS + 1) * model_strip(bytes));
}

uint8_t *strips_make(const void *model, uint32_t bytes)
{
	size_t n = model_strip(bytes);
	uint8_t *strips = strips_new(bytes);

	if (!strips)
		return NULL;
	memcpy(strips, model, bytes);
	memset(strips + bytes, 0, (MODEL_STRIPS + 1) * n - bytes);
	strips_fold(strips, n);
	return strips;
}

bool strips_right(const uint8_t *strips, uint32_t bytes, const uint8_t *hash, size_t hash_len)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(strips, bytes));
	return memcmp(canonical.digest, hash, hash_len) == 0;
}

int strips_mend(uint8_t *strips, uint32_t bytes, unsigned lost, const uint8_t *hash, size_t hash_len, int *bad)
{
	size_t n = model_strip(bytes);
	uint8_t *last = strips + MODEL_STRIPS * n;
	bool right = false;

	*bad = -1;
	if (lost & (lost - 1))
		return -EUCLEAN;
	for (int i = 0; i <= MODEL_STRIPS; i++)
		if (lost >> i & 1)
			memset(strips + i * n, 0, n);
	strips_fold(strips, n); /* now it is what the one strip lacks that is not right */
	if (!lost && strip_zero(last, n))
		right = strips_right(strips, bytes, hash, hash_len);
	for (int i = 0; !right && i <= MODEL_STRIPS; i++) {
		if (lost && lost != 1u << i)
			continue;
		*bad = i;
		if (i < MODEL_STRIPS)
			strip_xor(strips + i * n, last, n);
		right = strips_right(strips, bytes, hash, hash_len);
		if (!right && i < MODEL_STRIPS)
			strip_xor(strips + i * n, last, n);
	}
	memset(last, 0, n);
	strips_fold(strips, n);
	return right ? 0 : -EUCLEAN;
}
