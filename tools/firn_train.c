/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn train: draws a sample of the store, trains a zstd dictionary and a network on it, and adopts each if it saves more than it costs.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "codec/codec.h"
#include "tools/firn.h"
#include "tools/progress.h"
#include "tools/train_auto.h"
#include "tools/train_net.h"
#include "tools/train_plot.h"
#include "tools/train_target.h"
#include "tools/train_zdict.h"

#define NICE 10

static const char help[] =
	"Usage: firn train [OPTION...] STORE|DIR\n"
	"Learns a zstd dictionary and a network from the data of the store, mounted or not;\n"
	"each is kept if it will save more bytes than it takes. 'firn compact' then uses them.\n\n"
	"      --level=LEVEL    what the network is for: fast, normal (default) or dense\n"
	"      --auto           only if it is likely to pay: nothing was learned yet, or much has\n"
	"                       come since\n"
	"      --minutes=N      end the training of the network in about N minutes\n"
	"      --sample=MB      learn from at most so many MB (default 64)\n"
	"      --seed=N         of all that is random; same store and seed, same model\n"
	"      --threads=N      default: all cores\n"
	"      --log=FILE       append the course of the training, tab-separated\n"
	"      --plot=FILE      draw the course of the training of the network, as SVG\n"
	"      --progress       show progress even when not on a terminal\n"
	"  -q, --quiet          print nothing but errors\n"
	"  -h, --help           this text\n";

struct train_arguments {
	struct net_options net;
	unsigned long sample_mb;
	const char *log_path, *plot_path, *store;
	bool automatic, progress, quiet, help;
};

struct train_show {
	struct progress bar;
	FILE *log;
	double logged;
	struct train_plot plot;
	bool undrawn; /* which was said */
};

static int train_show(void *arg, const struct train_progress *p)
{
	struct train_show *show = arg;
	char extra[96], valid[24] = "";

	plot_add(&show->plot, p);
	if (p->validation >= 0)
		snprintf(valid, sizeof valid, ", held out %.3f", p->validation);
	snprintf(extra, sizeof extra, " %.3f bits/byte%s, %.2f MB/s", p->loss, valid,
		 p->seconds > 0 ? (double)p->done_bytes / p->seconds / 1e6 : 0.0);
	progress_update(&show->bar, p->total_bytes ? (double)p->done_bytes / (double)p->total_bytes : 0, extra);
	if (show->log && (p->seconds >= show->logged + 1 || p->done_bytes == p->total_bytes)) {
		fprintf(show->log, "%.1f\t%" PRIu64 "\t%.4f\t", p->seconds, p->done_bytes, p->loss);
		fprintf(show->log, p->validation >= 0 ? "%.4f\n" : "\n", p->validation);
		show->logged = p->seconds;
	}
	return progress_interrupted();
}

/* One option; false when its value is no good. */
static bool train_option(int c, const char *value, struct train_arguments *a)
{
	unsigned long n;
	bool good = true;

	switch (c) {
	case 'l':
		return firn_level("train", value, &a->net.level);
	case 'm':
		good = firn_number("train", "minutes", value, 1, 100000, &n);
		a->net.train.seconds_max = 60.0 * (double)n;
		return good;
	case 's':
		return firn_number("train", "sample", value, 1, 65536, &a->sample_mb);
	case 'r':
		good = firn_number("train", "seed", value, 0, UINT32_MAX, &n);
		a->net.train.seed = n;
		return good;
	case 't':
		good = firn_number("train", "threads", value, 1, 256, &n);
		a->net.train.threads = (int)n;
		return good;
	case 'o':
		a->log_path = value;
		return true;
	case 'g':
		a->plot_path = value;
		return true;
	case 'a':
		a->automatic = true;
		return true;
	case 'p':
		a->progress = true;
		return true;
	case 'q':
		a->quiet = true;
		return true;
	default:
		return false;
	}
}

static int train_parse(int argc, char **argv, struct train_arguments *a)
{
	static const struct option options[] = {
		{"level", required_argument, NULL, 'l'},   {"minutes", required_argument, NULL, 'm'},
		{"sample", required_argument, NULL, 's'},  {"seed", required_argument, NULL, 'r'},
		{"threads", required_argument, NULL, 't'}, {"log", required_argument, NULL, 'o'},
		{"auto", no_argument, NULL, 'a'},          {"progress", no_argument, NULL, 'p'},
		{"quiet", no_argument, NULL, 'q'},          {"plot", required_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (c == 'h') {
			a->help = true;
			return 0;
		}
		if (!train_option(c, optarg, a))
			return firn_usage("train", NULL);
	}
	if (optind + 1 != argc)
		return firn_usage("train", optind < argc ? "one store only" : "which store?");
	a->store = argv[optind];
	return 0;
}

static void train_say_zdict(const struct zdict_choice *z)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE];

	if (z->bytes)
		printf("zstd dictionary: adopted: saves about %s, costs %s with parity (held out, zstd 19: %.3f -> %.3f bits/byte)\n",
		       progress_size(a, z->saves), progress_size(b, z->costs), 8 * z->ratio_without,
		       8 * z->ratio_with);
	else
		printf("zstd dictionary: none pays for itself (held out, zstd 19: %.3f bits/byte)\n", 8 * z->ratio_without);
}

static void train_say_net(const struct net_choice *c, bool adopted)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], d[PROGRESS_SIZE];

	printf("network: %u contexts, %u hidden, dictionary %s, trained in %.0f s; held out %.3f -> %.3f bits/byte\n",
	       c->shape.contexts, c->shape.hidden, progress_size(d, c->shape.dict_len), c->seconds, c->bits_without,
	       c->bits_with);
	printf("network: %s: saves about %s, costs %s with parity\n", adopted ? "adopted" : "not adopted",
	       progress_size(a, c->saves > 0 ? c->saves : 0), progress_size(b, c->costs));
}

static int train_dictionary(const struct target *t, const struct train_arguments *a, const struct train_parts *parts,
			    struct zdict_choice *z)
{
	int rc = zdict_choose(parts, a->net.learnable, a->net.train.threads, z);

	if (rc == 0 && z->bytes)
		rc = train_adopt(t, MODEL_ZDICT, z->bytes, z->len);
	if (rc == 0 && !a->quiet)
		train_say_zdict(z);
	return rc;
}

/* What was learned is drawn also of a training that failed or was interrupted. */
static int train_draw(const struct train_arguments *a, const struct net_choice *c, const struct train_show *show)
{
	static const char *const levels[] = {[NEURAL_FAST] = "fast", [NEURAL_NORMAL] = "normal", [NEURAL_DENSE] = "dense"};
	char title[128];
	int rc;

	if (!a->plot_path || show->plot.loss.n == 0)
		return 0;
	snprintf(title, sizeof title, "firn train %.60s: %s, %u contexts, %u hidden", a->store, levels[a->net.level],
		 c->shape.contexts, c->shape.hidden);
	rc = plot_write(&show->plot, a->plot_path, title);
	if (rc < 0)
		fprintf(stderr, "firn train: %s: %s\n", a->plot_path, strerror(-rc));
	return rc;
}

static int train_network(const struct target *t, struct train_arguments *a, struct train_parts *parts, struct train_show *show)
{
	struct net_choice net;
	bool adopted = false;
	int rc;

	progress_init(&show->bar, "train", a->progress);
	show->bar.on = show->bar.on && !a->quiet;
	a->net.train.progress = train_show;
	a->net.train.arg = show;
	rc = net_choose(parts, &a->net, &net);
	progress_end(&show->bar, NULL);
	show->undrawn = train_draw(a, &net, show) < 0;
	if (rc == -ENODATA) {
		if (!a->quiet)
			printf("network: none: the store is too small for one to pay\n");
		return 0;
	}
	if (rc == 0 && net.saves > net.costs) {
		adopted = true;
		rc = train_adopt(t, MODEL_NEURAL, net.bytes, net.len);
	}
	if (rc == 0 && !a->quiet)
		train_say_net(&net, adopted);
	net_free(&net);
	return rc;
}

static int train_store(struct target *t, struct train_arguments *a, struct train_show *show)
{
	char read[PROGRESS_SIZE], all[PROGRESS_SIZE];
	struct zdict_choice zdict = {0};
	struct train_parts parts;
	struct sample_source source = train_source(t);
	struct sample sample;
	int rc = sample_draw(&source, (uint64_t)a->sample_mb * 1000000, a->net.train.seed, &sample);

	if (rc < 0)
		return rc;
	if (!a->quiet) {
		printf("sample: %zu chunks, %s of %s\n", sample.n, progress_size(read, (double)sample.bytes),
		       progress_size(all, (double)sample.mount_bytes));
		fflush(stdout);
	}
	a->net.learnable = sample.learnable_bytes;
	rc = parts_split(&sample, &parts);
	if (rc == 0)
		rc = train_dictionary(t, a, &parts, &zdict);
	if (rc == 0) {
		fflush(stdout);
		a->net.zdict = zdict.model;
		rc = train_network(t, a, &parts, show);
	}
	zdict_free(&zdict);
	sample_free(&sample);
	return rc;
}

/* 1: go on. 0: there is nothing to gain, which was said. */
static int train_pays(struct target *t, const struct train_arguments *a)
{
	char knows[PROGRESS_SIZE], others[PROGRESS_SIZE];
	struct train_need need;
	int rc;

	if (!a->automatic)
		return 1;
	rc = train_need(t, &need);
	if (rc < 0 || train_likely(&need))
		return rc < 0 ? rc : 1;
	if (!a->quiet)
		printf("nothing to gain yet: the network knows %s, %s that compress are packed otherwise\n",
		       progress_size(knows, (double)need.learned), progress_size(others, (double)need.others));
	return 0;
}

static int train_open_log(const char *path, FILE **log)
{
	*log = NULL;
	if (!path)
		return 0;
	*log = fopen(path, "ae");
	if (!*log) {
		fprintf(stderr, "firn train: %s: %s\n", path, strerror(errno));
		return -1;
	}
	fputs("seconds\tbytes\tbits_per_byte\theld_out\n", *log);
	return 0;
}

/* Beside a mount in use, training is what waits. */
static int train_begin(const struct target *t)
{
	if (t->vol)
		return 0;
	if (t->readonly)
		return -EROFS;
	if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
		return -errno;
	return target_sync(t);
}

int firn_train(int argc, char **argv)
{
	struct train_arguments a = {.net.level = NEURAL_NORMAL, .net.train.seed = 1, .sample_mb = 64};
	struct train_show show = {0};
	struct target t;
	int rc, status = train_parse(argc, argv, &a);

	if (status != 0)
		return status;
	if (a.help) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	status = target_open("train", a.store, false, &t);
	if (status != EXIT_SUCCESS)
		return status;
	if (train_open_log(a.log_path, &show.log) < 0)
		return target_close(&t, EXIT_FAILURE);
	progress_catch_signals();
	rc = train_begin(&t);
	if (rc == 0)
		rc = train_pays(&t, &a);
	if (rc == 1)
		rc = train_store(&t, &a, &show);
	if (rc == -ENODATA) {
		if (!a.quiet)
			printf("nothing learned: the store holds too little that compresses\n");
	} else if (rc < 0) {
		status = t.vol ? firn_fail("train", a.store, rc) : target_fail(&t, rc);
	}
	if (show.log && fclose(show.log) != 0 && status == EXIT_SUCCESS) {
		fprintf(stderr, "firn train: %s: %s\n", a.log_path, strerror(errno));
		status = EXIT_FAILURE;
	}
	return target_close(&t, status == EXIT_SUCCESS && show.undrawn ? EXIT_FAILURE : status);
}
