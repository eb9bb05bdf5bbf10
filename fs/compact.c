/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction: extents re-encoded denser, in bounded batches; segments that empty are removed.
 *
 * A batch is encoded by all threads with no lock and no operation held, appended in the order of the plan, synced, and only then the extent records
 * are swapped and committed, so that at every instant the index points at bytes that are durable.
 */
#include "fs/compact.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/compact_clean.h"
#include "fs/compact_encode.h"
#include "fs/compact_plan.h"
#include "fs/models.h"

#define BATCH_EXTENTS 64
#define BATCH_BYTES (8u << 20)
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
	struct encode_result slots[BATCH_EXTENTS];
	struct timespec start;
	int stop; /* first -errno met; set and read atomically */
};

void compact_options_init(struct compact_options *opt)
{
	*opt = (struct compact_options){.tier = TIER_COLD, .neural_level = NEURAL_NORMAL, .cold_after_hours = 7 * 24};
}

static void compact_stop(struct run *run, int rc)
{
	int none = 0;

	if (rc < 0)
		__atomic_compare_exchange_n(&run->stop, &none, rc, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Counts one extent looked at and tells the caller; one thread at a time. */
static void compact_progress(struct run *run, const struct plan_item *item, const struct encode_result *slot)
{
	struct compact_progress *f = &run->result->figures;
	struct timespec now;

	f->done_bytes += item->plain;
	if (slot->verdict == ENCODE_SMALLER || slot->verdict == ENCODE_KEEP) {
		f->before_bytes += slot->old.pos.stored;
		f->after_bytes += slot->len;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	f->seconds = (double)(now.tv_sec - run->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - run->start.tv_nsec);
	if (run->opt->progress && run->opt->progress(run->opt->arg, f) != 0)
		compact_stop(run, -EINTR);
}

static void compact_encode_batch(struct run *run, const struct plan_item *items, int n)
{
#pragma omp parallel for schedule(dynamic) num_threads(run->threads)
	for (int i = 0; i < n; i++) {
		struct encode_result *slot = &run->slots[i];

		slot->verdict = ENCODE_SKIPPED;
		if (run->opt->gate && run->opt->gate(run->opt->arg) != 0)
			compact_stop(run, -EINTR);
		if (__atomic_load_n(&run->stop, __ATOMIC_RELAXED) != 0)
			continue;
		compact_stop(run, encode_extent(run->vol, &run->workers[omp_get_thread_num()], &run->policy, items[i].id,
						slot));
#pragma omp critical(compact_progress)
		compact_progress(run, &items[i], slot);
	}
}

/* Appends the smaller frames; to[i] says where. What does not fit any more is skipped. */
static void compact_append_batch(struct run *run, const struct plan_item *items, int n, struct segment_pos *to)
{
	int rc = 0;

	for (int i = 0; i < n; i++) {
		const struct encode_result *slot = &run->slots[i];
		struct record r = {
			.kind = RECORD_EXTENT, .codec = (uint8_t)slot->codec, .level = slot->level, .model = slot->model,
			.plain = slot->old.plain, .id = items[i].id, .ino = items[i].ino, .chunk = items[i].chunk,
			.plain_xxh = slot->plain_xxh,
		};

		if (slot->verdict != ENCODE_SMALLER)
			continue;
		if (rc == 0)
			rc = extent_append(run->vol, STREAM_COLD, &r, slot->frame, slot->len, &to[i]);
		if (rc < 0)
			run->slots[i].verdict = ENCODE_SKIPPED;
	}
	compact_stop(run, rc);
}

/* Swaps or marks the record of one extent. */
static int compact_swap(struct run *run, const struct encode_result *slot, const struct segment_pos *to)
{
	struct compact_result *result = run->result;
	struct extent e = slot->old;
	struct index_op op;
	int rc;

	e.tried = run->tried;
	e.tried_level = run->tried_level;
	index_begin(run->vol->index, &op);
	if (slot->verdict == ENCODE_SMALLER) {
		e.pos = *to;
		e.codec = (uint8_t)slot->codec;
		e.level = slot->level;
		e.model = slot->model;
		rc = extent_move(&op, run->vol, &slot->old, &e);
	} else {
		rc = extent_mark(&op, run->vol, &e);
	}
	index_end(&op);
	if (slot->verdict == ENCODE_SMALLER) {
		result->moved += rc == 1;
		result->raced += rc == 0;
	} else {
		result->kept++;
	}
	return rc == -ENOENT ? 0 : rc;
}

static int compact_settle_batch(struct run *run, int n, const struct segment_pos *to)
{
	int rc = segment_sync(run->vol->segments);

	for (int i = 0; i < n; i++) {
		struct encode_result *slot = &run->slots[i];

		run->result->extents += slot->verdict != ENCODE_SKIPPED;
		run->result->damaged += slot->verdict == ENCODE_DAMAGED;
		run->result->raced += slot->verdict == ENCODE_GONE;
		run->result->refused += slot->verdict == ENCODE_REFUSED;
		if (rc >= 0 && (slot->verdict == ENCODE_SMALLER || slot->verdict == ENCODE_KEEP))
			rc = compact_swap(run, slot, &to[i]);
		if (slot->verdict == ENCODE_SMALLER)
			extent_release(run->vol, &to[i]);
	}
	return rc < 0 ? rc : volume_commit(run->vol);
}

static int compact_extents(struct run *run, const struct plan *plan)
{
	struct segment_pos to[BATCH_EXTENTS];

	for (size_t at = 0; at < plan->n && run->stop == 0;) {
		uint64_t bytes = 0;
		int n = 0;

		while (at + (size_t)n < plan->n && n < BATCH_EXTENTS && bytes < BATCH_BYTES)
			bytes += plan->items[at + (size_t)n++].plain;
		compact_encode_batch(run, plan->items + at, n);
		compact_append_batch(run, plan->items + at, n, to);
		compact_stop(run, compact_settle_batch(run, n, to));
		at += (size_t)n;
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
	for (int i = 0; rc == 0 && i < BATCH_EXTENTS; i++) {
		run->slots[i].frame = malloc(chunk_size);
		rc = run->slots[i].frame ? 0 : -ENOMEM;
	}
	return rc;
}

static void compact_fini(struct run *run)
{
	for (int i = 0; run->workers && i < run->threads; i++)
		encode_worker_fini(&run->workers[i]);
	free(run->workers);
	for (int i = 0; i < BATCH_EXTENTS; i++)
		free(run->slots[i].frame);
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
