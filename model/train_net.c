/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward, backward and update of every layer, in float, mirroring the integer network at the top of model/model.h.
 *
 *     x[H]    = bias[H] + sum_k embed_k[row_k][H]
 *     h[H]    = clip(x, 0, 127/64)
 *     z[n]    = out_bias[n] + h . out[n]              for the 8 nodes n on the byte's path, clipped to +-3071/256
 *     loss    = sum_n -log(bit_n ? p : 1 - p),        p = 1 / (1 + exp(-z[n]))
 *
 * and backwards
 *
 *     err[n]  = p - bit_n                             dloss/dz
 *     g[H]    = sum_n err[n] * out[n][H], 0 where h is clipped: the gradient by x, by bias and by each row alike
 *     d out[n] = err[n] * h[H],  d out_bias[n] = err[n]
 */
#include "model/train_net.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOGIT_MAX (3071.0f / 256.0f)
#define OUT_BIAS_PAD 256u

#define BIAS_START 0.5f
#define OUT_START 0.2f

static int dense_init(struct train_dense *d, size_t n)
{
	/* one block: w, g, m, v */
	d->w = calloc(n, 4 * sizeof(float));
	if (!d->w)
		return -ENOMEM;
	d->g = d->w + n;
	d->m = d->g + n;
	d->v = d->m + n;
	return 0;
}

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Rows start at zero and the bias in the middle of the linear range: the random output rows alone make the units differ. */
static void net_init(struct train_net *net, uint64_t seed)
{
	for (unsigned k = 0; k < net->contexts; k++)
		for (uint32_t r = 0; r < net->rows[k]; r++)
			net->squares[k][r] = TRAIN_SQUARES_START;
	for (unsigned j = 0; j < net->hidden; j++)
		net->bias.w[j] = BIAS_START;
	for (unsigned j = 0; j < MODEL_NODES * net->hidden; j++)
		net->out.w[j] = OUT_START * ((float)(random_next(&seed) >> 40) / (1 << 23) - 1.0f);
}

int train_net_create(const struct model_shape *shape, uint64_t seed, struct train_net **out)
{
	struct train_net *net = calloc(1, sizeof(*net));
	int rc;

	*out = NULL;
	if (!net)
		return -ENOMEM;
	net->kernel = train_kernel_get();
	net->contexts = shape->contexts;
	net->hidden = shape->hidden;
	for (unsigned k = 0; k < net->contexts; k++) {
		net->rows[k] = 1u << shape->rows_log2[k];
		net->embed[k] = aligned_alloc(64, (size_t)net->rows[k] * net->hidden * sizeof(float));
		net->squares[k] = malloc(net->rows[k] * sizeof(float));
		if (!net->embed[k] || !net->squares[k])
			goto destroy;
		memset(net->embed[k], 0, (size_t)net->rows[k] * net->hidden * sizeof(float));
	}
	rc = dense_init(&net->bias, net->hidden);
	rc = rc ? rc : dense_init(&net->out, MODEL_NODES * net->hidden);
	rc = rc ? rc : dense_init(&net->out_bias, OUT_BIAS_PAD);
	if (rc)
		goto destroy;
	net_init(net, seed);
	*out = net;
	return 0;
destroy:
	train_net_destroy(net);
	return -ENOMEM;
}

void train_net_destroy(struct train_net *net)
{
	if (!net)
		return;
	for (unsigned k = 0; k < net->contexts; k++) {
		free(net->embed[k]);
		free(net->squares[k]);
	}
	free(net->bias.w);
	free(net->out.w);
	free(net->out_bias.w);
	free(net);
}

int train_batch_create(const struct train_net *net, unsigned capacity, struct train_batch **out)
{
	struct train_batch *b = calloc(1, sizeof(*b));
	size_t hidden = net->hidden;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	b->byte = malloc(capacity);
	b->node = malloc(capacity * sizeof(*b->node));
	b->err = malloc(capacity * sizeof(*b->err));
	b->h = malloc(capacity * hidden * sizeof(float));
	b->g = malloc(capacity * hidden * sizeof(float));
	b->square = malloc(capacity * sizeof(float));
	b->rows[0] = malloc((size_t)net->contexts * capacity * sizeof(uint16_t));
	if (!b->byte || !b->node || !b->err || !b->h || !b->g || !b->square || !b->rows[0]) {
		train_batch_destroy(b);
		return -ENOMEM;
	}
	for (unsigned k = 1; k < net->contexts; k++)
		b->rows[k] = b->rows[k - 1] + capacity;
	*out = b;
	return 0;
}

void train_batch_destroy(struct train_batch *b)
{
	if (!b)
		return;
	free(b->byte);
	free(b->node);
	free(b->err);
	free(b->h);
	free(b->g);
	free(b->square);
	free(b->rows[0]);
	free(b);
}

void train_path(uint8_t byte, uint8_t node[TRAIN_PATH])
{
	unsigned high = byte >> 4, low = byte & 15;

	for (unsigned d = 0; d < 4; d++) {
		unsigned first = (1u << d) - 1; /* node of the depth with an empty prefix, less its leading 1 */

		node[d] = (uint8_t)(first + (high >> (4 - d)));
		node[4 + d] = (uint8_t)(15 + 15 * high + first + (low >> (4 - d)));
	}
}

/* The rows of position i, and a hint to fetch those of the next one before end. */
static void net_rows(const struct train_net *net, const struct train_batch *b, unsigned i, unsigned end, const float **row)
{
	size_t hidden = net->hidden;

	for (unsigned k = 0; k < net->contexts; k++) {
		row[k] = net->embed[k] + b->rows[k][i] * hidden;
		if (i + 1 == end)
			continue;
		for (unsigned j = 0; j < hidden; j += 16)
			__builtin_prefetch(net->embed[k] + b->rows[k][i + 1] * hidden + j);
	}
}

static void net_out(const struct train_net *net, const uint8_t *node, const float **out)
{
	for (unsigned d = 0; d < TRAIN_PATH; d++)
		out[d] = net->out.w + (size_t)node[d] * net->hidden;
}

/* The errors of position i whose logits without bias are z; returns its loss in bits. */
static double net_errors(const struct train_net *net, struct train_batch *b, unsigned i, const float *z)
{
	double likelihood = 1.0;

	for (unsigned d = 0; d < TRAIN_PATH; d++) {
		unsigned bit = b->byte[i] >> (7 - d) & 1;
		float logit = z[d] + net->out_bias.w[b->node[i][d]], p;

		logit = logit < -LOGIT_MAX ? -LOGIT_MAX : logit > LOGIT_MAX ? LOGIT_MAX : logit;
		p = 1.0f / (1.0f + expf(-logit));
		b->err[i][d] = p - (float)bit;
		likelihood *= bit ? p : 1.0f - p;
	}
	return -log2(likelihood);
}

double train_net_forward(const struct train_net *net, struct train_batch *b, unsigned first, unsigned end)
{
	const float *row[MODEL_CONTEXTS_MAX], *out[TRAIN_PATH];
	float z[TRAIN_PATH];
	double bits = 0;

	for (unsigned i = first; i < end; i++) {
		float *h = b->h + (size_t)i * net->hidden;

		train_path(b->byte[i], b->node[i]);
		net_rows(net, b, i, end, row);
		net_out(net, b->node[i], out);
		net->kernel->hide(h, net->bias.w, row, net->contexts, net->hidden);
		net->kernel->dots(z, h, out, net->hidden);
		bits += net_errors(net, b, i, z);
	}
	return bits;
}

void train_net_backward(const struct train_net *net, struct train_batch *b, unsigned first, unsigned end)
{
	const float *out[TRAIN_PATH];

	for (unsigned i = first; i < end; i++) {
		size_t at = (size_t)i * net->hidden;

		net_out(net, b->node[i], out);
		b->square[i] = net->kernel->back(b->g + at, b->h + at, b->err[i], out, net->hidden) / (float)net->hidden;
	}
}

void train_net_update_table(struct train_net *net, const struct train_batch *b, unsigned k, float rate)
{
	const unsigned ahead = 4;
	size_t hidden = net->hidden;

	for (unsigned i = 0; i < b->n; i++) {
		uint32_t row = b->rows[k][i];
		float *w = net->embed[k] + row * hidden;

		if (i + ahead < b->n)
			for (unsigned j = 0; j < hidden; j += 16)
				__builtin_prefetch(net->embed[k] + b->rows[k][i + ahead] * hidden + j, 1);
		net->squares[k][row] += b->square[i];
		net->kernel->step(w, b->g + i * hidden, rate / sqrtf(net->squares[k][row]), net->hidden);
	}
}

void train_net_sum_depth(struct train_net *net, const struct train_batch *b, unsigned depth)
{
	size_t hidden = net->hidden;

	for (unsigned i = 0; i < b->n; i++)
		net->kernel->add(net->out.g + b->node[i][depth] * hidden, b->h + i * hidden, b->err[i][depth],
				 net->hidden);
}

void train_net_update_depth(struct train_net *net, unsigned depth, const struct train_adam *a)
{
	unsigned nodes = 1u << (depth & 3), trees = depth < 4 ? 1 : 16;

	for (unsigned t = 0; t < trees; t++) {
		size_t at = ((depth < 4 ? 0 : 15 + 15 * t) + nodes - 1) * (size_t)net->hidden;

		net->kernel->adam(net->out.w + at, net->out.g + at, net->out.m + at, net->out.v + at, a,
				  nodes * net->hidden);
	}
}

void train_net_sum_bias(struct train_net *net, const struct train_batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		net->kernel->add(net->bias.g, b->g + (size_t)i * net->hidden, 1.0f, net->hidden);
		for (unsigned d = 0; d < TRAIN_PATH; d++)
			net->out_bias.g[b->node[i][d]] += b->err[i][d];
	}
}

void train_net_update_bias(struct train_net *net, const struct train_adam *a)
{
	struct train_dense *d = &net->bias, *o = &net->out_bias;

	net->kernel->adam(d->w, d->g, d->m, d->v, a, net->hidden);
	net->kernel->adam(o->w, o->g, o->m, o->v, a, OUT_BIAS_PAD);
}

static int32_t quantise(float w, float scale, float max)
{
	w *= scale;
	w = w < max ? w > -max ? w : -max : max; /* max, too, when w is not a number */
	return (int32_t)(w < 0 ? w - 0.5f : w + 0.5f);
}

static void export_row(const float *w, unsigned hidden, float step, int8_t *row)
{
	int unit = 1;

	while (unit < 128 && 2 * unit <= 64 * step)
		unit *= 2;
	for (unsigned j = 0; j < hidden; j++)
		row[j] = (int8_t)(unit * quantise(w[j], 64.0f / (float)unit, (float)(127 / unit)));
}

void train_net_export(const struct train_net *net, float coarse, struct model *m)
{
	for (unsigned k = 0; k < net->contexts; k++)
		for (size_t r = 0; r < net->rows[k]; r++) {
			float served = net->squares[k][r] - TRAIN_SQUARES_START;

			export_row(net->embed[k] + r * net->hidden, net->hidden, coarse / sqrtf(fmaxf(served, 1e-6f)),
				   m->embed[k] + r * net->hidden);
		}
	for (unsigned j = 0; j < net->hidden; j++)
		m->bias[j] = (int16_t)quantise(net->bias.w[j], 64, 4096);
	for (size_t j = 0; j < (size_t)MODEL_NODES * net->hidden; j++)
		m->out[j] = (int16_t)quantise(net->out.w[j], 4096, 32767);
	/* 2^29 is 2048 nats, far beyond the clip, and leaves the sum below 2^31 */
	for (unsigned n = 0; n < MODEL_NODES; n++)
		m->out_bias[n] = quantise(net->out_bias.w[n], 1 << 18, 1 << 29);
}
