/* SPDX-License-Identifier: BSD-2-Clause */
/* The chunks of a directory's files, split into what a model may see and what it is judged by. */
#ifndef FIRN_TESTS_BENCH_CHUNKS_H
#define FIRN_TESTS_BENCH_CHUNKS_H

#include <stddef.h>

#include "model/train.h"

struct chunks {
	struct train_chunk *list;
	size_t n, cap;
};

/*
 * Reads all files under dir in a fixed order and cuts them into chunks of 128 KiB. Held out is 1 file in 8 by a hash of its path
 * under dir, of files over 4 MiB 1 chunk in 8. The bytes are never freed. -errno.
 */
int chunks_read(const char *dir, struct chunks *train, struct chunks *held);

/* Shuffles with a fixed seed, then keeps chunks up to max bytes in sum. */
void chunks_sample(struct chunks *c, size_t max);

#endif
