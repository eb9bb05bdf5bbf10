/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of x86-64 code: what part of an instruction comes next, and the instructions before
 * without their operands. They take the place of contexts that mean something in text only.
 * Whatever the bytes are, some reading of them as instructions results.
 */
#ifndef FIRN_MODEL_INSTRUCTION_H
#define FIRN_MODEL_INSTRUCTION_H

#include <stdint.h>

#include "model/context.h"

#define INSTRUCTION_PAST 4

struct instruction {
	uint8_t part;	      /* enum instruction_part: what comes next */
	uint8_t left;	      /* bytes left of the displacement or immediate */
	uint8_t immediate;    /* length of the one behind ModRM */
	uint8_t wide, narrow; /* REX.W, prefix 66 */
	uint8_t map;	      /* of opcodes: 0 one byte, 1 after 0f, 2 after 0f 38, 3 after 0f 3a */
	uint8_t opcode, modrm;
	uint32_t skeleton; /* hash of prefixes, opcode, ModRM and SIB so far */
	uint32_t operand;  /* hash of the bytes of the displacement or immediate so far */
	uint32_t past[INSTRUCTION_PAST]; /* skeletons of the instructions before, the last first */
};

void instruction_update(struct instruction *in, uint8_t byte);
void instruction_hash(const struct instruction *in, uint64_t hash[CTX_IDS]);

#endif
