/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction: extents re-encoded denser, in bounded windows; segments that empty are removed.
 *
 * A window is read and encoded by all threads with no lock and no operation held, appended in order, synced, and only then the extent records
 * are swapped and committed, so that at every instant the index points at bytes that are durable.
 */
#include "fs/compact.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/compact_clean.h"
#include "fs/compact_settle.h"
#include "fs/models.h"

#define LIVE_MAX 8      /* sixteenths alive below which a segment is rewritten */
#define LIVE_MAX_NOW 15

struct run {
	struct volume *vol;
	const struct compact_options *opt;
	struct compact_result *result;
	struct encode_policy policy;
	uint16_t tried;
	uint8_t tried_level;
	int threads;
	struct encode_worker *workers;
	struct timespec start;
	int stop; /* first -errno met; set and read atomically */
};

void compact_options_init(struct compact_options *opt)
{
	*opt = (struct compact_options){.tier = TIER_COLD, .neural_level = NEURAL_NORMAL, .cold_after_hours = 7 * 24,
					 .group_bytes = GROUP_BYTES_DEFAULT};
}

static void compact_stop(struct run *run, int rc)
{
	int none = 0;

	if (rc < 0)
		__atomic_compare_exchange_n(&run->stop, &none, rc, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Counts what was looked at and tells the caller; one thread at a time. unit NULL: an extent that belongs to none. */
static void compact_progress(struct run *run, uint32_t plain, const struct window *w, const struct unit *unit)
{
	struct compact_progress *f = &run->result->figures;
	struct timespec now;

	f->done_bytes += plain;
	if (unit && (unit->verdict == ENCODE_SMALLER || unit->verdict == ENCODE_KEEP)) {
		uint64_t cost = unit_cost(w, unit);

		f->before_bytes += cost;
		f->after_bytes += unit->verdict == ENCODE_SMALLER ? sizeof(struct record_disk) + unit->len : cost;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	f->seconds = (double)(now.tv_sec - run->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - run->start.tv_nsec);
	if (run->opt->progress && run->opt->progress(run->opt->arg, f) != 0)
		compact_stop(run, -EINTR);
}

/* Whether to go on. */
static bool compact_gate(struct run *run)
{
	if (run->opt->gate && run->opt->gate(run->opt->arg) != 0)
		compact_stop(run, -EINTR);
	return __atomic_load_n(&run->stop, __ATOMIC_RELAXED) == 0;
}

static void compact_read_window(struct run *run, struct window *w)
{
#pragma omp parallel for schedule(dynamic) num_threads(run->threads)
	for (size_t i = 0; i < w->n; i++) {
		if (!compact_gate(run))
			continue;
		compact_stop(run, window_read(run->vol, w, i, run->workers[omp_get_thread_num()].ctx));
		if (w->items[i].state == ITEM_GONE || w->items[i].state == ITEM_DAMAGED) {
#pragma omp critical(compact_progress)
			compact_progress(run, w->items[i].plan->plain, w, NULL);
		}
	}
}

static void compact_encode_window(struct run *run, struct window *w)
{
#pragma omp parallel for schedule(dynamic) num_threads(run->threads)
	for (size_t i = 0; i < w->n_units; i++) {
		struct unit *u = &w->units[i];

		if (!compact_gate(run))
			continue;
		compact_stop(run, unit_encode(run->vol, w, u, &run->workers[omp_get_thread_num()], &run->policy));
#pragma omp critical(compact_progress)
		compact_progress(run, u->plain, w, u);
	}
}

static uint32_t compact_group_bytes(const struct run *run)
{
	uint32_t chunk_size = run->vol->super.chunk_size;

	return run->opt->group_bytes < chunk_size ? run->opt->group_bytes : chunk_size;
}

static int compact_extents(struct run *run, const struct plan *plan)
{
	struct window w;

	for (size_t at = 0; at < plan->n && run->stop == 0; at += w.n, window_fini(&w)) {
		compact_stop(run, window_init(&w, plan->items + at, plan->n - at));
		if (run->stop == 0)
			compact_read_window(run, &w);
		if (run->stop == 0)
			compact_stop(run, window_divide(&w, compact_group_bytes(run)));
		if (run->stop == 0) {
			compact_encode_window(run, &w);
			compact_stop(run, window_settle(run->vol, &w, run->tried, run->tried_level, run->result));
		}
	}
	return run->stop;
}

static int compact_policy(struct run *run)
{
	struct encode_policy *p = &run->policy;
	int rc;

	p->tier = run->opt->tier;
	p->neural_level = run->opt->neural_level;
	p->net_number = p->tier == TIER_COLD ? models_active(run->vol, MODEL_NEURAL) : 0;
	/* What a network knows includes what a dictionary would: two dozen frames that differ are not worth keeping one. */
	p->zdict_number = p->net_number ? 0 : models_active(run->vol, MODEL_ZDICT);
	run->tried = p->zdict_number > p->net_number ? p->zdict_number : p->net_number;
	run->tried_level = p->tier == TIER_COLD ? (uint8_t)(TRIED_COLD + p->neural_level) : TRIED_WARM;
	rc = models_get(run->vol, p->zdict_number, &p->zdict);
	if (rc == 0)
		rc = models_get(run->vol, p->net_number, &p->net);
	return rc;
}

static int compact_workers(struct run *run)
{
	uint32_t chunk_size = run->vol->super.chunk_size;
	int rc = 0;

	run->workers = calloc((size_t)run->threads, sizeof *run->workers);
	if (!run->workers)
		return -ENOMEM;
	for (int i = 0; rc == 0 && i < run->threads; i++)
		rc = encode_worker_init(&run->workers[i], chunk_size);
	return rc;
}

static void compact_fini(struct run *run)
{
	for (int i = 0; run->workers && i < run->threads; i++)
		encode_worker_fini(&run->workers[i]);
	free(run->workers);
	codec_model_put(run->policy.zdict);
	codec_model_put(run->policy.net);
}

/* What the extents left behind: emptied segments, mostly empty ones, models of yesterday. */
static int compact_sweep(struct run *run)
{
	struct volume *vol = run->vol;
	int rc;

	segment_seal_all(vol->segments);
	rc = volume_commit(vol);
	if (rc == 0)
		rc = clean_segments(vol, run->opt, run->opt->now || run->opt->reclaim ? LIVE_MAX_NOW : LIVE_MAX, &run->result->figures);
	if (rc == 0)
		rc = models_reap(vol, run->opt->now && run->policy.net);
	return rc < 0 ? rc : volume_commit(vol);
}

int compact_run(struct volume *vol, const struct compact_options *opt, struct compact_result *out)
{
	struct run *run = calloc(1, sizeof *run);
	struct extent_totals before, after;
	uint32_t first_new = segments_next(vol->segments);
	struct plan plan = {0};
	int rc;

	*out = (struct compact_result){0};
	if (!run)
		return -ENOMEM;
	run->vol = vol;
	run->opt = opt;
	run->result = out;
	run->threads = opt->threads > 0 ? opt->threads : omp_get_max_threads();
	clock_gettime(CLOCK_MONOTONIC, &run->start);
	extent_totals(vol, &before);
	rc = compact_policy(run);
	if (rc == 0)
		rc = compact_workers(run);
	if (rc == 0 && !opt->reclaim)
		rc = plan_make(vol, opt, run->tried, run->tried_level, &plan);
	out->figures.total_bytes = plan.plain_bytes;
	if (rc == 0)
		rc = compact_extents(run, &plan);
	if (rc == 0)
		rc = compact_sweep(run);
	extent_totals(vol, &after);
	out->segments_removed = before.segments + (segments_next(vol->segments) - first_new) - after.segments;
	if (after.segment_bytes < before.segment_bytes)
		out->bytes_reclaimed = before.segment_bytes - after.segment_bytes;
	plan_free(&plan);
	compact_fini(run);
	free(run);
	return rc;
}
