/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zstd dictionary that pays best for itself on a sample.
 */
#ifndef FIRN_TOOLS_TRAIN_ZDICT_H
#define FIRN_TOOLS_TRAIN_ZDICT_H

#include "tools/train_parts.h"

struct zdict_choice {
	uint8_t *bytes; /* malloc'ed; NULL when no dictionary pays */
	size_t len;
	struct codec_model *model;
	double ratio_without, ratio_with; /* of zstd 19 on the validation chunks */
	double saves, costs;              /* bytes on the whole store */
};

/* learnable: plain bytes that the store holds of such data. zdict_free afterwards, also on error. */
int zdict_choose(const struct train_parts *parts, uint64_t learnable, int threads, struct zdict_choice *out);
void zdict_free(struct zdict_choice *c);

#endif
