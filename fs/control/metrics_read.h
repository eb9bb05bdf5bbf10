/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of a volume, with how things stand at the moment: what `firn top` and the exporter show.
 */
#ifndef FIRN_FS_METRICS_READ_H
#define FIRN_FS_METRICS_READ_H

#include "fs/volume/volume.h"

/* How things stand. */
struct metrics_gauges {
	uint64_t milliseconds;                   /* since the volume was opened */
	uint64_t requests;                       /* so far */
	uint64_t dirty_bytes, dirty_bytes_max;   /* written, and not in the store yet */
	uint64_t encoding_bytes;                 /* of them in the hands of encoders  */
	uint64_t cache_bytes, cache_bytes_max;
	uint64_t thaw_bytes;                     /* hot copies of cold records on disk */
	uint64_t segments, segment_bytes, live_bytes, plain_bytes;
	uint64_t inodes;
};

struct metrics_snapshot {
	struct metrics total;
	struct metrics_gauges now;
};

void metrics_read(struct volume *vol, struct metrics_snapshot *out);

#endif
