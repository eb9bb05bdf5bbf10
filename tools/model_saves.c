/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the models of a store save: one pass over the extents counts, then a few of each model's, drawn by a hash of their numbers, are encoded again.
 */
#include "tools/model_saves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/train_value.h"

#define MEASURED 24u
#define LEVEL_WITHOUT 19

struct drawn {
	uint64_t key;
	struct sample_extent e;
};

struct user {
	struct drawn list[MEASURED]; /* the smallest keys */
	size_t n;
};

struct counter {
	const struct model_info *models;
	size_t n;
	struct model_saves *out;
	struct user *users;
};

static void saves_draw(struct user *u, const struct sample_extent *e)
{
	struct drawn d = {(e->id + 1) * 0x9e3779b97f4a7c15u, *e};
	size_t most = 0;

	d.key ^= d.key >> 29;
	d.key *= 0xbf58476d1ce4e5b9u;
	if (u->n < MEASURED) {
		u->list[u->n++] = d;
		return;
	}
	for (size_t i = 1; i < u->n; i++)
		if (u->list[i].key > u->list[most].key)
			most = i;
	if (d.key < u->list[most].key)
		u->list[most] = d;
}

static int saves_count(void *arg, const struct sample_extent *e)
{
	struct counter *c = arg;

	for (size_t i = 0; e->model && i < c->n; i++) {
		if (c->models[i].number != e->model)
			continue;
		c->out[i].records++;
		c->out[i].plain += e->plain;
		c->out[i].stored += e->stored;
		saves_draw(&c->users[i], e);
	}
	return 0;
}

/* Reads what was drawn; one that is gone or damaged is left out. *stored: of those read. */
static int saves_read(const struct sample_source *source, const struct user *u, struct train_chunk *chunks, size_t *n, uint64_t *stored)
{
	struct codec_ctx *ctx = NULL;
	int rc = codec_ctx_create(&ctx);

	*n = 0;
	*stored = 0;
	for (size_t i = 0; rc == 0 && i < u->n; i++) {
		uint8_t *bytes = malloc(u->list[i].e.plain);
		uint32_t len;

		if (!bytes)
			rc = -ENOMEM;
		else if (source->read(source->arg, ctx, &u->list[i].e, bytes, &len) == 0) {
			chunks[(*n)++] = (struct train_chunk){.bytes = bytes, .len = len};
			*stored += u->list[i].e.stored;
		} else {
			free(bytes);
		}
	}
	codec_ctx_destroy(ctx);
	return rc;
}

static int saves_measure(const struct sample_source *source, const struct user *u, struct model_saves *s)
{
	static const struct value_candidate without = {CODEC_ZSTD, LEVEL_WITHOUT, NULL};
	struct train_chunk chunks[MEASURED] = {{0}};
	struct value v = {0};
	uint64_t stored;
	size_t n;
	int rc = saves_read(source, u, chunks, &n, &stored);

	if (rc == 0 && n > 0)
		rc = value_measure(chunks, n, &without, 1, 0, &v);
	s->measured = n;
	if (stored > 0)
		s->saved = ((double)v.stored - (double)stored) * (double)s->stored / (double)stored;
	for (size_t i = 0; i < n; i++)
		free((void *)chunks[i].bytes);
	return rc;
}

int model_saves(const struct sample_source *source, const struct model_info *models, size_t n, struct model_saves *out)
{
	struct counter c = {.models = models, .n = n, .out = out, .users = calloc(n ? n : 1, sizeof *c.users)};
	int rc = c.users ? 0 : -ENOMEM;

	memset(out, 0, n * sizeof *out);
	if (rc == 0)
		rc = source->scan(source->arg, saves_count, &c);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = saves_measure(source, &c.users[i], &out[i]);
	free(c.users);
	return rc;
}
