/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts of x86-64 code: reading instructions byte by byte. */
#include "model/instruction.h"

#define MIX 0x2c1b3c6du
#define HASH 0x9e3779b97f4a7c15u

enum instruction_part {
	PART_START,
	PART_ESCAPED,
	PART_ESCAPED_TWICE,
	PART_VEX2,
	PART_VEX3,
	PART_VEX,
	PART_MODRM,
	PART_SIB,
	PART_DISPLACEMENT,
	PART_IMMEDIATE
};

/*
 * What follows an opcode: '.' nothing, m ModRM, b w d immediate of 1, 2, 4 bytes, B D ModRM and one
 * of 1, 4 bytes, e three bytes, q eight, o as d but eight when wide, t ModRM and as its field reg
 * says; p prefix, r REX, x escape, 2 3 VEX.
 */
static const char one_byte[257] =
	"mmmmbd..mmmmbd.xmmmmbd..mmmmbd..mmmmbdp.mmmmbdp.mmmmbdp.mmmmbdp."
	"rrrrrrrrrrrrrrrr...................mppppdDbB....bbbbbbbbbbbbbbbb"
	"BDBBmmmmmmmmmmmm................qqqq....bd......bbbbbbbboooooooo"
	"BBw.32BDe.w..b..mmmm....mmmmmmmmbbbbbbbbdd.b....p.pp..tt......mm";
static const char escaped[257] = "mmmm.........m..mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm........x.x....."
				 "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmBBBBmmm.mmmmmmmm"
				 "ddddddddddddddddmmmmmmmmmmmmmmmm...mBmmm...mBmmmmmmmmmmmmmBmmmmm"
				 "mmBmBBBm........mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

static void instruction_end(struct instruction *in)
{
	for (unsigned i = INSTRUCTION_PAST - 1; i > 0; i--)
		in->past[i] = in->past[i - 1];
	in->past[0] = in->skeleton;
	in->part = PART_START;
	in->left = in->immediate = in->wide = in->narrow = in->map = in->opcode = in->modrm = 0;
	in->skeleton = in->operand = 0;
}

static void instruction_immediate(struct instruction *in)
{
	in->part = PART_IMMEDIATE;
	in->left = in->immediate;
	in->operand = 0;
	if (!in->left)
		instruction_end(in);
}

static unsigned immediate_length(const struct instruction *in, char kind)
{
	switch (kind) {
	case 'b':
	case 'B':
		return 1;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'd':
	case 'D':
		return in->narrow ? 2 : 4;
	case 'o':
		return in->wide ? 8 : in->narrow ? 2 : 4;
	case 'q':
		return 8;
	default:
		return 0;
	}
}

static void instruction_opcode(struct instruction *in, uint8_t byte, char kind)
{
	in->opcode = byte;
	in->immediate = (uint8_t)immediate_length(in, kind);
	if (in->map == 0 && (byte & 0xfe) == 0xe8)
		in->immediate = 4;
	if (kind == 'm' || kind == 'B' || kind == 'D' || kind == 't')
		in->part = PART_MODRM;
	else
		instruction_immediate(in);
}

static void instruction_start(struct instruction *in, uint8_t byte)
{
	char kind = one_byte[byte];

	switch (kind) {
	case 'p':
		in->narrow |= byte == 0x66;
		break;
	case 'r':
		in->wide = byte >> 3 & 1;
		break;
	case 'x':
		in->part = PART_ESCAPED;
		in->map = 1;
		break;
	case '2':
		in->part = PART_VEX2;
		break;
	case '3':
		in->part = PART_VEX3;
		break;
	default:
		instruction_opcode(in, byte, kind);
	}
}

static void instruction_displacement(struct instruction *in, unsigned length)
{
	in->part = PART_DISPLACEMENT;
	in->left = (uint8_t)length;
	in->operand = 0;
	if (!length)
		instruction_immediate(in);
}

static void instruction_modrm(struct instruction *in, uint8_t byte)
{
	unsigned mode = byte >> 6, rm = byte & 7;

	in->modrm = byte;
	if (in->map == 0 && (in->opcode & 0xfe) == 0xf6 && (byte & 0x38) < 0x10)
		in->immediate = in->opcode == 0xf6 ? 1 : in->narrow ? 2 : 4;
	if (mode != 3 && rm == 4)
		in->part = PART_SIB;
	else
		instruction_displacement(in, mode == 1				   ? 1
					     : mode == 2 || (mode == 0 && rm == 5) ? 4
										   : 0);
}

static void instruction_escaped(struct instruction *in, uint8_t byte)
{
	char kind = in->map == 1 ? escaped[byte] : in->map == 2 ? 'm' : 'B';

	if (kind == 'x' && in->part == PART_ESCAPED) {
		in->part = PART_ESCAPED_TWICE;
		in->map = byte == 0x38 ? 2 : 3;
	} else {
		instruction_opcode(in, byte, kind);
	}
}

void instruction_update(struct instruction *in, uint8_t byte)
{
	if (in->part >= PART_DISPLACEMENT)
		in->operand = (in->operand + byte + 1) * MIX;
	else
		in->skeleton = (in->skeleton + byte + 1) * MIX;
	switch (in->part) {
	case PART_START:
		instruction_start(in, byte);
		break;
	case PART_ESCAPED:
	case PART_ESCAPED_TWICE:
	case PART_VEX:
		instruction_escaped(in, byte);
		break;
	case PART_VEX2:
		in->part = PART_VEX;
		in->map = 1;
		break;
	case PART_VEX3:
		in->part = PART_VEX2;
		break;
	case PART_MODRM:
		instruction_modrm(in, byte);
		break;
	case PART_SIB:
		instruction_displacement(in, in->modrm >> 6 == 1		      ? 1
					     : in->modrm >> 6 == 2 || (byte & 7) == 5 ? 4
										      : 0);
		break;
	case PART_DISPLACEMENT:
		if (--in->left == 0)
			instruction_immediate(in);
		break;
	default:
		if (--in->left == 0)
			instruction_end(in);
	}
}

void instruction_hash(const struct instruction *in, uint64_t hash[CTX_IDS])
{
	uint64_t part = (uint64_t)in->part << 4 | in->left;
	uint64_t here = ((uint64_t)in->skeleton << 16) + ((uint64_t)in->operand << 8) + part;
	uint64_t one = (here + in->past[0]) * HASH, two = (one + in->past[1]) * HASH,
		 three = (two + in->past[2]) * HASH;

	hash[CTX_WORD] = one; /* the one that has a history */
	hash[CTX_WORD2] = (((uint64_t)in->map << 16 | (uint64_t)in->opcode << 8 | in->modrm) +
			   ((uint64_t)in->operand << 24) + (part << 56)) *
			  HASH;
	hash[CTX_ABOVE] = two;
	hash[CTX_SKIP48] = (here + 5 * (uint64_t)in->past[1] + 3) * HASH;
	hash[CTX_FIELD] = three;
}
