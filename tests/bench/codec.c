/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For experiments with the neural codec: trains a model of a given shape per directory, once, then codes files it has not seen and prints bits per byte and
 * megabytes per second of processor time. Everything decoded is compared. firn estimate measures what users get.
 *
 *     codec [-c DIR] [-t MIB] [-d MIB] [-r LOG2] [-w WIDTH] [-s SECONDS] DIRECTORY...
 *
 * -c keeps trained models in DIR and uses those that are there. -t training sample, -d dictionary, -r rows of a table, -w hidden units.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "codec/codec.h"
#include "codec/neural.h"
#include "model/context.h"
#include "tools/tree_sample.h"

#define HELD_MAX (1536u << 10)
#define CALIBRATION_MAX (3u << 19)
#define VALIDATION_MAX (1u << 20)

struct settings {
	const char *cache;
	size_t sample, dict;
	unsigned rows_log2, width;
	double seconds;
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Moves chunks from the end of c to a new list until it holds max bytes. */
static struct sample sample_split(struct sample *c, size_t max)
{
	struct sample part = {0};

	while (c->n > 1 && part.bytes + c->chunks[c->n - 1].len <= max) {
		part.bytes += c->chunks[--c->n].len;
		part.n++;
	}
	part.chunks = c->chunks + c->n;
	return part;
}

static int shape_make(const struct settings *set, uint32_t dict_len, struct model_shape *s)
{
	memset(s, 0, sizeof *s);
	s->hidden = set->width;
	s->dict_len = dict_len;
	for (unsigned id = 0; id < CTX_IDS; id++) {
		s->context_ids[s->contexts] = (uint8_t)id;
		s->rows_log2[s->contexts++] = (uint8_t)(id == CTX_O1 ? 8 : set->rows_log2);
	}
	return model_shape_check(s);
}

/* Takes the chunks chosen for the dictionary out of c and joins them in a new model. */
static int model_begin(const struct settings *set, struct sample *c, struct model **out)
{
	bool *picked = calloc(c->n, sizeof *picked);
	struct model_shape shape;
	size_t n = 0, sum = 0;
	int rc;

	if (!picked)
		return -ENOMEM;
	rc = train_pick_dict(c->chunks, c->n, set->dict, picked);
	for (size_t i = 0; i < c->n; i++)
		sum += picked[i] ? c->chunks[i].len : 0;
	if (!rc)
		rc = shape_make(set, (uint32_t)sum, &shape);
	if (!rc)
		rc = model_create(&shape, out);
	for (size_t i = 0; !rc && i < c->n; i++) {
		struct train_chunk chunk = c->chunks[i];

		if (!picked[i])
			continue;
		c->chunks[i] = c->chunks[n];
		c->chunks[n++] = chunk;
	}
	free(picked);
	if (!rc)
		rc = train_join_dict(*out, c->chunks, n);
	c->chunks += n;
	c->n -= n;
	return rc;
}

static int model_train(const struct settings *set, struct sample *train, struct model **out)
{
	struct train_options opt = {.seed = 1, .seconds_max = set->seconds, .worth_bytes = train->learnable_bytes};
	struct sample calibration, validation;
	struct train_progress end;
	double start = now(CLOCK_MONOTONIC), bits;
	int rc;

	calibration = sample_split(train, CALIBRATION_MAX);
	validation = sample_split(train, VALIDATION_MAX);
	rc = model_begin(set, train, out);
	if (!rc)
		rc = train_model(*out, train->chunks, train->n, validation.chunks, validation.n, &opt, &end);
	if (!rc)
		rc = neural_calibrate(*out, calibration.chunks, calibration.n, &bits);
	if (!rc)
		printf("  trained on %.1f MB in %.0f s, network alone %.3f, calibration chunks %.3f bits per byte\n",
		       (double)end.done_bytes / 1e6, now(CLOCK_MONOTONIC) - start, end.validation, bits);
	return rc;
}

static int model_cached(const char *path, struct model **out)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = malloc(MODEL_MEMORY_MAX);
	size_t len;
	int rc = -ENOENT;

	if (f && bytes) {
		len = fread(bytes, 1, MODEL_MEMORY_MAX, f);
		rc = model_load(bytes, len, out);
	}
	if (f)
		fclose(f);
	free(bytes);
	return rc;
}

static int model_keep(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");
	int rc = f && fwrite(bytes, 1, len, f) == len ? 0 : -EIO;

	if (f && fclose(f))
		rc = -EIO;
	return rc;
}

/* Codes all chunks; prints bits per byte, and speeds of encoding and decoding. */
static int measure(const char *name, enum codec_id codec, int level, const struct codec_model *model,
		   const struct sample *c)
{
	static uint8_t frame[2 * CODEC_PLAIN_MAX], plain[CODEC_PLAIN_MAX];
	double t, encode = 0, decode = 0, bytes = 0, stored = 0;
	struct codec_ctx *ctx;
	size_t len;
	int rc = codec_ctx_create(&ctx);

	for (size_t i = 0; !rc && i < c->n; i++) {
		t = now(CLOCK_PROCESS_CPUTIME_ID);
		rc = codec_encode(ctx, codec, level, model, c->chunks[i].bytes, c->chunks[i].len, frame, sizeof frame, &len);
		encode += now(CLOCK_PROCESS_CPUTIME_ID) - t;
		t = now(CLOCK_PROCESS_CPUTIME_ID);
		if (!rc)
			rc = codec_decode(ctx, codec, level, model, frame, len, plain, c->chunks[i].len);
		decode += now(CLOCK_PROCESS_CPUTIME_ID) - t;
		if (!rc && memcmp(plain, c->chunks[i].bytes, c->chunks[i].len))
			rc = -EBADMSG;
		bytes += c->chunks[i].len;
		stored += (double)len;
	}
	codec_ctx_destroy(ctx);
	if (!rc)
		printf("  %-8s %6.3f bits per byte, %6.2f MB/s encoding, %6.2f MB/s decoding\n", name, 8 * stored / bytes,
		       bytes / 1e6 / encode, bytes / 1e6 / decode);
	return rc;
}

static int bench(const struct settings *set, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	struct tree_options draw = {.train_max = set->sample + set->dict, .held_max = HELD_MAX, .seed = 1};
	struct tree_figures figures;
	struct sample train, held;
	struct codec_model *loaded = NULL;
	struct model *m = NULL;
	uint8_t *bytes = NULL;
	char path[4096];
	struct rusage usage;
	double t;
	size_t len;
	int rc = tree_draw(dir, &draw, &figures, &train, &held);

	if (rc)
		return rc;
	printf("%s\n", dir);
	snprintf(path, sizeof path, "%s/%s.model", set->cache ? set->cache : ".", slash ? slash + 1 : dir);
	if (!set->cache || model_cached(path, &m))
		rc = model_train(set, &train, &m);
	if (!rc)
		rc = model_save(m, &bytes, &len);
	if (!rc && set->cache)
		rc = model_keep(path, bytes, len);
	t = now(CLOCK_PROCESS_CPUTIME_ID);
	if (!rc)
		rc = codec_model_load(CODEC_MODEL_NEURAL, bytes, len, &loaded);
	if (!rc)
		printf("  model    %zu bytes, loaded in %.2f s; kernel %s\n", len, now(CLOCK_PROCESS_CPUTIME_ID) - t, codec_kernel());
	if (!rc)
		rc = measure("fast", CODEC_NEURAL, NEURAL_FAST, loaded, &held);
	if (!rc)
		rc = measure("normal", CODEC_NEURAL, NEURAL_NORMAL, loaded, &held);
	if (!rc)
		rc = measure("dense", CODEC_NEURAL, NEURAL_DENSE, loaded, &held);
	if (!rc)
		rc = measure("zstd -19", CODEC_ZSTD, 19, NULL, &held);
	getrusage(RUSAGE_SELF, &usage);
	printf("  all of this in %ld KiB of memory\n", usage.ru_maxrss);
	fflush(stdout);
	codec_model_put(loaded);
	model_destroy(m);
	free(bytes);
	sample_free(&held);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings set = {.sample = 16u << 20, .dict = 4u << 20, .rows_log2 = 12, .width = 64};
	int option, rc = 0;

	while ((option = getopt(argc, argv, "c:t:d:r:w:s:")) >= 0) {
		switch (option) {
		case 'c': set.cache = optarg; break;
		case 't': set.sample = strtoul(optarg, NULL, 10) << 20; break;
		case 'd': set.dict = strtoul(optarg, NULL, 10) << 20; break;
		case 'r': set.rows_log2 = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': set.width = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': set.seconds = strtod(optarg, NULL); break;
		default: return 64;
		}
	}
	for (int i = optind; i < argc && !rc; i++) {
		rc = bench(&set, argv[i]);
		if (rc)
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-rc));
	}
	return rc ? 1 : 0;
}
