/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside codec/: what a codec is to codec.c, and what a loaded model holds for the codecs that use it.
 */
#ifndef FIRN_CODEC_OPS_H
#define FIRN_CODEC_OPS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

/*
 * One codec. codec.c has checked codec number, lengths and level range, and that the model, if there is one, is of this codec's kind. scratch is what
 * create made for this worker (NULL when create is NULL), at the codec's first use. Codes are those of codec_encode and codec_decode; a decoder writes
 * exactly `plain` bytes or fails.
 */
struct codec_ops {
	const char *name;
	int level_min, level_max;
	unsigned model_kind; /* enum codec_model_kind it can use, 0 none */
	int needs_model;
	int (*create)(void **scratch);
	void (*destroy)(void *scratch);
	int (*encode)(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t cap, size_t *out);
	int (*decode)(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t plain);
};

extern const struct codec_ops codec_raw;
extern const struct codec_ops codec_lz4;
extern const struct codec_ops codec_zstd;
extern const struct codec_ops codec_neural;

struct zstd_dict;
struct model;

/* Immutable after codec_model_load but for the reference count and what zstd_dict digests on demand under its own lock. */
struct codec_model {
	atomic_uint refs;
	unsigned kind;
	size_t memory;
	struct zstd_dict *zdict;
	struct model *net;
};

/* A zstd dictionary digested for both directions; -EUCLEAN when the bytes are not one. */
int zstd_dict_create(const void *bytes, size_t len, struct zstd_dict **out);
void zstd_dict_destroy(struct zstd_dict *dict);
size_t zstd_dict_memory(const struct zstd_dict *dict); /* 0 of NULL */

/* Loads a network and tests that what it encodes it decodes; -EUCLEAN when not. *memory: what it takes. */
int neural_model_load(const void *bytes, size_t len, struct model **out, size_t *memory);

#endif
