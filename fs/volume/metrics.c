/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of a volume's own work: added up, read, subtracted.
 */
#include "fs/volume/metrics.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "fs/volume/volume.h"

static const char *const names[METRIC_COUNT] = {
	[METRIC_READ_BYTES] = "read_bytes",
	[METRIC_WRITTEN_BYTES] = "written_bytes",
	[METRIC_CACHE_HITS] = "cache_hits",
	[METRIC_CACHE_MISSES] = "cache_misses",
	[METRIC_AHEAD_CHUNKS] = "ahead_chunks",
	[METRIC_THAWED] = "thawed_chunks",
	[METRIC_THAW_READS] = "thaw_reads",
	[METRIC_FLUSHED_CHUNKS] = "flushed_chunks",
	[METRIC_FLUSHED_BYTES] = "flushed_bytes",
	[METRIC_FLUSHED_STORED] = "flushed_stored_bytes",
	[METRIC_READ_ERRORS] = "read_errors",
	[METRIC_FLUSH_ERRORS] = "flush_errors",
	[METRIC_COMMIT_ERRORS] = "commit_errors",
};

static_assert(sizeof(struct metrics) % sizeof(uint64_t) == 0, "only 64-bit members");

#define WORDS (sizeof(struct metrics) / sizeof(uint64_t))

static void count(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

void metrics_add(struct volume *vol, enum metric metric, uint64_t n)
{
	count(&vol->metrics.count[metric], n);
}

uint64_t metrics_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned bits = us ? 64u - (unsigned)__builtin_clzll(us) : 0;

	return bits < METRIC_BUCKETS ? bits : METRIC_BUCKETS - 1;
}

void metrics_took(struct metric_times *t, uint64_t since)
{
	int64_t took = (int64_t)(metrics_clock() - since); /* right even where `since` lies before the clock's beginning */
	uint64_t ns = took > 0 ? (uint64_t)took : 0;

	count(&t->count, 1);
	count(&t->ns, ns);
	count(&t->bucket[bucket_of(ns)], 1);
}

void metrics_total(const struct metrics *from, struct metrics *out)
{
	const uint64_t *each = (const uint64_t *)from;
	uint64_t *sum = (uint64_t *)out;

	for (size_t i = 0; i < WORDS; i++)
		sum[i] = __atomic_load_n(&each[i], __ATOMIC_RELAXED);
}

void metrics_subtract(struct metrics *now, const struct metrics *before)
{
	uint64_t a[WORDS], b[WORDS];

	memcpy(a, now, sizeof a);
	memcpy(b, before, sizeof b);
	for (size_t i = 0; i < WORDS; i++)
		a[i] -= b[i];
	memcpy(now, a, sizeof a);
}

double metrics_bound(unsigned bucket)
{
	return (double)(1ull << bucket) / 1e6;
}

double metrics_quantile(const struct metric_times *t, double q)
{
	uint64_t sum = 0, all = 0;
	unsigned i;

	for (i = 0; i < METRIC_BUCKETS; i++)
		all += t->bucket[i];
	if (all == 0)
		return 0;
	for (i = 0; i + 1 < METRIC_BUCKETS; i++) {
		sum += t->bucket[i];
		if ((double)sum >= q * (double)all)
			break;
	}
	return metrics_bound(i);
}

const char *metrics_name(enum metric metric)
{
	return names[metric];
}
