/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guess of the next byte: whoever of the matches and histories has been right most often proposes it, with what it is worth. The
 * network still decides how probable the guess is; see codec/neural_code.h.
 */
#ifndef FIRN_CODEC_NEURAL_GUESS_H
#define FIRN_CODEC_NEURAL_GUESS_H

#include "codec/kernel.h"
#include "model/history.h"
#include "model/match.h"

#define GUESS_TRUST_RATE 5
#define GUESS_REFINE_RATE 6
#define GUESS_TRUST_MIN 16384 /* worth the work of trying it */

struct guess {
	uint8_t byte;
	uint8_t level;    /* of trust, 0..NEURAL_LEVELS-1 */
	uint8_t against;  /* guessers of another opinion, 0..3 */
	uint32_t trust;   /* 0: nobody guesses */
	int32_t match, dict; /* trust in the two matches as log odds, 0: none */
	uint8_t index[NEURAL_GUESSERS]; /* into tuning.trust; 0: this one has no opinion */
	uint8_t bytes[NEURAL_GUESSERS];
};

KERNEL void guess_collect(struct guess *g, const struct context_predictions *p)
{
	static const uint8_t history[5] = {4, 3, 5, 2, 1}; /* order 6, 4, word, 3, 2 */

	g->index[0] = (uint8_t)match_bucket(p->match.length);
	g->bytes[0] = p->match.byte;
	g->index[1] = p->dict.length ? (uint8_t)(MATCH_BUCKETS + match_bucket(p->dict.length)) : 0;
	g->bytes[1] = p->dict.byte;
	for (unsigned i = 0; i < 5; i++) {
		uint32_t state = p->history[history[i]], run = state >> 16 & 3;

		g->index[2 + i] = run ? (uint8_t)(2 * MATCH_BUCKETS + 4 * i + run) : 0;
		g->bytes[2 + i] = (uint8_t)state;
	}
}

KERNEL void guess_find(struct guess *g, struct neural *nn, const struct context_predictions *p)
{
	const uint16_t *trust = nn->tuning.trust;
	unsigned against = 0;

	guess_collect(g, p);
	g->trust = 0;
	g->byte = 0;
	for (unsigned i = 0; i < NEURAL_GUESSERS; i++) {
		uint32_t t = trust[g->index[i]]; /* trust[0] is zero */

		if (t > g->trust) {
			g->trust = t;
			g->byte = g->bytes[i];
		}
	}
	for (unsigned i = 0; i < NEURAL_GUESSERS; i++)
		against += g->index[i] && g->bytes[i] != g->byte;
	g->against = (uint8_t)(against < 3 ? against : 3);
	/* -256 .. 1024 in eight steps: trust of 27 % to 98 % */
	g->level = (uint8_t)(clamp32(stretch(&nn->logistic, g->trust) + 256, 0, 1279) / 160);
	g->match = g->index[0] ? clamp32(stretch(&nn->logistic, trust[g->index[0]]), -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX) : 0;
	g->dict = g->index[1] ? clamp32(stretch(&nn->logistic, trust[g->index[1]]), -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX) : 0;
}

KERNEL void guess_learn(const struct guess *g, struct neural *nn, uint8_t byte)
{
	for (unsigned i = 0; i < NEURAL_GUESSERS; i++) {
		uint16_t *t = &nn->tuning.trust[g->index[i]];
		int32_t target = g->index[i] && g->bytes[i] == byte ? 65535 : 0;

		*t = (uint16_t)(*t + ((target - *t) >> GUESS_TRUST_RATE));
	}
}

/* The cell that refines a guess of probability p: by the octave of the chance to miss, in quarters. */
KERNEL uint16_t *guess_cell(struct neural *nn, const struct guess *g, int normal, uint32_t p)
{
	uint32_t miss = 65536 - p, octave = 31 - (uint32_t)__builtin_clz(miss);

	return &nn->tuning.refine[normal][g->level * 4 + g->against][octave * 4 + (((miss << 2) >> octave) & 3)];
}

#endif
