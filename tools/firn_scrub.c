/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn scrub: reads everything and compares it with its checksums, in a store or, step by step, in the daemon of a mounted one.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/damaged.h"
#include "tools/firn.h"
#include "tools/json.h"
#include "tools/progress.h"

static const char help[] =
	"Usage: firn scrub [OPTION...] STORE|DIR\n"
	"Reads all data and all models and compares them with their checksums. What is\n"
	"damaged is remembered and listed; a model is mended from its parity.\n"
	"An interrupted run is gone on with by the next one.\n\n"
	"      --rate=MB        read at most so many megabytes a second\n"
	"      --restart        from the beginning, not where the last run stopped\n"
	"      --json           the outcome as one JSON object\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but damage\n"
	"  -h, --help           this text\n";

#define STEP_BYTES (1u << 20)

struct scrub_arguments {
	unsigned long rate; /* 0: as fast as it goes */
	bool restart, json, progress, quiet, help;
	const char *store;
};

enum { RATE = 256, RESTART, JSON, PROGRESS };

static const struct option options[] = {
	{"rate", required_argument, NULL, RATE}, {"restart", no_argument, NULL, RESTART},
	{"json", no_argument, NULL, JSON},       {"progress", no_argument, NULL, PROGRESS},
	{"quiet", no_argument, NULL, 'q'},       {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* 0, or the exit status of a usage error. */
static int scrub_parse(int argc, char **argv, struct scrub_arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case RATE:
			if (!firn_number("scrub", "rate", optarg, 1, 1000000, &a->rate))
				return firn_usage("scrub", NULL);
			break;
		case RESTART:
			a->restart = true;
			break;
		case JSON:
			a->json = true;
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
			return firn_usage("scrub", NULL);
		}
	}
	if (optind + 1 != argc)
		return firn_usage("scrub", optind < argc ? "one store only" : "which store?");
	a->store = argv[optind];
	return 0;
}

static int step(struct target *t, bool restart, struct scrub_progress *p)
{
	struct control_scrub c = {.bytes = STEP_BYTES, .restart = restart};
	int rc;

	if (t->vol)
		return scrub_step(t->vol, STEP_BYTES, restart, p);
	rc = target_control(t, CONTROL_SCRUB, &c);
	*p = c.progress;
	return rc;
}

/* Waits until `bytes` since the start are no more than the rate allows. */
static void rate_keep(const struct scrub_arguments *a, const struct timespec *start, uint64_t bytes)
{
	struct timespec now, left;
	double ahead;

	if (!a->rate)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ahead = (double)bytes / ((double)a->rate * 1e6) - (double)(now.tv_sec - start->tv_sec) -
		1e-9 * (double)(now.tv_nsec - start->tv_nsec);
	if (ahead <= 0)
		return;
	left.tv_sec = (time_t)ahead;
	left.tv_nsec = (long)((ahead - (double)left.tv_sec) * 1e9);
	nanosleep(&left, NULL); /* a signal ends it early, and the run */
}

static int scrub_all(struct target *t, const struct scrub_arguments *a, struct scrub_progress *p)
{
	struct timespec start;
	struct progress bar;
	uint64_t before;
	bool first = true;
	char size[PROGRESS_SIZE];
	int rc;

	progress_catch_signals();
	progress_init(&bar, "scrub", a->progress);
	bar.on = bar.on && !a->quiet;
	clock_gettime(CLOCK_MONOTONIC, &start);
	before = 0;
	do {
		rc = step(t, first && a->restart, p);
		if (first)
			before = p->bytes;
		first = false;
		if (rc == 0 && !p->ended) {
			progress_update(&bar, p->end ? (double)p->next / (double)p->end : 0, progress_size(size, (double)p->bytes));
			rate_keep(a, &start, p->bytes > before ? p->bytes - before : 0);
		}
	} while (rc == 0 && !p->ended && !progress_interrupted());
	progress_end(&bar, NULL);
	return rc == 0 && !p->ended ? -EINTR : rc;
}

static void damaged_show(void *arg, const char *path)
{
	struct json *j = arg;

	if (j)
		json_string(j, NULL, path);
	else
		printf("damaged: %s\n", path);
}

static void scrub_json(struct json *j, const struct scrub_progress *p)
{
	json_number(j, "extents", p->extents);
	json_number(j, "bytes", p->bytes);
	json_number(j, "damaged", p->damaged);
	json_number(j, "healed", p->healed);
	json_number(j, "models_mended", p->models);
	json_number(j, "models_lost", p->models_lost);
	json_array(j, "files");
}

static int scrub_report(struct target *t, const struct scrub_arguments *a, const struct scrub_progress *p)
{
	char size[PROGRESS_SIZE];
	struct json j;
	int rc = 0;

	if (a->json) {
		json_begin(&j, stdout);
		scrub_json(&j, p);
	}
	if (p->damaged)
		rc = damaged_files(t, damaged_show, a->json ? &j : NULL);
	if (a->json) {
		json_end(&j);
		json_end(&j);
	} else if (!a->quiet || p->damaged || p->models_lost) {
		printf("%" PRIu64 " records (%s) read: %" PRIu64 " damaged", p->extents, progress_size(size, (double)p->bytes),
		       p->damaged);
		if (p->healed)
			printf(", %" PRIu64 " read well again", p->healed);
		if (p->models)
			printf("; %" PRIu64 " model%s mended from the parity", p->models, firn_plural(p->models));
		if (p->models_lost)
			printf("; %" PRIu64 " model%s lost", p->models_lost, firn_plural(p->models_lost));
		putchar('\n');
	}
	if (rc < 0)
		return target_fail(t, rc);
	return p->damaged || p->models_lost ? EXIT_FAILURE : EXIT_SUCCESS;
}

int firn_scrub(int argc, char **argv)
{
	struct scrub_arguments a = {0};
	struct scrub_progress p = {0};
	struct target t;
	int rc, status = scrub_parse(argc, argv, &a);

	if (status)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	status = target_open("scrub", a.store, false, &t);
	if (status)
		return status;
	rc = t.vol ? 0 : target_sync(&t);
	if (rc == 0)
		rc = scrub_all(&t, &a, &p);
	if (rc == -EINTR) {
		fprintf(stderr, "firn scrub: %s: interrupted; the next run goes on from there\n", a.store);
		status = EXIT_INTERRUPTED;
	} else {
		status = rc < 0 ? target_fail(&t, rc) : scrub_report(&t, &a, &p);
	}
	return target_close(&t, status);
}
