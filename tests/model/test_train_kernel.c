/* SPDX-License-Identifier: BSD-2-Clause */
/* The inner loops of training against the plainest loops that say the same, for each build of them that this CPU runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/train_kernel.h"

#define H 96
#define K 5

static float noise(float scale)
{
	return scale * (2.0f * (float)rand() / (float)RAND_MAX - 1.0f);
}

static void assert_near(double got, double want, double tolerance)
{
	if (fabs(got - want) > tolerance)
		fail_msg("%.9g is not within %g of %.9g", got, tolerance, want);
}

static void check_hide(const struct train_kernel *k)
{
	float bias[H], rows[K][H], h[H];
	const float *row[K];
	unsigned low = 0, high = 0;

	for (unsigned i = 0; i < K; i++)
		row[i] = rows[i];
	for (unsigned j = 0; j < H; j++) {
		bias[j] = noise(2);
		for (unsigned i = 0; i < K; i++)
			rows[i][j] = noise(1);
	}
	k->hide(h, bias, row, K, H);
	for (unsigned j = 0; j < H; j++) {
		double x = bias[j];

		for (unsigned i = 0; i < K; i++)
			x += rows[i][j];
		low += x < 0;
		high += x > TRAIN_HIDDEN_CLIP;
		assert_near(h[j], fmin(fmax(x, 0), TRAIN_HIDDEN_CLIP), 1e-5);
	}
	assert_true(low > 0 && high > 0 && low + high < H);
}

static void check_path(const struct train_kernel *k)
{
	float h[H], rows[TRAIN_PATH][H], err[TRAIN_PATH], z[TRAIN_PATH], g[H], square;
	const float *out[TRAIN_PATH];
	double want_square = 0;

	for (unsigned j = 0; j < H; j++)
		h[j] = j % 3 == 0 ? 0 : j % 3 == 1 ? TRAIN_HIDDEN_CLIP : fabsf(noise(1.9f)) + 0.01f;
	for (unsigned n = 0; n < TRAIN_PATH; n++) {
		out[n] = rows[n];
		err[n] = noise(1);
		for (unsigned j = 0; j < H; j++)
			rows[n][j] = noise(1);
	}
	k->dots(z, h, out, H);
	square = k->back(g, h, err, out, H);
	for (unsigned n = 0; n < TRAIN_PATH; n++) {
		double want = 0;

		for (unsigned j = 0; j < H; j++)
			want += h[j] * rows[n][j];
		assert_near(z[n], want, 1e-4);
	}
	for (unsigned j = 0; j < H; j++) {
		double want = 0;

		for (unsigned n = 0; n < TRAIN_PATH; n++)
			want += err[n] * rows[n][j];
		want = j % 3 == 2 ? want : 0;
		want_square += want * want;
		assert_near(g[j], want, 1e-5);
	}
	assert_near(square, want_square, 1e-3);
}

static void check_updates(const struct train_kernel *k)
{
	const struct train_adam a = {.rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f};
	float x[H], y[H], w[H], m[H], v[H], g[H], y0[H], w0[H], m0[H], v0[H];

	for (unsigned j = 0; j < H; j++) {
		x[j] = noise(1);
		y[j] = y0[j] = noise(1);
		w[j] = w0[j] = noise(TRAIN_HIDDEN_CLIP);
		m[j] = m0[j] = noise(1);
		v[j] = v0[j] = fabsf(noise(1)) * (j % 2 ? 1e-6f : 1.0f);
		g[j] = x[j];
	}
	k->add(y, x, 0.5f, H);
	k->step(w, x, 1.5f, H);
	for (unsigned j = 0; j < H; j++) {
		double clipped = fmin(fmax(w0[j] - 1.5 * x[j], -TRAIN_HIDDEN_CLIP), TRAIN_HIDDEN_CLIP);

		assert_near(y[j], y0[j] + 0.5 * x[j], 1e-6);
		assert_near(w[j], clipped, 1e-6);
	}
	memcpy(w, w0, sizeof(w));
	k->adam(w, g, m, v, &a, H);
	for (unsigned j = 0; j < H; j++) {
		double m1 = 0.9 * m0[j] + 0.1 * x[j], v1 = 0.99 * v0[j] + 0.01 * x[j] * x[j];

		assert_near(m[j], m1, 1e-6);
		assert_near(v[j], v1, 1e-6);
		assert_near(w[j], w0[j] - 0.01 * m1 / (sqrt(v1) + 1e-8), 1e-4 * fabs(0.01 * m1 / sqrt(v1)) + 1e-6);
		assert_true(g[j] == 0.0f);
	}
}

static void check_integers(const struct train_kernel *k)
{
	int8_t rows[K][H];
	int16_t bias[H], h[H], outs[TRAIN_PATH][H];
	const int8_t *row[K];
	const int16_t *out[TRAIN_PATH];
	int32_t z[TRAIN_PATH];

	for (unsigned i = 0; i < K; i++)
		row[i] = rows[i];
	for (unsigned n = 0; n < TRAIN_PATH; n++)
		out[n] = outs[n];
	for (unsigned j = 0; j < H; j++) {
		bias[j] = (int16_t)(rand() % 400 - 200);
		for (unsigned i = 0; i < K; i++)
			rows[i][j] = (int8_t)(rand() % 255 - 127);
		for (unsigned n = 0; n < TRAIN_PATH; n++)
			outs[n][j] = (int16_t)(j % 5 ? rand() : n % 2 ? 32767 : -32767);
	}
	k->hide_int(h, bias, row, K, H);
	k->dots_int(z, h, out, H);
	for (unsigned j = 0; j < H; j++) {
		int x = bias[j];

		for (unsigned i = 0; i < K; i++)
			x += rows[i][j];
		assert_int_equal(h[j], x < 0 ? 0 : x > 127 ? 127 : x);
	}
	for (unsigned n = 0; n < TRAIN_PATH; n++) {
		int64_t want = 0;

		for (unsigned j = 0; j < H; j++)
			want += h[j] * outs[n][j];
		assert_int_equal(z[n], want);
	}
}

static void check_all(void)
{
	const struct train_kernel *k = train_kernel_get();

	for (int repeat = 0; repeat < 50; repeat++) {
		check_hide(k);
		check_path(k);
		check_updates(k);
		check_integers(k);
	}
}

static void test_fastest(void **state)
{
	(void)state;
	unsetenv("FIRN_KERNEL");
	check_all();
}

static void test_scalar(void **state)
{
	(void)state;
	assert_int_equal(setenv("FIRN_KERNEL", "scalar", 1), 0);
	check_all();
	unsetenv("FIRN_KERNEL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastest),
		cmocka_unit_test(test_scalar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
