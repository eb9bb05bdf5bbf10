/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a recompaction is to make of a file's extents, by the tier policy that holds for the file.
 */
#include "fs/tiers/compact_target.h"

bool compact_target(const struct compact_options *opt, const struct tier_policy *policy, struct compact_target *out)
{
	enum tier_goal goal = (enum tier_goal)policy->goal;

	*out = (struct compact_target){.tier = opt->tier, .after_hours = opt->cold_after_hours};
	if (goal == TIER_GOAL_HOT && !opt->reclaim)
		return false;
	if (goal == TIER_GOAL_COLD && opt->tier == TIER_WARM && opt->lazy)
		return false;
	if (goal == TIER_GOAL_HOT || goal == TIER_GOAL_WARM)
		out->tier = TIER_WARM;
	if (goal == TIER_GOAL_COLD)
		out->after_hours = 0;
	if (policy->aged) {
		out->after_hours = policy->after_hours;
		if (goal == TIER_GOAL_AUTO && opt->tier == TIER_WARM && opt->lazy)
			out->after_hours = 1 + policy->after_hours / COMPACT_WARM_SHARE;
	}
	if (out->tier == TIER_COLD)
		out->neural_level = policy->level ? policy->level : opt->neural_level;
	return true;
}

void compact_overrule(const struct compact_options *opt, struct tier_policy *policy)
{
	if (opt->level_given)
		policy->level = 0;
	if (!opt->after_given)
		return;
	policy->aged = false;
	if (policy->goal == TIER_GOAL_COLD)
		policy->goal = TIER_GOAL_AUTO; /* else it would be at once */
}

bool compact_target_same(const struct compact_target *a, const struct compact_target *b)
{
	return a->tier == b->tier && a->neural_level == b->neural_level;
}

unsigned compact_targets(const struct compact_options *opt, const struct tier_map *map, struct compact_target list[COMPACT_TARGETS_MAX])
{
	struct compact_target rest, t;
	bool has_rest = compact_target(opt, &map->rest, &rest);
	unsigned n = 0;

	for (size_t i = 0; i < map->n && n < COMPACT_TARGETS_MAX - 1; i++) {
		unsigned known = 0;

		if (!compact_target(opt, &map->list[i].policy, &t) || (has_rest && compact_target_same(&t, &rest)))
			continue;
		while (known < n && !compact_target_same(&t, &list[known]))
			known++;
		if (known == n)
			list[n++] = t;
	}
	if (has_rest)
		list[n++] = rest;
	return n;
}
