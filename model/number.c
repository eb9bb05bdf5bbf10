/* SPDX-License-Identifier: BSD-2-Clause */
/* Integers as adaptively coded bits. */
#include "model/number.h"

#define RATE 5

void number_stat_init(struct number_stat *s)
{
	uint16_t *p = (uint16_t *)s;

	for (size_t i = 0; i < sizeof *s / sizeof *p; i++)
		p[i] = RANGE_HALF;
}

static unsigned bit_code(struct number_io *io, unsigned bit, uint32_t p)
{
	if (!io->enc)
		return range_decode(io->dec, p);
	range_encode(io->enc, bit, p);
	return bit;
}

unsigned number_bit(struct number_io *io, uint16_t *p, unsigned bit)
{
	bit = bit_code(io, bit, *p);
	if (bit)
		*p = (uint16_t)(*p + ((65535 - *p) >> RATE));
	else
		*p = (uint16_t)(*p - ((*p - 1) >> RATE));
	return bit;
}

static unsigned length_code(struct number_io *io, struct number_stat *s, unsigned length)
{
	unsigned n = 0;

	while (n < NUMBER_BITS_MAX && number_bit(io, &s->length[n], n < length))
		n++;
	return n;
}

int32_t number_code(struct number_io *io, struct number_stat *s, int32_t v)
{
	uint32_t size = v < 0 ? 0u - (uint32_t)v : (uint32_t)v, read;
	unsigned length = length_code(io, s, size ? 32 - (unsigned)__builtin_clz(size) : 0), bit;

	if (!length)
		return 0;
	read = 1;
	for (unsigned i = length - 1; i-- > 0;) {
		bit = size >> i & 1;
		if (i + 2 == length)
			bit = number_bit(io, &s->second[length], bit);
		else if (i + 3 == length)
			bit = number_bit(io, &s->third[length][read & 1], bit);
		else
			bit = bit_code(io, bit, RANGE_HALF);
		read = read << 1 | bit;
	}
	return number_bit(io, &s->sign, v < 0) ? -(int32_t)read : (int32_t)read;
}
