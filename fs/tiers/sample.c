/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sample that training sees: extents drawn without replacement with probability by stored bytes, read, and shuffled.
 *
 * Each extent gets the key -ln(u) / stored with u drawn from (seed, extent id); the smallest keys win. So the draw depends on nothing but the
 * store and the seed, and needs one pass over the extents.
 */
#include "fs/tiers/sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/extent/extent.h"
#include "fs/extent/scan.h"

#define WINDOW 256u /* candidates read at a time, by all cores */

struct candidate {
	double key;
	struct sample_extent e;
};

struct draw {
	struct candidate *list;
	size_t n, room;
	uint64_t seed, plain;
};

static uint64_t sample_hash(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

struct walk {
	int (*fn)(void *arg, const struct sample_extent *e);
	void *arg;
};

/* Of groups the whole is drawn, as it is coded, not the members. */
static int volume_extent(void *arg, const struct extent *e)
{
	const struct walk *w = arg;
	struct sample_extent s = {e->id, e->pos.stored, e->plain, e->model, e->codec, e->level, 0};

	return e->group ? 0 : w->fn(w->arg, &s);
}

static int volume_scan(void *arg, int (*fn)(void *fn_arg, const struct sample_extent *e), void *fn_arg)
{
	struct walk w = {fn, fn_arg};

	return scan_extents(arg, volume_extent, &w);
}

static int volume_read(void *arg, struct codec_ctx *ctx, const struct sample_extent *e, uint8_t *buf, uint32_t *len)
{
	return extent_read(arg, ctx, e->id, buf, e->plain, len);
}

struct sample_source sample_source_volume(struct volume *vol)
{
	return (struct sample_source){.chunk_size = vol->super.chunk_size, .scan = volume_scan, .read = volume_read, .arg = vol};
}

static int sample_consider(void *arg, const struct sample_extent *e)
{
	struct draw *d = arg;
	double u;

	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 4096;
		struct candidate *grown = realloc(d->list, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		d->list = grown;
		d->room = room;
	}
	u = ((double)(sample_hash(d->seed ^ sample_hash(e->id)) >> 12) + 0.5) / (double)(1ull << 52);
	d->list[d->n++] = (struct candidate){-log(u) / ((double)e->stored + 1), *e};
	d->plain += e->plain;
	return 0;
}

static int sample_compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->e.id < y->e.id ? -1 : x->e.id > y->e.id;
}

/* Reads candidate c; NULL bytes when it is damaged, gone, or not worth learning from. */
static int sample_read(const struct sample_source *source, struct codec_ctx *ctx, const struct candidate *c, struct train_chunk *out)
{
	uint8_t *bytes = malloc(c->e.plain);
	int rc;

	*out = (struct train_chunk){0};
	if (!bytes)
		return -ENOMEM;
	rc = source->read(source->arg, ctx, &c->e, bytes, &out->len);
	if (rc < 0 || codec_incompressible(bytes, out->len)) {
		free(bytes);
		out->len = 0;
		return rc == -ENOMEM ? rc : 0;
	}
	out->bytes = bytes;
	return 0;
}

static int sample_read_window(const struct sample_source *source, const struct candidate *list, size_t n, struct train_chunk *out)
{
	int failed = 0;

#pragma omp parallel
	{
		struct codec_ctx *ctx = NULL;
		int rc = codec_ctx_create(&ctx);

#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < n; i++) {
			if (rc == 0)
				rc = sample_read(source, ctx, &list[i], &out[i]);
		}
		codec_ctx_destroy(ctx);
#pragma omp critical(sample_failed)
		if (rc < 0)
			failed = rc;
	}
	return failed;
}

/* Takes read chunks into the sample until it is full; frees the rest. */
static void sample_take(struct sample *s, struct train_chunk *read, size_t n, uint64_t max_bytes)
{
	for (size_t i = 0; i < n; i++) {
		if (read[i].bytes && s->bytes + read[i].len <= max_bytes) {
			s->chunks[s->n++] = read[i];
			s->bytes += read[i].len;
		} else {
			free((void *)read[i].bytes);
		}
	}
}

static void sample_shuffle(struct sample *s, uint64_t seed)
{
	for (size_t i = s->n; i > 1; i--) {
		size_t k = sample_hash(seed + i) % i;
		struct train_chunk t = s->chunks[i - 1];

		s->chunks[i - 1] = s->chunks[k];
		s->chunks[k] = t;
	}
}

int sample_draw(const struct sample_source *source, uint64_t max_bytes, uint64_t seed, struct sample *out)
{
	struct train_chunk read[WINDOW];
	struct draw d = {.seed = seed};
	uint64_t seen = 0;
	int rc;

	*out = (struct sample){0};
	rc = source->scan(source->arg, sample_consider, &d);
	if (rc == 0 && d.n == 0)
		rc = -ENODATA;
	if (rc == 0 && !(out->chunks = malloc(d.n * sizeof *out->chunks)))
		rc = -ENOMEM;
	if (rc < 0) {
		free(d.list);
		return rc;
	}
	qsort(d.list, d.n, sizeof *d.list, sample_compare);
	out->mount_bytes = d.plain;
	out->mount_extents = d.n;
	for (size_t at = 0; rc == 0 && at < d.n && out->bytes + source->chunk_size <= max_bytes; at += WINDOW) {
		size_t n = d.n - at < WINDOW ? d.n - at : WINDOW;

		memset(read, 0, sizeof read);
		rc = sample_read_window(source, d.list + at, n, read);
		for (size_t i = 0; i < n; i++) {
			seen += d.list[at + i].e.plain;
			out->learnable_bytes += read[i].len;
		}
		sample_take(out, read, n, max_bytes);
	}
	if (seen > 0)
		out->learnable_bytes = (uint64_t)((double)out->learnable_bytes * (double)d.plain / (double)seen);
	free(d.list);
	if (rc == 0 && out->n == 0)
		rc = -ENODATA;
	if (rc < 0)
		sample_free(out);
	else
		sample_shuffle(out, seed);
	return rc;
}

void sample_free(struct sample *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((void *)s->chunks[i].bytes);
	free(s->chunks);
	*s = (struct sample){0};
}
