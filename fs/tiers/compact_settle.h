/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a window: smaller records appended and synced, extents swapped to them or marked as tried, committed.
 */
#ifndef FIRN_FS_COMPACT_SETTLE_H
#define FIRN_FS_COMPACT_SETTLE_H

#include "fs/tiers/compact_window.h"

struct settle_job {
	size_t first, end; /* of the window's units: these, all encoded or skipped */
	uint16_t tried;    /* what their extents remember, whether moved or kept */
	uint8_t tried_level;
	bool commit; /* is durable when it returns; else the next commit syncs data before pointers, as always */
};

/*
 * What could not be appended (-ENOSPC) is left as it is; what could is settled before the error is returned. Counts into *result.
 */
int window_settle(struct volume *vol, struct window *w, const struct settle_job *job, struct compact_result *result);

/* Counts the items that are in no unit. */
void window_count_unread(const struct window *w, struct compact_result *result);

#endif
