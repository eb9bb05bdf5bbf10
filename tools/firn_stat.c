/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn stat: what a store holds and what it costs, as a table or as JSON.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/stat.h"
#include "tools/damaged.h"
#include "tools/firn.h"
#include "tools/firn_stat_by.h"
#include "tools/json.h"
#include "tools/progress.h"
#include "tools/target.h"

static const char help[] =
	"Usage: firn stat [OPTION...] STORE|DIR\n"
	"Says what a store, mounted or not, holds and what it costs on disk.\n\n"
	"      --by=WHAT        what the files below DIR take, divided by dir, type, tier or age\n"
	"      --json           the figures as one JSON object, in bytes\n"
	"  -h, --help           this text\n";

static double stat_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void stat_line(const char *name, const struct stat_codec *c)
{
	char plain[PROGRESS_SIZE], stored[PROGRESS_SIZE];

	printf("  %-10s %10" PRIu64 " %10" PRIu64 " %11s %11s %7.1f%%\n", name, c->extents, c->groups,
	       progress_size(plain, (double)c->plain), progress_size(stored, (double)c->stored),
	       100 * stat_share(c->stored, c->plain));
}

static void stat_size(const char *name, uint64_t bytes)
{
	char buf[PROGRESS_SIZE];

	printf("  %-10s %10s %10s %11s %11s\n", name, "", "", "", progress_size(buf, (double)bytes));
}

static void stat_table(const struct control_stat *c)
{
	const struct store_stat *s = &c->stat;
	uint64_t more;
	char buf[PROGRESS_SIZE];

	printf("%" PRIu64 " files, %" PRIu64 " directories, %" PRIu64 " symlinks, %" PRIu64 " others; %s in files\n\n",
	       s->files, s->directories, s->symlinks, s->others, progress_size(buf, (double)s->file_bytes));
	if (c->policy[0])
		printf("  tier policy of the store: %s\n\n", c->policy);
	printf("  %-10s %10s %10s %11s %11s %8s\n", "tier", "extents", "groups", "plain", "stored", "ratio");
	stat_line("hot", &s->hot);
	stat_line("warm", &s->warm);
	stat_line("cold", &s->cold);
	printf("\n  %-10s %10s %10s %11s %11s %8s\n", "codec", "extents", "groups", "plain", "stored", "ratio");
	for (unsigned i = 0; i < CODEC_COUNT; i++)
		stat_line(codec_name(i), &s->codec[i]);
	printf("\n  %-10s %10s %10s %11s %11s %8s\n", "cost", "", "", "plain", "on disk", "ratio");
	stat_size("index", s->index_bytes);
	stat_size("models", s->model_bytes);
	stat_size("garbage", s->garbage_bytes);
	stat_size("segments", s->segment_bytes);
	printf("  %-10s %10s %10s %11s", "store", "", "", progress_size(buf, (double)s->file_bytes));
	printf(" %11s %7.1f%%\n", progress_size(buf, (double)s->store_bytes),
	       100 * stat_share(s->store_bytes, s->file_bytes));
	if (s->packable.plain > 0 && stat_would_save(s, &more))
		printf("\nPacking all of it to the cold tier would save about %s more (estimated from what is cold).\n", progress_size(buf, (double)more));
	if (s->damaged)
		printf("\n%" PRIu64 " extent%s cannot be read, of these files:\n", s->damaged, firn_plural(s->damaged));
}

static void stat_json_codec(struct json *j, const char *name, const struct stat_codec *c)
{
	json_object(j, name);
	json_number(j, "extents", c->extents);
	json_number(j, "groups", c->groups);
	json_number(j, "plain_bytes", c->plain);
	json_number(j, "stored_bytes", c->stored);
	json_end(j);
}

static void stat_json(struct json *j, const struct control_stat *c)
{
	const struct store_stat *s = &c->stat;
	uint64_t more;

	json_begin(j, stdout);
	json_string(j, "label", c->label);
	json_number(j, "chunk_size", c->chunk_size);
	json_string(j, "policy", c->policy);
	json_number(j, "files", s->files);
	json_number(j, "directories", s->directories);
	json_number(j, "symlinks", s->symlinks);
	json_number(j, "others", s->others);
	json_number(j, "file_bytes", s->file_bytes);
	json_number(j, "mapped_bytes", s->mapped_bytes);
	json_object(j, "tiers");
	stat_json_codec(j, "hot", &s->hot);
	stat_json_codec(j, "warm", &s->warm);
	stat_json_codec(j, "cold", &s->cold);
	json_end(j);
	json_object(j, "codecs");
	for (unsigned i = 0; i < CODEC_COUNT; i++)
		stat_json_codec(j, codec_name(i), &s->codec[i]);
	json_end(j);
	json_number(j, "models", s->models);
	json_number(j, "model_bytes", s->model_bytes);
	json_number(j, "segments", s->segments);
	json_number(j, "segment_bytes", s->segment_bytes);
	json_number(j, "garbage_bytes", s->garbage_bytes);
	json_number(j, "index_bytes", s->index_bytes);
	json_number(j, "store_bytes", s->store_bytes);
	json_ratio(j, "ratio", stat_share(s->store_bytes, s->file_bytes));
	if (stat_would_save(s, &more))
		json_number(j, "would_save_bytes", more);
	json_number(j, "damaged_extents", s->damaged);
	json_array(j, "damaged_files");
}

static void stat_damaged(void *arg, const char *path)
{
	if (arg)
		json_string(arg, NULL, path);
	else
		printf("  %s\n", path);
}

static int stat_show(struct target *t, bool json)
{
	struct control_stat c = {.header = {0}};
	struct json j;
	int rc;

	if (t->vol) {
		rc = control_stat_fill(t->vol, &c);
	} else {
		rc = target_sync(t);
		if (rc == 0)
			rc = target_control(t, CONTROL_STAT, &c);
	}
	if (rc < 0)
		return t->vol ? firn_fail("stat", t->path, rc) : target_fail(t, rc);
	c.label[sizeof c.label - 1] = '\0';
	c.policy[sizeof c.policy - 1] = '\0';
	if (json)
		stat_json(&j, &c);
	else
		stat_table(&c);
	if (c.stat.damaged)
		rc = damaged_files(t, stat_damaged, json ? &j : NULL);
	if (json) {
		json_end(&j);
		json_end(&j);
	}
	return rc < 0 ? target_fail(t, rc) : EXIT_SUCCESS;
}

int firn_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{"by", required_argument, NULL, 'b'}, {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	enum stat_by by = STAT_BY_COUNT;
	struct target t;
	bool json = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (c == 'b' && !stat_by_word(optarg, &by))
			return firn_usage("stat", NULL);
		if (c != 'j' && c != 'b')
			return firn_usage("stat", NULL);
		json |= c == 'j';
	}
	if (optind + 1 != argc)
		return firn_usage("stat", optind < argc ? "one store only" : "which store?");
	status = target_open("stat", argv[optind], true, &t);
	if (status == EXIT_SUCCESS)
		status = target_close(&t, by < STAT_BY_COUNT ? stat_by_show(&t, by, json) : stat_show(&t, json));
	return status;
}
