/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a window: smaller records appended and synced, extents swapped to them or marked as tried, committed.
 */
#ifndef FIRN_FS_COMPACT_SETTLE_H
#define FIRN_FS_COMPACT_SETTLE_H

#include "fs/tiers/compact_window.h"

/*
 * What could not be appended (-ENOSPC) is left as it is; what could is settled before the error is returned. tried, tried_level: what the extents of
 * all units remember, whether moved or kept. commit: is durable when it returns; else the next commit syncs data before pointers, as always. Counts
 * into *result.
 */
int window_settle(struct volume *vol, struct window *w, uint16_t tried, uint8_t tried_level, bool commit, struct compact_result *result);

#endif
