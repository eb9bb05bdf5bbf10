/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of codecs: checks what every codec relies on, then calls the one named.
 */
#include "codec/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "codec/ops.h"

static const struct codec_ops *const table[CODEC_COUNT] = {
	[CODEC_RAW] = &codec_raw,
	[CODEC_LZ4] = &codec_lz4,
	[CODEC_ZSTD] = &codec_zstd,
	[CODEC_NEURAL] = &codec_neural,
};

struct codec_ctx {
	void *scratch[CODEC_COUNT]; /* each made at its codec's first use */
};

int codec_ctx_create(struct codec_ctx **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? 0 : -ENOMEM;
}

void codec_ctx_destroy(struct codec_ctx *ctx)
{
	if (!ctx)
		return;
	for (unsigned i = 0; i < CODEC_COUNT; i++) {
		if (ctx->scratch[i])
			table[i]->destroy(ctx->scratch[i]);
	}
	free(ctx);
}

static const struct codec_ops *codec_find(unsigned codec, int level)
{
	const struct codec_ops *ops = codec < CODEC_COUNT ? table[codec] : NULL;

	return ops && level >= ops->level_min && level <= ops->level_max ? ops : NULL;
}

/* Checks the model and makes the scratch. */
static int codec_prepare(struct codec_ctx *ctx, const struct codec_ops *ops, unsigned codec,
			 const struct codec_model *model)
{
	if (model ? model->kind != ops->model_kind : ops->needs_model)
		return -EINVAL;
	return ops->create && !ctx->scratch[codec] ? ops->create(&ctx->scratch[codec]) : 0;
}

int codec_encode(struct codec_ctx *ctx, enum codec_id codec, int level,
		 const struct codec_model *model, const void *src, size_t n, void *dst, size_t cap,
		 size_t *out)
{
	const struct codec_ops *ops = codec_find(codec, level);
	int rc;

	*out = 0;
	if (!ops || n < 1 || n > CODEC_PLAIN_MAX)
		return -EINVAL;
	rc = codec_prepare(ctx, ops, codec, model);
	if (rc < 0)
		return rc;
	return cap ? ops->encode(ctx->scratch[codec], level, model, src, n, dst, cap, out) : -E2BIG;
}

int codec_decode(struct codec_ctx *ctx, enum codec_id codec, int level,
		 const struct codec_model *model, const void *src, size_t n, void *dst,
		 size_t plain)
{
	const struct codec_ops *ops = codec_find(codec, level);
	int rc;

	if (!ops || plain < 1 || plain > CODEC_PLAIN_MAX || n < 1)
		return -EUCLEAN;
	rc = codec_prepare(ctx, ops, codec, model);
	if (rc < 0)
		return rc;
	return ops->decode(ctx->scratch[codec], level, model, src, n, dst, plain);
}

const char *codec_name(unsigned codec)
{
	return codec < CODEC_COUNT ? table[codec]->name : NULL;
}

const char *neural_level_name(int level)
{
	static const char *const names[] = {
		[NEURAL_FAST] = "fast", [NEURAL_NORMAL] = "normal", [NEURAL_DENSE] = "dense"};

	return level >= NEURAL_FAST && level <= NEURAL_DENSE ? names[level] : NULL;
}

int neural_level_named(const char *name, size_t len)
{
	for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++)
		if (strlen(neural_level_name(level)) == len &&
		    memcmp(neural_level_name(level), name, len) == 0)
			return level;
	return 0;
}

uint64_t codec_checksum(const void *bytes, size_t n)
{
	return XXH3_64bits(bytes, n);
}
