/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction: extents re-encoded denser, in bounded windows; segments that empty are removed.
 *
 * A window is read and encoded by all threads with no lock and no operation held, appended in order, synced, and only then the extent records
 * are swapped and committed, so that at every instant the index points at bytes that are durable.
 */
#include "fs/tiers/compact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/models.h"
#include "fs/extent/space.h"
#include "fs/tiers/compact_clean.h"
#include "fs/tiers/compact_settle.h"
#include "fs/tiers/crew.h"

#define LIVE_MAX 8      /* sixteenths alive below which a segment is rewritten */
#define LIVE_MAX_NOW 15

struct run {
	struct volume *vol;
	const struct compact_options *opt;
	struct compact_result *result;
	struct tier_map policies;
	struct gain own_gain, *gain; /* own_gain: of this run alone */
	struct plan_choice choice; /* of the target being worked on */
	struct encode_policy policy;
	struct crew *crew, *own_crew; /* own_crew: made here */
	struct encode_worker *workers; /* one for each of the crew */
	struct window window;
	size_t batch; /* of its units: the first of those being encoded */
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

/* Whether to go on. */
static bool compact_goes_on(struct run *run)
{
	if (run->opt->end && __atomic_load_n(run->opt->end, __ATOMIC_RELAXED) != 0)
		compact_stop(run, -EINTR);
	return __atomic_load_n(&run->stop, __ATOMIC_RELAXED) == 0;
}

/* Counts what was looked at and tells the caller. unit NULL: an extent that belongs to none. */
static void compact_progress(struct run *run, uint32_t plain, const struct window *w, const struct unit *unit)
{
	struct compact_progress *f = &run->result->figures;
	struct timespec now;

	f->done_bytes += plain;
	if (unit && (unit->verdict == ENCODE_SMALLER || unit->verdict == ENCODE_KEEP)) {
		uint64_t cost = unit_cost(w, unit), after;

		f->before_bytes += cost;
		after = unit->verdict == ENCODE_SMALLER ? sizeof(struct record_disk) + unit->len : cost;
		f->after_bytes += after;
		gain_note(run->gain, w->items[w->order[unit->first]].plan->class, unit->plain, cost, after);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	f->seconds = (double)(now.tv_sec - run->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - run->start.tv_nsec);
	if (run->opt->progress && run->opt->progress(run->opt->arg, f) != 0)
		compact_stop(run, -EINTR);
}

static void compact_read_part(void *arg, unsigned i, unsigned thread)
{
	struct run *run = arg;

	if (compact_goes_on(run))
		compact_stop(run, window_read(run->vol, &run->window, i, run->workers[thread].ctx));
}

static void compact_read_done(void *arg, unsigned i)
{
	struct run *run = arg;
	const struct window_item *item = &run->window.items[i];

	if (item->state == ITEM_GONE || item->state == ITEM_DAMAGED)
		compact_progress(run, item->plan->plain, &run->window, NULL);
}

/* A crew of idle priority may not begin operations: then this thread reads, an extent at a time. */
static void compact_read_window(struct run *run)
{
	struct window *w = &run->window;

	if (run->own_crew) {
		compact_stop(run, crew_run(run->crew, (unsigned)w->n, compact_read_part, compact_read_done, run));
		return;
	}
	for (unsigned i = 0; i < w->n && compact_goes_on(run); i++) {
		if (run->opt->gate)
			run->opt->gate(run->opt->arg);
		compact_read_part(run, i, 0);
		compact_read_done(run, i);
	}
}

static void compact_encode_part(void *arg, unsigned i, unsigned thread)
{
	struct run *run = arg;
	struct window *w = &run->window;

	if (compact_goes_on(run))
		compact_stop(run, unit_encode(run->vol, w, &w->units[run->batch + i], &run->workers[thread], &run->policy));
}

static void compact_encode_done(void *arg, unsigned i)
{
	struct run *run = arg;
	const struct unit *u = &run->window.units[run->batch + i];

	if (u->verdict != ENCODE_SKIPPED)
		compact_progress(run, u->plain, &run->window, u);
}

static uint32_t compact_group_bytes(const struct run *run)
{
	uint32_t chunk_size = run->vol->super.chunk_size;

	return run->opt->group_bytes < chunk_size ? run->opt->group_bytes : chunk_size;
}

/* Room for a window beside what writers were promised; what is garbage already comes back with a commit. */
static int compact_room(struct run *run)
{
	int rc = space_scratch(run->vol, WINDOW_BYTES);

	if (rc == -ENOSPC) {
		rc = volume_commit(run->vol);
		if (rc == 0)
			rc = space_scratch(run->vol, WINDOW_BYTES);
	}
	return rc;
}

/* Encodes and settles what is in the window, some units at a time; what is encoded is settled also when told to stop. */
static void compact_units(struct run *run)
{
	struct window *w = &run->window;

	for (size_t end; run->batch < w->n_units && compact_goes_on(run); run->batch = end) {
		struct settle_job job = {.first = run->batch, .tried = run->choice.tried, .tried_level = run->choice.tried_level,
					 .commit = !run->opt->lazy};

		job.end = end = window_batch(w, run->batch);
		compact_stop(run, compact_room(run));
		if (run->stop == 0)
			compact_stop(run, crew_run(run->crew, (unsigned)(end - run->batch), compact_encode_part, compact_encode_done, run));
		compact_stop(run, window_settle(run->vol, w, &job, run->result));
	}
}

/* Reads the window, and does its work. */
static void compact_window(struct run *run, const struct window_limits *limits)
{
	run->batch = 0;
	compact_read_window(run);
	if (run->stop == 0)
		compact_stop(run, window_divide(&run->window, limits->group_bytes));
	window_count_unread(&run->window, run->result);
	compact_units(run);
}

static int compact_extents(struct run *run, const struct plan *plan)
{
	/* who says "now" has the memory and the time */
	const struct window_limits limits = {compact_group_bytes(run), run->opt->now ? WINDOW_BYTES_SMALL : WINDOW_BYTES};
	struct window *w = &run->window;

	for (size_t at = 0; at < plan->n && compact_goes_on(run); at += w->n, window_fini(w)) {
		compact_stop(run, window_init(w, plan->items + at, plan->n - at, &limits));
		if (run->stop == 0)
			compact_window(run, &limits);
	}
	return run->stop;
}

/* Plans and does, until there is no more. */
static int compact_plans(struct run *run)
{
	uint64_t from = 0;
	int rc;

	do {
		struct plan plan;

		rc = plan_make(run->vol, &run->choice, from, &plan);
		run->result->figures.total_bytes += plan.plain_bytes;
		if (rc == 0)
			rc = compact_extents(run, &plan);
		from = plan.next;
		plan_free(&plan);
	} while (rc == 0 && from > 0);
	return rc;
}

/* Models and memory of tries for one target. */
static int compact_policy(struct run *run, const struct compact_target *target)
{
	struct encode_policy *p = &run->policy;
	int rc;

	codec_model_put(p->zdict);
	codec_model_put(p->net);
	*p = (struct encode_policy){.tier = target->tier, .neural_level = target->neural_level};
	p->net_number = p->tier == TIER_COLD ? models_active(run->vol, MODEL_NEURAL) : 0;
	/* What a network knows includes what a dictionary would: two dozen frames that differ are not worth keeping one. */
	p->zdict_number = p->net_number ? 0 : models_active(run->vol, MODEL_ZDICT);
	run->choice = (struct plan_choice){
		.opt = run->opt, .policies = &run->policies, .gain = run->gain, .target = *target,
		.tried = p->zdict_number > p->net_number ? p->zdict_number : p->net_number,
		.tried_level = p->tier == TIER_COLD ? (uint8_t)(TRIED_COLD + p->neural_level) : TRIED_WARM,
	};
	rc = models_get(run->vol, p->zdict_number, &p->zdict);
	if (rc == 0)
		rc = models_get(run->vol, p->net_number, &p->net);
	return rc;
}

/* What the tier policies ask for, one target after the other. */
static int compact_all_targets(struct run *run)
{
	struct compact_target targets[COMPACT_TARGETS_MAX];
	unsigned n;
	int rc = run->opt->reclaim ? plan_reclaims(run->vol, run->opt) : 1;

	if (rc <= 0)
		return rc; /* garbage is in segments alone: nobody's policy matters */
	rc = tier_map_make(run->vol, &run->policies);
	compact_overrule(run->opt, &run->policies.rest);
	n = rc == 0 ? compact_targets(run->opt, &run->policies, targets) : 0;
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		rc = compact_policy(run, &targets[i]);
		if (rc == 0)
			rc = compact_plans(run);
	}
	return rc;
}

static int compact_workers(struct run *run)
{
	unsigned threads;
	int rc = 0;

	if (!run->opt->crew)
		rc = crew_create((unsigned)run->opt->threads, false, &run->own_crew);
	if (rc < 0)
		return rc;
	run->crew = run->own_crew ? run->own_crew : run->opt->crew;
	threads = crew_threads(run->crew);
	run->workers = calloc(threads, sizeof *run->workers);
	if (!run->workers)
		return -ENOMEM;
	for (unsigned i = 0; rc == 0 && i < threads; i++)
		rc = encode_worker_init(&run->workers[i], run->vol, run->opt->end);
	return rc;
}

static void compact_fini(struct run *run)
{
	for (unsigned i = 0; run->workers && i < crew_threads(run->crew); i++)
		encode_worker_fini(&run->workers[i]);
	free(run->workers);
	crew_destroy(run->own_crew);
	codec_model_put(run->policy.zdict);
	codec_model_put(run->policy.net);
	tier_map_free(&run->policies);
}

/*
 * What the extents left behind: emptied segments, mostly empty ones, models of yesterday. Segments that are being written stay so in the
 * background: to seal them each time would make many small ones.
 */
static int compact_sweep(struct run *run)
{
	const struct compact_options *opt = run->opt;
	struct volume *vol = run->vol;
	bool thorough = opt->now || opt->reclaim;
	int rc;

	if (thorough || !opt->lazy)
		segment_seal_all(vol->segments);
	rc = volume_commit(vol);
	if (rc == 0)
		rc = clean_segments(vol, opt, thorough ? LIVE_MAX_NOW : LIVE_MAX, &run->result->figures);
	if (rc == 0)
		rc = models_reap(vol, opt->now && run->policy.net);
	return rc < 0 ? rc : volume_commit(vol);
}

/* In the background a run that changed nothing ends here. */
static bool compact_needs_sweep(const struct run *run)
{
	return !run->opt->lazy || run->opt->now || run->opt->reclaim || run->result->moved > 0;
}

/*
 * The index holds free pages now. A mount would stand still meanwhile, and for lack of space nothing fails that was done. A commit may leave changes
 * of its own, of the segments that it removed: another one settles them.
 */
static int compact_index(struct run *run)
{
	struct volume *vol = run->vol;
	int rc = 0;

	if (!run->opt->now || !vol->opt.offline)
		return 0;
	for (int i = 0; i < 3; i++) {
		rc = index_repack(vol->index, vol->dirfd);
		if (rc != -EBUSY)
			break;
		rc = volume_commit(vol);
		if (rc < 0)
			return rc;
	}
	return rc == -ENOSPC ? 0 : rc;
}

int compact_run(struct volume *vol, const struct compact_options *opt, struct compact_result *out)
{
	struct run *run = calloc(1, sizeof *run);
	struct extent_totals before, after;
	uint32_t first_new = segments_next(vol->segments);
	int rc;

	*out = (struct compact_result){0};
	if (!run)
		return -ENOMEM;
	run->vol = vol;
	run->opt = opt;
	run->gain = opt->gain ? opt->gain : &run->own_gain;
	run->result = out;
	clock_gettime(CLOCK_MONOTONIC, &run->start);
	extent_totals(vol, &before);
	rc = compact_workers(run);
	if (rc == 0)
		rc = compact_all_targets(run);
	if (rc == 0 && compact_needs_sweep(run))
		rc = compact_sweep(run);
	if (rc == 0)
		rc = compact_index(run);
	extent_totals(vol, &after);
	out->segments_removed = before.segments + (segments_next(vol->segments) - first_new) - after.segments;
	if (after.segment_bytes < before.segment_bytes)
		out->bytes_reclaimed = before.segment_bytes - after.segment_bytes;
	compact_fini(run);
	free(run);
	return rc;
}
