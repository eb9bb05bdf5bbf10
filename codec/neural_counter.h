/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters: adaptive probabilities of the bits of a nibble after the last 1, 2, 3, 4 and 6 bytes, learned within the chunk. */
#ifndef FIRN_CODEC_NEURAL_COUNTER_H
#define FIRN_CODEC_NEURAL_COUNTER_H

#include "codec/kernel.h"

#define COUNTER_AGE_MAX 13
#define COUNTER_HASH 0x9e3779b97f4a7c15u

/* Where the slots of a byte lie: hash per order, slots of the high and of one low nibble. */
struct counters {
	uint64_t hash[NEURAL_COUNTERS];
	struct neural_slot *high[NEURAL_COUNTERS], *low[NEURAL_COUNTERS];
};

KERNEL struct neural_slot *counter_slot(struct neural_slot *table, unsigned log2, uint64_t hash, unsigned nibble)
{
	struct neural_slot *s = &table[(hash >> (64 - log2)) ^ nibble];
	uint16_t check = (uint16_t)((hash >> 30 & 0xffe0) | nibble) + 1;

	if (s->check != check) {
		s->check = check;
		for (unsigned i = 0; i < 15; i++)
			s->node[i] = 0x8000;
	}
	return s;
}

/* Slots of the high nibble (nibble 0) or of the low one after high nibble h (1 + h). */
KERNEL void counters_find(struct counters *c, struct neural *nn, struct neural_slot **slot, unsigned nibble)
{
	for (unsigned i = 0; i < NEURAL_COUNTERS; i++)
		slot[i] = counter_slot(nn->slots[i], nn->slots_log2, c->hash[i], nibble);
}

/* Enters the position behind these bytes, newest lowest; counters_find comes when memory has had time. */
KERNEL void counters_begin(struct counters *c, struct neural *nn, uint64_t last)
{
	c->hash[0] = ((last & 0xff) + 1) * COUNTER_HASH;
	c->hash[1] = ((last & 0xffff) + 0x10000) * COUNTER_HASH;
	c->hash[2] = ((last & 0xffffff) + 0x1000000) * COUNTER_HASH;
	c->hash[3] = ((last & 0xffffffff) + 0x100000000) * COUNTER_HASH;
	c->hash[4] = ((last & 0xffffffffffff) + 0x1000000000000) * COUNTER_HASH;
	for (unsigned i = 0; i < NEURAL_COUNTERS; i++)
		__builtin_prefetch(&nn->slots[i][c->hash[i] >> (64 - nn->slots_log2)]);
}

/* Log odds of a node. */
KERNEL int32_t counter_input(const struct neural *nn, uint16_t node)
{
	return clamp32(nn->logistic.stretch[node >> 4], -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX);
}

KERNEL void counter_learn(uint16_t *node, unsigned bit)
{
	static const uint16_t rate[16] = {32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282,
					  6554, 5958, 5461, 5041, 4681, 4000, 4000, 4000};
	uint32_t age = *node & 15;
	int32_t p = *node >> 4;

	p += (((bit ? 4095 : 0) - p) * rate[age] + 32768) >> 16;
	*node = (uint16_t)((uint32_t)p << 4 | (age < COUNTER_AGE_MAX ? age + 1 : age));
}

#endif
