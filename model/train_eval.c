/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a model reaches: bits per byte of its integer network alone, as the codec computes it, without mixer and adaptation.
 */
#include "model/train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/context.h"
#include "model/train_kernel.h"
#include "model/train_net.h"
#include "model/train_pool.h"

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

/* buf: the chunk in its form */
static double eval_chunk(const struct train_kernel *kernel, const struct model *m, struct context *c, const struct form *form,
			 const uint8_t *buf, size_t n)
{
	const int8_t *row[MODEL_CONTEXTS_MAX];
	const int16_t *out[TRAIN_PATH];
	uint32_t rows[MODEL_CONTEXTS_MAX];
	int16_t h[MODEL_HIDDEN_MAX];
	int32_t z[TRAIN_PATH];
	uint8_t node[TRAIN_PATH];
	double bits = 0;

	context_begin(c, m, form, buf, n);
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

struct eval {
	const struct train_kernel *kernel;
	const struct model *m;
	const struct train_chunk *chunks;
	uint32_t *len;             /* of each chunk, what is measured */
	double *bits;              /* of each chunk */
	struct eval_thread {
		struct context *context;
		uint8_t *bytes; /* the chunk in its form */
	} *threads;
};

static void eval_part(void *arg, unsigned i, unsigned thread)
{
	struct eval *e = arg;
	const struct train_chunk *chunk = &e->chunks[i];
	struct eval_thread *t = &e->threads[thread];
	struct form form;

	e->bits[i] = 0;
	if (!e->len[i])
		return;
	form_find(&form, chunk->bytes, e->len[i]);
	memcpy(t->bytes, chunk->bytes, e->len[i]);
	form_apply(&form, t->bytes, e->len[i]);
	e->bits[i] = eval_chunk(e->kernel, e->m, t->context, &form, t->bytes, e->len[i]);
}

/* Shares max_bytes out to the chunks; returns their sum. */
static uint64_t eval_plan(struct eval *e, size_t n, uint64_t max_bytes)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t left = max_bytes ? max_bytes - total : UINT64_MAX;

		e->len[i] = e->chunks[i].len < left ? e->chunks[i].len : (uint32_t)left;
		total += e->len[i];
	}
	return total;
}

static int eval_threads(struct eval *e, size_t n, unsigned threads)
{
	uint32_t longest = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		longest = e->len[i] > longest ? e->len[i] : longest;
	e->threads = calloc(threads, sizeof *e->threads);
	if (!e->threads)
		return -ENOMEM;
	for (unsigned i = 0; rc == 0 && i < threads; i++) {
		e->threads[i].bytes = malloc(longest);
		rc = e->threads[i].bytes ? context_create(&e->threads[i].context) : -ENOMEM;
	}
	return rc;
}

int train_evaluate(const struct model *m, const struct train_chunk *chunks, size_t n, uint64_t max_bytes, int threads,
		   double *bits)
{
	struct eval e = {.kernel = train_kernel_get(), .m = m, .chunks = chunks};
	struct train_pool *pool = NULL;
	uint64_t total;
	double sum = 0;
	int rc = -ENOMEM;

	*bits = -1;
	if (n == 0 || n > UINT32_MAX)
		return -EINVAL;
	e.len = malloc(n * sizeof(*e.len));
	e.bits = malloc(n * sizeof(*e.bits));
	if (!e.len || !e.bits)
		goto free_parts;
	total = eval_plan(&e, n, max_bytes);
	rc = total ? train_pool_create(threads, &pool) : -EINVAL;
	rc = rc ? rc : eval_threads(&e, n, train_pool_threads(pool));
	if (rc)
		goto free_parts;
	train_pool_run(pool, (unsigned)n, eval_part, &e);
	for (size_t i = 0; i < n; i++)
		sum += e.bits[i];
	*bits = sum / (double)total;
free_parts:
	for (unsigned i = 0; e.threads && i < train_pool_threads(pool); i++) {
		context_destroy(e.threads[i].context);
		free(e.threads[i].bytes);
	}
	free(e.threads);
	train_pool_destroy(pool);
	free(e.len);
	free(e.bits);
	return rc;
}
