/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a model reaches: bits per byte of its integer network alone, as the codec computes it, without mixer and adaptation.
 */
#include "model/train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "model/context.h"
#include "model/train_kernel.h"
#include "model/train_net.h"

/* Bits of one byte whose nodes have the integer logits z, units 2^-18. */
static double eval_bits(const struct model *m, const int32_t *z, const uint8_t *node, uint8_t byte)
{
	double likelihood = 1.0;

	for (unsigned d = 0; d < TRAIN_PATH; d++) {
		int32_t st = (z[d] + m->out_bias[node[d]]) >> 10;
		float p;

		st = st < -3071 ? -3071 : st > 3071 ? 3071 : st;
		p = 1.0f / (1.0f + expf((float)st * (byte >> (7 - d) & 1 ? -1.0f : 1.0f) / 256.0f));
		likelihood *= p;
	}
	return -log2(likelihood);
}

static double eval_chunk(const struct train_kernel *kernel, const struct model *m, struct context *c, const uint8_t *buf,
			 size_t n)
{
	const int8_t *row[MODEL_CONTEXTS_MAX];
	const int16_t *out[TRAIN_PATH];
	uint32_t rows[MODEL_CONTEXTS_MAX];
	int16_t h[MODEL_HIDDEN_MAX];
	int32_t z[TRAIN_PATH];
	uint8_t node[TRAIN_PATH];
	double bits = 0;

	context_begin(c, m, context_classify(buf, n), buf);
	for (size_t i = 0; i < n; i++) {
		context_rows(c, rows);
		for (unsigned k = 0; k < m->shape.contexts; k++)
			row[k] = m->embed[k] + (size_t)rows[k] * m->shape.hidden;
		train_path(buf[i], node);
		for (unsigned d = 0; d < TRAIN_PATH; d++)
			out[d] = m->out + (size_t)node[d] * m->shape.hidden;
		kernel->hide_int(h, m->bias, row, m->shape.contexts, m->shape.hidden);
		kernel->dots_int(z, h, out, m->shape.hidden);
		bits += eval_bits(m, z, node, buf[i]);
		context_update(c, buf[i]);
	}
	return bits;
}

int train_evaluate(const struct model *m, const struct train_chunk *chunks, size_t n, uint64_t max_bytes, int threads,
		   double *bits)
{
	const struct train_kernel *kernel = train_kernel_get();
	uint64_t total = 0;
	double sum = 0, *part;
	uint32_t *len;
	int rc = 0;

	*bits = -1;
	if (n == 0)
		return -EINVAL;
	part = calloc(n, sizeof(*part));
	len = calloc(n, sizeof(*len));
	if (!part || !len) {
		rc = -ENOMEM;
		goto free_parts;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t left = max_bytes ? max_bytes - total : UINT64_MAX;

		len[i] = chunks[i].len < left ? chunks[i].len : (uint32_t)left;
		total += len[i];
	}
#pragma omp parallel num_threads(train_kernel_threads(threads))
	{
		struct context *c = NULL;

		if (context_create(&c)) {
#pragma omp atomic write
			rc = -ENOMEM;
		}
#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < n; i++)
			if (c && len[i])
				part[i] = eval_chunk(kernel, m, c, chunks[i].bytes, len[i]);
		context_destroy(c);
	}
	for (size_t i = 0; i < n; i++)
		sum += part[i];
	if (rc == 0 && total == 0)
		rc = -EINVAL;
	if (rc == 0)
		*bits = sum / (double)total;
free_parts:
	free(part);
	free(len);
	return rc;
}
