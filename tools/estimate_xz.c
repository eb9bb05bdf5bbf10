/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xz -9e on one chunk, for comparison, where liblzma was there when firn was built.
 *
 * The stream is LZMA2 without xz's container, and the window no larger than a chunk needs: nothing is counted that the method does not need.
 */
#include <errno.h>

#include "tools/estimate_coder.h"

#ifdef HAVE_LZMA
#include <lzma.h>

static void xz_filters(lzma_options_lzma *lzma, lzma_filter filters[2])
{
	lzma_lzma_preset(lzma, 9 | LZMA_PRESET_EXTREME);
	lzma->dict_size = CHUNK_SIZE_MAX;
	filters[0] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = lzma};
	filters[1] = (lzma_filter){.id = LZMA_VLI_UNKNOWN};
}

static int xz_error(lzma_ret rc)
{
	return rc == LZMA_OK ? 0 : rc == LZMA_BUF_ERROR ? -E2BIG : rc == LZMA_MEM_ERROR ? -ENOMEM : -EUCLEAN;
}

int xz_encode(const uint8_t *src, size_t n, uint8_t *dst, size_t cap, size_t *len)
{
	lzma_options_lzma lzma;
	lzma_filter filters[2];

	xz_filters(&lzma, filters);
	*len = 0;
	return xz_error(lzma_raw_buffer_encode(filters, NULL, src, n, dst, len, cap));
}

int xz_decode(const uint8_t *src, size_t n, uint8_t *dst, size_t plain)
{
	lzma_options_lzma lzma;
	lzma_filter filters[2];
	size_t in = 0, out = 0;
	int rc;

	xz_filters(&lzma, filters);
	rc = xz_error(lzma_raw_buffer_decode(filters, NULL, src, &in, n, dst, &out, plain));
	return rc == 0 && (in != n || out != plain) ? -EUCLEAN : rc;
}

uint64_t xz_memory(void)
{
	lzma_options_lzma lzma;
	lzma_filter filters[2];

	xz_filters(&lzma, filters);
	return lzma_raw_encoder_memusage(filters) + lzma_raw_decoder_memusage(filters);
}

#else

int xz_encode(const uint8_t *src, size_t n, uint8_t *dst, size_t cap, size_t *len)
{
	(void)src;
	(void)n;
	(void)dst;
	(void)cap;
	*len = 0;
	return -ENOSYS;
}

int xz_decode(const uint8_t *src, size_t n, uint8_t *dst, size_t plain)
{
	(void)src;
	(void)n;
	(void)dst;
	(void)plain;
	return -ENOSYS;
}

uint64_t xz_memory(void)
{
	return 0;
}

#endif
