/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a volume counts of its own work while it is open: relaxed atomics, so that counting costs no lock and orders nothing.
 *
 * What is read is not of one instant: each number is right by itself. All are 64 bits wide, so that they can be sent and subtracted.
 */
#ifndef FIRN_FS_METRICS_H
#define FIRN_FS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec.h"

struct volume;

enum metric {
	METRIC_READ_BYTES,      /* given to readers of files              */
	METRIC_WRITTEN_BYTES,   /* taken from writers                     */
	METRIC_CACHE_HITS,      /* chunks wanted that were decoded, or on their way */
	METRIC_CACHE_MISSES,    /* that had to be decoded for who wanted them */
	METRIC_AHEAD_CHUNKS,    /* decoded before anybody wanted them     */
	METRIC_THAWED,          /* hot copies made of cold records        */
	METRIC_THAW_READS,      /* records read from such                 */
	METRIC_FLUSHED_CHUNKS,  /* by the hot path, plain bytes and the bytes of their frames: */
	METRIC_FLUSHED_BYTES,
	METRIC_FLUSHED_STORED,
	METRIC_READ_ERRORS,     /* extents that could not be read         */
	METRIC_FLUSH_ERRORS,    /* chunks that could not be written       */
	METRIC_COMMIT_ERRORS,
	METRIC_COUNT
};

/* How long something took, by powers of two: bucket i counts what took less than 2^i microseconds and no less than half of that; the last all that is longer. */
#define METRIC_BUCKETS 24u
struct metric_times {
	uint64_t count, ns;
	uint64_t bucket[METRIC_BUCKETS];
};

struct metrics {
	uint64_t count[METRIC_COUNT];
	struct metric_times read, write, sync;  /* requests of the mount's users, from arrival to reply */
	struct metric_times decode[CODEC_COUNT]; /* of frames, by codec */
	struct metric_times encode[CODEC_COUNT]; /* also those that were dropped for a smaller one */
	struct metric_times commit;
	uint64_t since; /* metrics_clock when it began */
};

void metrics_add(struct volume *vol, enum metric metric, uint64_t n);

/* Nanoseconds of a clock that only goes forward; metrics_took counts the time since then. */
uint64_t metrics_clock(void);
void metrics_took(struct metric_times *t, uint64_t since);

/* All of them as they are now. */
void metrics_total(const struct metrics *from, struct metrics *out);

/* What was counted between two readings; since: the difference, too. */
void metrics_subtract(struct metrics *now, const struct metrics *before);

/* Seconds that a share q (0..1) of them did not exceed, by the bounds of the buckets; 0 when there were none. */
double metrics_quantile(const struct metric_times *t, double q);

/* The bound of a bucket in seconds; the last one has none. */
double metrics_bound(unsigned bucket);

/* "read_bytes": what tools and exporters call it. */
const char *metrics_name(enum metric metric);

#endif
