/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn compact: re-encodes what is cold (or everything, with --now) and removes emptied segments.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/tiers/compact.h"
#include "tools/firn.h"
#include "tools/live.h"
#include "tools/progress.h"

static const char help[] =
	"Usage: firn compact [OPTION...] STORE|DIR\n"
	"Packs what was not written or read for a week denser, and removes garbage.\n"
	"Every new frame is decoded and compared before the old one goes. Of a mounted\n"
	"store the daemon does it, at idle priority, and this command watches.\n\n"
	"      --now            everything, not only what is cold\n"
	"      --tier=TIER      warm (zstd) or cold (the smallest of all codecs; default)\n"
	"      --level=LEVEL    of the neural codec: fast, normal (default) or dense\n"
	"      --threads=N      default: all cores\n"
	"      --reclaim        compress nothing, only collect garbage\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but errors\n\n"
	"Of a mounted store only, instead of the above:\n"
	"      --status         say what the daemon does, and did since it was mounted\n"
	"      --json           with --status: as one JSON object\n"
	"      --pause          hold on until resumed, also what it does by itself\n"
	"      --resume         go on, also after --stop\n"
	"      --stop           end the run, and begin none by itself\n"
	"      --wait           watch the run that is under way\n\n"
	"  -h, --help           this text\n";

struct compact_arguments {
	struct compact_options opt;
	enum live_action action;
	bool progress, quiet, json, help;
	const char *store;
};

static int compact_show(void *arg, const struct compact_progress *p)
{
	char extra[96], before[PROGRESS_SIZE], after[PROGRESS_SIZE];

	snprintf(extra, sizeof extra, " %.2f MB/s, %s -> %s",
		 p->seconds > 0 ? (double)p->done_bytes / p->seconds / 1e6 : 0.0,
		 progress_size(before, (double)p->before_bytes), progress_size(after, (double)p->after_bytes));
	progress_update(arg, p->total_bytes ? (double)p->done_bytes / (double)p->total_bytes : 1, extra);
	return progress_interrupted();
}

static bool compact_tier(const char *text, enum compact_tier *tier)
{
	if (strcmp(text, "warm") != 0 && strcmp(text, "cold") != 0) {
		fprintf(stderr, "firn compact: --tier takes warm or cold, not '%s'\n", text);
		return false;
	}
	*tier = text[0] == 'w' ? TIER_WARM : TIER_COLD;
	return true;
}

enum { NOW = 256, TIER, LEVEL, THREADS, PROGRESS, RECLAIM, JSON, STATUS, PAUSE, RESUME, STOP, WAIT };

static const struct option options[] = {
	{"now", no_argument, NULL, NOW},           {"tier", required_argument, NULL, TIER},
	{"level", required_argument, NULL, LEVEL}, {"threads", required_argument, NULL, THREADS},
	{"reclaim", no_argument, NULL, RECLAIM},   {"progress", no_argument, NULL, PROGRESS},
	{"quiet", no_argument, NULL, 'q'},         {"help", no_argument, NULL, 'h'},
	{"status", no_argument, NULL, STATUS},     {"json", no_argument, NULL, JSON},
	{"pause", no_argument, NULL, PAUSE},       {"resume", no_argument, NULL, RESUME},
	{"stop", no_argument, NULL, STOP},         {"wait", no_argument, NULL, WAIT},
	{NULL, 0, NULL, 0},
};

/* The options that say what to do of a live mount; false when it is none of them. */
static bool compact_action(int c, enum live_action *action)
{
	static const enum live_action actions[] = {LIVE_STATUS, LIVE_PAUSE, LIVE_RESUME, LIVE_STOP, LIVE_WAIT};

	if (c < STATUS || c > WAIT)
		return false;
	*action = actions[c - STATUS];
	return true;
}

static bool compact_option(int c, struct compact_arguments *a)
{
	unsigned long n;
	bool good = true;

	switch (c) {
	case NOW:
		a->opt.now = true;
		break;
	case RECLAIM:
		a->opt.reclaim = true;
		break;
	case TIER:
		good = compact_tier(optarg, &a->opt.tier);
		break;
	case LEVEL:
		good = firn_level("compact", optarg, &a->opt.neural_level);
		a->opt.level_given = true;
		break;
	case THREADS:
		good = firn_number("compact", "threads", optarg, 1, 256, &n);
		a->opt.threads = good ? (int)n : 0;
		break;
	case PROGRESS:
		a->progress = true;
		break;
	case JSON:
		a->json = true;
		break;
	case 'q':
		a->quiet = true;
		break;
	case 'h':
		a->help = true;
		break;
	default:
		good = compact_action(c, &a->action);
	}
	return good;
}

/* 0, or the exit status of a usage error. */
static int compact_parse(int argc, char **argv, struct compact_arguments *a)
{
	int c;

	while (!a->help && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (!compact_option(c, a))
			return firn_usage("compact", NULL);
	}
	if (!a->help && optind + 1 != argc)
		return firn_usage("compact", optind < argc ? "one store only" : "which store?");
	a->store = argv[optind];
	return 0;
}

static void compact_report(const struct compactor_figures *f)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], c[PROGRESS_SIZE];

	printf("%" PRIu64 " extent%s (%s), %" PRIu64 " made smaller: frames %s -> %s\n", f->extents, firn_plural(f->extents),
	       progress_size(a, (double)f->done_bytes), f->moved, progress_size(b, (double)f->before_bytes),
	       progress_size(c, (double)f->after_bytes));
	printf("%" PRIu64 " segment%s removed, %s given back\n", f->segments_removed, firn_plural(f->segments_removed),
	       progress_size(a, (double)f->bytes_reclaimed));
}

int compact_outcome(const char *store, const struct compactor_figures *f, int rc, bool quiet)
{
	int status = EXIT_SUCCESS;

	if (!quiet)
		compact_report(f);
	if (rc < 0)
		status = firn_fail("compact", store, rc);
	if (f->damaged > 0)
		fprintf(stderr, "firn compact: %s: %" PRIu64 " extent%s damaged: left as found\n", store, f->damaged,
			f->damaged == 1 ? " is" : "s are");
	if (f->refused > 0)
		fprintf(stderr, "firn compact: %s: %" PRIu64 " new frame%s did not decode to the same bytes and the old kept: "
			"please report\n", store, f->refused, firn_plural(f->refused));
	return status == EXIT_SUCCESS && f->damaged + f->refused > 0 ? EXIT_FAILURE : status;
}

static int compact_store(struct volume *vol, struct compact_arguments *a)
{
	struct compactor_figures figures;
	struct compact_result result;
	struct progress bar;
	int rc;

	progress_catch_signals();
	progress_init(&bar, "compact", a->progress);
	bar.on = bar.on && !a->quiet;
	a->opt.progress = compact_show;
	a->opt.arg = &bar;
	rc = compact_run(vol, &a->opt, &result);
	progress_end(&bar, NULL);
	compactor_figures_take(&figures, &result);
	return compact_outcome(a->store, &figures, rc, a->quiet);
}

static int compact_mounted(struct target *t, const struct compact_arguments *a)
{
	const struct compact_options *opt = &a->opt;
	const struct live_options live = {
		.action = a->action, .progress = a->progress, .quiet = a->quiet, .json = a->json,
		.asked = {
			.tier = opt->tier, .neural_level = (uint32_t)opt->neural_level, .now = opt->now, .reclaim = opt->reclaim,
			.threads = (uint32_t)opt->threads, .cold_after_hours = opt->cold_after_hours,
			.level_given = opt->level_given,
		},
	};

	return live_compact(t, &live);
}

int firn_compact(int argc, char **argv)
{
	struct compact_arguments a = {.action = LIVE_START};
	struct target t;
	int status;

	compact_options_init(&a.opt);
	status = compact_parse(argc, argv, &a);
	if (status != 0)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	status = target_open("compact", a.store, false, &t);
	if (status != EXIT_SUCCESS)
		return status;
	if (!t.vol) {
		status = compact_mounted(&t, &a);
	} else if (a.action == LIVE_START) {
		status = compact_store(t.vol, &a);
	} else {
		fprintf(stderr, "firn compact: %s: not mounted: there is no daemon to ask\n", a.store);
		status = EXIT_FAILURE;
	}
	return target_close(&t, status);
}
