/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn model: lists the models of a store with what they cost and save, and removes those that nothing refers to.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/data/commit.h"
#include "fs/extent/models.h"
#include "tools/firn.h"
#include "tools/json.h"
#include "tools/model_saves.h"
#include "tools/progress.h"
#include "tools/train_target.h"

static const char help[] =
	"Usage: firn model list [--json] STORE|DIR\n"
	"       firn model rm STORE|DIR NUMBER...\n"
	"list: number, kind, state, shape, bytes on disk with parity, records that need it,\n"
	"their bytes before and after, bytes saved (~: estimated), date, hash.\n"
	"rm: removes models that nothing refers to any more.\n\n"
	"      --json           list: one JSON object\n"
	"  -h, --help           this text\n";

static const char *const kinds[] = {"?", "zstd-dict", "neural"};
static const char *const states[] = {"candidate", "active", "retired"};

struct models {
	struct model_info *list;
	struct model_saves *saves;
	size_t n;
};

static void model_shape(const struct model_info *m, char *out, size_t cap)
{
	char dict[PROGRESS_SIZE];

	if (m->hidden > 0)
		snprintf(out, cap, "%ux%u+%s", m->contexts, m->hidden, progress_size(dict, m->dict_bytes));
	else
		snprintf(out, cap, "-");
	for (char *p = out; *p; p++) /* one word */
		*p = *p == ' ' ? '_' : *p;
}

static void model_date(const struct model_info *m, char *out, size_t cap)
{
	time_t created = (time_t)(m->created / 1000000000);
	struct tm tm;

	if (!localtime_r(&created, &tm) || strftime(out, cap, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, cap, "?");
}

static void model_line(const struct model_info *m, const struct model_saves *s)
{
	char date[32], shape[64], cost[PROGRESS_SIZE], plain[PROGRESS_SIZE], stored[PROGRESS_SIZE], saved[PROGRESS_SIZE];
	double net = s->saved - (double)m->stored;

	model_shape(m, shape, sizeof shape);
	model_date(m, date, sizeof date);
	progress_size(saved, net < 0 ? -net : net);
	printf("%5u  %-9s  %-9s %-18s %11s %8" PRIu64 " %11s %11s %c%s%s  %s  %02x%02x%02x%02x\n", m->number, kinds[m->kind < 3 ? m->kind : 0],
	       m->state < 3 ? states[m->state] : "?", shape, progress_size(cost, (double)m->stored), s->records,
	       progress_size(plain, (double)s->plain), progress_size(stored, (double)s->stored), net < 0 ? '-' : '+', saved,
	       s->measured < s->records ? "~" : "", date, m->hash[0], m->hash[1], m->hash[2], m->hash[3]);
}

static void models_table(const struct models *m)
{
	for (size_t i = 0; i < m->n; i++)
		model_line(&m->list[i], &m->saves[i]);
}

static void models_json(const struct models *m)
{
	struct json j;

	json_begin(&j, stdout);
	json_array(&j, "models");
	for (size_t i = 0; i < m->n; i++) {
		const struct model_info *info = &m->list[i];
		const struct model_saves *s = &m->saves[i];

		json_object(&j, NULL);
		json_number(&j, "number", info->number);
		json_string(&j, "kind", kinds[info->kind < 3 ? info->kind : 0]);
		json_string(&j, "state", info->state < 3 ? states[info->state] : "?");
		json_number(&j, "contexts", info->contexts);
		json_number(&j, "hidden", info->hidden);
		json_number(&j, "dictionary_bytes", info->dict_bytes);
		json_number(&j, "stored_bytes", info->stored);
		json_number(&j, "records", s->records);
		json_number(&j, "records_plain_bytes", s->plain);
		json_number(&j, "records_stored_bytes", s->stored);
		json_number(&j, "measured_records", s->measured);
		json_ratio(&j, "saved_bytes", s->saved - (double)info->stored);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
}

static int models_append_page(struct models *m, const struct model_info *more, size_t n)
{
	struct model_info *grown = realloc(m->list, (m->n + n + 1) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	m->list = grown;
	memcpy(grown + m->n, more, n * sizeof *more);
	m->n += n;
	return 0;
}

static int models_ask(const struct target *t, struct models *m)
{
	struct control_models c = {.from = 0};
	int rc;

	do {
		rc = target_control(t, CONTROL_MODELS, &c);
		if (rc == 0)
			rc = c.count <= CONTROL_MODELS_MAX ? models_append_page(m, c.list, c.count) : -EPROTO;
	} while (rc == 0 && c.from > 0);
	return rc;
}

static int models_collect(struct target *t, struct models *m)
{
	struct sample_source source = train_source(t);
	int rc;

	if (!t->vol) {
		rc = target_sync(t);
		if (rc == 0)
			rc = models_ask(t, m);
	} else {
		rc = models_list(t->vol, &m->list, &m->n);
		for (size_t i = 0; rc == 0 && i < m->n; i++)
			(void)models_describe(t->vol, &m->list[i]); /* one that is damaged is listed without */
	}
	m->saves = calloc(m->n + 1, sizeof *m->saves);
	if (rc == 0 && !m->saves)
		rc = -ENOMEM;
	return rc < 0 ? rc : model_saves(&source, m->list, m->n, m->saves);
}

static int models_show(struct target *t, bool json)
{
	struct models m = {0};
	int rc, status = EXIT_SUCCESS;

	progress_catch_signals();
	rc = models_collect(t, &m);
	if (rc < 0)
		status = t->vol ? firn_fail("model", t->path, rc) : target_fail(t, rc);
	else if (json)
		models_json(&m);
	else
		models_table(&m);
	free(m.list);
	free(m.saves);
	return status;
}

static int model_refused(const struct target *t, unsigned long number, int rc)
{
	const char *why = rc == -EBUSY ? "still needed by what it packed; 'firn compact --now' packs that anew if a newer one is denser"
		: rc == -ENOENT        ? "there is none with this number"
		: rc == -EAGAIN        ? "a compaction is under way"
				       : NULL;

	if (!why)
		return t->vol ? firn_fail("model", t->path, rc) : target_fail(t, rc);
	fprintf(stderr, "firn model: %s: model %lu: %s\n", t->path, number, why);
	return EXIT_FAILURE;
}

static int model_remove(struct target *t, unsigned long number)
{
	struct control_model_rm c = {.number = (uint32_t)number};
	int rc;

	if (!t->vol) {
		rc = target_control(t, CONTROL_MODEL_RM, &c);
	} else {
		rc = models_rm(t->vol, (uint16_t)number);
		if (rc == 0)
			rc = volume_commit(t->vol);
	}
	return rc < 0 ? model_refused(t, number, rc) : EXIT_SUCCESS;
}

static int models_remove(struct target *t, char **numbers)
{
	int status = EXIT_SUCCESS;

	for (; *numbers && status == EXIT_SUCCESS; numbers++) {
		unsigned long number;

		status = firn_number("model", "NUMBER", *numbers, 1, UINT16_MAX, &number) ? model_remove(t, number) : EXIT_USAGE;
	}
	return status;
}

int firn_model(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct target t;
	bool json = false, list, rm;
	int c, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (c != 'j')
			return firn_usage("model", NULL);
		json = true;
	}
	list = optind + 2 == argc && strcmp(argv[optind], "list") == 0;
	rm = optind + 3 <= argc && strcmp(argv[optind], "rm") == 0 && !json;
	if (!list && !rm)
		return firn_usage("model", "what to do? (list STORE, or rm STORE NUMBER)");
	status = target_open("model", argv[optind + 1], list, &t);
	if (status != EXIT_SUCCESS)
		return status;
	return target_close(&t, list ? models_show(&t, json) : models_remove(&t, argv + optind + 2));
}
