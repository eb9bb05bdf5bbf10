/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn compact on a mounted store.
 */
#include "tools/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/firn.h"
#include "tools/json.h"
#include "tools/progress.h"

#define POLL_NS 100000000L

static const char *const states[] = {"idle", "running", "waiting", "paused", "stopped"};
static const char *const reasons[] = {
	"", "others want the processors", "others wait for the disks", "the mount is in use", "on battery", "the disk is full",
};
#define COUNT(list) (sizeof(list) / sizeof *(list))

const char *live_state(uint32_t state)
{
	return state < COUNT(states) ? states[state] : "?";
}

const char *live_reason(uint32_t reason)
{
	return reason < COUNT(reasons) ? reasons[reason] : "?";
}

static int live_send(struct target *t, uint32_t action, const struct compactor_request *asked, struct compactor_status *out)
{
	struct control_compact c = {.action = action};
	int rc;

	if (asked)
		c.asked = *asked;
	rc = target_control(t, CONTROL_COMPACT, &c);
	*out = c.status;
	return rc;
}

static void live_draw(struct progress *bar, const struct compactor_status *s)
{
	const struct compactor_figures *f = &s->now;
	char extra[160], before[PROGRESS_SIZE], after[PROGRESS_SIZE];

	snprintf(extra, sizeof extra, " %.2f MB/s, %s -> %s%s%s%s%s",
		 f->milliseconds ? (double)f->done_bytes / (double)f->milliseconds / 1e3 : 0.0,
		 progress_size(before, (double)f->before_bytes), progress_size(after, (double)f->after_bytes),
		 s->state == COMPACTOR_RUNNING ? "" : " (", s->state == COMPACTOR_RUNNING ? "" : live_state(s->state),
		 s->reason ? ": " : "", s->state == COMPACTOR_RUNNING ? "" : s->reason ? live_reason(s->reason) : "");
	if (s->state != COMPACTOR_RUNNING)
		snprintf(extra + strlen(extra), sizeof extra - strlen(extra), ")");
	progress_update(bar, f->total_bytes ? (double)f->done_bytes / (double)f->total_bytes : 0, extra);
}

/* Watches until run number `run` has ended. */
static int live_watch(struct target *t, const struct live_options *o, uint64_t run, struct compactor_status *s)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	struct progress bar;
	int rc = 0;

	progress_catch_signals();
	progress_init(&bar, "compact", o->progress);
	bar.on = bar.on && !o->quiet;
	while (rc == 0 && s->finished < run && !progress_interrupted()) {
		nanosleep(&pause, NULL);
		rc = live_send(t, CONTROL_COMPACT_STATUS, NULL, s);
		if (rc == 0 && s->run == run)
			live_draw(&bar, s);
	}
	progress_end(&bar, NULL);
	return rc == 0 && s->finished < run ? -EINTR : rc;
}

static int live_interrupted(const struct target *t)
{
	fprintf(stderr, "firn compact: %s: interrupted; the daemon goes on, 'firn compact --stop' ends it\n", t->path);
	return EXIT_INTERRUPTED;
}

static int live_start(struct target *t, const struct live_options *o)
{
	struct compactor_status s;
	int rc = target_sync(t);

	if (rc == 0)
		rc = live_send(t, CONTROL_COMPACT_START, &o->asked, &s);
	if (rc == -EBUSY) {
		fprintf(stderr, "firn compact: %s: a compaction is under way already: 'firn compact --wait' watches it\n", t->path);
		return EXIT_FAILURE;
	}
	if (rc == 0)
		rc = live_watch(t, o, s.asked, &s);
	if (rc == -EINTR)
		return live_interrupted(t);
	return rc < 0 ? target_fail(t, rc) : compact_outcome(t->path, &s.last_asked, s.asked_error, o->quiet);
}

static int live_wait(struct target *t, const struct live_options *o)
{
	struct compactor_status s;
	int rc = live_send(t, CONTROL_COMPACT_STATUS, NULL, &s);
	bool waited = rc == 0 && (s.active || s.asked > s.finished);

	if (waited)
		rc = live_watch(t, o, s.asked > s.run ? s.asked : s.run, &s);
	if (rc == -EINTR)
		return live_interrupted(t);
	if (rc < 0)
		return target_fail(t, rc);
	return waited ? compact_outcome(t->path, &s.now, s.error, o->quiet) : EXIT_SUCCESS;
}

static void status_figures(const char *what, const struct compactor_figures *f)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], c[PROGRESS_SIZE], d[PROGRESS_SIZE];

	printf("%-9s %s looked at, %" PRIu64 " of %" PRIu64 " extents made smaller, frames %s -> %s; %s given back\n", what,
	       progress_size(a, (double)f->done_bytes), f->moved, f->extents, progress_size(b, (double)f->before_bytes),
	       progress_size(c, (double)f->after_bytes), progress_size(d, (double)f->bytes_reclaimed));
}

static void status_table(const struct compactor_status *s)
{
	char done[PROGRESS_SIZE], total[PROGRESS_SIZE];

	printf("%-9s %s%s%s\n", "state", live_state(s->state), s->reason ? ": " : "", live_reason(s->reason));
	if (s->active)
		printf("%-9s %s of %s%s\n", "run", progress_size(done, (double)s->now.done_bytes),
		       progress_size(total, (double)s->now.total_bytes), s->automatic ? ", in the background" : "");
	if (s->run > 0)
		status_figures(s->active ? "so far" : "last run", &s->now);
	if (s->finished > 0) {
		status_figures("all runs", &s->all);
		printf("%-9s %" PRIu64 ", let others go first %" PRIu64 " time%s for %.1f s in all\n", "runs", s->finished, s->pauses,
		       firn_plural(s->pauses), (double)s->paused_ms / 1e3);
	}
	if (s->error < 0 && s->error != -EINTR)
		printf("%-9s %s\n", "last run", strerror(-s->error));
}

static void status_json_figures(struct json *j, const char *name, const struct compactor_figures *f)
{
	json_object(j, name);
	json_number(j, "done_bytes", f->done_bytes);
	json_number(j, "total_bytes", f->total_bytes);
	json_number(j, "before_bytes", f->before_bytes);
	json_number(j, "after_bytes", f->after_bytes);
	json_number(j, "milliseconds", f->milliseconds);
	json_number(j, "extents", f->extents);
	json_number(j, "moved", f->moved);
	json_number(j, "kept", f->kept);
	json_number(j, "damaged", f->damaged);
	json_number(j, "raced", f->raced);
	json_number(j, "refused", f->refused);
	json_number(j, "segments_removed", f->segments_removed);
	json_number(j, "bytes_reclaimed", f->bytes_reclaimed);
	json_end(j);
}

static void status_json(const struct compactor_status *s)
{
	struct json j;

	json_begin(&j, stdout);
	json_string(&j, "state", live_state(s->state));
	json_string(&j, "reason", live_reason(s->reason));
	json_number(&j, "run", s->run);
	json_number(&j, "finished", s->finished);
	json_number(&j, "asked", s->asked);
	json_number(&j, "active", s->active);
	json_number(&j, "automatic", s->automatic);
	json_string(&j, "error", s->error < 0 ? strerror(-s->error) : "");
	json_number(&j, "pauses", s->pauses);
	json_number(&j, "paused_ms", s->paused_ms);
	status_json_figures(&j, "now", &s->now);
	status_json_figures(&j, "all", &s->all);
	json_end(&j);
}

int live_compact(struct target *t, const struct live_options *o)
{
	static const uint32_t actions[] = {
		[LIVE_PAUSE] = CONTROL_COMPACT_PAUSE, [LIVE_RESUME] = CONTROL_COMPACT_RESUME,
		[LIVE_STOP] = CONTROL_COMPACT_STOP, [LIVE_STATUS] = CONTROL_COMPACT_STATUS,
	};
	struct compactor_status s;
	int rc;

	if (o->action == LIVE_START)
		return live_start(t, o);
	if (o->action == LIVE_WAIT)
		return live_wait(t, o);
	rc = live_send(t, actions[o->action], NULL, &s);
	if (rc < 0)
		return target_fail(t, rc);
	if (o->action == LIVE_STATUS && o->json)
		status_json(&s);
	else if (o->action == LIVE_STATUS)
		status_table(&s);
	return EXIT_SUCCESS;
}
