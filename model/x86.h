/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filter for x86-64 code: operands that are distances from the instruction become distances from the start of the chunk, so that
 * references to one place look alike wherever they stand.
 *
 * Calls and jumps (e8, e9), and instructions that address memory by the instruction pointer (ModRM with mod 0, rm 5; also after the prefix 0f).
 * The scan knows no instruction boundaries: what it takes for an operand may be none. It never looks at a byte twice, decides by bytes
 * that it does not change, and maps the operand one to one, so it can be undone whatever the bytes are. Only what fits into X86_BITS bits,
 * sign-extended, becomes another number, and one that fits; all operands are put down big-endian, what varies least first.
 */
#ifndef FIRN_MODEL_X86_H
#define FIRN_MODEL_X86_H

#include <stddef.h>
#include <stdint.h>

#define X86_BITS 28

void x86_apply(uint8_t *buf, size_t n);
void x86_undo(uint8_t *buf, size_t n);

/* True when these bytes have the calls of x86 code; filtered: as the filter leaves it. */
int x86_likely(const uint8_t *buf, size_t n, int filtered);

#endif
