/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn model list: the models of a store.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/tiers/models.h"
#include "tools/firn.h"
#include "tools/progress.h"
#include "tools/target.h"

static const char help[] =
	"Usage: firn model list STORE|DIR\n"
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

static int models_show(struct volume *vol)
{
	struct model_info *list;
	size_t n;
	int rc = models_list(vol, &list, &n);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		model_line(&list[i]);
	free(list);
	return 0;
}

static int models_show_mounted(const struct target *t)
{
	struct control_models c = {.from = 0};
	int rc;

	do {
		rc = target_control(t, CONTROL_MODELS, &c);
		for (uint32_t i = 0; rc == 0 && i < c.count && i < CONTROL_MODELS_MAX; i++)
			model_line(&c.list[i]);
	} while (rc == 0 && c.from > 0);
	return rc;
}

int firn_model(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct target t;
	int c, rc, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			return firn_usage("model", NULL);
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	if (optind + 2 != argc || strcmp(argv[optind], "list") != 0)
		return firn_usage("model", "what to do? (list STORE)");
	status = target_open("model", argv[optind + 1], true, &t);
	if (status != EXIT_SUCCESS)
		return status;
	rc = t.vol ? models_show(t.vol) : models_show_mounted(&t);
	if (rc < 0)
		status = t.vol ? firn_fail("model", t.path, rc) : target_fail(&t, rc);
	return target_close(&t, status);
}
