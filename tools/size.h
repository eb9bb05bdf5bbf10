/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes as people type them.
 */
#ifndef FIRN_TOOLS_SIZE_H
#define FIRN_TOOLS_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* A number with an optional K, M, G or T (powers of 1024); false when it's anything else or does not fit. */
bool size_parse(const char *text, uint64_t *out);

#endif
