/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network trained on a sample, calibrated, and weighed against the bytes that it costs.
 */
#ifndef FIRN_TOOLS_TRAIN_NET_H
#define FIRN_TOOLS_TRAIN_NET_H

#include "tools/train_parts.h"

struct net_options {
	int level;                   /* enum neural_level */
	const struct codec_model *zdict; /* what zstd competes with, may be NULL */
	uint64_t learnable;
	struct train_options train;
};

struct net_choice {
	uint8_t *bytes;          /* as stored; malloc'ed */
	size_t len;
	struct model_shape shape;
	double seconds;          /* of training */
	double bits_without, bits_with; /* per byte on the validation chunks */
	double saves, costs;     /* bytes on the whole store */
};

/*
 * -ENODATA: the store is so small that no network pays. Moves chunks of the training part to the dictionary. net_free afterwards, also on error.
 */
int net_choose(struct train_parts *parts, const struct net_options *opt, struct net_choice *out);
void net_free(struct net_choice *c);

#endif
