/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compression of a model's dictionary: per bit, predictions of five contexts and of the longest match, mixed in the logistic domain.
 *
 * A slot holds the statistics of one nibble after one context: a check and 15 nodes of its bit tree. A node is a probability (upper 12
 * bits) and how often it was used (lower 4), which sets its rate.
 */
#include "model/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/logistic.h"

#define ORDERS 6
#define INPUTS (ORDERS + 2) /* and match, bias */
#define SLOTS_LOG2_MAX 19
#define MATCH_LOG2 18
#define MATCH_MAX 32u
#define HASH 0x9e3779b97f4a7c15u
#define COUNT_LIMIT 12

struct slot {
	uint16_t check;
	uint16_t node[15];
};

struct pack {
	struct number_io *io;
	struct logistic logistic;
	uint8_t *bytes;
	size_t pos;
	uint32_t slots_log2;
	uint64_t last; /* newest byte lowest */
	uint64_t word;
	uint32_t match_at, match_length;
	uint16_t match_right[MATCH_MAX + 1]; /* probability that the predicted bit is right, by length */
	uint32_t match_table[1u << MATCH_LOG2];
	int32_t weight[(MATCH_MAX + 1) * 2][INPUTS];
	struct slot *slots;
};

static uint16_t node_update(uint16_t node, unsigned bit)
{
	static const uint16_t rate[COUNT_LIMIT + 1] = {32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282, 6554, 5958, 5461, 5041, 3000};
	unsigned count = node & 15;
	int32_t p = node >> 4, target = bit ? 4095 : 0;

	p += ((target - p) * rate[count] + 32768) >> 16;
	return (uint16_t)(p << 4 | (count < COUNT_LIMIT ? count + 1 : count));
}

static struct slot *slot_find(struct pack *k, uint64_t context)
{
	uint64_t hash = context * HASH;
	struct slot *s = &k->slots[hash >> (64 - k->slots_log2)];
	uint16_t check = (uint16_t)(hash >> (48 - k->slots_log2)) | 1;

	if (s->check != check) {
		s->check = check;
		for (unsigned i = 0; i < 15; i++)
			s->node[i] = 0x8000;
	}
	return s;
}

/* Mixes, codes one bit, learns. expected: -1 no match, else the bit that it predicts. */
static unsigned bit_code(struct pack *k, uint16_t *node[ORDERS], int expected, unsigned bit)
{
	int32_t st[INPUTS], *w = k->weight[k->match_length * 2 + (expected >= 0)], p, error;
	uint16_t *right = &k->match_right[k->match_length];
	int64_t dot = 0;

	for (unsigned i = 0; i < ORDERS; i++)
		st[i] = stretch(&k->logistic, *node[i]);
	st[ORDERS] = expected < 0 ? 0 : expected ? stretch(&k->logistic, *right) : -stretch(&k->logistic, *right);
	st[ORDERS + 1] = 128;
	for (unsigned i = 0; i < INPUTS; i++)
		dot += (int64_t)w[i] * st[i];
	dot >>= 16;
	p = (int32_t)squash(&k->logistic, dot < -LOGIT_MAX ? -LOGIT_MAX : dot > LOGIT_MAX ? LOGIT_MAX : (int32_t)dot);
	if (k->io->enc)
		range_encode(k->io->enc, bit, (uint32_t)p);
	else
		bit = range_decode(k->io->dec, (uint32_t)p);
	error = (bit ? 65535 : 0) - p;
	for (unsigned i = 0; i < INPUTS; i++)
		w[i] += (st[i] * error + 0x8000) >> 16;
	for (unsigned i = 0; i < ORDERS; i++)
		*node[i] = node_update(*node[i], bit);
	if (expected >= 0)
		*right = (uint16_t)(*right + (((unsigned)expected == bit ? 65535 - *right : -*right) >> 6));
	return bit;
}

/* Codes a nibble given the part of the byte before it (1 for the high one). */
static unsigned nibble_code(struct pack *k, const uint64_t *context, unsigned before, unsigned expected, unsigned nibble)
{
	struct slot *s[ORDERS];
	unsigned tree = 1;

	for (unsigned i = 0; i < ORDERS; i++)
		s[i] = slot_find(k, context[i] + before * 0x632be59bd9b4e019u);
	for (unsigned i = 4; i-- > 0;) {
		unsigned path = (expected & 15) | 16;
		int agrees = k->match_length && expected >> 4 == before && path >> (i + 1) == tree;
		uint16_t *node[ORDERS];

		for (unsigned j = 0; j < ORDERS; j++)
			node[j] = &s[j]->node[tree - 1];
		tree = tree << 1 | bit_code(k, node, agrees ? (int)(path >> i & 1) : -1, nibble >> i & 1);
	}
	return tree & 15;
}

static void match_update(struct pack *k, uint8_t byte)
{
	uint32_t *slot = &k->match_table[((k->last & 0xffffffffffff) * HASH) >> (64 - MATCH_LOG2)];

	if (k->match_length && k->bytes[k->match_at] == byte) {
		k->match_length += k->match_length < MATCH_MAX;
		k->match_at++;
	} else {
		k->match_length = 0;
	}
	if (!k->match_length && *slot) {
		while (k->match_length < MATCH_MAX && k->match_length < *slot &&
		       k->bytes[*slot - 1 - k->match_length] == k->bytes[k->pos - 1 - k->match_length])
			k->match_length++;
		k->match_at = *slot;
		k->match_length = k->match_length < 6 ? 0 : k->match_length;
	}
	*slot = (uint32_t)k->pos;
}

static uint8_t byte_code(struct pack *k, uint8_t byte)
{
	unsigned expected = k->match_length ? k->bytes[k->match_at] : 0, high;
	uint64_t context[ORDERS];

	for (unsigned i = 0; i < ORDERS - 1; i++) {
		unsigned order = i < 4 ? i + 1 : 6;

		context[i] = (k->last & (((uint64_t)1 << 8 * order) - 1)) * 8 + i;
	}
	context[ORDERS - 1] = k->word * 8 + 7;
	high = nibble_code(k, context, 1, 1 << 4 | expected >> 4, byte >> 4);
	return (uint8_t)(high << 4 | nibble_code(k, context, 16 + high, (16 + (expected >> 4)) << 4 | (expected & 15), byte & 15));
}

static void byte_note(struct pack *k, uint8_t byte)
{
	uint8_t low = byte | 32;

	k->pos++;
	k->last = k->last << 8 | byte;
	if ((low >= 'a' && low <= 'z') || byte >= 128)
		k->word = (k->word + low) * 0x2f0b4c475851f42du;
	else
		k->word = 0;
	match_update(k, byte);
}

static int pack_create(struct number_io *io, uint8_t *bytes, size_t n, struct pack **out)
{
	struct pack *k = calloc(1, sizeof *k);

	if (!k)
		return -ENOMEM;
	k->slots_log2 = 10;
	while (k->slots_log2 < SLOTS_LOG2_MAX && (size_t)4 << k->slots_log2 < n)
		k->slots_log2++;
	k->slots = calloc((size_t)1 << k->slots_log2, sizeof *k->slots);
	if (!k->slots) {
		free(k);
		return -ENOMEM;
	}
	k->io = io;
	k->bytes = bytes;
	logistic_init(&k->logistic);
	for (unsigned i = 0; i <= MATCH_MAX; i++)
		k->match_right[i] = (uint16_t)(65535 - 32768 / (i + 1));
	for (size_t i = 0; i < sizeof k->weight / sizeof **k->weight; i++)
		(&k->weight[0][0])[i] = 65536 * 3 / 10;
	*out = k;
	return 0;
}

int pack_bytes(struct number_io *io, uint8_t *bytes, size_t n)
{
	struct pack *k;
	int rc = pack_create(io, bytes, n, &k);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !number_exhausted(io); i++) {
		bytes[i] = byte_code(k, bytes[i]);
		byte_note(k, bytes[i]);
	}
	free(k->slots);
	free(k);
	return number_exhausted(io) ? -EUCLEAN : 0;
}
