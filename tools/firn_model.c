/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn model list: the models of a store.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/models.h"
#include "tools/firn.h"
#include "tools/progress.h"

static const char help[] =
	"Usage: firn model list STORE\n"
	"Lists the models of a store: number, kind, state, bytes on disk (both copies), date, and the start of their hash.\n\n"
	"  -h, --help           this text\n";

static void model_line(const struct model_info *m)
{
	static const char *const kinds[] = {"?", "zstd-dict", "neural"};
	static const char *const states[] = {"candidate", "active", "retired"};
	time_t created = (time_t)(m->created / 1000000000);
	char date[32] = "?", size[PROGRESS_SIZE];
	struct tm tm;

	if (localtime_r(&created, &tm))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
	printf("%5u  %-9s  %-9s %11s  %s  %02x%02x%02x%02x\n", m->number, kinds[m->kind < 3 ? m->kind : 0],
	       m->state < 3 ? states[m->state] : "?", progress_size(size, (double)m->stored), date, m->hash[0], m->hash[1],
	       m->hash[2], m->hash[3]);
}

int firn_model(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct model_info *list;
	struct volume *vol;
	const char *store;
	size_t n;
	int c, rc, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			return firn_usage("model", NULL);
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (optind + 2 != argc || strcmp(argv[optind], "list") != 0)
		return firn_usage("model", "what to do? (list STORE)");
	store = argv[optind + 1];
	status = firn_open("model", store, true, &vol);
	if (status != EXIT_SUCCESS)
		return status;
	rc = models_list(vol, &list, &n);
	if (rc < 0)
		status = firn_fail("model", store, rc);
	for (size_t i = 0; rc == 0 && i < n; i++)
		model_line(&list[i]);
	if (rc == 0)
		free(list);
	return firn_close("model", store, vol, status);
}
