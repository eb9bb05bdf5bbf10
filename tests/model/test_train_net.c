/* SPDX-License-Identifier: BSD-2-Clause */
/* Every layer's gradient against finite differences, the updates, and that the export computes what the float network does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/train_net.h"

#define H 64
#define K 3
#define ROWS_LOG2 4
#define N 24
#define NUDGE 4e-3f

struct fixture {
	struct model_shape shape;
	struct train_net *net;
	struct train_batch *batch;
};

static float noise(float scale)
{
	return scale * (2.0f * (float)rand() / (float)RAND_MAX - 1.0f);
}

/* A quarter of the units is clipped below, a quarter above, and none is near a bound, where differences would see the kink. */
static int setup(void **state)
{
	static struct fixture f;

	f.shape = (struct model_shape){.contexts = K, .hidden = H, .context_ids = {0, 1, 2}};
	for (unsigned k = 0; k < K; k++)
		f.shape.rows_log2[k] = ROWS_LOG2;
	if (train_net_create(&f.shape, 7, &f.net) || train_batch_create(f.net, N, &f.batch))
		return -1;
	srand(3);
	for (unsigned k = 0; k < K; k++)
		for (unsigned i = 0; i < H << ROWS_LOG2; i++)
			f.net->embed[k][i] = noise(0.2f);
	for (unsigned j = 0; j < H; j++)
		f.net->bias.w[j] = j % 4 == 0 ? -1.5f : j % 4 == 1 ? 3.5f : 1.0f;
	for (unsigned n = 0; n < MODEL_NODES; n++)
		f.net->out_bias.w[n] = noise(0.5f);
	f.batch->n = N;
	for (unsigned i = 0; i < N; i++) {
		f.batch->byte[i] = (uint8_t)(i < 8 ? 'e' : rand());
		for (unsigned k = 0; k < K; k++)
			f.batch->rows[k][i] = (uint16_t)(rand() % (1 << ROWS_LOG2));
	}
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	train_batch_destroy(f->batch);
	train_net_destroy(f->net);
	return 0;
}

/* Loss of the batch in nats, the unit of the gradients. */
static double loss(struct fixture *f)
{
	return train_net_forward(f->net, f->batch, 0, N) * log(2);
}

static void backward(struct fixture *f)
{
	loss(f);
	train_net_backward(f->net, f->batch, 0, N);
}

static void check_gradient(struct fixture *f, float *w, double gradient)
{
	float before = *w;
	double up, down, measured;

	*w = before + NUDGE;
	up = loss(f);
	*w = before - NUDGE;
	down = loss(f);
	*w = before;
	measured = (up - down) / (2 * (double)NUDGE);
	if (fabs(measured - gradient) > 2e-3 + 0.01 * fabs(gradient))
		fail_msg("gradient %.6f, difference quotient %.6f", gradient, measured);
}

static void test_gradient_embed(void **state)
{
	struct fixture *f = *state;
	unsigned live = 0;
	float g[N * H];

	backward(f);
	memcpy(g, f->batch->g, sizeof(g));
	for (unsigned k = 0; k < K; k++)
		for (unsigned row = 0; row < 1 << ROWS_LOG2; row++)
			for (unsigned j = 0; j < H; j += 3) {
				double sum = 0;

				for (unsigned i = 0; i < N; i++)
					if (f->batch->rows[k][i] == row)
						sum += g[i * H + j];
				live += sum != 0;
				check_gradient(f, &f->net->embed[k][row * H + j], sum);
			}
	assert_true(live > 200);
}

static void test_gradient_clip(void **state)
{
	struct fixture *f = *state;

	backward(f);
	for (unsigned i = 0; i < N; i++)
		for (unsigned j = 0; j < H; j++) {
			float h = f->batch->h[i * H + j], g = f->batch->g[i * H + j];

			if (j % 4 == 0)
				assert_true(h == 0 && g == 0);
			else if (j % 4 == 1)
				assert_true(h == TRAIN_HIDDEN_CLIP && g == 0);
			else
				assert_true(h > 0 && h < TRAIN_HIDDEN_CLIP && g != 0);
		}
}

static void test_gradient_bias(void **state)
{
	struct fixture *f = *state;
	float g[H];

	backward(f);
	train_net_sum_bias(f->net, f->batch);
	memcpy(g, f->net->bias.g, sizeof(g));
	for (unsigned j = 0; j < H; j++)
		check_gradient(f, &f->net->bias.w[j], g[j]);
}

static void test_gradient_out(void **state)
{
	struct fixture *f = *state;
	static float g[MODEL_NODES * H];
	unsigned live = 0;

	backward(f);
	for (unsigned d = 0; d < TRAIN_PATH; d++)
		train_net_sum_depth(f->net, f->batch, d);
	memcpy(g, f->net->out.g, sizeof(g));
	for (unsigned i = 0; i < MODEL_NODES * H; i += 5) {
		live += g[i] != 0;
		check_gradient(f, &f->net->out.w[i], g[i]);
	}
	assert_true(live > 200);
}

static void test_gradient_out_bias(void **state)
{
	struct fixture *f = *state;
	float g[MODEL_NODES];

	backward(f);
	train_net_sum_bias(f->net, f->batch);
	memcpy(g, f->net->out_bias.g, sizeof(g));
	for (unsigned n = 0; n < MODEL_NODES; n++)
		check_gradient(f, &f->net->out_bias.w[n], g[n]);
}

/* Bytes take 8 distinct nodes, and the nodes of all bytes are all nodes. */
static void test_path(void **state)
{
	uint8_t node[TRAIN_PATH];
	unsigned seen[MODEL_NODES] = {0};

	(void)state;
	train_path(0xa5, node);
	/* high nibble 1010: prefixes 1, 11, 110, 1101; low nibble 0101 in tree 10: prefixes 1, 10, 101, 1010 */
	const uint8_t want[TRAIN_PATH] = {0, 2, 5, 12, 165, 166, 169, 174};

	assert_memory_equal(node, want, sizeof(want));
	for (unsigned b = 0; b < 256; b++) {
		train_path((uint8_t)b, node);
		for (unsigned d = 0; d < TRAIN_PATH; d++)
			seen[node[d]]++;
	}
	for (unsigned n = 0; n < MODEL_NODES; n++)
		assert_true(seen[n] > 0);
}

static void test_update_table(void **state)
{
	struct fixture *f = *state;
	static float before[H << ROWS_LOG2], want[H << ROWS_LOG2];
	float squares[1 << ROWS_LOG2];
	const float rate = 0.05f;

	backward(f);
	memcpy(before, f->net->embed[1], sizeof(before));
	memcpy(want, before, sizeof(want));
	memcpy(squares, f->net->squares[1], sizeof(squares));
	for (unsigned i = 0; i < N; i++) {
		unsigned row = f->batch->rows[1][i];
		double mean = 0;

		for (unsigned j = 0; j < H; j++)
			mean += (double)f->batch->g[i * H + j] * f->batch->g[i * H + j] / H;
		squares[row] += (float)mean;
		for (unsigned j = 0; j < H; j++)
			want[row * H + j] -= rate / sqrtf(squares[row]) * f->batch->g[i * H + j];
	}
	train_net_update_table(f->net, f->batch, 1, rate);
	for (unsigned i = 0; i < H << ROWS_LOG2; i++)
		assert_true(fabsf(f->net->embed[1][i] - want[i]) < 1e-4f);
	assert_memory_not_equal(before, want, sizeof(want));
}

/* Small steps on all layers against the gradient lower the loss. */
static void test_step_lowers_loss(void **state)
{
	struct fixture *f = *state;
	const struct train_adam a = {.rate = 2e-3f, .beta1 = 0.0f, .beta2 = 0.0f, .epsilon = 1e-8f};
	double before = loss(f);

	for (unsigned repeat = 0; repeat < 3; repeat++) {
		double after;

		backward(f);
		for (unsigned k = 0; k < K; k++)
			train_net_update_table(f->net, f->batch, k, 2e-3f);
		for (unsigned d = 0; d < TRAIN_PATH; d++) {
			train_net_sum_depth(f->net, f->batch, d);
			train_net_update_depth(f->net, d, &a);
		}
		train_net_sum_bias(f->net, f->batch);
		train_net_update_bias(f->net, &a);
		after = loss(f);
		assert_true(after < before);
		before = after;
	}
}

struct exported {
	struct model m;
	int8_t embed[K][H << ROWS_LOG2];
	int16_t out[MODEL_NODES * H];
};

static struct exported *export(struct fixture *f, float coarse)
{
	static struct exported e;

	e.m.shape = f->shape;
	for (unsigned k = 0; k < K; k++)
		e.m.embed[k] = e.embed[k];
	e.m.out = e.out;
	train_net_export(f->net, coarse, &e.m);
	return &e;
}

static void test_export_mirrors_float(void **state)
{
	struct fixture *f = *state;
	struct exported *e = export(f, 0);
	const int8_t *row[K];
	const int16_t *out[TRAIN_PATH];
	int16_t h[H];
	int32_t z[TRAIN_PATH];

	backward(f);
	for (unsigned i = 0; i < N; i++) {
		for (unsigned k = 0; k < K; k++)
			row[k] = e->embed[k] + f->batch->rows[k][i] * H;
		for (unsigned d = 0; d < TRAIN_PATH; d++)
			out[d] = e->out + f->batch->node[i][d] * H;
		f->net->kernel->hide_int(h, e->m.bias, row, K, H);
		f->net->kernel->dots_int(z, h, out, H);
		for (unsigned j = 0; j < H; j++)
			assert_true(fabsf(h[j] / 64.0f - f->batch->h[i * H + j]) <= (K + 1) * 0.5f / 64 + 1e-5f);
		for (unsigned d = 0; d < TRAIN_PATH; d++) {
			float logit = (float)(z[d] + e->m.out_bias[f->batch->node[i][d]]) / (1 << 18);
			float p = f->batch->err[i][d] + (float)(f->batch->byte[i] >> (7 - d) & 1);

			assert_true(fabsf(1 / (1 + expf(-logit)) - p) < 0.03f);
		}
	}
}

static void test_export_saturates(void **state)
{
	struct fixture *f = *state;
	struct exported *e;

	f->net->embed[0][0] = 5.0f;
	f->net->embed[0][1] = -5.0f;
	f->net->embed[0][2] = 0.5f;
	f->net->embed[0][3] = NAN;
	f->net->bias.w[0] = 1e9f;
	f->net->bias.w[1] = -1.0f;
	f->net->out.w[0] = 1e9f;
	f->net->out.w[1] = -1e9f;
	f->net->out.w[2] = 0.25f;
	f->net->out_bias.w[0] = 1e9f;
	f->net->out_bias.w[1] = -1e9f;
	f->net->out_bias.w[2] = 1.0f;
	e = export(f, 0);
	assert_int_equal(e->embed[0][0], 127);
	assert_int_equal(e->embed[0][1], -127);
	assert_int_equal(e->embed[0][2], 32);
	assert_in_range(e->embed[0][3] + 127, 0, 254);
	assert_int_equal(e->m.bias[0], 4096);
	assert_int_equal(e->m.bias[1], -64);
	assert_int_equal(e->out[0], 32767);
	assert_int_equal(e->out[1], -32767);
	assert_int_equal(e->out[2], 1024);
	assert_int_equal(e->m.out_bias[0], 1 << 29);
	assert_int_equal(e->m.out_bias[1], -(1 << 29));
	assert_int_equal(e->m.out_bias[2], 1 << 18);
}

/* The step is the largest power of two within coarse / sqrt(served), and rounding is to the nearest multiple. */
static void test_export_coarse(void **state)
{
	struct fixture *f = *state;
	static const struct {
		float served;
		int unit;
	} rows[] = {{64, 1}, {0.9f, 2}, {0.2f, 4}, {0.012f, 16}, {0, 128}};
	struct exported *e;

	for (unsigned r = 0; r < 5; r++)
		f->net->squares[2][r] = TRAIN_SQUARES_START + rows[r].served;
	for (unsigned j = 0; j < 5 * H; j++)
		f->net->embed[2][j] = noise(1.9f);
	e = export(f, 2.0f / 64);
	for (unsigned j = 0; j < 5 * H; j++) {
		int unit = rows[j / H].unit, got = e->embed[2][j];
		float want = f->net->embed[2][j] * 64;

		assert_int_equal(got % unit, 0);
		assert_true(fabsf(want - (float)got) <= 0.5f * (float)unit + 0.01f || abs(got) == 127 / unit * unit);
	}
	assert_int_equal(e->embed[2][4 * H], 0); /* nothing is left of a row that served nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gradient_embed),
		TEST(test_gradient_clip),
		TEST(test_gradient_bias),
		TEST(test_gradient_out),
		TEST(test_gradient_out_bias),
		TEST(test_path),
		TEST(test_update_table),
		TEST(test_step_lowers_loss),
		TEST(test_export_mirrors_float),
		TEST(test_export_saturates),
		TEST(test_export_coarse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
