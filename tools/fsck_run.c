/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run of fsck.firn: a check that only lists, one that mends, and one that shows that it did.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/store/volume_open.h"
#include <string.h>

#include "tools/fsck.h"

/* What the second check is to do with each problem. */
enum choice { CHOICE_NONE, CHOICE_SAFE, CHOICE_ALL, CHOICE_EACH };

struct run {
	const struct fsck *f;
	struct progress bar;
	struct json json;
	enum choice choice;
	bool listing;     /* the first check: says what it finds */
	char **lost;      /* paths of what is damaged, each once  */
	size_t n_lost;
	uint64_t notes, problems, unsafe;
};

static void bar_clear(struct run *run)
{
	if (run->bar.on && run->bar.terminal)
		fputs("\r\033[K", stderr);
}

static void lost_add(struct run *run, const struct check_problem *p)
{
	char **grown;

	if ((check_table[p->code].severity != CHECK_LOSS && p->code != CHECK_EXTENT_KNOWN) || !p->path[0] ||
	    (run->n_lost && strcmp(run->lost[run->n_lost - 1], p->path) == 0))
		return;
	grown = realloc(run->lost, (run->n_lost + 1) * sizeof *grown);
	if (!grown)
		return;
	run->lost = grown;
	run->lost[run->n_lost] = strdup(p->path);
	run->n_lost += run->lost[run->n_lost] != NULL;
}

static void problem_json(struct run *run, const struct check_problem *p, const char *text, const char *action)
{
	static const char *const severities[] = { "note", "minor", "error", "loss" };
	const struct check_entry *entry = &check_table[p->code];

	json_object(&run->json, NULL);
	json_string(&run->json, "code", entry->name);
	json_string(&run->json, "severity", severities[entry->severity]);
	json_string(&run->json, "text", text);
	if (action[0])
		json_string(&run->json, "action", action);
	if (p->ino)
		json_number(&run->json, "inode", p->ino);
	if (p->path[0])
		json_string(&run->json, "path", p->path);
	if (p->extent) {
		json_number(&run->json, "chunk", p->chunk);
		json_number(&run->json, "extent", p->extent);
	}
	if (p->segment)
		json_number(&run->json, "segment", p->segment);
	json_end(&run->json);
}

static void problem_list(struct run *run, const struct check_problem *p)
{
	const struct check_entry *entry = &check_table[p->code];
	char text[6000], action[400];

	check_text(p, text, sizeof text);
	check_action(p, action, sizeof action);
	run->notes += entry->severity == CHECK_NOTE;
	run->problems += entry->severity != CHECK_NOTE;
	run->unsafe += entry->severity != CHECK_NOTE && !entry->safe;
	lost_add(run, p);
	if (run->f->json) {
		problem_json(run, p, text, action);
		return;
	}
	if (entry->severity == CHECK_NOTE && run->f->quiet)
		return;
	bar_clear(run);
	printf("%s%s%s%s\n", entry->severity == CHECK_NOTE ? "note: " : "", text, action[0] ? ": " : "", action);
	fflush(stdout);
}

/* 'y', 'n', 'a' or 'q' from the terminal; its end is 'q'. */
static int answer(const char *question, const char *allowed)
{
	char line[64];

	do {
		printf("%s ", question);
		fflush(stdout);
		if (!fgets(line, sizeof line, stdin))
			return 'q';
	} while (!line[0] || !strchr(allowed, line[0]));
	return line[0];
}

static int problem_ask(struct run *run, const struct check_problem *p)
{
	char text[6000], action[400];
	int c;

	check_text(p, text, sizeof text);
	check_action(p, action, sizeof action);
	bar_clear(run);
	printf("%s: %s\n", text, action);
	c = answer("[y]es, [n]o, [a]ll, [q]uit?", "ynaq");
	if (c == 'a')
		run->choice = CHOICE_ALL;
	return c == 'q' ? -EINTR : c != 'n';
}

static int on_problem(void *arg, const struct check_problem *p)
{
	const struct check_entry *entry = &check_table[p->code];
	struct run *run = arg;

	if (run->listing) {
		problem_list(run, p);
		return 1;
	}
	if (entry->severity == CHECK_NOTE)
		return 0;
	switch (run->choice) {
	case CHOICE_ALL:
		return 1;
	case CHOICE_SAFE:
		return entry->safe;
	case CHOICE_EACH:
		return problem_ask(run, p);
	case CHOICE_NONE:
		break;
	}
	return 0;
}

static int on_progress(void *arg, const struct check_progress *p)
{
	double part = p->total ? (double)p->done / (double)p->total : 0;
	struct run *run = arg;

	progress_update(&run->bar, p->passes ? (p->number - 1 + (part > 1 ? 1 : part)) / p->passes : part, p->pass);
	return progress_interrupted();
}

static int check(struct run *run, bool repair, const char *what, struct check_result *res)
{
	struct check_options opt = {
		.repair = repair, .data = run->f->data, .rebuild = run->f->rebuild && (repair || run->listing),
		.problem = on_problem, .progress = on_progress, .arg = run,
	};
	struct volume_error err = { "" };
	int r;

	progress_init(&run->bar, what, run->f->progress);
	r = check_store(run->f->store, &opt, res, &err);
	bar_clear(run);
	if (r == 0)
		return FSCK_OK;
	if (r == -EINTR) {
		fprintf(stderr, "fsck.firn: %s: interrupted%s\n", run->f->store, repair ? "; nothing is changed" : "");
		return FSCK_CANCELLED;
	}
	fprintf(stderr, "fsck.firn: %s: %s\n", run->f->store, err.text[0] ? err.text : strerror(-r));
	return FSCK_FAILED;
}

static void choose(struct run *run)
{
	int c;

	switch (run->f->mode) {
	case FSCK_LIST:
		run->choice = CHOICE_NONE;
		break;
	case FSCK_PREEN:
		run->choice = CHOICE_SAFE;
		break;
	case FSCK_REPAIR:
		run->choice = CHOICE_ALL;
		break;
	case FSCK_ASK:
		c = answer("Mend [a]ll of this, [n]othing, or [e]ach after a question?", "aneq");
		run->choice = c == 'a' ? CHOICE_ALL : c == 'e' ? CHOICE_EACH : CHOICE_NONE;
		break;
	}
}

/* Mends, and looks whether that was all: exit status; *left as the last check finds it. */
static int mend(struct run *run, struct check_result *last)
{
	struct check_result res;
	int status;

	run->listing = false;
	choose(run);
	if (run->choice == CHOICE_NONE || (run->choice == CHOICE_SAFE && run->unsafe == run->problems))
		return FSCK_LEFT;
	status = check(run, true, "mend", &res);
	if (status)
		return status;
	run->choice = CHOICE_NONE;
	status = check(run, false, "check again", last);
	if (status)
		return status;
	status = res.changed ? FSCK_CORRECTED : FSCK_OK;
	return last->problems ? status | FSCK_LEFT : status;
}

static void totals(struct run *run, const struct check_result *first, const struct check_result *last, int status)
{
	if (run->f->json) {
		json_end(&run->json);
		json_array(&run->json, "affected");
		for (size_t i = 0; i < run->n_lost; i++)
			json_string(&run->json, NULL, run->lost[i]);
		json_end(&run->json);
		json_number(&run->json, "notes", run->notes);
		json_number(&run->json, "problems", run->problems);
		json_number(&run->json, "left", last->problems);
		json_number(&run->json, "inodes", last->inodes);
		json_number(&run->json, "extents", last->extents);
		json_number(&run->json, "segments", last->segments);
		json_number(&run->json, "models", last->models);
		json_number(&run->json, "status", (uint64_t)status);
		json_end(&run->json);
		return;
	}
	for (size_t i = 0; i < run->n_lost; i++)
		printf("affected: %s\n", run->lost[i]);
	if (run->problems && status & FSCK_CORRECTED)
		printf("%s: %" PRIu64 " problem%s mended, %" PRIu64 " left\n", run->f->store, first->problems,
		       first->problems == 1 ? "" : "s", last->problems);
	else if (run->problems)
		printf("%s: %" PRIu64 " problem%s, nothing changed\n", run->f->store, run->problems,
		       run->problems == 1 ? "" : "s");
	else if (!run->f->quiet && status == FSCK_OK)
		printf("%s: clean: %" PRIu64 " inodes, %" PRIu64 " extents, %" PRIu64 " segments, %" PRIu64 " models\n",
		       run->f->store, first->inodes, first->extents, first->segments, first->models);
}

int fsck_run(const struct fsck *f)
{
	struct run run = { .f = f, .listing = true };
	struct check_result first, last;
	int status;

	if (f->json) {
		json_begin(&run.json, stdout);
		json_string(&run.json, "store", f->store);
		json_array(&run.json, "problems");
	}
	status = check(&run, false, "check", &first);
	last = first;
	if (status == FSCK_OK && first.problems)
		status = mend(&run, &last);
	totals(&run, &first, &last, status);
	for (size_t i = 0; i < run.n_lost; i++)
		free(run.lost[i]);
	free(run.lost);
	return status;
}
