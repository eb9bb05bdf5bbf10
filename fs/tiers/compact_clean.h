/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment cleaning: the live records of segments that are mostly garbage are copied elsewhere, as they are, so that the segments go.
 */
#ifndef FIRN_FS_COMPACT_CLEAN_H
#define FIRN_FS_COMPACT_CLEAN_H

#include "fs/tiers/compact.h"

/*
 * Cleans sealed segments of which less than live_max 1/16ths is alive. Calls opt->progress between segments with *figures. Segments of models are left: they empty whole.
 * -EINTR, -ENOSPC and I/O errors; what was done before stays done.
 */
int clean_segments(struct volume *vol, const struct compact_options *opt, unsigned live_max, const struct compact_progress *figures);

#endif
