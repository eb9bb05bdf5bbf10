/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector operations of codec/kernel.h that touch rows, with NEON, which every 64-bit ARM has: same integers, same results. The
 * others are eight lanes wide and left to the compiler.
 */
#ifndef FIRN_CODEC_KERNEL_NEON_H
#define FIRN_CODEC_KERNEL_NEON_H

#include <arm_neon.h>

KERNEL void kernel_hidden(int16_t *hidden, const int16_t *bias, const struct model *m, const uint32_t *rows, uint32_t width)
{
	const int16x8_t low = vdupq_n_s16(0), high = vdupq_n_s16(127);

	for (uint32_t j = 0; j < width; j += 16) {
		int16x8_t a = vld1q_s16(bias + j), b = vld1q_s16(bias + j + 8);

		for (uint32_t k = 0; k < m->shape.contexts; k++) {
			int8x16_t row = vld1q_s8(m->embed[k] + (size_t)rows[k] * width + j);

			a = vaddw_s8(a, vget_low_s8(row));
			b = vaddw_high_s8(b, row);
		}
		vst1q_s16(hidden + j, vminq_s16(vmaxq_s16(a, low), high));
		vst1q_s16(hidden + j + 8, vminq_s16(vmaxq_s16(b, low), high));
	}
}

KERNEL int32_t kernel_dot(const int16_t *hidden, const int16_t *row, uint32_t width)
{
	int32x4_t a = vdupq_n_s32(0), b = a;

	for (uint32_t j = 0; j < width; j += 8) {
		int16x8_t h = vld1q_s16(hidden + j), r = vld1q_s16(row + j);

		a = vmlal_s16(a, vget_low_s16(h), vget_low_s16(r));
		b = vmlal_high_s16(b, h, r);
	}
	return vaddvq_s32(vaddq_s32(a, b));
}

/* SQRDMULH rounds as the reference does: (a * b + 0x4000) >> 15. */
KERNEL void kernel_adapt(int16_t *row, const int16_t *hidden, int32_t e, uint32_t width)
{
	for (uint32_t j = 0; j < width; j += 8) {
		int16x8_t h = vshlq_n_s16(vld1q_s16(hidden + j), 3);

		vst1q_s16(row + j, vqaddq_s16(vld1q_s16(row + j), vqrdmulhq_n_s16(h, (int16_t)e)));
	}
}

#endif
