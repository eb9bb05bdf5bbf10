/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn import: a tar archive into a store that is not mounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/firn.h"
#include "tools/progress.h"
#include "tools/tar_import.h"
#include "tools/tar_report.h"
#include "tools/target.h"

static const char help[] =
	"Usage: firn import [OPTION...] STORE [DIR-IN-STORE] < FILE.tar\n"
	"Puts what a tar archive, compressed or not, holds into a store that is not\n"
	"mounted, below its root or a directory in it. What has the same name is replaced.\n\n"
	"  -i, --input=FILE     read FILE, not standard input\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but errors\n"
	"  -h, --help           this text\n";

struct import_arguments {
	const char *input, *store, *dir;
	bool progress, quiet, help;
};

struct import_run {
	struct progress bar;
	int64_t size; /* of the archive, 0 not known */
};

enum { PROGRESS = 256 };

static const struct option options[] = {
	{"input", required_argument, NULL, 'i'}, {"progress", no_argument, NULL, PROGRESS},
	{"quiet", no_argument, NULL, 'q'},       {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* 0, or the exit status of a usage error. */
static int import_parse(int argc, char **argv, struct import_arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "i:qh", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			a->input = optarg;
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
			return firn_usage("import", NULL);
		}
	}
	if (optind == argc || optind + 2 < argc)
		return firn_usage("import", optind < argc ? "one directory only" : "which store?");
	if (!a->input && isatty(STDIN_FILENO))
		return firn_usage("import", "no archive comes from a terminal: give it a FILE");
	a->store = argv[optind];
	a->dir = optind + 1 < argc ? argv[optind + 1] : "/";
	return 0;
}

static void import_say(void *arg, const char *path, const char *why, bool problem)
{
	(void)arg;
	(void)problem;
	tar_report_print("firn import", path, why);
}

static int import_progress(void *arg, const struct tar_counts *counts)
{
	struct import_run *run = arg;
	char size[PROGRESS_SIZE];

	progress_update(&run->bar, run->size > 0 ? (double)counts->stream / (double)run->size : 0,
			progress_size(size, (double)counts->bytes));
	return progress_interrupted();
}

static int import_all(struct target *t, const struct import_arguments *a, int fd)
{
	struct import_run run = {.size = 0};
	const struct tar_report report = {.say = import_say, .progress = import_progress, .arg = &run};
	struct tar_counts counts;
	char size[PROGRESS_SIZE];
	struct stat st;
	int r;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		run.size = st.st_size;
	progress_catch_signals();
	progress_init(&run.bar, "import", a->progress);
	run.bar.on = run.bar.on && !a->quiet;
	r = tar_import(t->vol, fd, a->dir, &report, &counts);
	progress_end(&run.bar, NULL);
	if (r)
		return firn_fail("import", r == -ENOENT || r == -ENOTDIR || r == -EINVAL ? a->dir : a->store, r);
	if (!a->quiet)
		printf("%" PRIu64 " name%s, %s; %" PRIu64 " problem%s\n", counts.names, firn_plural(counts.names),
		       progress_size(size, (double)counts.bytes), counts.problems, firn_plural(counts.problems));
	return counts.problems ? EXIT_FAILURE : EXIT_SUCCESS;
}

int firn_import(int argc, char **argv)
{
	struct import_arguments a = {0};
	struct target t;
	int status = import_parse(argc, argv, &a), fd = STDIN_FILENO;

	if (status)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (a.input)
		fd = open(a.input, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return firn_fail("import", a.input, -errno);
	status = target_open("import", a.store, false, &t);
	if (status == EXIT_SUCCESS && !t.vol) {
		fprintf(stderr, "firn import: %s: mounted: tar --xattrs --acls -C DIR -x writes to it there\n", a.store);
		status = target_close(&t, EXIT_FAILURE);
	} else if (status == EXIT_SUCCESS) {
		status = target_close(&t, import_all(&t, &a, fd));
	}
	if (a.input)
		close(fd);
	return status;
}
