/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn estimate: what firn would do for a directory, measured on files that no model has seen, before anyone adopts it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/estimate.h"
#include "tools/firn.h"
#include "tools/progress.h"

#define HELD_MAX (4u << 20)

static const char help[] =
	"Usage: firn estimate [OPTION...] DIR\n"
	"Trains on a sample of the files under DIR, codes chunks of other files, and says how\n"
	"small a store would become and how fast it would be read. Changes nothing.\n\n"
	"      --level=LEVEL    of the network: fast, normal or dense (default: all)\n"
	"      --minutes=N      end the training of the network in about N minutes\n"
	"      --sample=MB      learn from at most so many MB (default 64)\n"
	"      --seed=N         of all that is random; same files and seed, same model\n"
	"      --threads=N      of the training; default: all cores\n"
	"      --chunks=DIR     write the chunks that are coded into DIR, a file each\n"
	"      --json           the figures as one JSON object\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -h, --help           this text\n";

struct estimate_arguments {
	struct net_options net;
	int level; /* 0: all */
	unsigned long sample_mb, seed;
	const char *dir, *chunks;
	bool json, progress, help;
};

struct estimate_show {
	struct progress bar;
	bool wanted;
	const char *doing;
};

static int show_share(void *arg, double fraction)
{
	struct estimate_show *show = arg;

	progress_update(&show->bar, fraction, show->doing);
	return progress_interrupted();
}

static int show_training(void *arg, const struct train_progress *p)
{
	struct estimate_show *show = arg;
	char extra[64];

	snprintf(extra, sizeof extra, " %.3f bits/byte", p->loss);
	progress_update(&show->bar, p->total_bytes ? (double)p->done_bytes / (double)p->total_bytes : 0, extra);
	return progress_interrupted();
}

static void show_begin(struct estimate_show *show, const char *what, const char *doing)
{
	progress_init(&show->bar, what, show->wanted);
	show->doing = doing;
}

/* One option; false when its value is no good. */
static bool estimate_option(int c, const char *value, struct estimate_arguments *a)
{
	unsigned long n;
	bool good = true;

	switch (c) {
	case 'l':
		return firn_level("estimate", value, &a->level);
	case 'm':
		good = firn_number("estimate", "minutes", value, 1, 100000, &n);
		a->net.train.seconds_max = 60.0 * (double)n;
		return good;
	case 's':
		return firn_number("estimate", "sample", value, 1, 65536, &a->sample_mb);
	case 'r':
		return firn_number("estimate", "seed", value, 0, UINT32_MAX, &a->seed);
	case 't':
		good = firn_number("estimate", "threads", value, 1, 256, &n);
		a->net.train.threads = (int)n;
		return good;
	case 'c':
		a->chunks = value;
		return true;
	case 'j':
		a->json = true;
		return true;
	case 'p':
		a->progress = true;
		return true;
	default:
		return false;
	}
}

static int estimate_parse(int argc, char **argv, struct estimate_arguments *a)
{
	static const struct option options[] = {
		{"level", required_argument, NULL, 'l'},   {"minutes", required_argument, NULL, 'm'},
		{"sample", required_argument, NULL, 's'},  {"seed", required_argument, NULL, 'r'},
		{"threads", required_argument, NULL, 't'}, {"chunks", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},          {"progress", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			a->help = true;
			return 0;
		}
		if (!estimate_option(c, optarg, a))
			return firn_usage("estimate", NULL);
	}
	if (optind + 1 != argc)
		return firn_usage("estimate", optind < argc ? "one directory only" : "which directory?");
	a->dir = argv[optind];
	return 0;
}

/* DIR/000000, DIR/000001 ... */
static int estimate_write_chunks(const char *dir, const struct sample *held)
{
	int rc = mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;

	for (size_t i = 0; rc == 0 && i < held->n; i++) {
		char path[4096];
		FILE *f;

		snprintf(path, sizeof path, "%s/%06zu", dir, i);
		f = fopen(path, "wxe");
		if (!f)
			return -errno;
		if (fwrite(held->chunks[i].bytes, 1, held->chunks[i].len, f) != held->chunks[i].len)
			rc = -EIO;
		if (fclose(f) != 0)
			rc = -EIO;
	}
	return rc;
}

/* The dictionary and the network, chosen as firn train would. */
static int estimate_train(struct estimate *e, struct estimate_arguments *a, struct estimate_show *show)
{
	struct train_parts parts;
	int rc = parts_split(&e->train, &parts);

	if (rc == 0)
		rc = zdict_choose(&parts, e->train.learnable_bytes, a->net.train.threads, &e->zdict);
	if (rc < 0)
		return rc == -ENODATA ? 0 : rc;
	a->net.level = a->level ? a->level : NEURAL_NORMAL;
	a->net.learnable = e->train.learnable_bytes;
	a->net.zdict = e->zdict.model;
	a->net.train.seed = a->seed;
	a->net.train.progress = show_training;
	a->net.train.arg = show;
	show_begin(show, "train", NULL);
	rc = net_choose(&parts, &a->net, &e->net);
	progress_end(&show->bar, NULL);
	if (rc == -ENODATA)
		return 0;
	return rc < 0 ? rc : codec_model_load(CODEC_MODEL_NEURAL, e->net.bytes, e->net.len, &e->model);
}

static void estimate_coders(struct estimate *e)
{
	const struct codec_model *zdict = e->zdict.model, *net = e->model;
	const struct coder coders[ROWS] = {
		[ROW_LZ4] = {"firn hot: LZ4", "lz4", false, CODEC_LZ4, 1, NULL},
		[ROW_WARM] = {zdict ? "firn warm: zstd -12, dict." : "firn warm: zstd -12", "zstd_12_warm", false, CODEC_ZSTD, 12,
			      zdict},
		[ROW_ZSTD] = {"zstd -19", "zstd_19", false, CODEC_ZSTD, 19, NULL},
		[ROW_ZSTD_DICT] = {"zstd -19, dictionary", "zstd_19_dictionary", false, CODEC_ZSTD, 19, zdict},
		[ROW_XZ] = {"xz -9e", "xz_9e", true, CODEC_RAW, 0, NULL},
		[ROW_FAST] = {"firn cold: network, fast", "fast", false, CODEC_NEURAL, NEURAL_FAST, net},
		[ROW_NORMAL] = {"firn cold: network, normal", "normal", false, CODEC_NEURAL, NEURAL_NORMAL, net},
		[ROW_DENSE] = {"firn cold: network, dense", "dense", false, CODEC_NEURAL, NEURAL_DENSE, net},
	};

	memcpy(e->coder, coders, sizeof e->coder);
}

static bool estimate_wanted(const struct estimate *e, const struct estimate_arguments *a, enum estimate_row row)
{
	switch (row) {
	case ROW_ZSTD_DICT:
		return e->zdict.model != NULL;
	case ROW_FAST:
	case ROW_NORMAL:
	case ROW_DENSE:
		return e->model && (!a->level || a->level == e->coder[row].level);
	default:
		return true;
	}
}

static int estimate_measure(struct estimate *e, const struct estimate_arguments *a, struct estimate_show *show)
{
	int rc = 0;

	estimate_coders(e);
	for (unsigned row = 0; rc == 0 && row < ROWS; row++) {
		if (!estimate_wanted(e, a, (enum estimate_row)row))
			continue;
		show_begin(show, "measure", e->coder[row].name);
		rc = coder_measure(&e->coder[row], &e->held, show_share, show, &e->result[row]);
		progress_end(&show->bar, e->coder[row].name);
		if (rc == -ENOSYS) { /* no liblzma */
			coder_result_free(&e->result[row]);
			rc = 0;
		}
	}
	return rc;
}

static int estimate_run(struct estimate *e, struct estimate_arguments *a, struct estimate_show *show)
{
	struct tree_options draw = {(uint64_t)a->sample_mb * 1000000, HELD_MAX, a->seed, show_share, show};
	int rc;

	show_begin(show, "read", "files");
	rc = tree_draw(a->dir, &draw, &e->figures, &e->train, &e->held);
	progress_end(&show->bar, "files");
	if (rc == 0 && a->chunks)
		rc = estimate_write_chunks(a->chunks, &e->held);
	if (rc == 0)
		rc = estimate_train(e, a, show);
	if (rc == 0)
		rc = estimate_measure(e, a, show);
	return rc;
}

static void estimate_free(struct estimate *e)
{
	for (unsigned row = 0; row < ROWS; row++)
		coder_result_free(&e->result[row]);
	codec_model_put(e->model);
	net_free(&e->net);
	zdict_free(&e->zdict);
	sample_free(&e->train);
	sample_free(&e->held);
}

int firn_estimate(int argc, char **argv)
{
	struct estimate_arguments a = {.seed = 1, .sample_mb = 64};
	int rc, status = estimate_parse(argc, argv, &a);
	struct estimate_show show = {.wanted = a.progress};
	struct estimate e = {.dir = a.dir};

	if (status != 0)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	progress_catch_signals();
	rc = estimate_run(&e, &a, &show);
	if (rc == 0 && a.json)
		estimate_json(&e);
	else if (rc == 0)
		estimate_table(&e);
	estimate_free(&e);
	if (rc == -ENODATA) {
		fprintf(stderr, "firn estimate: %s: too few files, or nothing that compresses: there is nothing to judge by\n", a.dir);
		return EXIT_FAILURE;
	}
	return rc < 0 ? firn_fail("estimate", a.dir, rc) : EXIT_SUCCESS;
}
