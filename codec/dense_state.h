/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the level dense learns beside the network, and the sizes that are part of the format.
 *
 * Bounds that keep every sum inside 32 bits: an input is at most 2047, a weight at most 2^20, of
 * which a sum sees 2^14: 40 products stay under 2^31. An error is under 2^16, so its product with
 * an input stays under 2^27.
 */
#ifndef FIRN_CODEC_DENSE_STATE_H
#define FIRN_CODEC_DENSE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "codec/bit_history.h"
#include "codec/neural_state.h"
#include "model/context.h"

/* Contexts with a table of bit histories each. */
#define DENSE_CONTEXTS 15
#define DENSE_LINES (324u << 10) /* of all, codec/dense_history.h deals them out */
#define DENSE_WAYS 4

/* The bits of one nibble after one context. */
struct dense_slot {
	uint8_t check;
	uint8_t history[15];
};

struct dense_line {
	struct dense_slot slot[DENSE_WAYS];
};
_Static_assert(sizeof(struct dense_line) == 64, "a line of the cache");

/* Who expects a whole byte: the match, the dictionary's match, and what followed six contexts
 * before. */
#define DENSE_EXPERTS (2 + CONTEXT_HISTORIES)
#define DENSE_TRUSTS 16

/* Inputs of a mixer: the network, the experts, two for each context, a
 * constant. */
#define DENSE_INPUT_EXPERTS 1
#define DENSE_INPUT_HISTORIES (DENSE_INPUT_EXPERTS + DENSE_EXPERTS)
#define DENSE_INPUT_CONSTANT (DENSE_INPUT_HISTORIES + 2 * DENSE_CONTEXTS)
#define DENSE_INPUTS 40
_Static_assert(DENSE_INPUT_CONSTANT < DENSE_INPUTS && DENSE_INPUTS % 8 == 0, "whole vectors");
#define DENSE_WEIGHT_SPARE 6
#define DENSE_MIX_SHIFT 12
#define DENSE_LEARN_SHIFT 14

/* First-layer mixers, by what selects the weights: trust and depth; the bits of the byte before
 * this one; the byte before; contexts
 * known; the byte guessed and whether the bits so far agree. */
#define DENSE_MIXERS 5
#define DENSE_BY_TRUST (NEURAL_SETS * 8)
#define DENSE_BY_NODE 256
#define DENSE_BY_BYTE 256
#define DENSE_BY_KNOWN 128
#define DENSE_BY_GUESS 512
#define DENSE_SETS                                                                                 \
	(DENSE_BY_TRUST + DENSE_BY_NODE + DENSE_BY_BYTE + DENSE_BY_KNOWN + DENSE_BY_GUESS)

/* Last: probability refined by what it was and two contexts. */
#define DENSE_APM_BINS 33
#define DENSE_APM_LOG2 12
#define DENSE_APMS 2

/* All that is learned but the histories themselves. */
struct dense_learned {
	int32_t weight[DENSE_SETS][DENSE_INPUTS] __attribute__((aligned(64)));
	int32_t last[DENSE_BY_TRUST][8] __attribute__((aligned(64)));
	uint32_t map[DENSE_CONTEXTS][BIT_HISTORIES]; /* chance of a one: 22 bits, and how often it
							was asked: 10 bits */
	uint16_t expert[DENSE_EXPERTS][DENSE_TRUSTS][8];
	uint32_t apm[DENSE_APMS][1u << DENSE_APM_LOG2][DENSE_APM_BINS]; /* 22 bits */
};

struct dense_tables {
	struct dense_line line[DENSE_LINES];
};

/* What chunks start from with one model: learned from the model's dictionary. Immutable, shared by
 * workers. */
struct dense_start {
	uint64_t serial; /* no other has had it in this process */
	struct dense_learned learned;
	struct dense_tables *tables;
};

/* That of a model, made when there is none yet. -ENOMEM */
int dense_start_get(struct neural *nn, const struct model *m, const struct dense_start **out);

/* What it takes, 0 as long as there is none. */
size_t dense_start_memory(const struct model *m);

/* Of one worker. */
#define DENSE_AGES 1024
#define DENSE_TOUCHED_MAX (1u << 17)
struct dense {
	struct bit_history history;
	int32_t reciprocal[DENSE_AGES]; /* how much of its way a chance goes that was asked so often
					 */
	struct dense_learned learned;
	uint64_t serial;  /* of the start that the tables were copied from */
	uint32_t touched; /* lines that differ from it since, in order; more than DENSE_TOUCHED_MAX:
			     not all are listed */
	uint32_t *touch;
	struct dense_tables *tables;
};

int dense_create(struct dense **out);
void dense_destroy(struct dense *d);

/* Goes back to what chunks start from. */
void dense_begin(struct dense *d, const struct dense_start *start);

#endif
