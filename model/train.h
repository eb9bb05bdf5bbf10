/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training of a model on sample chunks: float, OpenMP, one pass, offline. The recipe and why: the top of model/train.c.
 */
#ifndef FIRN_MODEL_TRAIN_H
#define FIRN_MODEL_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* One plain chunk of the sample; bytes are borrowed for the duration of the training. */
struct train_chunk {
	const uint8_t *bytes;
	uint32_t len;
};

struct train_progress {
	uint64_t done_bytes, total_bytes;
	double loss;       /* bits per byte on the training chunks, exponentially averaged */
	double validation; /* bits per byte of the network alone on validation chunks, < 0 before the first measurement */
	double seconds;    /* since the start */
};

struct train_options {
	uint64_t seed;
	int threads;          /* 0: all cores */
	double seconds_max;   /* 0: no limit; else the schedule is cut so that training ends in time */
	/* 0: defaults, in the units of the recipe */
	float rate_table, rate_dense;
	/* Called a few times a second from the training thread; non-zero return stops training with -EINTR. May be NULL. */
	int (*progress)(void *arg, const struct train_progress *p);
	void *arg;
};

/*
 * Trains the arrays of m (embed, bias, out, out_bias), which model_create made with its dictionary filled and indexed, in one pass
 * over train[0..n_train), shuffled by seed, measuring on valid[]. Same seed and inputs give the same model, whatever the number of threads.
 * Memory: the float tables (8 bytes per weight) + a few MiB per thread. -EINTR, -ENOMEM, -EINVAL (no data).
 * *out (may be NULL) gets the last figures.
 */
int train_model(struct model *m, const struct train_chunk *train, size_t n_train, const struct train_chunk *valid,
		size_t n_valid, const struct train_options *opt, struct train_progress *out);

/*
 * Chooses whole chunks for the dictionary by greedy coverage: repeatedly the chunk that covers most not yet covered content of the others, for
 * at most budget bytes. picked[i] is set for each chosen chunk. Deterministic.
 */
int train_pick_dict(const struct train_chunk *chunks, size_t n, size_t budget, bool *picked);

#endif
