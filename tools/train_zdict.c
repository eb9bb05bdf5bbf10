/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zstd dictionary that pays best for itself on a sample: two sizes tried, what they save set against the bytes that they take.
 */
#include "tools/train_zdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/format.h"
#include "tools/train_value.h"

#define SAMPLES_MAX (8u << 20)
#define LEVEL 19

/* The first training chunks back to back, as the dictionary builder wants them. */
struct samples {
	uint8_t *bytes;
	size_t *sizes;
	size_t n;
};

static int zdict_gather(const struct train_part *t, struct samples *s)
{
	size_t at = 0;

	s->bytes = malloc(SAMPLES_MAX);
	s->sizes = malloc(t->n * sizeof *s->sizes);
	if (!s->bytes || !s->sizes)
		return -ENOMEM;
	for (size_t i = 0; i < t->n && at + t->chunks[i].len <= SAMPLES_MAX; i++) {
		memcpy(s->bytes + at, t->chunks[i].bytes, t->chunks[i].len);
		at += t->chunks[i].len;
		s->sizes[s->n++] = t->chunks[i].len;
	}
	return 0;
}

/* Tries one size; replaces *out when it pays more. */
static int zdict_try(const struct train_parts *parts, const struct samples *s, size_t cap, uint64_t learnable, int threads,
		     struct zdict_choice *out)
{
	struct zdict_choice c = {.ratio_without = out->ratio_without};
	struct value_candidate with = {CODEC_ZSTD, LEVEL, NULL};
	struct value v;
	int rc;

	c.bytes = malloc(cap);
	if (!c.bytes)
		return -ENOMEM;
	rc = codec_train_zdict(s->bytes, s->sizes, s->n, c.bytes, cap, &c.len);
	if (rc == 0)
		rc = codec_model_load(CODEC_MODEL_ZDICT, c.bytes, c.len, &c.model);
	with.model = c.model;
	if (rc == 0)
		rc = value_measure(parts->valid.chunks, parts->valid.n, &with, 1, threads, &v);
	if (rc == 0) {
		c.ratio_with = value_ratio(&v);
		c.saves = (c.ratio_without - c.ratio_with) * (double)learnable;
	}
	if (rc == 0)
		c.costs = (double)model_stored((uint32_t)c.len);
	if (rc == 0 && c.saves - c.costs > out->saves - out->costs) {
		zdict_free(out);
		*out = c;
	} else {
		zdict_free(&c);
	}
	return rc == -ENODATA ? 0 : rc;
}

int zdict_choose(const struct train_parts *parts, uint64_t learnable, int threads, struct zdict_choice *out)
{
	static const size_t caps[] = {32u << 10, 112u << 10};
	const struct value_candidate without = {CODEC_ZSTD, LEVEL, NULL};
	struct samples s = {0};
	struct value v;
	int rc;

	*out = (struct zdict_choice){0};
	rc = zdict_gather(&parts->train, &s);
	if (rc == 0)
		rc = value_measure(parts->valid.chunks, parts->valid.n, &without, 1, threads, &v);
	if (rc == 0)
		out->ratio_without = out->ratio_with = value_ratio(&v);
	for (size_t i = 0; rc == 0 && i < sizeof caps / sizeof *caps; i++)
		rc = zdict_try(parts, &s, caps[i], learnable, threads, out);
	free(s.bytes);
	free(s.sizes);
	return rc;
}

void zdict_free(struct zdict_choice *c)
{
	codec_model_put(c->model);
	free(c->bytes);
	*c = (struct zdict_choice){0};
}
