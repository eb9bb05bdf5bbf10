/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Golden files: models and frames as this format version writes them, kept in tests/codec/golden/ so that every later firn is tested to read them.
 *
 * NAME.model is a model as stored. NAME-*.frame is an envelope of eight bytes and the frame: codec, level, number of the model (0 none, else its
 * place in golden_models), kind of the plain bytes, their length (32 bits, little-endian). The plain bytes are made anew by golden_plain.
 */
#ifndef FIRN_TESTS_CODEC_GOLDEN_H
#define FIRN_TESTS_CODEC_GOLDEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "tests/codec/bytes.h"

#define GOLDEN_ENVELOPE 8u
#define GOLDEN_FILE_MAX (1u << 20)
#define GOLDEN_KINDS 6u

/* "text" has a dictionary, calibration and all contexts; "small" few contexts and nothing else; "extreme" weights as large as they can be. */
#define GOLDEN_MODELS 4u
static const struct {
	const char *name;
	unsigned kind; /* enum codec_model_kind */
} golden_models[GOLDEN_MODELS] = {
	{"text", CODEC_MODEL_NEURAL}, {"small", CODEC_MODEL_NEURAL}, {"extreme", CODEC_MODEL_NEURAL}, {"zstd", CODEC_MODEL_ZDICT},
};

struct golden_frame {
	unsigned codec, level, model, kind;
	uint32_t plain;
	const uint8_t *frame;
	size_t len;
};

static inline int golden_parse(const uint8_t *bytes, size_t len, struct golden_frame *out)
{
	if (len < GOLDEN_ENVELOPE)
		return -1;
	*out = (struct golden_frame){bytes[0], bytes[1], bytes[2], bytes[3], 0, bytes + GOLDEN_ENVELOPE, len - GOLDEN_ENVELOPE};
	out->plain = bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 24;
	return 0;
}

/* What machine code looks like to a branch filter: calls to few places, from everywhere. */
static inline void golden_code(uint8_t *buf, size_t n)
{
	uint64_t seed = n;

	for (size_t i = 0; i < n;) {
		uint64_t r = bytes_next(&seed);
		uint32_t target = (uint32_t)(r >> 32 & 7) * 4096 - (uint32_t)i;

		buf[i++] = r & 1 ? 0xe8 : (uint8_t)(0x80 | (r >> 8 & 15));
		for (unsigned k = 0; r & 1 && k < 4 && i < n; k++)
			buf[i++] = (uint8_t)(target >> 8 * k);
	}
}

/* Records of 12 bytes: a number that grows, one that stays near, noise, padding. */
static inline void golden_records(uint8_t *buf, size_t n)
{
	uint64_t seed = n;

	for (size_t i = 0; i < n; i++) {
		uint32_t row = (uint32_t)(i / 12), k = i % 12;

		buf[i] = (uint8_t)(k < 4   ? row * 40 >> 8 * k
				   : k < 6 ? bytes_next(&seed) & 3
				   : k < 7 ? bytes_next(&seed)
					   : 0);
	}
}

/* 0 zeros, 1 noise, 2 text, 3 a table, 4 machine code, 5 records. */
static inline void golden_plain(unsigned kind, uint8_t *buf, size_t n)
{
	switch (kind) {
	case 0:
		memset(buf, 0, n);
		break;
	case 1:
		bytes_random(buf, n, n);
		break;
	case 2:
		bytes_text(buf, n, n);
		break;
	case 3:
		for (size_t i = 0; i < n; i++)
			buf[i] = (uint8_t)(i % 16 == 15 ? '\n' : i % 8 == 7 ? ',' : '0' + i / 16 % (i % 8 + 2));
		break;
	case 4:
		golden_code(buf, n);
		break;
	default:
		golden_records(buf, n);
	}
}

/* A file of dir, at most GOLDEN_FILE_MAX bytes, into buf; -1 when it cannot be read. */
static inline int golden_read(const char *dir, const char *name, uint8_t *buf, size_t *len)
{
	char path[4400];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	*len = fread(buf, 1, GOLDEN_FILE_MAX, f);
	return fclose(f) == 0 && *len > 0 ? 0 : -1;
}

/* Model number 1..GOLDEN_MODELS of dir. */
static inline int golden_model(const char *dir, unsigned number, struct codec_model **out)
{
	static uint8_t bytes[GOLDEN_FILE_MAX];
	char name[64];
	size_t len;

	snprintf(name, sizeof name, "%s.model", golden_models[number - 1].name);
	*out = NULL;
	return golden_read(dir, name, bytes, &len) ? -1 : codec_model_load(golden_models[number - 1].kind, bytes, len, out);
}

#endif
