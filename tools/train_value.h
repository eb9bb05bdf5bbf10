/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a model is worth: bytes that chunks take with the best of some codecs, measured by encoding them.
 */
#ifndef FIRN_TOOLS_TRAIN_VALUE_H
#define FIRN_TOOLS_TRAIN_VALUE_H

#include "codec/codec.h"
#include "model/train.h"

struct value_candidate {
	enum codec_id codec;
	int level;
	const struct codec_model *model;
};

struct value {
	uint64_t plain, stored;
};

/* Sums over the chunks the smallest of raw and the candidates' frames. All cores; threads 0: all. -EINTR when interrupted. */
int value_measure(const struct train_chunk *chunks, size_t n, const struct value_candidate *candidates, size_t n_candidates,
		  int threads, struct value *out);

/* Stored bytes per plain byte; 1 of nothing. */
double value_ratio(const struct value *v);

#endif
