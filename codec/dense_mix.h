/* SPDX-License-Identifier: BSD-2-Clause */
/* The mixers of the level dense and the refinement behind them. */
#ifndef FIRN_CODEC_DENSE_MIX_H
#define FIRN_CODEC_DENSE_MIX_H

#include "codec/dense_state.h"
#include "codec/kernel.h"

#define DENSE_APM_RATE 6

struct dense_mix {
	int32_t input[DENSE_INPUTS] __attribute__((aligned(64)));
	unsigned set[DENSE_MIXERS], last;
	unsigned apm[DENSE_APMS], bin[DENSE_APMS];
	int32_t layer[DENSE_MIXERS]; /* what each mixer of the first layer says */
	int32_t mixed;
};

KERNEL int32_t dense_dot(const int32_t *weight, const int32_t *input)
{
	int32_t sum = 0;

	for (unsigned i = 0; i < DENSE_INPUTS; i++)
		sum += (weight[i] >> DENSE_WEIGHT_SPARE) * input[i];
	return sum >> DENSE_MIX_SHIFT;
}

KERNEL void dense_train(int32_t *weight, const int32_t *input, int32_t error)
{
	for (unsigned i = 0; i < DENSE_INPUTS; i++)
		weight[i] =
			clamp32(weight[i] + ((input[i] * error + (1 << (DENSE_LEARN_SHIFT - 1))) >>
					     DENSE_LEARN_SHIFT),
				-NEURAL_WEIGHT_MAX, NEURAL_WEIGHT_MAX);
}

/* One refinement's opinion of mixed; notes which bin learns. */
KERNEL uint32_t dense_refine(struct dense_mix *m, const struct dense *d, unsigned which)
{
	uint32_t at = (uint32_t)(m->mixed + 3072), bin = at / 192, part = at % 192;
	const uint32_t *t = &d->learned.apm[which][m->apm[which]][bin];

	m->bin[which] = bin + (part >= 96);
	return (t[0] * (192 - part) + t[1] * part) / 192 >> 6;
}

/* The probability of a one, 1..65535. */
KERNEL uint32_t dense_mix(struct dense_mix *m, struct dense *d, const struct neural *nn)
{
	const int32_t *last = d->learned.last[m->last];
	int32_t sum = 0;
	uint32_t p;

	for (unsigned i = 0; i < DENSE_MIXERS; i++) {
		m->layer[i] = logit_clamp(dense_dot(d->learned.weight[m->set[i]], m->input));
		sum += (last[i] >> DENSE_WEIGHT_SPARE) * m->layer[i];
	}
	m->mixed = logit_clamp(sum >> DENSE_MIX_SHIFT);
	p = squash(&nn->logistic, m->mixed);
	p = (2 * p + dense_refine(m, d, 0) + dense_refine(m, d, 1) + 2) / 4;
	return p < 1 ? 1 : p > 65535 ? 65535 : p;
}

/* Each mixer learns from its own error. */
KERNEL void dense_mix_learn(struct dense_mix *m, struct dense *d, const struct neural *nn,
			    unsigned bit)
{
	int32_t target = (int32_t)(bit << 16), *last = d->learned.last[m->last];
	int32_t error = target - (int32_t)squash(&nn->logistic, m->mixed);

	for (unsigned i = 0; i < DENSE_MIXERS; i++) {
		int32_t own = target - (int32_t)squash(&nn->logistic, m->layer[i]);

		last[i] = clamp32(last[i] + ((m->layer[i] * error + (1 << 15)) >> 16),
				  -NEURAL_WEIGHT_MAX, NEURAL_WEIGHT_MAX);
		if (own >= 64 || own <= -64)
			dense_train(d->learned.weight[m->set[i]], m->input, own);
	}
	for (unsigned i = 0; i < DENSE_APMS; i++) {
		uint32_t *t = &d->learned.apm[i][m->apm[i]][m->bin[i]];

		*t += (uint32_t)(((bit ? (1 << 22) - 1 : 0) - (int32_t)*t) >> DENSE_APM_RATE);
	}
}

#endif
