/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codecs: a chunk of plain bytes into a frame and back, behind one small table of operations.
 *
 * Stateless towards the file system. A codec_ctx holds the scratch of all codecs for one worker thread, so that no chunk costs an
 * allocation; parts that only the neural codec needs are allocated at its first use. What was learned (zstd dictionary, network) comes as a
 * codec_model, immutable, shared by threads, reference-counted.
 *
 * Decoding trusts nothing: the plain length comes from the caller, every read and write is bounded, time and memory are bounded by the plain length.
 */
#ifndef FIRN_CODEC_CODEC_H
#define FIRN_CODEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

/* Numbers are part of the format. */
enum codec_id {
	CODEC_RAW = 0,    /* level enum raw_level                                  */
	CODEC_LZ4 = 1,    /* level 0..2 fast, 3..12 denser                         */
	CODEC_ZSTD = 2,   /* level 1..19; with or without a dictionary             */
	CODEC_NEURAL = 3, /* level enum neural_level; always with a model          */
	CODEC_COUNT
};

enum raw_level {
	RAW_TRIED = 0,    /* it does not compress, or so it looks                  */
	RAW_UNTRIED = 1,  /* nobody had the time to look                           */
};

enum neural_level {
	NEURAL_FAST = 1,   /* network and matches, no counters                     */
	NEURAL_NORMAL = 2, /* counters and mixer on top                            */
	NEURAL_DENSE = 3,  /* and many contexts, learned from the dictionary       */
};

/* "fast", "normal", "dense"; NULL for an unknown number. */
const char *neural_level_name(int level);

/* The level with this name of len bytes; 0: there is none. */
int neural_level_named(const char *name, size_t len);

/* Largest plain chunk any codec takes. */
#define CODEC_PLAIN_MAX (1u << 20)

struct codec_ctx;
int codec_ctx_create(struct codec_ctx **out);
void codec_ctx_destroy(struct codec_ctx *ctx); /* NULL allowed */

/* The same numbers as enum model_kind of index/format.h. */
enum codec_model_kind {
	CODEC_MODEL_ZDICT = 1,
	CODEC_MODEL_NEURAL = 2,
};

struct codec_model;
/*
 * Makes a model usable from its stored bytes (copied). kind: enum codec_model_kind.
 * A network passes a known-answer test first. -EUCLEAN malformed, -EPROTONOSUPPORT, -ENOMEM, -EINVAL unknown kind. One reference, the caller's.
 */
int codec_model_load(unsigned kind, const void *bytes, size_t len, struct codec_model **out);
struct codec_model *codec_model_get(struct codec_model *m);
void codec_model_put(struct codec_model *m); /* NULL allowed */
size_t codec_model_memory(const struct codec_model *m);

/*
 * Encodes n plain bytes (1..CODEC_PLAIN_MAX) into dst and returns in *out the frame's length.
 * -E2BIG: does not fit in cap: the caller passes n - 1 or less to mean "only if smaller". -EINVAL: level, or model missing or of the wrong kind. -ENOMEM.
 */
int codec_encode(struct codec_ctx *ctx, enum codec_id codec, int level, const struct codec_model *model, const void *src,
		 size_t n, void *dst, size_t cap, size_t *out);

/*
 * Decodes a frame of n bytes to exactly `plain` bytes. -EUCLEAN: malformed frame, wrong length, unknown codec or level. -EINVAL: model missing
 * or of the wrong kind. -ENOMEM. On error the contents of dst are undefined.
 */
int codec_decode(struct codec_ctx *ctx, enum codec_id codec, int level, const struct codec_model *model, const void *src,
		 size_t n, void *dst, size_t plain);

/* "raw", "lz4", "zstd", "neural"; NULL for an unknown number. */
const char *codec_name(unsigned codec);

/* True when trying to compress is a waste: a fast look at the bytes (sampled order-0 entropy and known magic numbers of compressed types). */
int codec_incompressible(const void *src, size_t n);

/* XXH3-64 of bytes, the checksum of plain chunks. */
uint64_t codec_checksum(const void *bytes, size_t n);

/*
 * Trains a zstd dictionary of at most cap bytes from n samples that lie back to back (sizes[i]). *len gets its length.
 * -ENODATA: too little data to learn from.
 */
int codec_train_zdict(const void *samples, const size_t *sizes, size_t n, void *dict, size_t cap, size_t *len);

/* Which kernels neural coding uses: "scalar", "avx2", "avx512", "neon"; chosen at run time, FIRN_KERNEL in the environment overrides (for tests). */
const char *codec_kernel(void);

#endif
