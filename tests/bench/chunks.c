/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a directory into chunks for the codec's bench. */
#include "tests/bench/chunks.h"

#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK (128u << 10)
#define LARGE (4u << 20)

static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 0x100000001b3u;
	return h ^ h >> 29;
}

static int chunks_add(struct chunks *c, const uint8_t *bytes, size_t len)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 1024;
		struct train_chunk *list = realloc(c->list, cap * sizeof *list);

		if (!list)
			return -ENOMEM;
		c->list = list;
		c->cap = cap;
	}
	c->list[c->n++] = (struct train_chunk){bytes, (uint32_t)len};
	return 0;
}

static int file_add(const char *path, const char *name, size_t len, struct chunks *train, struct chunks *held)
{
	uint64_t hash = hash_name(name);
	uint8_t *bytes = malloc(len);
	FILE *f = fopen(path, "rb");
	int rc = 0;

	if (!bytes || !f)
		rc = bytes ? -errno : -ENOMEM;
	else if (fread(bytes, 1, len, f) != len)
		rc = -EIO;
	if (f)
		fclose(f);
	for (size_t at = 0; !rc && at < len; at += CHUNK) {
		int out = (len > LARGE ? hash + at / CHUNK : hash) % 8 == 0;

		rc = chunks_add(out ? held : train, bytes + at, len - at < CHUNK ? len - at : CHUNK);
	}
	if (rc)
		free(bytes);
	return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int chunks_read(const char *dir, struct chunks *train, struct chunks *held)
{
	char *const roots[] = {(char *)dir, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	int rc = fts ? 0 : -errno;
	FTSENT *e;

	while (!rc && (e = fts_read(fts))) {
		if (e->fts_info == FTS_F && e->fts_statp->st_size > 0)
			rc = file_add(e->fts_accpath, e->fts_path + strlen(dir), (size_t)e->fts_statp->st_size, train, held);
	}
	if (fts)
		fts_close(fts);
	return rc;
}

void chunks_sample(struct chunks *c, size_t max)
{
	uint64_t seed = 1;
	size_t sum = 0, n = 0;

	for (size_t i = c->n; i > 1; i--) {
		struct train_chunk t = c->list[i - 1];
		size_t j;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		j = (size_t)((seed >> 33) % i);
		c->list[i - 1] = c->list[j];
		c->list[j] = t;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (sum + c->list[i].len > max)
			continue;
		sum += c->list[i].len;
		c->list[n++] = c->list[i];
	}
	c->n = n;
}
