/* SPDX-License-Identifier: BSD-2-Clause */
/* Integers as adaptively coded bits: one code for both directions, so that they cannot differ. */
#ifndef FIRN_MODEL_NUMBER_H
#define FIRN_MODEL_NUMBER_H

#include <stdint.h>

#include "model/range.h"

/* Writes when enc is set, else reads. */
struct number_io {
	struct range_enc *enc;
	struct range_dec *dec;
};

/* True when what was read cannot end where the input does, so that reading on is a waste: damaged input must not cost the time of the largest model. */
static inline int number_exhausted(const struct number_io *io)
{
	return io->dec && range_dec_exhausted(io->dec);
}

/* Adaptive statistics of one kind of number: its bit length in unary, its sign, the bit below the top one. */
#define NUMBER_BITS_MAX 31
struct number_stat {
	uint16_t length[NUMBER_BITS_MAX + 1];
	uint16_t second[NUMBER_BITS_MAX + 1];
	uint16_t third[NUMBER_BITS_MAX + 1][2];
	uint16_t sign;
};

void number_stat_init(struct number_stat *s);

/* Codes one bit with an adaptive probability; returns the bit. */
unsigned number_bit(struct number_io *io, uint16_t *p, unsigned bit);

/* Codes v, |v| < 2^31; returns it. Whatever the input, what is read has |v| < 2^31. */
int32_t number_code(struct number_io *io, struct number_stat *s, int32_t v);

#endif
