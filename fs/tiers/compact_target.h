/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a recompaction is to make of a file's extents, by the tier policy that holds for the file.
 */
#ifndef FIRN_FS_COMPACT_TARGET_H
#define FIRN_FS_COMPACT_TARGET_H

#include "fs/names/tier.h"
#include "fs/tiers/compact.h"

struct compact_target {
	enum compact_tier tier;
	int neural_level;     /* 0 for the warm tier       */
	unsigned after_hours; /* without a write or a read */
};

/* False: they are left as they are. In the background what is to be cold is not made warm first. */
bool compact_target(const struct compact_options *opt, const struct tier_policy *policy, struct compact_target *out);

/* What options that were given say instead of the store's default. */
void compact_overrule(const struct compact_options *opt, struct tier_policy *policy);

/* Into the same tier, at the same level? */
bool compact_target_same(const struct compact_target *a, const struct compact_target *b);

/*
 * All targets that differ in tier or level, of files with a policy and, last, of those without. Returns how many.
 */
#define COMPACT_TARGETS_MAX 8u
unsigned compact_targets(const struct compact_options *opt, const struct tier_map *map, struct compact_target list[COMPACT_TARGETS_MAX]);

#endif
