/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of the logistic function and of its inverse. */
#include "model/logistic.h"

/* e^(-1/256) and 1 in units of 2^-32. */
#define STEP 4278222805u
#define ONE ((uint64_t)1 << 32)

void logistic_init(struct logistic *l)
{
	uint64_t e = ONE; /* e^(-x/256) */
	int32_t x = -LOGIT_MAX;

	for (int32_t i = 0; i <= LOGIT_MAX; i++) {
		uint32_t p = (uint32_t)(((e << 16) + (ONE + e) / 2) / (ONE + e));

		p = p ? p : 1;
		l->squash[LOGIT_MAX - i] = (uint16_t)p;
		l->squash[LOGIT_MAX + i] = (uint16_t)(65536 - p);
		e = (e * STEP + ONE / 2) >> 32;
	}
	l->squash[2 * LOGIT_MAX + 1] = l->squash[2 * LOGIT_MAX];
	for (uint32_t i = 0; i < 4096; i++) {
		while (x < LOGIT_MAX && squash(l, x) < i * 16 + 8)
			x++;
		l->stretch[i] = (int16_t)x;
	}
}
