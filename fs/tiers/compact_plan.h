/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which extents a recompaction looks at, and in which order.
 */
#ifndef FIRN_FS_COMPACT_PLAN_H
#define FIRN_FS_COMPACT_PLAN_H

#include "fs/tiers/compact_target.h"
#include "fs/tiers/gain.h"

struct plan_item {
	uint64_t id, ino; /* ino, chunk: one owner, the hint of the segment record */
	uint32_t chunk;
	uint32_t plain;
	uint8_t class; /* of what it is expected to save */
};

struct plan {
	/*
	 * Each extent once, by owner, so that what is read together lies together; in the background those that save much come before all others;
	 * with "now" the large ones before the small ones.
	 */
	struct plan_item *items;
	size_t n;
	uint64_t plain_bytes;
	uint64_t next; /* id from which on there are more, 0 none */
};

/* Which extents: those of files that are to become this, and were not tried with it already. */
struct plan_choice {
	const struct compact_options *opt;
	const struct tier_map *policies;
	const struct gain *gain;
	struct compact_target target;
	uint16_t tried;
	uint8_t tried_level;
};

/* from: the lowest id to look at. plan_free afterwards, also on error. */
int plan_make(struct volume *vol, const struct plan_choice *choice, uint64_t from, struct plan *out);
/* Whether there are members of groups that only collecting garbage packs anew: 1, 0, -errno. It ends with the first. */
int plan_reclaims(struct volume *vol, const struct compact_options *opt);
void plan_free(struct plan *plan);

#endif
