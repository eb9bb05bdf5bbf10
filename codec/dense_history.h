/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the level dense keeps bit histories, and what they say of a bit. */
#ifndef FIRN_CODEC_DENSE_HISTORY_H
#define FIRN_CODEC_DENSE_HISTORY_H

#include <string.h>

#include "codec/dense_state.h"
#include "codec/kernel.h"

#define DENSE_MAP_LIMIT 255

/* Slots of one nibble. */
struct dense_slots {
	uint64_t hash[DENSE_CONTEXTS];
	struct dense_slot *slot[DENSE_CONTEXTS];
	uint8_t history[DENSE_CONTEXTS]; /* of the bit being coded */
};

/* Which contexts, alone or two at once, and the lines of each. */
#define ALONE CTX_IDS
struct dense_context {
	uint8_t id, with, log2;
	uint32_t first;
};

#define K 1024u
static const struct dense_context dense_contexts[DENSE_CONTEXTS] = {
	{CTX_O1, ALONE, 12, 0},
	{CTX_O2, ALONE, 14, 4 * K},
	{CTX_O3, ALONE, 15, 20 * K},
	{CTX_O4, ALONE, 15, 52 * K},
	{CTX_O5, ALONE, 15, 84 * K},
	{CTX_O6, ALONE, 15, 116 * K},
	{CTX_WORD, ALONE, 15, 148 * K},
	{CTX_WORD2, ALONE, 15, 180 * K},
	{CTX_ABOVE, ALONE, 14, 212 * K},
	{CTX_FIELD, ALONE, 14, 228 * K},
	{CTX_SKIP23, ALONE, 14, 244 * K},
	{CTX_SKIP48, ALONE, 14, 260 * K},
	{CTX_MATCH6, CTX_O1, 14, 276 * K},
	{CTX_DICT, CTX_O1, 14, 292 * K},
	{CTX_HIST3, CTX_HIST1, 14, 308 * K},
};
_Static_assert(DENSE_LINES == 324 * K, "the last context's lines are the last");
#undef K

KERNEL uint32_t dense_line_of(unsigned i, uint64_t hash)
{
	return dense_contexts[i].first + (uint32_t)(hash >> (64 - dense_contexts[i].log2));
}

/* Enters the byte behind these contexts; slots_find comes when memory has had time. nibble: 0, or 1
 * + the high nibble. */
KERNEL void slots_begin(struct dense_slots *s, struct dense *d, const uint64_t *hashes,
			unsigned nibble)
{
	for (unsigned i = 0; i < DENSE_CONTEXTS; i++) {
		const struct dense_context *c = &dense_contexts[i];
		uint64_t hash = hashes[c->id];

		if (c->with != ALONE)
			hash += (hashes[c->with] >> 17) * 0x5851f42d4c957f2du;
		s->hash[i] = (hash ^ hash >> 29 ^ (uint64_t)nibble << 32) * 0x9e3779b97f4a7c15u;
		__builtin_prefetch(&d->tables->line[dense_line_of(i, s->hash[i])]);
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
		uint32_t at = dense_line_of(i, s->hash[i]);
		uint8_t check = (uint8_t)(s->hash[i] >> 16);

		if (d->touched < DENSE_TOUCHED_MAX)
			d->touch[d->touched] = at;
		d->touched += d->touched <= DENSE_TOUCHED_MAX;
		s->slot[i] = line_find(&d->tables->line[at], &d->history, check ? check : 1);
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

#endif
