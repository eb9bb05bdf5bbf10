/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which extents a recompaction looks at, and in which order.
 */
#ifndef FIRN_FS_COMPACT_PLAN_H
#define FIRN_FS_COMPACT_PLAN_H

#include "fs/compact.h"

struct plan_item {
	uint64_t id, ino; /* ino, chunk: one owner, the hint of the segment record */
	uint32_t chunk;
	uint32_t plain;
};

struct plan {
	struct plan_item *items; /* by owner, so that what is read together lies together; each extent once */
	size_t n;
	uint64_t plain_bytes;
	uint64_t next; /* id from which on there are more, 0 none */
};

/*
 * tried, tried_level: what an extent must not have been tried with already. from: the lowest id to look at. plan_free afterwards, also on
 * error.
 */
int plan_make(struct volume *vol, const struct compact_options *opt, uint16_t tried, uint8_t tried_level, uint64_t from,
	      struct plan *out);
void plan_free(struct plan *plan);

#endif
