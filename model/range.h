/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary arithmetic coder: 64-bit range, 32-bit words of output, 16-bit probabilities.
 *
 * The interval is [low, low + range); a bit that is 1 with probability p / 65536 takes its lower part. When range falls under 2^32 the
 * top word of low is final but for a carry, which runs back through the bytes already written. The decoder reads zeros behind the end of
 * its input, so the encoder leaves out trailing bytes that the last interval does not need; range_dec_end checks that the length fits.
 */
#ifndef FIRN_MODEL_RANGE_H
#define FIRN_MODEL_RANGE_H

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RANGE_HALF 32768u

struct range_enc {
	uint64_t low, range;
	uint8_t *begin, *out, *end; /* out never passes end: see full */
	int full;                   /* the output did not fit: what is written is useless */
};

struct range_dec {
	uint64_t code, range;
	const uint8_t *in, *end;
	size_t size;  /* of the input */
	size_t words; /* read so far, those behind the end too */
};

static inline void range_enc_begin(struct range_enc *e, uint8_t *dst, size_t cap)
{
	*e = (struct range_enc){.range = UINT64_MAX, .begin = dst, .out = dst, .end = dst + cap};
}

static inline void range_carry(struct range_enc *e)
{
	uint8_t *p = e->out;

	while (p > e->begin && !++*--p)
		;
}

static inline void range_word(struct range_enc *e)
{
	uint32_t word = htobe32((uint32_t)(e->low >> 32));

	if (e->end - e->out < (ptrdiff_t)sizeof word) {
		e->full = 1;
		e->out = e->begin;
	}
	if (!e->full) {
		memcpy(e->out, &word, sizeof word);
		e->out += sizeof word;
	}
	e->low <<= 32;
	e->range <<= 32;
}

/* p: probability of a 1 in 1..65535. */
static inline void range_encode(struct range_enc *e, unsigned bit, uint32_t p)
{
	uint64_t bound = (e->range >> 16) * p;

	if (bit) {
		e->range = bound;
	} else {
		e->low += bound;
		e->range -= bound;
		if (e->low < bound)
			range_carry(e);
	}
	if (e->range < (uint64_t)1 << 32)
		range_word(e);
}

/* Writes the fewest bytes that name the last interval and returns the length of all, SIZE_MAX when it did not fit. */
static inline size_t range_enc_end(struct range_enc *e)
{
	uint64_t value = e->low + (e->range - 1), mask = 0;
	unsigned bytes = 0;

	if (value < e->low) { /* a carry lies in the interval, and behind it zero */
		range_carry(e);
		value = 0;
		e->low = 0;
	}
	while ((value & mask) < e->low)
		mask = ~(uint64_t)0 << (64 - 8 * ++bytes);
	if (e->full || e->end - e->out < (ptrdiff_t)bytes)
		return SIZE_MAX;
	for (unsigned i = 0; i < bytes; i++)
		*e->out++ = (uint8_t)(value >> (56 - 8 * i));
	return (size_t)(e->out - e->begin);
}

static inline uint32_t range_read(struct range_dec *d)
{
	uint32_t word = 0;
	size_t left = (size_t)(d->end - d->in), n = left < sizeof word ? left : sizeof word;

	memcpy(&word, d->in, n);
	d->in += n;
	d->words++;
	return be32toh(word);
}

static inline void range_dec_begin(struct range_dec *d, const uint8_t *src, size_t n)
{
	*d = (struct range_dec){.range = UINT64_MAX, .in = src, .end = src + n, .size = n};
	d->code = (uint64_t)range_read(d) << 32;
	d->code |= range_read(d);
}

static inline unsigned range_decode(struct range_dec *d, uint32_t p)
{
	uint64_t bound = (d->range >> 16) * p;
	unsigned bit = d->code < bound;

	if (bit) {
		d->range = bound;
	} else {
		d->code -= bound;
		d->range -= bound;
	}
	if (d->range < (uint64_t)1 << 32) {
		d->code = d->code << 32 | range_read(d);
		d->range <<= 32;
	}
	return bit;
}

/* More was read than an encoder would have left to be read: range_dec_end will fail. */
static inline int range_dec_exhausted(const struct range_dec *d)
{
	return d->in == d->end && 4 * (d->words - 2) > d->size;
}

/* After the last bit: 0, or -EUCLEAN when an encoder would not have written n bytes for what was decoded. */
static inline int range_dec_end(const struct range_dec *d, size_t n)
{
	size_t final = 4 * (d->words - 2);

	return n >= final && n <= final + 8 ? 0 : -EUCLEAN;
}

#endif
