/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inner loops of training over the hidden dimension, for the CPU at hand: plain and AVX2 builds of the same source.
 *
 * H ("hidden") is a multiple of 32 everywhere. Within one process the choice never changes, so equal runs give equal bits; plain and AVX2
 * round differently (fused multiply-add), which only training sees.
 */
#ifndef FIRN_MODEL_TRAIN_KERNEL_H
#define FIRN_MODEL_TRAIN_KERNEL_H

#include <stdint.h>

/* Float twins of the integer bounds: hidden units clip at 127/64, table weights saturate at +-127/64. */
#define TRAIN_HIDDEN_CLIP (127.0f / 64.0f)

#define TRAIN_PATH 8 /* nodes, hence bits, per byte */

struct train_adam {
	float rate;          /* times the bias corrections of both moments */
	float beta1, beta2;
	float epsilon;
};

struct train_kernel {
	/* h[H] = clip(bias[H] + sum over k of row[k][H], 0, TRAIN_HIDDEN_CLIP) */
	void (*hide)(float *h, const float *bias, const float *const *row, unsigned k, unsigned hidden);
	/* z[8] = h[H] . out[8][H] */
	void (*dots)(float *z, const float *h, const float *const *out, unsigned hidden);
	/* g[H] = sum over 8 of err * out[H], 0 where h is clipped; returns the sum of g squared */
	float (*back)(float *g, const float *h, const float *err, const float *const *out, unsigned hidden);
	/* y[H] += a * x[H] */
	void (*add)(float *y, const float *x, float a, unsigned hidden);
	/* w[H] = clip(w - rate * g[H], -TRAIN_HIDDEN_CLIP, TRAIN_HIDDEN_CLIP) */
	void (*step)(float *w, const float *g, float rate, unsigned hidden);
	/* One step of Adam with gradient g[n], n a multiple of 8; g is set to zero for the next sum. */
	void (*adam)(float *w, float *g, float *m, float *v, const struct train_adam *a, unsigned n);
	/* The integer network of model/model.h: h[H], then z[8] without out_bias. */
	void (*hide_int)(int16_t *h, const int16_t *bias, const int8_t *const *row, unsigned k, unsigned hidden);
	void (*dots_int)(int32_t *z, const int16_t *h, const int16_t *const *out, unsigned hidden);
};

/* The fastest for this CPU; FIRN_KERNEL=scalar in the environment asks for the plain one (for tests). */
const struct train_kernel *train_kernel_get(void);

#endif
