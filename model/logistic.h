/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log odds and probabilities as integers: tables built with integer arithmetic only, so the same everywhere.
 *
 * Log odds are natural, in units of 1/256, clamped to +-LOGIT_MAX (12 minus one unit); probabilities are 1..65535 of 65536.
 */
#ifndef FIRN_MODEL_LOGISTIC_H
#define FIRN_MODEL_LOGISTIC_H

#include <stdint.h>

#define LOGIT_MAX 3071

struct logistic {
	uint16_t squash[2 * LOGIT_MAX + 2];
	int16_t stretch[4096]; /* of the probability's upper 12 bits */
};

void logistic_init(struct logistic *l);

static inline int32_t logit_clamp(int32_t x)
{
	return x < -LOGIT_MAX ? -LOGIT_MAX : x > LOGIT_MAX ? LOGIT_MAX : x;
}

/* x already clamped. */
static inline uint32_t squash(const struct logistic *l, int32_t x)
{
	return l->squash[x + LOGIT_MAX];
}

static inline int32_t stretch(const struct logistic *l, uint32_t p)
{
	return l->stretch[p >> 4];
}

#endif
