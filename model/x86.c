/* SPDX-License-Identifier: BSD-2-Clause */
/* Filter for x86-64 code: finding operands, mapping them both ways. */
#include "model/x86.h"

#define LONGEST 7u     /* 0f, opcode, ModRM, operand */
#define CALLS_PER 500u /* code has at least one call in so many bytes */
#define BACK_PER 32u   /* and of these, one in so many goes back: numbers in a table rarely look so */
#define NEAR 64u       /* operands this small are counts more often than distances */

/* Opcodes with a ModRM byte that compilers use with memory, one bit each. */
static const uint32_t has_modrm[8] = {
	0x0a0a0a0a, /* 01 03, 09 0b, 11 13, 19 1b */
	0x0a0a0a0a, /* 21 23, 29 2b, 31 33, 39 3b */
	0, 0x00000008, /* 63 */
	0x00002fab, /* 80 81 83, 85 87 88 89 8a 8b 8d */
	0, 0x000000c0, /* c6 c7 */
	0xc0c00000, /* f6 f7 fe ff */
};

static uint32_t extend(uint32_t x)
{
	uint32_t sign = 1u << (X86_BITS - 1);

	return ((x & (2 * sign - 1)) ^ sign) - sign;
}

static int fits(uint32_t x)
{
	return extend(x) == x;
}

static uint32_t little(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t big(const uint8_t *p)
{
	return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static void put_little(uint8_t *p, uint32_t x)
{
	for (unsigned k = 0; k < 4; k++)
		p[k] = (uint8_t)(x >> (8 * k));
}

static void put_big(uint8_t *p, uint32_t x)
{
	for (unsigned k = 0; k < 4; k++)
		p[k] = (uint8_t)(x >> (24 - 8 * k));
}

static int is_call(uint8_t opcode)
{
	return (opcode & 0xfe) == 0xe8;
}

/*
 * Length up to the operand of what may be an instruction at p; 0: none that concerns us. It looks only at bytes that cannot be
 * part of an operand that is found later: p[2] would be of a call at p[1].
 */
static unsigned operand(const uint8_t *p)
{
	if (is_call(p[0]))
		return 1;
	if (p[0] == 0x0f)
		return !is_call(p[1]) && (p[2] & 0xc7) == 0x05 ? 3 : 0;
	return (p[1] & 0xc7) == 0x05 && has_modrm[p[0] >> 5] >> (p[0] & 31) & 1 ? 2 : 0;
}

void x86_apply(uint8_t *buf, size_t n)
{
	for (size_t i = 0; i + LONGEST <= n;) {
		unsigned at = operand(buf + i);

		if (at) {
			uint8_t *p = buf + i + at;
			uint32_t x = little(p);

			put_big(p, fits(x) ? extend(x + (uint32_t)i) : x);
		}
		i += at ? at + 4 : 1;
	}
}

void x86_undo(uint8_t *buf, size_t n)
{
	for (size_t i = 0; i + LONGEST <= n;) {
		unsigned at = operand(buf + i);

		if (at) {
			uint8_t *p = buf + i + at;
			uint32_t x = big(p);

			put_little(p, fits(x) ? extend(x - (uint32_t)i) : x);
		}
		i += at ? at + 4 : 1;
	}
}

int x86_likely(const uint8_t *buf, size_t n, int filtered)
{
	size_t calls = 0, back = 0, others = 0;

	for (size_t i = 0; i + LONGEST <= n; i++) {
		uint32_t x;

		if (buf[i] != 0xe8)
			continue;
		x = filtered ? big(buf + i + 1) : little(buf + i + 1);
		if (fits(x) && x + NEAR > 2 * NEAR) {
			calls++;
			back += x >> 31;
		} else {
			others++;
		}
	}
	return calls > others && calls * CALLS_PER > n && (filtered || back * BACK_PER > calls);
}
