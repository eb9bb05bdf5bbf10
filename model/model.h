/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the neural codec learned from a mount: the model in memory and as bytes.
 *
 * The network, per byte: every context (model/context.h) names one row of its own embedding table; the rows are summed
 * and clipped to the hidden vector. Per bit: the dot product of the hidden vector and the output row of the bit's node
 * is the logit that the next bit is 1. Integers only, the same on every CPU:
 *
 *     acc[j] = bias[j] + sum_i embed_i[row_i][j]                 int16: 32 tables * 127 + bias cannot overflow
 *     h[j]   = clamp(acc[j], 0, 127)                             units 1/64   (float twin: clamp(x, 0, 127/64))
 *     z[n]   = out_bias[n] + sum_j h[j] * out[n][j]              int32, units 2^-18; |z| < 2^31 as 128 * 127 * 32767 < 2^30
 *     st[n]  = clamp(z[n] >> 10, -3071, 3071)                    units 1/256: natural log odds
 *
 * so embed and bias are round(64 w), out is round(4096 w), out_bias is round(2^18 w), saturated to their types.
 * Nodes: a byte is two nibbles, high first, each a binary tree: node(hi prefix) = p - 1 for p = 1..15, where p is 1 followed
 * by the nibble's bits so far; node(low prefix) = 15 + 15 * hi + p - 1. 255 rows in all.
 *
 * As bytes (man/firn.5 "MODEL"): header with magic, version, kind, shapes and checksum, then the arrays entropy-coded.
 * model_load checks everything before use: a malformed model is -EUCLEAN, never a crash, and never more memory than
 * MODEL_MEMORY_MAX.
 */
#ifndef FIRN_MODEL_MODEL_H
#define FIRN_MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define MODEL_CONTEXTS_MAX 32
#define MODEL_HIDDEN_MAX 128
#define MODEL_ROWS_LOG2_MIN 4
#define MODEL_ROWS_LOG2_MAX 16
#define MODEL_NODES 255
#define MODEL_DICT_MAX (8u << 20)
#define MODEL_MEMORY_MAX (128u << 20)

/* Initial weights of the codec's mixers, calibrated after training; their meaning is codec/neural's own. */
#define MODEL_MIXER_MAX 8192
#define MODEL_ANSWERS 2

struct model_shape {
	uint32_t contexts;                       /* 1..MODEL_CONTEXTS_MAX; which ones: context_ids               */
	uint32_t hidden;                         /* multiple of 32, 32..MODEL_HIDDEN_MAX                         */
	uint8_t context_ids[MODEL_CONTEXTS_MAX]; /* enum context_id, strictly ascending                          */
	uint8_t rows_log2[MODEL_CONTEXTS_MAX];   /* table size of each                                           */
	uint32_t dict_len;                       /* bytes of dictionary, 0..MODEL_DICT_MAX                       */
	uint32_t mixer_len;                      /* number of mixer weights, 0 (codec's defaults)..MODEL_MIXER_MAX */
};

struct model {
	struct model_shape shape;
	int8_t *embed[MODEL_CONTEXTS_MAX]; /* [1 << rows_log2][hidden], 64-byte aligned           */
	int16_t bias[MODEL_HIDDEN_MAX];
	int16_t *out;                      /* [MODEL_NODES][hidden], 64-byte aligned              */
	int32_t out_bias[MODEL_NODES];
	int32_t mixer[MODEL_MIXER_MAX];
	uint32_t answer[MODEL_ANSWERS];    /* what the codec's test gives at each level; 0: not known */
	uint8_t *dict;                     /* dict_len bytes: whole chunks of the mount, joined   */
	uint32_t *dict_index;              /* built at load: hash of 5 bytes -> position after them (model/dict.h) */
	uint32_t dict_index_log2;
	struct model_derived *derived;
};

/* What the codec made of a model when it first needed it; guarded by the codec. */
struct model_derived {
	void *start;                   /* NULL: not yet */
	void (*start_free)(void *start);
};

/* -EINVAL when a shape is outside its bounds. */
int model_shape_check(const struct model_shape *shape);

/* A model of this shape with all arrays zero. -EINVAL, -ENOMEM. The dictionary's bytes are filled by the caller, then model_index_dict. */
int model_create(const struct model_shape *shape, struct model **out);
int model_index_dict(struct model *m);
/* To be called when the arrays change after the codec used them. */
void model_forget_derived(struct model *m);
void model_destroy(struct model *m); /* NULL allowed */

/* Serialises into a malloc'ed buffer that the caller frees. Deterministic: equal models give equal bytes. */
int model_save(const struct model *m, uint8_t **bytes, size_t *len);

/* The reverse. -EUCLEAN malformed or damaged, -EPROTONOSUPPORT newer version, -ENOMEM. */
int model_load(const void *bytes, size_t len, struct model **out);

/* Only the shape, from the header; the checksum is that of all bytes. Errors as above. */
int model_shape_load(const void *bytes, size_t len, struct model_shape *out);

/* Bytes of memory a model of this shape takes when loaded. */
size_t model_memory(const struct model_shape *shape);

#endif
