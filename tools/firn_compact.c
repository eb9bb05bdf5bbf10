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
#include "fs/compact.h"
#include "tools/firn.h"
#include "tools/progress.h"

static const char help[] =
	"Usage: firn compact [OPTION...] STORE\n"
	"Packs what was not written or read for a week denser, and removes garbage.\n"
	"Every new frame is decoded and compared before the old one goes.\n\n"
	"      --now            everything, not only what is cold\n"
	"      --tier=TIER      warm (zstd) or cold (the smallest of all codecs; default)\n"
	"      --level=LEVEL    of the neural codec: fast or normal (default)\n"
	"      --threads=N      default: all cores\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but errors\n"
	"  -h, --help           this text\n";

struct compact_arguments {
	struct compact_options opt;
	bool progress, quiet, help;
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

/* 0, or the exit status of a usage error. */
static int compact_parse(int argc, char **argv, struct compact_arguments *a)
{
	enum { NOW = 256, TIER, LEVEL, THREADS, PROGRESS };
	static const struct option options[] = {
		{"now", no_argument, NULL, NOW},           {"tier", required_argument, NULL, TIER},
		{"level", required_argument, NULL, LEVEL}, {"threads", required_argument, NULL, THREADS},
		{"progress", no_argument, NULL, PROGRESS}, {"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	unsigned long n;
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case NOW:
			a->opt.now = true;
			break;
		case TIER:
			good = compact_tier(optarg, &a->opt.tier);
			break;
		case LEVEL:
			good = firn_level("compact", optarg, &a->opt.neural_level);
			break;
		case THREADS:
			good = firn_number("compact", "threads", optarg, 1, 256, &n);
			a->opt.threads = (int)n;
			break;
		case PROGRESS:
			a->progress = true;
			break;
		case 'q':
			a->quiet = true;
			break;
		case 'h':
			a->help = true;
			return 0;
		default:
			good = false;
		}
	}
	if (!good)
		return firn_usage("compact", NULL);
	if (optind + 1 != argc)
		return firn_usage("compact", optind < argc ? "one store only" : "which store?");
	a->store = argv[optind];
	return 0;
}

static void compact_report(const struct compact_result *r)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], c[PROGRESS_SIZE];

	printf("%" PRIu64 " extent%s (%s), %" PRIu64 " made smaller: frames %s -> %s\n", r->extents, firn_plural(r->extents),
	       progress_size(a, (double)r->figures.done_bytes), r->moved, progress_size(b, (double)r->figures.before_bytes),
	       progress_size(c, (double)r->figures.after_bytes));
	printf("%" PRIu64 " segment%s removed, %s given back\n", r->segments_removed, firn_plural(r->segments_removed),
	       progress_size(a, (double)r->bytes_reclaimed));
}

static int compact_store(struct volume *vol, struct compact_arguments *a)
{
	struct compact_result result;
	struct progress bar;
	int rc, status = EXIT_SUCCESS;

	progress_catch_signals();
	progress_init(&bar, "compact", a->progress);
	bar.on = bar.on && !a->quiet;
	a->opt.progress = compact_show;
	a->opt.arg = &bar;
	rc = compact_run(vol, &a->opt, &result);
	progress_end(&bar, NULL);
	if (!a->quiet)
		compact_report(&result);
	if (rc < 0)
		status = firn_fail("compact", a->store, rc);
	if (result.damaged > 0) {
		fprintf(stderr, "firn compact: %s: %" PRIu64 " extent%s damaged: left as found\n", a->store, result.damaged,
			result.damaged == 1 ? " is" : "s are");
		status = status == EXIT_SUCCESS ? EXIT_FAILURE : status;
	}
	if (result.refused > 0) {
		fprintf(stderr, "firn compact: %s: %" PRIu64 " new frame%s did not decode to the same bytes and the old kept: "
			"please report\n", a->store, result.refused, firn_plural(result.refused));
		status = status == EXIT_SUCCESS ? EXIT_FAILURE : status;
	}
	return status;
}

int firn_compact(int argc, char **argv)
{
	struct compact_arguments a = {0};
	struct volume *vol;
	int status;

	compact_options_init(&a.opt);
	status = compact_parse(argc, argv, &a);
	if (status != 0)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	status = firn_open("compact", a.store, false, &vol);
	if (status != EXIT_SUCCESS)
		return status;
	status = compact_store(vol, &a);
	return firn_close("compact", a.store, vol, status);
}
