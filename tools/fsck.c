/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsck.firn: checks a store and mends it, with the options and exit codes of fsck(8).
 */
#include "tools/fsck.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_JSON = 256, OPT_REBUILD, OPT_PROGRESS };

static int usage(const char *complaint, const char *arg)
{
	fprintf(stderr, "fsck.firn: %s%s; try fsck.firn --help\n", complaint, arg);
	return FSCK_USAGE;
}

static int help(void)
{
	puts("usage: fsck.firn [-n | -p | -y] [OPTION...] STORE\n"
	     "Checks a firn store that is not mounted, and mends it. First all that is wrong is listed, with what will be done.\n\n"
	     "  -n, --no-action     only list it: nothing is changed\n"
	     "  -p, --preen         mend what can be mended without loss (also -a)\n"
	     "  -y, --repair        mend everything; what is taken out is kept in STORE/lost and lost+found\n"
	     "                      without any of these it asks\n"
	     "      --data          read and decode all data, not the headers of records alone\n"
	     "      --rebuild       make a new index from the segments, whatever the old one is like\n"
	     "      --json          the findings as one JSON object\n"
	     "      --progress      show progress even when standard error is not a terminal\n"
	     "  -f, --force         nothing: the check is always a full one\n"
	     "  -q, --quiet         print only what is wrong\n"
	     "  -h, --help          show this help\n"
	     "  -V, --version       show the version");
	return FSCK_OK;
}

static int mode_set(struct fsck *f, enum fsck_mode mode)
{
	if (f->mode != FSCK_ASK && f->mode != mode)
		return usage("only one of -n, -p and -y", "");
	f->mode = mode;
	return -1;
}

static int option(int c, char **argv, struct fsck *f)
{
	switch (c) {
	case 'n':
		return mode_set(f, FSCK_LIST);
	case 'p':
	case 'a':
		return mode_set(f, FSCK_PREEN);
	case 'y':
		return mode_set(f, FSCK_REPAIR);
	case OPT_JSON:
		f->json = true;
		return -1;
	case 'd':
		f->data = true;
		return -1;
	case OPT_REBUILD:
		f->rebuild = true;
		return -1;
	case OPT_PROGRESS:
		f->progress = true;
		return -1;
	case 'q':
		f->quiet = true;
		return -1;
	case 'f':
		return -1;
	case 'h':
		return help();
	case 'V':
		puts(PACKAGE_STRING);
		return FSCK_OK;
	default:
		return usage("unknown option ", argv[optind - 1]);
	}
}

/* Exit status, or -1 to go on. */
static int arguments(int argc, char **argv, struct fsck *f)
{
	static const struct option longs[] = {
		{ "no-action", no_argument, NULL, 'n' }, { "preen", no_argument, NULL, 'p' },
		{ "repair", no_argument, NULL, 'y' }, { "data", no_argument, NULL, 'd' },
		{ "rebuild", no_argument, NULL, OPT_REBUILD }, { "json", no_argument, NULL, OPT_JSON },
		{ "progress", no_argument, NULL, OPT_PROGRESS }, { "force", no_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { 0 },
	};
	int c, r = -1;

	opterr = 0;
	while (r < 0 && (c = getopt_long(argc, argv, ":npayfqhV", longs, NULL)) != -1)
		r = option(c, argv, f);
	if (r >= 0)
		return r;
	if (optind + 1 != argc)
		return usage(optind < argc ? "more than one STORE" : "no STORE", "");
	f->store = argv[optind];
	if (f->mode == FSCK_ASK && (f->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		fprintf(stderr, "fsck.firn: %s: without a terminal to ask at, say -n, -p or -y\n", f->store);
		return FSCK_FAILED;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct fsck f = { .mode = FSCK_ASK };
	int r = arguments(argc, argv, &f);

	if (r >= 0)
		return r;
	progress_catch_signals();
	r = fsck_run(&f);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "fsck.firn: standard output: %s\n", strerror(errno));
		r |= FSCK_FAILED;
	}
	return r;
}
