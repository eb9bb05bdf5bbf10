/* SPDX-License-Identifier: BSD-2-Clause */
/* What those say of a bit who expect a whole byte: matches, and what followed the same context
 * before. */
#ifndef FIRN_CODEC_DENSE_EXPERT_H
#define FIRN_CODEC_DENSE_EXPERT_H

#include "codec/dense_state.h"
#include "codec/kernel.h"
#include "model/match.h"

#define DENSE_EXPERT_RATE 6

/* Who expects which byte, and how far that may be trusted. */
struct dense_experts {
	uint8_t byte[DENSE_EXPERTS];
	uint8_t trust[DENSE_EXPERTS];  /* class below DENSE_TRUSTS, 0: expects nothing */
	uint16_t *cell[DENSE_EXPERTS]; /* of the bit being coded; NULL: says nothing */
	unsigned expected[DENSE_EXPERTS];
};

KERNEL void experts_ask(struct dense_experts *e, const struct context_predictions *p)
{
	e->trust[0] = (uint8_t)match_bucket(p->match.length);
	e->byte[0] = p->match.byte;
	e->trust[1] = (uint8_t)match_bucket(p->dict.length);
	e->byte[1] = p->dict.byte;
	for (unsigned i = 0; i < CONTEXT_HISTORIES; i++) {
		uint32_t state = p->history[i];

		e->trust[2 + i] = state >> 16 & 3;
		e->byte[2 + i] = (uint8_t)state;
	}
}

/* Returns how many of them agree with the bits so far, at most 3. */
KERNEL unsigned experts_inputs(struct dense_experts *e, struct dense *d, const struct neural *nn,
			       int32_t *input, unsigned prefix, unsigned depth)
{
	unsigned agree = 0;

	for (unsigned i = 0; i < DENSE_EXPERTS; i++) {
		int32_t x;

		e->cell[i] = NULL;
		input[i] = 0;
		if (!e->trust[i] || (e->byte[i] ^ prefix) >> (8 - depth))
			continue;
		e->cell[i] = &d->learned.expert[i][e->trust[i]][depth];
		e->expected[i] = e->byte[i] >> (7 - depth) & 1;
		x = clamp32(stretch(&nn->logistic, *e->cell[i]), -NEURAL_INPUT_MAX,
			    NEURAL_INPUT_MAX);
		input[i] = e->expected[i] ? x : -x;
		agree++;
	}
	return agree < 3 ? agree : 3;
}

KERNEL void experts_learn(struct dense_experts *e, unsigned bit)
{
	for (unsigned i = 0; i < DENSE_EXPERTS; i++)
		if (e->cell[i])
			*e->cell[i] =
				(uint16_t)(*e->cell[i] +
					   (((e->expected[i] == bit ? 65535 : 0) - *e->cell[i]) >>
					    DENSE_EXPERT_RATE));
}

#endif
