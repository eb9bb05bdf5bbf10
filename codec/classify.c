/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells chunks that are not worth an attempt: types that are compressed already, and bytes without order-0 structure.
 */
#include <string.h>

#include "codec/codec.h"

#define WINDOW 512u
#define WINDOWS 8u
#define SAMPLE (WINDOW * WINDOWS)

static const struct {
	uint8_t offset, len;
	const char *bytes;
} magics[] = {
	{0, 3, "\x1f\x8b\x08"},         /* gzip             */
	{0, 6, "\xfd" "7zXZ\0"},        /* xz               */
	{0, 4, "\x28\xb5\x2f\xfd"},     /* zstd             */
	{0, 3, "BZh"},                  /* bzip2            */
	{0, 4, "\x04\x22\x4d\x18"},     /* lz4              */
	{0, 6, "7z\xbc\xaf\x27\x1c"},   /* 7-zip            */
	{0, 6, "Rar!\x1a\x07"},         /* rar              */
	{0, 4, "PK\x03\x04"},           /* zip              */
	{0, 8, "\x89PNG\r\n\x1a\n"},    /* png              */
	{0, 3, "\xff\xd8\xff"},         /* jpeg             */
	{0, 4, "OggS"},                 /* ogg, opus        */
	{0, 4, "fLaC"},                 /* flac             */
	{0, 3, "ID3"},                  /* mp3              */
	{4, 4, "ftyp"},                 /* mp4, avif, heic  */
	{8, 4, "WEBP"},                 /* webp             */
	{0, 4, "wOF2"},                 /* woff2            */
	{0, 4, "\x1a\x45\xdf\xa3"},     /* matroska, webm   */
};

static int classify_known(const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
		if (n >= (size_t)magics[i].offset + magics[i].len &&
		    !memcmp(src + magics[i].offset, magics[i].bytes, magics[i].len))
			return 1;
	}
	return 0;
}

/*
 * 65536 log2(x) for x >= 1, by squaring the mantissa bit for bit. Integer, so that every machine decides alike.
 */
static uint32_t classify_log2(uint32_t x)
{
	uint32_t whole = 31u - (uint32_t)__builtin_clz(x);
	uint64_t mantissa = ((uint64_t)x << 31) >> whole;
	uint32_t fraction = 0;

	for (int i = 0; i < 16; i++) {
		mantissa = (mantissa * mantissa) >> 31;
		fraction <<= 1;
		if (mantissa >> 32) {
			mantissa >>= 1;
			fraction |= 1;
		}
	}
	return whole << 16 | fraction;
}

/* Order-0 entropy of eight windows spread over the chunk, in 1/256 bit per byte. */
static uint32_t classify_entropy(const uint8_t *src, size_t n)
{
	uint32_t count[256] = {0};
	uint64_t bits = 0;

	for (uint32_t w = 0; w < WINDOWS; w++) {
		const uint8_t *p = src + (n - WINDOW) / (WINDOWS - 1) * w;

		for (uint32_t i = 0; i < WINDOW; i++)
			count[p[i]]++;
	}
	for (int s = 0; s < 256; s++) {
		if (count[s])
			bits += (uint64_t)count[s] * (classify_log2(SAMPLE) - classify_log2(count[s]));
	}
	return (uint32_t)(bits / SAMPLE >> 8);
}

int codec_incompressible(const void *src, size_t n)
{
	uint32_t entropy;

	if (n < SAMPLE)
		return 0;
	/* Uniformly random bytes measure about 7.955 here, for the sample is finite. */
	entropy = classify_entropy(src, n);
	return entropy >= 2018 || (entropy >= 1946 && classify_known(src, n));
}
