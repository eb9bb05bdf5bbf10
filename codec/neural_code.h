/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coding of a chunk, written once for both directions, both levels and both instruction sets; the including file defines NEURAL_CODE, the
 * name of its instance.
 *
 * A byte is eight binary decisions, bits from the top, each with a probability from the network (and at NEURAL_NORMAL from
 * counters and matches, mixed). Made one after the other, each waits for the one before. But most bytes can be guessed, so first
 * one decision is made for all eight: is it the guessed byte? Its probability is the product of those of the eight bits on the
 * guess's path, which are computed side by side, refined by how such guesses fared. When it is not the guess, the bits are coded
 * one by one with what is then left of their probabilities: bit i agrees with
 *     (q_i - Q_i) / (1 - Q_i)    where q_i is its probability to agree and Q_i the product of q_i .. q_7
 * until one disagrees; the rest of the byte is coded plainly. Without the refinement this costs exactly what bit by bit would.
 */
#include "codec/neural_counter.h"
#include "codec/neural_guess.h"
#include "codec/neural_tree.h"

/* Weights of the mixer do not learn from less: most bits of most bytes were certain. */
#define MIX_ERROR_MIN 64

/* The constants of one instance and the state of one chunk. */
struct coder {
	struct neural *nn;
	int decode, normal;
	unsigned kind; /* of the character before */
	uint32_t width;
	struct range_enc enc;
	struct range_dec dec;
	struct guess guess;
	struct counters counters;
};

/* What is known of eight bits. */
struct bits {
	uint32_t node[8];
	int32_t z[8] __attribute__((aligned(64)));      /* network's log odds that the bit is 1 */
	int32_t mixed[8] __attribute__((aligned(64)));  /* after the mixer; the same without one */
	int32_t input[8][NEURAL_INPUTS] __attribute__((aligned(64)));
};

KERNEL unsigned code_decision(struct coder *c, unsigned bit, uint32_t p)
{
	if (c->decode)
		return range_decode(&c->dec, p);
	range_encode(&c->enc, bit, p);
	return bit;
}

/* What a match that expects this byte, with this trust, says of bit depth; nothing once it has been wrong. */
KERNEL int32_t expectation(unsigned expected, unsigned prefix, unsigned depth, int32_t trust)
{
	if ((expected ^ prefix) >> (8 - depth))
		return 0;
	return expected >> (7 - depth) & 1 ? trust : -trust;
}

/* The inputs of the mixer for one bit. prefix: the byte with its bits from depth on arbitrary. */
KERNEL void inputs_gather(struct coder *c, int32_t *input, int32_t z, unsigned prefix, unsigned depth)
{
	struct neural *nn = c->nn;
	struct neural_slot **slot = depth < 4 ? c->counters.high : c->counters.low;
	uint32_t node = node_in_slot(prefix, depth);
	const struct guess *g = &c->guess;

	input[0] = clamp32(z, -NEURAL_INPUT_MAX, NEURAL_INPUT_MAX);
	for (unsigned i = 0; i < NEURAL_COUNTERS; i++)
		input[1 + i] = counter_input(nn, slot[i]->node[node]);
	input[1 + NEURAL_COUNTERS] = expectation(g->bytes[0], prefix, depth, g->match);
	input[2 + NEURAL_COUNTERS] = expectation(g->bytes[1], prefix, depth, g->dict);
	_Static_assert(3 + NEURAL_COUNTERS == NEURAL_INPUTS, "all inputs are set");
}

/* All that learns from bit `depth` of byte (its lower bits arbitrary). */
KERNEL void bit_learn(struct coder *c, const struct bits *b, unsigned at, unsigned set, unsigned byte, unsigned depth)
{
	unsigned bit = byte >> (7 - depth) & 1;
	int32_t error = (bit ? 65536 : 0) - (int32_t)squash(&c->nn->logistic, b->mixed[at]);

	network_learn(c->nn, c->width, b->node[at], error);
	if (!c->normal)
		return;
	if (error >= MIX_ERROR_MIN || error <= -MIX_ERROR_MIN)
		kernel_learn(c->nn->tuning.weight[set][depth], c->nn->tuning.kind_weight[c->kind][depth], b->input[at], error);
	for (unsigned i = 0; i < NEURAL_COUNTERS; i++) {
		struct neural_slot *s = depth < 4 ? c->counters.high[i] : c->counters.low[i];

		counter_learn(&s->node[node_in_slot(byte, depth)], bit);
	}
}

/* Codes bits depth..7 one by one; prefix holds the bits above. Returns the byte. */
KERNEL unsigned code_plainly(struct coder *c, unsigned prefix, unsigned depth, unsigned set, unsigned byte)
{
	struct neural *nn = c->nn;
	struct bits b;

	for (; depth < 8; depth++) {
		unsigned bit;

		if (c->normal && depth == 4)
			counters_find(&c->counters, nn, c->counters.low, 1 + (prefix >> 4));
		b.node[0] = node_of(prefix, depth);
		b.z[0] = kernel_dot(nn->hidden, nn->out + (size_t)b.node[0] * c->width, c->width) + nn->out_bias[b.node[0]];
		b.z[0] = logit_clamp(b.z[0] >> 10);
		b.mixed[0] = b.z[0];
		if (c->normal) {
			inputs_gather(c, b.input[0], b.z[0], prefix, depth);
			b.mixed[0] = logit_clamp(kernel_mix(nn->tuning.weight[set][depth], nn->tuning.kind_weight[c->kind][depth], b.input[0]));
		}
		bit = code_decision(c, byte >> (7 - depth) & 1, squash(&nn->logistic, b.mixed[0]));
		prefix |= bit << (7 - depth);
		bit_learn(c, &b, 0, set, prefix, depth);
	}
	return prefix;
}

/* Probabilities along the guess's path, all eight bits side by side: q[i] that bit i agrees if those above did. */
KERNEL void guess_evaluate(struct coder *c, struct bits *b, uint32_t q[8])
{
	struct neural *nn = c->nn;
	unsigned byte = c->guess.byte;

	for (unsigned i = 0; i < 8; i++)
		b->node[i] = node_of(byte, i);
	kernel_dot8(b->z, nn->hidden, nn->out, b->node, c->width);
	for (unsigned i = 0; i < 8; i++)
		b->mixed[i] = b->z[i] = logit_clamp((b->z[i] + nn->out_bias[b->node[i]]) >> 10);
	if (c->normal) {
		counters_find(&c->counters, nn, c->counters.low, 1 + (byte >> 4));
		for (unsigned i = 0; i < 8; i++)
			inputs_gather(c, b->input[i], b->z[i], byte, i);
		kernel_mix8(b->mixed, nn->tuning.weight[c->guess.level][0], nn->tuning.kind_weight[c->kind][0], b->input[0]);
		for (unsigned i = 0; i < 8; i++)
			b->mixed[i] = logit_clamp(b->mixed[i]);
	}
	for (unsigned i = 0; i < 8; i++)
		q[i] = squash(&nn->logistic, byte >> (7 - i) & 1 ? b->mixed[i] : -b->mixed[i]);
}

/* The byte is not the guess: codes where they part and what follows. */
KERNEL unsigned code_parting(struct coder *c, const struct bits *b, const uint32_t q[8], unsigned byte)
{
	unsigned guess = c->guess.byte, prefix;
	uint64_t rest[9]; /* rest[i]: product of q[i] .. q[7], of 2^32 */
	unsigned i;

	rest[8] = (uint64_t)1 << 32;
	for (i = 8; i-- > 0;)
		rest[i] = rest[i + 1] * q[i] >> 16;
	for (i = 0; i < 7; i++) {
		uint64_t p = ((((uint64_t)q[i] << 16) - rest[i]) << 16) / (((uint64_t)1 << 32) - rest[i]);
		unsigned same = code_decision(c, !((byte ^ guess) >> (7 - i) & 1), (uint32_t)(p < 1 ? 1 : p > 65535 ? 65535 : p));

		if (!same)
			break;
		bit_learn(c, b, i, c->guess.level, guess, i);
	}
	prefix = ((guess ^ 0x80u >> i) & (0xff00u >> (i + 1))) & 0xff;
	bit_learn(c, b, i, c->guess.level, prefix, i);
	return code_plainly(c, prefix, i + 1, NEURAL_SET_PARTED, byte);
}

KERNEL unsigned code_guessed(struct coder *c, unsigned byte)
{
	uint64_t product = (uint64_t)1 << 32;
	uint32_t q[8], p, refined;
	uint16_t *cell;
	struct bits b;
	unsigned hit;

	guess_evaluate(c, &b, q);
	for (unsigned i = 0; i < 8; i++)
		product = product * q[i] >> 16;
	p = (uint32_t)(product >> 16);
	p = p < 1 ? 1 : p;
	cell = guess_cell(c->nn, &c->guess, c->normal, p);
	refined = (p + 3 * *cell) / 4;
	hit = code_decision(c, byte == c->guess.byte, refined < 1 ? 1 : refined);
	*cell = (uint16_t)(*cell + (((hit ? 65535 : 0) - *cell) >> GUESS_REFINE_RATE));
	if (!hit)
		return code_parting(c, &b, q, byte);
	for (unsigned i = 0; i < 8; i++)
		bit_learn(c, &b, i, c->guess.level, c->guess.byte, i);
	return c->guess.byte;
}

KERNEL void code_chunk(const struct neural_job *job, int decode, int normal, uint32_t width)
{
	struct coder c = {.nn = job->nn, .decode = decode, .normal = normal, .width = width};
	struct neural *nn = job->nn;

	if (decode)
		c.dec = *job->dec;
	else
		c.enc = *job->enc;
	context_begin(nn->context, job->m, &job->form, decode ? job->dst : job->src, job->n);
	c.kind = nn->kind[0];
	if (normal)
		counters_begin(&c.counters, nn, 0);
	for (size_t i = 0; i < job->n; i++) {
		unsigned byte = decode ? 0 : job->src[i];

		if (decode && i % EXHAUSTED_EVERY == 0 && range_dec_exhausted(&c.dec))
			break; /* range_dec_end will say so */
		guess_find(&c.guess, nn, context_predictions(nn->context));
		if (normal)
			counters_find(&c.counters, nn, c.counters.high, 0);
		kernel_hidden(nn->hidden, nn->bias, job->m, context_rows_get(nn->context), width);
		if (c.guess.trust >= GUESS_TRUST_MIN)
			byte = code_guessed(&c, byte);
		else
			byte = code_plainly(&c, 0, 0, NEURAL_SET_NONE, byte);
		if (decode)
			job->dst[i] = (uint8_t)byte;
		if (normal)
			counters_begin(&c.counters, nn, context_last(nn->context) << 8 | byte);
		c.kind = nn->kind[byte];
		context_update(nn->context, (uint8_t)byte);
		guess_learn(&c.guess, nn, (uint8_t)byte); /* while memory brings what the context touched */
	}
	if (decode)
		*job->dec = c.dec;
	else
		*job->enc = c.enc;
}

static __attribute__((noinline)) void code_width(const struct neural_job *job, int decode, int normal)
{
	uint32_t width = job->m->shape.hidden;

	if (width == 64 && decode)
		normal ? code_chunk(job, 1, 1, 64) : code_chunk(job, 1, 0, 64);
	else if (width == 64)
		normal ? code_chunk(job, 0, 1, 64) : code_chunk(job, 0, 0, 64);
	else
		code_chunk(job, decode, normal, width);
}

void NEURAL_CODE(const struct neural_job *job)
{
	code_width(job, job->dec != NULL, job->normal);
}
