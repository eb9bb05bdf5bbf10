/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training of a model on sample chunks: float, many threads, one pass, offline. The recipe and why: the top of model/train.c.
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
	/*
	 * Plain bytes that the model will serve for each time that it is stored: so much is a stored byte of the model weighed against.
	 * Rarely used rows are rounded the more coarsely, the less they serve. 0: all precision is kept.
	 */
	uint64_t worth_bytes;
	/* 0: defaults, in the units of the recipe */
	float rate_table, rate_dense;
	/* Called a few times a second from the training thread; non-zero return stops training with -EINTR. May be NULL. */
	int (*progress)(void *arg, const struct train_progress *p);
	void *arg;
};

/*
 * Trains the arrays of m (embed, bias, out, out_bias), which model_create made with its dictionary filled and indexed, in one pass
 * over train[0..n_train), shuffled by seed, measuring on valid[]. Same seed and inputs give the same model, whatever the number of threads.
 * train, valid and the dictionary must be disjoint: on chunks that lie in the dictionary its match would teach blind trust.
 * Memory: 4 bytes per weight of the tables + 4 per row, and about 32 contexts. -EINTR, -ENOMEM, -EINVAL (no data).
 * *out (may be NULL) gets the last figures.
 */
int train_model(struct model *m, const struct train_chunk *train, size_t n_train, const struct train_chunk *valid,
		size_t n_valid, const struct train_options *opt, struct train_progress *out);

/*
 * Mean bits per byte of the network alone (integers, as the codec's, without adapting) over the first max_bytes of chunks, 0: all of them.
 * -EINVAL no data, -ENOMEM. threads as in train_options; the result does not depend on it.
 */
int train_evaluate(const struct model *m, const struct train_chunk *chunks, size_t n, uint64_t max_bytes, int threads,
		   double *bits);

/*
 * Proposes the shape whose model is likely to pay for itself on a mount of mount_bytes plain bytes: rule of thumb in model/train_shape.c.
 * level: 1 fast, 2 normal, 3 dense (the numbers of the codec's levels). mixer_len is left 0. -ENODATA: so small that no model pays; -EINVAL: level.
 */
int train_propose_shape(uint64_t mount_bytes, int level, struct model_shape *out);

/*
 * Chooses whole chunks for the dictionary by greedy coverage: repeatedly the chunk that covers most not yet covered content of the others, for
 * at most budget bytes. picked[i] is set for each chosen chunk. Deterministic.
 */
int train_pick_dict(const struct train_chunk *chunks, size_t n, size_t budget, bool *picked);

/* Joins chunks, each in its form, to the dictionary of m, which has just their length, and indexes it. */
int train_join_dict(struct model *m, const struct train_chunk *chunks, size_t n);

#endif
