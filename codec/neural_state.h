/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the neural codec: what one worker holds while it codes a chunk, and the sizes that are part of the format.
 *
 * Bounds that keep every sum inside 32 bits: |bias of the hidden layer| <= 28000 with at most 32 rows of int8; |bias of a node| <= 2^30 with a dot
 * product under 2^30; sums of two mixer weights at most 2^17 - 2 after the shift, times inputs of at most 2047, times 8.
 */
#ifndef FIRN_CODEC_NEURAL_STATE_H
#define FIRN_CODEC_NEURAL_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "model/context.h"
#include "model/logistic.h"
#include "model/model.h"
#include "model/range.h"

#define NEURAL_BIAS_MAX 28000
#define NEURAL_OUT_BIAS_MAX (1 << 30)

/* Mixer: 8 inputs per bit (the network, counters, two matches); weights in units of 2^-18, of which the dot product sees all but the last 4 bits. */
#define NEURAL_INPUTS 8
#define NEURAL_INPUT_MAX 2047
#define NEURAL_WEIGHT_ONE (1 << 18)
#define NEURAL_WEIGHT_SPARE 4
#define NEURAL_WEIGHT_MAX ((1 << 20) - 16)
#define NEURAL_MIX_SHIFT 14
#define NEURAL_LEARN_SHIFT 14

/* Weight sets: eight levels of confidence while the byte agrees with the guess; no guess; no longer agreeing. */
#define NEURAL_LEVELS 8
#define NEURAL_SET_NONE NEURAL_LEVELS
#define NEURAL_SET_PARTED (NEURAL_LEVELS + 1)
#define NEURAL_SETS (NEURAL_LEVELS + 2)
/* To these are added weights chosen by what kind of character came before. */
#define NEURAL_KINDS 11

/* Who may guess the next byte: the match, the dictionary, five histories; each with its lengths or runs. */
#define NEURAL_GUESSERS 7
#define NEURAL_TRUSTS (32 + 5 * 4)

/* Refinement of the guess's probability: contexts x 16 octaves of the chance of a miss x 4 steps. */
#define NEURAL_REFINE_CONTEXTS (NEURAL_LEVELS * 4)
#define NEURAL_REFINE_CELLS 64

/* error * rate stays in 32 bits, and the factor in 16. */
#define NEURAL_RATE_MAX 16383
#define NEURAL_RATE_DEFAULT 900

/* What calibration learns and every chunk starts from; all of it adapts in the chunk. */
struct neural_tuning {
	int32_t weight[NEURAL_SETS][8][NEURAL_INPUTS] __attribute__((aligned(64)));
	int32_t kind_weight[NEURAL_KINDS][8][NEURAL_INPUTS] __attribute__((aligned(64)));
	uint16_t refine[2][NEURAL_REFINE_CONTEXTS][NEURAL_REFINE_CELLS]; /* of fast, of normal */
	uint16_t trust[NEURAL_TRUSTS];                                  /* probability that this guesser is right */
	int32_t rate;                                                   /* of the output rows, 0..NEURAL_RATE_MAX */
};
#define NEURAL_TUNING_LEN \
	((NEURAL_SETS + NEURAL_KINDS) * 8 * NEURAL_INPUTS + 2 * NEURAL_REFINE_CONTEXTS * NEURAL_REFINE_CELLS + NEURAL_TRUSTS + 1)
_Static_assert(NEURAL_TUNING_LEN <= MODEL_MIXER_MAX, "tuning must fit into the model");

/* Counters: a slot holds one nibble's tree after one context; a node is a probability (12 bits) and its age (4). */
#define NEURAL_COUNTERS 5
#define NEURAL_SLOTS_LOG2 14 /* at most: a table has half as many as the chunk has bytes */
#define NEURAL_SLOTS_LOG2_MIN 6
struct neural_slot {
	uint16_t check;
	uint16_t node[15];
};

struct dense;
struct dense_start;

struct neural {
	struct context *context;
	struct dense *dense; /* NULL until a chunk is dense */
	struct logistic logistic;
	struct neural_tuning tuning;
	int16_t hidden[MODEL_HIDDEN_MAX] __attribute__((aligned(64)));
	int16_t bias[MODEL_HIDDEN_MAX] __attribute__((aligned(64)));
	int16_t out[MODEL_NODES * MODEL_HIDDEN_MAX] __attribute__((aligned(64)));
	int32_t out_bias[MODEL_NODES];
	uint8_t kind[256]; /* of a character, below NEURAL_KINDS */
	uint8_t *formed;   /* a chunk after its filter, CODEC_PLAIN_MAX bytes; NULL until needed */
	unsigned slots_log2;
	struct neural_slot slots[NEURAL_COUNTERS][1u << NEURAL_SLOTS_LOG2] __attribute__((aligned(64)));
};

/* One chunk, either direction: enc set writes src, dec set fills dst. */
struct neural_job {
	struct neural *nn;
	const struct model *m;
	struct range_enc *enc;
	struct range_dec *dec;
	const uint8_t *src;
	uint8_t *dst;
	size_t n;
	struct form form;
	int normal, dense; /* neither: fast */
	const struct dense_start *start; /* of dense; NULL: go on with what was learned last */
};

/* Puts everything that adapts back to where chunks start, and codes. */
void neural_job_run(const struct neural_job *job);

/* What chunks start from with this model. */
void neural_tuning_get(struct neural_tuning *t, const struct model *m);

/* The instances of codec/neural_code.h. */
void neural_code_scalar(const struct neural_job *job);
void neural_code_avx2(const struct neural_job *job);
void neural_code_avx512(const struct neural_job *job);
void neural_code_neon(const struct neural_job *job);

/* Those of codec/dense_code.h. */
void dense_code_scalar(const struct neural_job *job);
void dense_code_avx2(const struct neural_job *job);
void dense_code_avx512(const struct neural_job *job);
void dense_code_neon(const struct neural_job *job);

#endif
