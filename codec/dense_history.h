/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the level dense keeps bit histories, what they say of a bit, and what experts say who
 * expect a whole byte. */
#ifndef FIRN_CODEC_DENSE_HISTORY_H
#define FIRN_CODEC_DENSE_HISTORY_H

#include <string.h>

#include "codec/dense_state.h"
#include "codec/kernel.h"
#include "codec/neural_guess.h"
#include "codec/neural_tree.h"

#define DENSE_MAP_LIMIT 255
#define DENSE_EXPERT_RATE 6

/* Slots of one nibble. */
struct dense_slots {
	uint64_t hash[DENSE_CONTEXTS];
	struct dense_slot *slot[DENSE_CONTEXTS];
	uint8_t history[DENSE_CONTEXTS]; /* of the bit being coded */
};

KERNEL uint32_t dense_line_of(uint64_t hash)
{
	return (uint32_t)(hash >> (64 - DENSE_LINES_LOG2));
}

/* Enters the byte behind these contexts; slots_find comes when memory has had time. nibble: 0, or 1
 * + the high nibble. */
KERNEL void slots_begin(struct dense_slots *s, struct dense *d, const uint64_t *hashes,
			unsigned nibble)
{
	static const uint8_t ids[DENSE_CONTEXTS] = {CTX_O1,    CTX_O2,	  CTX_O3,     CTX_O4,
						    CTX_O5,    CTX_O6,	  CTX_WORD,   CTX_WORD2,
						    CTX_ABOVE, CTX_FIELD, CTX_SKIP23, CTX_SKIP48};

	for (unsigned i = 0; i < DENSE_CONTEXTS; i++) {
		s->hash[i] = (hashes[ids[i]] ^ hashes[ids[i]] >> 29 ^ (uint64_t)nibble << 32) *
			     0x9e3779b97f4a7c15u;
		__builtin_prefetch(&d->tables->line[i][dense_line_of(s->hash[i])]);
	}
}

/* The slot with this check in the line, or the least seen one emptied for it. */
KERNEL struct dense_slot *line_find(struct dense_line *line, const struct bit_history *h,
				    uint8_t check)
{
	struct dense_slot *least = &line->slot[0];

	for (unsigned i = 0; i < DENSE_WAYS; i++)
		if (line->slot[i].check == check)
			return &line->slot[i];
	for (unsigned i = 1; i < DENSE_WAYS; i++)
		if (h->seen[line->slot[i].history[0]] < h->seen[least->history[0]])
			least = &line->slot[i];
	memset(least, 0, sizeof *least);
	least->check = check;
	return least;
}

KERNEL void slots_find(struct dense_slots *s, struct dense *d)
{
	for (unsigned i = 0; i < DENSE_CONTEXTS; i++) {
		uint32_t at = dense_line_of(s->hash[i]);
		uint8_t check = (uint8_t)(s->hash[i] >> 16);

		if (d->touched < DENSE_TOUCHED_MAX)
			d->touch[d->touched] = i << DENSE_LINES_LOG2 | at;
		d->touched += d->touched <= DENSE_TOUCHED_MAX;
		s->slot[i] = line_find(&d->tables->line[i][at], &d->history, check ? check : 1);
	}
}

/* Two inputs of each context; returns what is known, below DENSE_BY_KNOWN / 4. */
KERNEL unsigned histories_inputs(struct dense_slots *s, const struct dense *d,
				 const struct neural *nn, int32_t *input, unsigned node)
{
	unsigned orders = 0, others = 0;

	for (unsigned i = 0; i < DENSE_CONTEXTS; i++) {
		unsigned h = s->slot[i]->history[node];
		uint32_t p = d->learned.map[i][h] >> 16;

		s->history[i] = (uint8_t)h;
		input[2 * i] =
			h ? clamp32(stretch(&nn->logistic, p), -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX)
			  : 0;
		input[2 * i + 1] = h ? ((int32_t)p - 32768) / 32 : 0;
		if (i < 6)
			orders += h != 0;
		else
			others += h != 0;
	}
	return orders * 4 + others / 2;
}

KERNEL void histories_learn(struct dense_slots *s, struct dense *d, unsigned node, unsigned bit)
{
	for (unsigned i = 0; i < DENSE_CONTEXTS; i++) {
		uint32_t *map = &d->learned.map[i][s->history[i]], age = *map & 1023;
		int32_t p = (int32_t)(*map >> 10), target = bit ? (1 << 22) - 1 : 0;

		p += (int32_t)((int64_t)(target - p) * d->reciprocal[age] >> 16);
		*map = (uint32_t)p << 10 | (age < DENSE_MAP_LIMIT ? age + 1 : age);
		s->slot[i]->history[node] = d->history.next[s->history[i]][bit];
	}
}

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
