/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LZ4 blocks for fresh data: levels 0 to 2 are the fast encoder, 3 to 12 the optimising one; frames of all levels decode alike.
 */
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>

#include "codec/ops.h"

struct lz4_scratch {
	void *fast;
	void *dense; /* a quarter MiB, allocated when a level first asks for it */
};

static void lz4_destroy(void *scratch)
{
	struct lz4_scratch *s = scratch;

	free(s->fast);
	free(s->dense);
	free(s);
}

static int lz4_create(void **scratch)
{
	struct lz4_scratch *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->fast = malloc((size_t)LZ4_sizeofState());
	if (!s->fast) {
		free(s);
		return -ENOMEM;
	}
	*scratch = s;
	return 0;
}

static int lz4_encode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t cap, size_t *out)
{
	struct lz4_scratch *s = scratch;
	int room = cap < INT_MAX ? (int)cap : INT_MAX;
	int len;

	(void)model;
	if (level >= LZ4HC_CLEVEL_MIN) {
		if (!s->dense)
			s->dense = malloc((size_t)LZ4_sizeofStateHC());
		if (!s->dense)
			return -ENOMEM;
		len = LZ4_compress_HC_extStateHC(s->dense, (const char *)src, (char *)dst, (int)n, room, level);
	} else {
		len = LZ4_compress_fast_extState(s->fast, (const char *)src, (char *)dst, (int)n, room, 1);
	}
	if (len <= 0)
		return -E2BIG;
	*out = (size_t)len;
	return 0;
}

static int lz4_decode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t plain)
{
	(void)scratch;
	(void)level;
	(void)model;
	if (n > (size_t)LZ4_compressBound((int)plain))
		return -EUCLEAN;
	return LZ4_decompress_safe((const char *)src, (char *)dst, (int)n, (int)plain) == (int)plain ? 0 : -EUCLEAN;
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.level_max = LZ4HC_CLEVEL_MAX,
	.create = lz4_create,
	.destroy = lz4_destroy,
	.encode = lz4_encode,
	.decode = lz4_decode,
};
