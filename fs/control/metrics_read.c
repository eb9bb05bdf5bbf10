/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot of the counters, and how much lies where at the moment.
 */
#include "fs/control/metrics_read.h"

#include "fs/data/cache.h"
#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/thaw.h"

static void gauges_read(struct volume *vol, struct metrics_gauges *g)
{
	struct extent_totals totals;

	extent_totals(vol, &totals);
	*g = (struct metrics_gauges){
		.milliseconds = (metrics_clock() - vol->metrics.since) / 1000000,
		.requests = __atomic_load_n(&vol->requests, __ATOMIC_RELAXED),
		.dirty_bytes_max = vol->opt.dirty_bytes,
		.cache_bytes = cache_bytes(vol),
		.cache_bytes_max = vol->opt.cache_bytes,
		.thaw_bytes = thaw_bytes(vol),
		.segments = totals.segments,
		.segment_bytes = totals.segment_bytes,
		.live_bytes = totals.live_bytes,
		.plain_bytes = totals.plain_bytes,
	};
	pthread_mutex_lock(&vol->flusher->mutex);
	g->dirty_bytes = vol->flusher->bytes;
	g->encoding_bytes = vol->flusher->claimed;
	pthread_mutex_unlock(&vol->flusher->mutex);
	pthread_mutex_lock(&vol->counters_mutex);
	g->inodes = vol->counters.inodes;
	pthread_mutex_unlock(&vol->counters_mutex);
}

void metrics_read(struct volume *vol, struct metrics_snapshot *out)
{
	metrics_total(&vol->metrics, &out->total);
	gauges_read(vol, &out->now);
}
