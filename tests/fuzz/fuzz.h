/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzz target is: the two functions that libFuzzer calls, and tests/fuzz/replay.c where there is no libFuzzer.
 */
#ifndef FIRN_TESTS_FUZZ_FUZZ_H
#define FIRN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
