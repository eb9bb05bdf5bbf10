/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn export: the contents of a store that is not mounted as a tar archive.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/firn.h"
#include "tools/progress.h"
#include "tools/tar_export.h"
#include "tools/tar_report.h"
#include "tools/target.h"

static const char help[] =
	"Usage: firn export [OPTION...] STORE [PATH...] > FILE.tar\n"
	"Writes what a store that is not mounted holds, or what lies below some PATHs\n"
	"in it, as a tar archive: the same bytes whenever the contents are the same.\n\n"
	"  -o, --output=FILE    write to FILE, not to standard output\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but errors\n"
	"  -h, --help           this text\n";

struct export_arguments {
	const char *output, *store;
	bool progress, quiet, help;
	char **paths;
	int paths_n;
};

struct export_run {
	struct progress bar;
	uint64_t names; /* in the whole store */
	bool quiet;
};

enum { PROGRESS = 256 };

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'}, {"progress", no_argument, NULL, PROGRESS},
	{"quiet", no_argument, NULL, 'q'},        {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* 0, or the exit status of a usage error. */
static int export_parse(int argc, char **argv, struct export_arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "o:qh", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			a->output = optarg;
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
			return firn_usage("export", NULL);
		}
	}
	if (optind == argc)
		return firn_usage("export", "which store?");
	if (!a->output && isatty(STDOUT_FILENO))
		return firn_usage("export", "an archive is nothing for a terminal: give it a FILE");
	a->store = argv[optind];
	a->paths = argv + optind + 1;
	a->paths_n = argc - optind - 1;
	return 0;
}

static void export_say(void *arg, const char *path, const char *why, bool problem)
{
	const struct export_run *run = arg;

	if (problem || !run->quiet)
		tar_report_print("firn export", path, why);
}

static int export_progress(void *arg, const struct tar_counts *counts)
{
	struct export_run *run = arg;
	char size[PROGRESS_SIZE];

	progress_update(&run->bar, run->names ? (double)counts->names / (double)run->names : 0,
			progress_size(size, (double)counts->bytes));
	return progress_interrupted();
}

/* What was written is on the disk. A pipe has none. */
static int output_close(int fd, bool own)
{
	int r = fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;

	if (own && close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int export_all(struct target *t, const struct export_arguments *a, int fd)
{
	struct export_run run = {.names = t->vol->counters.inodes, .quiet = a->quiet};
	const struct tar_report report = {.say = export_say, .progress = export_progress, .arg = &run};
	const char *where = a->output ? a->output : "standard output";
	struct tar_counts counts;
	int r, last;

	progress_catch_signals();
	progress_init(&run.bar, "export", a->progress);
	run.bar.on = run.bar.on && !a->quiet;
	r = tar_export(t->vol, fd, a->paths, a->paths_n, &report, &counts);
	progress_end(&run.bar, NULL);
	last = output_close(fd, a->output);
	r = r ? r : last;
	if (r == -EINTR) {
		fprintf(stderr, "firn export: %s: interrupted: the archive is not whole\n", where);
		return EXIT_INTERRUPTED;
	}
	if (r)
		return firn_fail("export", where, r);
	return counts.problems ? EXIT_FAILURE : EXIT_SUCCESS;
}

int firn_export(int argc, char **argv)
{
	struct export_arguments a = {0};
	struct target t;
	int status = export_parse(argc, argv, &a), fd = STDOUT_FILENO;

	if (status)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	status = target_open("export", a.store, true, &t);
	if (status)
		return status;
	if (!t.vol) {
		fprintf(stderr, "firn export: %s: mounted: tar --xattrs --acls --sparse -C DIR -c . reads it there\n", a.store);
		return target_close(&t, EXIT_FAILURE);
	}
	if (a.output)
		fd = open(a.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	status = fd < 0 ? firn_fail("export", a.output, -errno) : export_all(&t, &a, fd);
	return target_close(&t, status);
}
