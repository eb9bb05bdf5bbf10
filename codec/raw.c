/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec for bytes that do not compress: the frame is the plain bytes.
 */
#include <errno.h>
#include <string.h>

#include "codec/ops.h"

static int raw_encode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t cap, size_t *out)
{
	(void)scratch;
	(void)level;
	(void)model;
	if (n > cap)
		return -E2BIG;
	memcpy(dst, src, n);
	*out = n;
	return 0;
}

static int raw_decode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		      uint8_t *dst, size_t plain)
{
	(void)scratch;
	(void)level;
	(void)model;
	if (n != plain)
		return -EUCLEAN;
	memcpy(dst, src, n);
	return 0;
}

const struct codec_ops codec_raw = {
	.name = "raw",
	.level_max = RAW_UNTRIED,
	.encode = raw_encode,
	.decode = raw_decode,
};
