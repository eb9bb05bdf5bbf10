/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disjoint parts of a training sample: validation, calibration, the model's dictionary, and what is trained on.
 */
#ifndef FIRN_TOOLS_TRAIN_PARTS_H
#define FIRN_TOOLS_TRAIN_PARTS_H

#include "fs/tiers/sample.h"

/* Ranges of the sample's array of chunks, in this order. */
struct train_part {
	struct train_chunk *chunks;
	size_t n;
	uint64_t bytes;
};

struct train_parts {
	struct train_part valid, calibration, dict, train;
};

/* Cuts validation and calibration off the shuffled sample; the dictionary is empty yet. -ENODATA: too few chunks. */
int parts_split(const struct sample *sample, struct train_parts *out);

/* Chooses at most budget bytes of the training part for the dictionary, and moves them there (reorders the part). */
int parts_pick_dict(struct train_parts *parts, size_t budget);

#endif
