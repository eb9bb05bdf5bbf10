/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coding of a chunk at the level dense, written once for both directions and all instruction sets;
 * the including file defines DENSE_CODE, the name of its instance.
 *
 * Bit by bit: the network, whoever expects a byte, and the bit histories of
 * many contexts each say what they think; five mixers with weights chosen by different things mix
 * all of it, a last one mixes the five; the result is refined by how such results fared.
 */
#include "codec/dense_expert.h"
#include "codec/dense_history.h"
#include "codec/dense_mix.h"
#include "codec/neural_guess.h"
#include "codec/neural_tree.h"

struct dense_coder {
	struct neural *nn;
	struct dense *d;
	int decode;
	uint32_t width;
	unsigned last; /* the byte before */
	struct range_enc enc;
	struct range_dec dec;
	struct guess guess;
	struct dense_slots slots;
	struct dense_experts experts;
};

/* What selects weights for this bit. */
KERNEL void dense_select(struct dense_coder *c, struct dense_mix *mix, unsigned prefix,
			 unsigned depth, unsigned known)
{
	unsigned set = c->guess.trust < GUESS_TRUST_MIN		 ? NEURAL_SET_NONE
		       : (c->guess.byte ^ prefix) >> (8 - depth) ? NEURAL_SET_PARTED
								 : c->guess.level;

	mix->last = set * 8 + depth;
	mix->set[0] = mix->last;
	mix->set[1] = DENSE_BY_TRUST + node_of(prefix, depth);
	mix->set[2] = DENSE_BY_TRUST + DENSE_BY_NODE + c->last;
	mix->set[3] = DENSE_BY_TRUST + DENSE_BY_NODE + DENSE_BY_BYTE + known;
	mix->set[4] = DENSE_SETS - DENSE_BY_GUESS + (set < NEURAL_LEVELS ? 256 : 0) + c->guess.byte;
	mix->apm[0] =
		(node_of(prefix, depth) * 16 + c->experts.trust[0]) & ((1u << DENSE_APM_LOG2) - 1);
	mix->apm[1] = (uint32_t)((node_of(prefix, depth) << 8 | c->last) * 0x9e3779b1u) >>
		      (32 - DENSE_APM_LOG2);
}

/* Inputs of all mixers and what selects their weights. */
KERNEL void dense_ask(struct dense_coder *c, struct dense_mix *mix, int32_t z, unsigned prefix,
		      unsigned depth)
{
	uint32_t node = node_in_slot(prefix, depth);
	unsigned known;

	mix->input[0] = clamp32(z, -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX);
	known = experts_inputs(&c->experts, c->d, c->nn, mix->input + DENSE_INPUT_EXPERTS, prefix,
			       depth);
	known += 4 *
		 histories_inputs(&c->slots, c->d, c->nn, mix->input + DENSE_INPUT_HISTORIES, node);
	mix->input[DENSE_INPUT_CONSTANT] = 256;
	for (unsigned i = DENSE_INPUT_CONSTANT + 1; i < DENSE_INPUTS; i++)
		mix->input[i] = 0;
	dense_select(c, mix, prefix, depth, known);
}

/* Codes one bit; prefix: the byte with its bits from depth on arbitrary. */
KERNEL unsigned dense_bit(struct dense_coder *c, unsigned prefix, unsigned depth, unsigned bit)
{
	struct neural *nn = c->nn;
	uint32_t node = node_of(prefix, depth), in_slot = node_in_slot(prefix, depth), p;
	struct dense_mix mix;
	int32_t z;

	z = kernel_dot(nn->hidden, nn->out + (size_t)node * c->width, c->width) +
	    nn->out_bias[node];
	z = logit_clamp(z >> 10);
	dense_ask(c, &mix, z, prefix, depth);
	p = dense_mix(&mix, c->d, nn);
	if (c->decode)
		bit = range_decode(&c->dec, p);
	else
		range_encode(&c->enc, bit, p);
	network_learn(nn, c->width, node, (int32_t)(bit << 16) - (int32_t)squash(&nn->logistic, z));
	dense_mix_learn(&mix, c->d, nn, bit);
	experts_learn(&c->experts, bit);
	histories_learn(&c->slots, c->d, in_slot, bit);
	return bit;
}

/* Codes the byte behind the current position. */
KERNEL unsigned dense_byte(struct dense_coder *c, unsigned byte)
{
	const uint64_t *hashes = context_hashes(c->nn->context);
	unsigned prefix = 0;

	for (unsigned depth = 0; depth < 8; depth++) {
		if (depth == 4)
			slots_begin(&c->slots, c->d, hashes, 1 + (prefix >> 4));
		if (depth % 4 == 0)
			slots_find(&c->slots, c->d);
		prefix |= dense_bit(c, prefix, depth, byte >> (7 - depth) & 1) << (7 - depth);
	}
	return prefix;
}

KERNEL void dense_chunk(const struct neural_job *job, int decode, uint32_t width)
{
	struct neural *nn = job->nn;
	struct dense_coder c = {.nn = nn, .d = nn->dense, .decode = decode, .width = width};

	if (decode)
		c.dec = *job->dec;
	else
		c.enc = *job->enc;
	context_begin(nn->context, job->m, &job->form, decode ? job->dst : job->src, job->n);
	slots_begin(&c.slots, c.d, context_hashes(nn->context), 0);
	for (size_t i = 0; i < job->n; i++) {
		if (decode && i % EXHAUSTED_EVERY == 0 && range_dec_exhausted(&c.dec))
			break; /* range_dec_end will say so */
		guess_find(&c.guess, nn, context_predictions(nn->context));
		experts_ask(&c.experts, context_predictions(nn->context));
		kernel_hidden(nn->hidden, nn->bias, job->m, context_rows_get(nn->context), width);
		c.last = dense_byte(&c, decode ? 0 : job->src[i]);
		if (decode)
			job->dst[i] = (uint8_t)c.last;
		context_update(nn->context, (uint8_t)c.last);
		slots_begin(&c.slots, c.d, context_hashes(nn->context), 0);
		guess_learn(&c.guess, nn, (uint8_t)c.last);
	}
	if (decode)
		*job->dec = c.dec;
	else
		*job->enc = c.enc;
}

void DENSE_CODE(const struct neural_job *job)
{
	uint32_t width = job->m->shape.hidden;

	if (width == 64)
		job->dec ? dense_chunk(job, 1, 64) : dense_chunk(job, 0, 64);
	else
		dense_chunk(job, job->dec != NULL, width);
}
