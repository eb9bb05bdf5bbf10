/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zstd frames for settled data, with or without a dictionary trained for the store.
 *
 * A frame is a zstd frame (RFC 8878) without magic number, content size, checksum and dictionary id: the extent and record headers carry all of
 * them. Its window never exceeds the chunk, so decoding needs no memory beyond the context.
 */
#define ZSTD_STATIC_LINKING_ONLY
#define ZDICT_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>
#include <zdict.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ops.h"

#define LEVEL_MAX 19
#define DICT_MIN 256u
#define DICT_MAX (4u << 20)
#define WINDOW_LOG_MAX 21

struct zstd_scratch {
	ZSTD_CCtx *c;
	ZSTD_DCtx *d;
};

struct zstd_dict {
	void *bytes;
	size_t len;
	ZSTD_DDict *d;
	pthread_mutex_t mutex;           /* guards the making of c[] */
	ZSTD_CDict *c[LEVEL_MAX + 1];    /* digested per level, at the first encode with it */
};

static int zstd_errno(size_t code)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_no_error:
		return 0;
	case ZSTD_error_dstSize_tooSmall:
		return -E2BIG;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	default:
		return -EUCLEAN;
	}
}

static void zstd_destroy(void *scratch)
{
	struct zstd_scratch *s = scratch;

	ZSTD_freeCCtx(s->c);
	ZSTD_freeDCtx(s->d);
	free(s);
}

static int zstd_create(void **scratch)
{
	struct zstd_scratch *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->c = ZSTD_createCCtx();
	s->d = ZSTD_createDCtx();
	if (!s->c || !s->d ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->c, ZSTD_c_format, ZSTD_f_zstd1_magicless)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->c, ZSTD_c_contentSizeFlag, 0)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->c, ZSTD_c_checksumFlag, 0)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(s->c, ZSTD_c_dictIDFlag, 0)) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(s->d, ZSTD_d_format, ZSTD_f_zstd1_magicless)) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(s->d, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		zstd_destroy(s);
		return -ENOMEM;
	}
	*scratch = s;
	return 0;
}

/* The dictionary digested for this level, made by whoever asks first; NULL when memory is short. */
static const ZSTD_CDict *zstd_dict_digest(struct zstd_dict *dict, int level)
{
	ZSTD_CDict *c;

	pthread_mutex_lock(&dict->mutex);
	if (!dict->c[level])
		dict->c[level] = ZSTD_createCDict_byReference(dict->bytes, dict->len, level);
	c = dict->c[level];
	pthread_mutex_unlock(&dict->mutex);
	return c;
}

static int zstd_encode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		       uint8_t *dst, size_t cap, size_t *out)
{
	struct zstd_scratch *s = scratch;
	const ZSTD_CDict *digest = NULL;
	size_t len;

	if (model) {
		digest = zstd_dict_digest(model->zdict, level);
		if (!digest)
			return -ENOMEM;
	}
	len = ZSTD_CCtx_setParameter(s->c, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(len))
		len = ZSTD_CCtx_refCDict(s->c, digest);
	if (!ZSTD_isError(len))
		len = ZSTD_compress2(s->c, dst, cap, src, n);
	if (ZSTD_isError(len)) {
		ZSTD_CCtx_reset(s->c, ZSTD_reset_session_only);
		return zstd_errno(len);
	}
	*out = len;
	return 0;
}

static int zstd_decode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n,
		       uint8_t *dst, size_t plain)
{
	struct zstd_scratch *s = scratch;
	size_t len;

	(void)level;
	len = ZSTD_DCtx_refDDict(s->d, model ? model->zdict->d : NULL);
	if (!ZSTD_isError(len))
		len = ZSTD_decompressDCtx(s->d, dst, plain, src, n);
	if (ZSTD_isError(len)) {
		ZSTD_DCtx_reset(s->d, ZSTD_reset_session_only);
		return zstd_errno(len) == -ENOMEM ? -ENOMEM : -EUCLEAN;
	}
	return len == plain ? 0 : -EUCLEAN;
}

int zstd_dict_create(const void *bytes, size_t len, struct zstd_dict **out)
{
	struct zstd_dict *dict;

	*out = NULL;
	if (len < DICT_MIN || len > DICT_MAX || ZDICT_getDictID(bytes, len) == 0)
		return -EUCLEAN;
	dict = calloc(1, sizeof *dict);
	if (!dict)
		return -ENOMEM;
	pthread_mutex_init(&dict->mutex, NULL);
	dict->bytes = malloc(len);
	if (!dict->bytes) {
		zstd_dict_destroy(dict);
		return -ENOMEM;
	}
	dict->len = len;
	memcpy(dict->bytes, bytes, len);
	dict->d = ZSTD_createDDict_advanced(dict->bytes, len, ZSTD_dlm_byRef, ZSTD_dct_fullDict, ZSTD_defaultCMem);
	if (!dict->d) {
		zstd_dict_destroy(dict);
		return -EUCLEAN;
	}
	*out = dict;
	return 0;
}

void zstd_dict_destroy(struct zstd_dict *dict)
{
	if (!dict)
		return;
	for (int i = 0; i <= LEVEL_MAX; i++)
		ZSTD_freeCDict(dict->c[i]);
	ZSTD_freeDDict(dict->d);
	pthread_mutex_destroy(&dict->mutex);
	free(dict->bytes);
	free(dict);
}

size_t zstd_dict_memory(const struct zstd_dict *dict)
{
	return dict ? sizeof *dict + dict->len + ZSTD_sizeof_DDict(dict->d) : 0;
}

int codec_train_zdict(const void *samples, const size_t *sizes, size_t n, void *dict, size_t cap, size_t *len)
{
	/* Segment length tried in a few steps on a quarter held out: seconds for tens of MiB. */
	ZDICT_fastCover_params_t params = {
		.d = 8, .f = 20, .steps = 6, .accel = 2, .splitPoint = 0.75, .nbThreads = 1,
		.zParams = {.compressionLevel = 9},
	};
	size_t got;

	*len = 0;
	if (n < 8 || n > UINT32_MAX || cap < DICT_MIN)
		return -ENODATA;
	got = ZDICT_optimizeTrainFromBuffer_fastCover(dict, cap < DICT_MAX ? cap : DICT_MAX, samples, sizes,
						      (unsigned)n, &params);
	if (ZDICT_isError(got))
		return ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ? -ENOMEM : -ENODATA;
	if (got < DICT_MIN)
		return -ENODATA;
	*len = got;
	return 0;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.level_min = 1,
	.level_max = LEVEL_MAX,
	.model_kind = CODEC_MODEL_ZDICT,
	.create = zstd_create,
	.destroy = zstd_destroy,
	.encode = zstd_encode,
	.decode = zstd_decode,
};
