/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes to code in tests: the same on every run.
 */
#ifndef FIRN_TESTS_CODEC_BYTES_H
#define FIRN_TESTS_CODEC_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t bytes_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void bytes_random(uint8_t *buf, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)(bytes_next(&seed) >> 56);
}

/* Words from a small vocabulary in lines: compresses like simple text. */
static inline void bytes_text(uint8_t *buf, size_t n, uint64_t seed)
{
	static const char *const words[] = {"snow ", "settles ", "packs ", "the ", "glacier ", "and ", "every ",
					    "season ", "denser ", "ice, ", "firn ", "is ", "of ", "winter.\n", "x = ",
					    "return 0;\n"};
	size_t i = 0;

	while (i < n) {
		const char *w = words[bytes_next(&seed) >> 60];
		size_t len = strlen(w);

		if (len > n - i)
			len = n - i;
		memcpy(buf + i, w, len);
		i += len;
	}
}

#endif
