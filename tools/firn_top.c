/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn top: what a mounted store does, again and again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/control/metrics_read.h"
#include "tools/firn.h"
#include "tools/progress.h"
#include "tools/target.h"
#include "tools/top_view.h"

static const char help[] =
	"Usage: firn top [OPTION...] STORE|DIR\n"
	"Shows what a mounted store does: first since it was mounted, then every second\n"
	"what it did since. On a terminal the screen is drawn again, else each time is a line.\n\n"
	"      --interval=SECONDS  1 to 3600 (default 1)\n"
	"      --once              only since it was mounted\n"
	"      --json              one JSON object each time\n"
	"  -h, --help              this text\n";

struct top_options {
	unsigned long interval;
	bool once, json, screen;
};

struct top_sample {
	struct metrics_snapshot metrics;
	struct compactor_status compaction;
	bool compacts;
};

#define HEAD_EVERY 20u /* lines */

static int top_take(const struct target *t, struct top_sample *s)
{
	struct control_metrics m = {.header = {0}};
	struct control_compact c = {.action = CONTROL_COMPACT_STATUS};
	int rc = target_control(t, CONTROL_METRICS, &m);

	s->metrics = m.metrics;
	if (rc == 0)
		rc = target_control(t, CONTROL_COMPACT, &c);
	s->compacts = rc == 0;
	s->compaction = c.status;
	return rc == -EROFS ? 0 : rc;
}

/* A figure of all runs, the one under way included. */
static uint64_t sum(const struct compactor_status *s, uint64_t all, uint64_t now)
{
	return all + (s->active ? now : 0);
}

/* When a run ends its figures go from one to the other between two looks: never less than before. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void top_between(const struct top_sample *before, const struct top_sample *now, struct top_interval *t)
{
	const struct compactor_status *a = &before->compaction, *b = &now->compaction;

	t->seconds = (double)more(now->metrics.now.milliseconds, before->metrics.now.milliseconds) / 1e3;
	t->did = now->metrics.total;
	metrics_subtract(&t->did, &before->metrics.total);
	t->requests = more(now->metrics.now.requests, before->metrics.now.requests);
	t->now = now->metrics.now;
	t->compacts = now->compacts;
	t->compaction = *b;
	t->plain = more(sum(b, b->all.done_bytes, b->now.done_bytes), sum(a, a->all.done_bytes, a->now.done_bytes));
	t->in = more(sum(b, b->all.before_bytes, b->now.before_bytes), sum(a, a->all.before_bytes, a->now.before_bytes));
	t->out = more(sum(b, b->all.after_bytes, b->now.after_bytes), sum(a, a->all.after_bytes, a->now.after_bytes));
}

static void top_show(const struct top_options *o, const struct top_interval *t, unsigned n)
{
	if (o->json) {
		top_json(stdout, t);
	} else if (o->screen || o->once) {
		if (o->screen)
			fputs("\033[H\033[J", stdout);
		top_screen(stdout, t);
	} else {
		top_line(stdout, t, n % HEAD_EVERY == 0);
	}
	fflush(stdout);
}

static int top_watch(const struct target *t, const struct top_options *o)
{
	const struct timespec pause = {.tv_sec = (time_t)o->interval};
	struct top_interval interval = {.path = t->path};
	struct top_sample before = {.compacts = false}, now;
	int rc;

	progress_catch_signals();
	for (unsigned n = 0;; n++) {
		rc = top_take(t, &now);
		if (rc < 0 || ferror(stdout))
			return rc;
		top_between(&before, &now, &interval);
		top_show(o, &interval, n);
		before = now;
		if (!o->once)
			nanosleep(&pause, NULL);
		if (o->once || progress_interrupted())
			return 0;
	}
}

/* 0, or the exit status of a usage error; *done: there was nothing to do but help. */
static int top_parse(int argc, char **argv, struct top_options *o, bool *done)
{
	static const struct option options[] = {
		{"interval", required_argument, NULL, 'i'}, {"once", no_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			*done = true;
			return 0;
		}
		if (c == 'i' ? !firn_number("top", "interval", optarg, 1, 3600, &o->interval) : c != 'o' && c != 'j')
			return firn_usage("top", NULL);
		o->once |= c == 'o';
		o->json |= c == 'j';
	}
	return optind + 1 == argc ? 0 : firn_usage("top", optind < argc ? "one store only" : "which store?");
}

int firn_top(int argc, char **argv)
{
	struct top_options o = {.interval = 1};
	struct target t;
	bool done = false;
	int rc, status = top_parse(argc, argv, &o, &done);

	if (status != 0 || done)
		return status;
	o.screen = !o.once && !o.json && isatty(STDOUT_FILENO);
	status = target_open("top", argv[optind], true, &t);
	if (status != EXIT_SUCCESS)
		return status;
	if (t.vol) {
		fprintf(stderr, "firn top: %s: not mounted: there is no daemon to ask\n", t.path);
		return target_close(&t, EXIT_FAILURE);
	}
	rc = top_watch(&t, &o);
	return target_close(&t, rc < 0 ? target_fail(&t, rc) : EXIT_SUCCESS);
}
