/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inner loops of training, written once with the compiler's vector types and compiled twice: for any CPU, and for AVX2 with FMA.
 */
#include "model/train_kernel.h"

#include <stdlib.h>
#include <string.h>

typedef float vec __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t veci __attribute__((vector_size(32), aligned(4), may_alias));
typedef int16_t vecs __attribute__((vector_size(32), aligned(2), may_alias));
typedef int16_t half __attribute__((vector_size(16), aligned(2), may_alias));
typedef int8_t byte16 __attribute__((vector_size(16), aligned(1), may_alias));

#define LANES 8
#define GENERIC static inline __attribute__((always_inline))
#define AT(p, j) (*(vec *)((p) + (j)))
#define CAT(p, j) (*(const vec *)((p) + (j)))

/* Lane by lane: x below (above) the bound becomes the bound. Macros, as vectors passed by value have no stable ABI. */
#define SELECT(mask, a, b) ((vec)(((veci)(a) & (mask)) | ((veci)(b) & ~(mask))))
#define CLIP(x, lo, hi)                                                                            \
	do {                                                                                       \
		(x) = SELECT((x) > (lo), x, lo);                                                   \
		(x) = SELECT((x) < (hi), x, hi);                                                   \
	} while (0)

GENERIC float vec_sum(const vec *x)
{
	return (((*x)[0] + (*x)[1]) + ((*x)[2] + (*x)[3])) + (((*x)[4] + (*x)[5]) + ((*x)[6] + (*x)[7]));
}

GENERIC void hide(float *h, const float *bias, const float *const *row, unsigned k, unsigned hidden)
{
	const vec lo = {0}, hi = lo + TRAIN_HIDDEN_CLIP;

	for (unsigned j = 0; j < hidden; j += 4 * LANES) {
		vec a = CAT(bias, j), b = CAT(bias, j + LANES);
		vec c = CAT(bias, j + 2 * LANES), d = CAT(bias, j + 3 * LANES);

		for (unsigned i = 0; i < k; i++) {
			const float *r = row[i] + j;

			a += CAT(r, 0);
			b += CAT(r, LANES);
			c += CAT(r, 2 * LANES);
			d += CAT(r, 3 * LANES);
		}
		CLIP(a, lo, hi);
		CLIP(b, lo, hi);
		CLIP(c, lo, hi);
		CLIP(d, lo, hi);
		AT(h, j) = a;
		AT(h, j + LANES) = b;
		AT(h, j + 2 * LANES) = c;
		AT(h, j + 3 * LANES) = d;
	}
}

GENERIC void dots(float *z, const float *h, const float *const *out, unsigned hidden)
{
	for (unsigned n = 0; n < TRAIN_PATH; n++) {
		vec a = {0}, b = {0};

		for (unsigned j = 0; j < hidden; j += 2 * LANES) {
			a += CAT(h, j) * CAT(out[n], j);
			b += CAT(h, j + LANES) * CAT(out[n], j + LANES);
		}
		a += b;
		z[n] = vec_sum(&a);
	}
}

GENERIC float back(float *g, const float *h, const float *err, const float *const *out, unsigned hidden)
{
	const vec lo = {0}, hi = lo + TRAIN_HIDDEN_CLIP;
	vec squares = {0};

	for (unsigned j = 0; j < hidden; j += LANES) {
		vec x = CAT(h, j), sum = {0};

		for (unsigned n = 0; n < TRAIN_PATH; n++)
			sum += err[n] * CAT(out[n], j);
		sum = SELECT((x > lo) & (x < hi), sum, lo);
		squares += sum * sum;
		AT(g, j) = sum;
	}
	return vec_sum(&squares);
}

GENERIC void add(float *y, const float *x, float a, unsigned hidden)
{
	for (unsigned j = 0; j < hidden; j += LANES)
		AT(y, j) += a * CAT(x, j);
}

GENERIC void step(float *w, const float *g, float rate, unsigned hidden)
{
	const vec zero = {0}, hi = zero + TRAIN_HIDDEN_CLIP, lo = -hi;

	for (unsigned j = 0; j < hidden; j += LANES) {
		vec x = CAT(w, j) - rate * CAT(g, j);

		CLIP(x, lo, hi);
		AT(w, j) = x;
	}
}

GENERIC void adam(float *w, float *g, float *m, float *v, const struct train_adam *a, unsigned n)
{
	const vec zero = {0};

	for (unsigned j = 0; j < n; j += LANES) {
		vec x = CAT(g, j), y;

		AT(m, j) = a->beta1 * CAT(m, j) + (1 - a->beta1) * x;
		y = a->beta2 * CAT(v, j) + (1 - a->beta2) * (x * x);
		AT(v, j) = y;
		/* 1 / sqrt(y) from a guess on the exponent and two steps of Newton: 5e-6 off at most */
		x = (vec)(0x5f3759df - ((veci)y >> 1));
		x *= 1.5f - 0.5f * y * x * x;
		x *= 1.5f - 0.5f * y * x * x;
		AT(w, j) -= a->rate * CAT(m, j) / (y * x + a->epsilon);
		AT(g, j) = zero;
	}
}

GENERIC void hide_int(int16_t *h, const int16_t *bias, const int8_t *const *row, unsigned k, unsigned hidden)
{
	const vecs zero = {0}, hi = zero + 127;

	for (unsigned j = 0; j < hidden; j += 16) {
		vecs acc = *(const vecs *)(bias + j);

		for (unsigned i = 0; i < k; i++)
			acc += __builtin_convertvector(*(const byte16 *)(row[i] + j), vecs);
		acc &= acc > zero;
		acc = (acc & (acc < hi)) | (hi & (acc >= hi));
		*(vecs *)(h + j) = acc;
	}
}

GENERIC void dots_int(int32_t *z, const int16_t *h, const int16_t *const *out, unsigned hidden)
{
	for (unsigned n = 0; n < TRAIN_PATH; n++) {
		veci acc = {0};
		int32_t sum = 0;

		for (unsigned j = 0; j < hidden; j += LANES)
			acc += __builtin_convertvector(*(const half *)(h + j), veci) *
			       __builtin_convertvector(*(const half *)(out[n] + j), veci);
		for (unsigned i = 0; i < LANES; i++)
			sum += acc[i];
		z[n] = sum;
	}
}

/* The functions above compiled for one target, and the table of them. */
#define KERNEL(name, target)                                                                       \
	static target void name##_hide(float *h, const float *bias, const float *const *row,       \
				       unsigned k, unsigned hidden)                                \
	{                                                                                          \
		hide(h, bias, row, k, hidden);                                                     \
	}                                                                                          \
	static target void name##_dots(float *z, const float *h, const float *const *out,          \
				       unsigned hidden)                                            \
	{                                                                                          \
		dots(z, h, out, hidden);                                                           \
	}                                                                                          \
	static target float name##_back(float *g, const float *h, const float *err,                \
					const float *const *out, unsigned hidden)                  \
	{                                                                                          \
		return back(g, h, err, out, hidden);                                               \
	}                                                                                          \
	static target void name##_add(float *y, const float *x, float a, unsigned hidden)          \
	{                                                                                          \
		add(y, x, a, hidden);                                                              \
	}                                                                                          \
	static target void name##_step(float *w, const float *g, float rate, unsigned hidden)      \
	{                                                                                          \
		step(w, g, rate, hidden);                                                          \
	}                                                                                          \
	static target void name##_adam(float *w, float *g, float *m, float *v,                     \
				       const struct train_adam *a, unsigned n)                     \
	{                                                                                          \
		adam(w, g, m, v, a, n);                                                            \
	}                                                                                          \
	static target void name##_hide_int(int16_t *h, const int16_t *bias,                        \
					   const int8_t *const *row, unsigned k, unsigned hidden)  \
	{                                                                                          \
		hide_int(h, bias, row, k, hidden);                                                 \
	}                                                                                          \
	static target void name##_dots_int(int32_t *z, const int16_t *h,                           \
					   const int16_t *const *out, unsigned hidden)             \
	{                                                                                          \
		dots_int(z, h, out, hidden);                                                       \
	}                                                                                          \
	static const struct train_kernel kernel_##name = {                                         \
		name##_hide, name##_dots, name##_back,     name##_add,                             \
		name##_step, name##_adam, name##_hide_int, name##_dots_int,                        \
	}

#define ANY_CPU
KERNEL(plain, ANY_CPU);

#if defined(HAVE_AVX2)
KERNEL(avx2, __attribute__((target("avx2,fma"))));
#endif

const struct train_kernel *train_kernel_get(void)
{
#if defined(HAVE_AVX2)
	const char *asked = getenv("FIRN_KERNEL");

	if (asked && !strcmp(asked, "scalar"))
		return &kernel_plain;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &kernel_avx2;
#endif
	return &kernel_plain;
}
