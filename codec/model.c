/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Models as the codecs use them: loaded from their stored bytes, tested, shared by reference.
 */
#include <errno.h>
#include <stdlib.h>

#include "codec/dense_state.h"
#include "codec/ops.h"
#include "model/model.h"

int codec_model_load(unsigned kind, const void *bytes, size_t len, struct codec_model **out)
{
	struct codec_model *m;
	size_t memory = 0;
	int rc;

	*out = NULL;
	m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	atomic_init(&m->refs, 1);
	m->kind = kind;
	switch (kind) {
	case CODEC_MODEL_ZDICT:
		rc = zstd_dict_create(bytes, len, &m->zdict);
		if (!rc)
			memory = zstd_dict_memory(m->zdict);
		break;
	case CODEC_MODEL_NEURAL:
		rc = neural_model_load(bytes, len, &m->net, &memory);
		break;
	default:
		rc = -EINVAL;
	}
	if (rc < 0) {
		codec_model_put(m);
		return rc;
	}
	m->memory = sizeof *m + memory;
	*out = m;
	return 0;
}

struct codec_model *codec_model_get(struct codec_model *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void codec_model_put(struct codec_model *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
		return;
	zstd_dict_destroy(m->zdict);
	model_destroy(m->net);
	free(m);
}

size_t codec_model_memory(const struct codec_model *m)
{
	return m->memory + (m->net ? dense_start_memory(m->net) : 0);
}
