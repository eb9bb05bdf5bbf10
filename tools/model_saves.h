/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the models of a store save: frames that need them, beside what zstd makes of the same bytes without a model.
 */
#ifndef FIRN_TOOLS_MODEL_SAVES_H
#define FIRN_TOOLS_MODEL_SAVES_H

#include "fs/extent/models.h"
#include "fs/tiers/sample.h"

struct model_saves {
	uint64_t records, plain, stored; /* that need the model: extents of their own and groups   */
	uint64_t measured;               /* of them, records that were encoded again for comparison */
	double saved;                    /* bytes, what the model itself takes not yet taken off; of all records, when all were measured, else estimated */
};

/* out: one for each of the n models. -EINTR when interrupted. */
int model_saves(const struct sample_source *source, const struct model_info *models, size_t n, struct model_saves *out);

#endif
