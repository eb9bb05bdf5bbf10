/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector operations of the neural codec, in C, AVX2, AVX-512 and NEON: same integers, same results. Included by the instances of
 * codec/neural_code.h, each compiled for its instruction set.
 */
#ifndef FIRN_CODEC_KERNEL_H
#define FIRN_CODEC_KERNEL_H

#include <stdint.h>

#include "codec/neural_state.h"

#define KERNEL static inline __attribute__((always_inline))

KERNEL int32_t clamp32(int32_t x, int32_t low, int32_t high)
{
	return x < low ? low : x > high ? high : x;
}

#ifdef __AVX2__
#include <immintrin.h>

#ifdef __AVX512VNNI__

/* hidden[j] = clamp(bias[j] + sum of the rows, 0, 127) */
KERNEL void kernel_hidden(int16_t *hidden, const int16_t *bias, const struct model *m, const uint32_t *rows, uint32_t width)
{
	uint32_t k, n = m->shape.contexts;

	for (uint32_t j = 0; j < width; j += 32) {
		__m512i a = _mm512_loadu_si512(bias + j);

		for (k = 0; k < n; k++)
			a = _mm512_add_epi16(a, _mm512_cvtepi8_epi16(_mm256_load_si256(
				(const __m256i *)(m->embed[k] + (size_t)rows[k] * width + j))));
		a = _mm512_min_epi16(_mm512_max_epi16(a, _mm512_setzero_si512()), _mm512_set1_epi16(127));
		_mm512_storeu_si512(hidden + j, a);
	}
}

KERNEL __m256i dot_lanes(const int16_t *hidden, const int16_t *row, uint32_t width)
{
	__m512i sum = _mm512_setzero_si512();

	for (uint32_t j = 0; j < width; j += 32)
		sum = _mm512_dpwssd_epi32(sum, _mm512_loadu_si512(hidden + j), _mm512_loadu_si512(row + j));
	return _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
}

/* row[j] += round(hidden[j] * e / 4096), saturating */
KERNEL void kernel_adapt(int16_t *row, const int16_t *hidden, int32_t e, uint32_t width)
{
	__m512i factor = _mm512_set1_epi16((int16_t)e);

	for (uint32_t j = 0; j < width; j += 32) {
		__m512i h = _mm512_slli_epi16(_mm512_loadu_si512(hidden + j), 3);
		__m512i r = _mm512_loadu_si512(row + j);

		_mm512_storeu_si512(row + j, _mm512_adds_epi16(r, _mm512_mulhrs_epi16(h, factor)));
	}
}

#else

/* hidden[j] = clamp(bias[j] + sum of the rows, 0, 127) */
KERNEL void kernel_hidden(int16_t *hidden, const int16_t *bias, const struct model *m, const uint32_t *rows, uint32_t width)
{
	uint32_t k, n = m->shape.contexts;

	for (uint32_t j = 0; j < width; j += 32) {
		__m256i a = _mm256_load_si256((const __m256i *)(bias + j));
		__m256i b = _mm256_load_si256((const __m256i *)(bias + j + 16));

		for (k = 0; k < n; k++) {
			const __m128i *row = (const __m128i *)(m->embed[k] + (size_t)rows[k] * width + j);

			a = _mm256_add_epi16(a, _mm256_cvtepi8_epi16(_mm_load_si128(row)));
			b = _mm256_add_epi16(b, _mm256_cvtepi8_epi16(_mm_load_si128(row + 1)));
		}
		a = _mm256_min_epi16(_mm256_max_epi16(a, _mm256_setzero_si256()), _mm256_set1_epi16(127));
		b = _mm256_min_epi16(_mm256_max_epi16(b, _mm256_setzero_si256()), _mm256_set1_epi16(127));
		_mm256_store_si256((__m256i *)(hidden + j), a);
		_mm256_store_si256((__m256i *)(hidden + j + 16), b);
	}
}

KERNEL __m256i dot_lanes(const int16_t *hidden, const int16_t *row, uint32_t width)
{
	__m256i sum = _mm256_setzero_si256();

	for (uint32_t j = 0; j < width; j += 16)
		sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_load_si256((const __m256i *)(hidden + j)),
							      _mm256_load_si256((const __m256i *)(row + j))));
	return sum;
}

/* row[j] += round(hidden[j] * e / 4096), saturating */
KERNEL void kernel_adapt(int16_t *row, const int16_t *hidden, int32_t e, uint32_t width)
{
	__m256i factor = _mm256_set1_epi16((int16_t)e);

	for (uint32_t j = 0; j < width; j += 16) {
		__m256i h = _mm256_slli_epi16(_mm256_load_si256((const __m256i *)(hidden + j)), 3);
		__m256i r = _mm256_load_si256((const __m256i *)(row + j));

		_mm256_store_si256((__m256i *)(row + j), _mm256_adds_epi16(r, _mm256_mulhrs_epi16(h, factor)));
	}
}

#endif

KERNEL int32_t sum_lanes(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return _mm_cvtsi128_si32(s);
}

/* The sums of eight vectors, in order. */
KERNEL __m256i sum_each(const __m256i v[8])
{
	__m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
	__m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));

	return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

KERNEL int32_t kernel_dot(const int16_t *hidden, const int16_t *row, uint32_t width)
{
	return sum_lanes(dot_lanes(hidden, row, width));
}

KERNEL void kernel_dot8(int32_t z[8], const int16_t *hidden, const int16_t *out, const uint32_t node[8], uint32_t width)
{
	__m256i v[8];

	for (unsigned i = 0; i < 8; i++)
		v[i] = dot_lanes(hidden, out + (size_t)node[i] * width, width);
	_mm256_store_si256((__m256i *)z, sum_each(v));
}

/* Inputs times the sum of two sets of weights. */
KERNEL __m256i mix_lanes(const int32_t *weight, const int32_t *more, const int32_t *input)
{
	__m256i w = _mm256_add_epi32(_mm256_load_si256((const __m256i *)weight), _mm256_load_si256((const __m256i *)more));

	return _mm256_mullo_epi32(_mm256_srai_epi32(w, NEURAL_WEIGHT_SPARE), _mm256_load_si256((const __m256i *)input));
}

KERNEL int32_t kernel_mix(const int32_t *weight, const int32_t *more, const int32_t *input)
{
	return sum_lanes(mix_lanes(weight, more, input)) >> NEURAL_MIX_SHIFT;
}

/* Eight sets of weights, eight sets of inputs. */
KERNEL void kernel_mix8(int32_t z[8], const int32_t *weight, const int32_t *more, const int32_t *input)
{
	__m256i v[8];

	for (unsigned i = 0; i < 8; i++)
		v[i] = mix_lanes(weight + 8 * i, more + 8 * i, input + 8 * i);
	_mm256_store_si256((__m256i *)z, _mm256_srai_epi32(sum_each(v), NEURAL_MIX_SHIFT));
}

KERNEL void weights_move(int32_t *weight, __m256i delta)
{
	__m256i w = _mm256_add_epi32(_mm256_load_si256((const __m256i *)weight), delta);

	w = _mm256_min_epi32(w, _mm256_set1_epi32(NEURAL_WEIGHT_MAX));
	_mm256_store_si256((__m256i *)weight, _mm256_max_epi32(w, _mm256_set1_epi32(-NEURAL_WEIGHT_MAX)));
}

/* Both sets learn the same. */
KERNEL void kernel_learn(int32_t *weight, int32_t *more, const int32_t *input, int32_t error)
{
	__m256i delta = _mm256_mullo_epi32(_mm256_load_si256((const __m256i *)input), _mm256_set1_epi32(error));

	delta = _mm256_srai_epi32(_mm256_add_epi32(delta, _mm256_set1_epi32(1 << (NEURAL_LEARN_SHIFT - 1))), NEURAL_LEARN_SHIFT);
	weights_move(weight, delta);
	weights_move(more, delta);
}

#else

#ifdef NEURAL_NEON
#include "codec/kernel_neon.h"
#else

KERNEL void kernel_hidden(int16_t *hidden, const int16_t *bias, const struct model *m, const uint32_t *rows, uint32_t width)
{
	int16_t sum[MODEL_HIDDEN_MAX];

	for (uint32_t j = 0; j < width; j++)
		sum[j] = bias[j];
	for (uint32_t k = 0; k < m->shape.contexts; k++) {
		const int8_t *row = m->embed[k] + (size_t)rows[k] * width;

		for (uint32_t j = 0; j < width; j++)
			sum[j] = (int16_t)(sum[j] + row[j]);
	}
	for (uint32_t j = 0; j < width; j++)
		hidden[j] = (int16_t)clamp32(sum[j], 0, 127);
}

KERNEL int32_t kernel_dot(const int16_t *hidden, const int16_t *row, uint32_t width)
{
	int32_t sum = 0;

	for (uint32_t j = 0; j < width; j++)
		sum += hidden[j] * row[j];
	return sum;
}

KERNEL void kernel_adapt(int16_t *row, const int16_t *hidden, int32_t e, uint32_t width)
{
	for (uint32_t j = 0; j < width; j++)
		row[j] = (int16_t)clamp32(row[j] + ((hidden[j] * 8 * e + 0x4000) >> 15), INT16_MIN, INT16_MAX);
}

#endif

KERNEL void kernel_dot8(int32_t z[8], const int16_t *hidden, const int16_t *out, const uint32_t node[8], uint32_t width)
{
	for (unsigned i = 0; i < 8; i++)
		z[i] = kernel_dot(hidden, out + (size_t)node[i] * width, width);
}

KERNEL int32_t kernel_mix(const int32_t *weight, const int32_t *more, const int32_t *input)
{
	int32_t sum = 0;

	for (unsigned i = 0; i < 8; i++)
		sum += ((weight[i] + more[i]) >> NEURAL_WEIGHT_SPARE) * input[i];
	return sum >> NEURAL_MIX_SHIFT;
}

KERNEL void kernel_mix8(int32_t z[8], const int32_t *weight, const int32_t *more, const int32_t *input)
{
	for (unsigned i = 0; i < 8; i++)
		z[i] = kernel_mix(weight + 8 * i, more + 8 * i, input + 8 * i);
}

KERNEL void kernel_learn(int32_t *weight, int32_t *more, const int32_t *input, int32_t error)
{
	for (unsigned i = 0; i < 8; i++) {
		int32_t delta = (input[i] * error + (1 << (NEURAL_LEARN_SHIFT - 1))) >> NEURAL_LEARN_SHIFT;

		weight[i] = clamp32(weight[i] + delta, -NEURAL_WEIGHT_MAX, NEURAL_WEIGHT_MAX);
		more[i] = clamp32(more[i] + delta, -NEURAL_WEIGHT_MAX, NEURAL_WEIGHT_MAX);
	}
}

#endif
#endif
