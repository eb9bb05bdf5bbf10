/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drawing chunks from a directory: one walk that reads nothing, then the chunks that were drawn.
 *
 * A chunk's key is a hash of its place and the seed; a sample is the chunks with the smallest keys that fit into its budget, kept in a heap with the
 * largest key on top while the walk goes on. So the draw depends on names and lengths alone, not on the order of the walk.
 */
#include "tools/tree_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/codec.h"

#define LARGE (4u << 20)
#define PICKS_MAX (1u << 18)
#define PROGRESS_EVERY 256

struct pick {
	uint64_t key, offset;
	uint32_t len;
	char *path;
};

struct draw {
	struct pick *heap;
	size_t n, room;
	uint64_t bytes, max;
	uint64_t limit; /* keys from this one on did not fit */
};

struct walk {
	const struct tree_options *opt;
	struct tree_figures *figures;
	struct draw train, held;
	void *linked; /* tsearch: struct link of files with several names */
	size_t skip;  /* of a path, the directory's own */
};

struct link {
	dev_t dev;
	ino_t ino;
};

unsigned tree_class(uint32_t len)
{
	static const uint32_t up_to[TREE_CLASSES - 1] = {1024, 4096, 16384, TREE_CHUNK - 1};
	unsigned c = 0;

	while (c < TREE_CLASSES - 1 && len > up_to[c])
		c++;
	return c;
}

static uint64_t hash_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (*name)
		h = (h ^ (uint8_t)*name++) * 0x100000001b3u;
	return h ^ h >> 29;
}

static uint64_t hash_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void heap_swap(struct draw *d, size_t a, size_t b)
{
	struct pick t = d->heap[a];

	d->heap[a] = d->heap[b];
	d->heap[b] = t;
}

static void heap_drop_top(struct draw *d)
{
	size_t i = 0, child;

	d->limit = d->heap[0].key;
	d->bytes -= d->heap[0].len;
	free(d->heap[0].path);
	d->heap[0] = d->heap[--d->n];
	while ((child = 2 * i + 1) < d->n) {
		if (child + 1 < d->n && d->heap[child + 1].key > d->heap[child].key)
			child++;
		if (d->heap[i].key >= d->heap[child].key)
			return;
		heap_swap(d, i, child);
		i = child;
	}
}

static int heap_push(struct draw *d, struct pick p)
{
	size_t i = d->n;

	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 1024;
		struct pick *grown = realloc(d->heap, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		d->heap = grown;
		d->room = room;
	}
	p.path = strdup(p.path);
	if (!p.path)
		return -ENOMEM;
	d->heap[d->n++] = p;
	d->bytes += p.len;
	for (; i > 0 && d->heap[(i - 1) / 2].key < d->heap[i].key; i = (i - 1) / 2)
		heap_swap(d, i, (i - 1) / 2);
	return 0;
}

static int draw_consider(struct draw *d, const struct pick *p)
{
	int rc;

	if (p->key >= d->limit)
		return 0;
	rc = heap_push(d, *p);
	while (rc == 0 && d->n > 0 && (d->bytes > d->max || d->n > PICKS_MAX))
		heap_drop_top(d);
	return rc;
}

static void draw_free(struct draw *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->heap[i].path);
	free(d->heap);
}

static int link_compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* 1 when the file was met before under another name. */
static int walk_linked(struct walk *w, const struct stat *st)
{
	struct link *l, **found;

	if (st->st_nlink < 2)
		return 0;
	l = malloc(sizeof *l);
	if (!l)
		return -ENOMEM;
	*l = (struct link){st->st_dev, st->st_ino};
	found = tsearch(l, &w->linked, link_compare);
	if (found && *found == l)
		return 0;
	free(l);
	return found ? 1 : -ENOMEM;
}

static int walk_file(struct walk *w, const FTSENT *e)
{
	uint64_t size = (uint64_t)e->fts_statp->st_size, hash = hash_name(e->fts_path + w->skip);
	int rc = walk_linked(w, e->fts_statp);

	if (rc)
		return rc < 0 ? rc : 0;
	w->figures->files++;
	w->figures->bytes += size;
	for (uint64_t at = 0, i = 0; rc == 0 && at < size; at += TREE_CHUNK, i++) {
		struct pick p = {.offset = at, .path = e->fts_path};
		bool out = (size > LARGE ? hash + i : hash) % 8 == 0;

		p.len = size - at < TREE_CHUNK ? (uint32_t)(size - at) : TREE_CHUNK;
		p.key = hash_mix(hash + 0x9e3779b97f4a7c15u * (i + 1) + hash_mix(w->opt->seed));
		w->figures->chunks++;
		w->figures->class_bytes[tree_class(p.len)] += p.len;
		rc = draw_consider(out ? &w->held : &w->train, &p);
	}
	return rc;
}

static int walk_entry(struct walk *w, const FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_DP:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (e->fts_level == FTS_ROOTLEVEL)
			return -e->fts_errno;
		w->figures->unreadable++;
		return 0;
	case FTS_F:
		w->figures->name_bytes += e->fts_namelen;
		return walk_file(w, e);
	default:
		w->figures->name_bytes += e->fts_namelen;
		w->figures->others++;
		return 0;
	}
}

static int walk_tree(struct walk *w, const char *dir)
{
	char *const roots[] = {(char *)dir, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	unsigned seen = 0;
	FTSENT *e;
	int rc = fts ? 0 : -errno;

	while (rc == 0) {
		errno = 0;
		e = fts_read(fts);
		if (!e) {
			rc = -errno;
			break;
		}
		if (e->fts_level == FTS_ROOTLEVEL && e->fts_info != FTS_D && e->fts_info != FTS_DP)
			rc = e->fts_errno ? -e->fts_errno : -ENOTDIR;
		else
			rc = walk_entry(w, e);
		if (rc == 0 && ++seen % PROGRESS_EVERY == 0 && w->opt->progress && w->opt->progress(w->opt->arg, -1))
			rc = -EINTR;
	}
	if (fts)
		fts_close(fts);
	return rc;
}

/* The chunk's bytes; NULL when the file cannot be read or has changed. */
static uint8_t *pick_read(const struct pick *p)
{
	uint8_t *bytes = malloc(p->len);
	int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t done = 0;
	ssize_t n = 1;

	while (bytes && fd >= 0 && n > 0 && done < p->len) {
		n = pread(fd, bytes + done, p->len - done, (off_t)(p->offset + done));
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (done == p->len)
		return bytes;
	free(bytes);
	return NULL;
}

static int pick_compare(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Reads what was drawn; learnable: drops what nothing can be learned from. */
static int draw_read(struct walk *w, struct draw *d, bool learnable, struct sample *out)
{
	uint64_t seen = 0;

	out->chunks = malloc((d->n ? d->n : 1) * sizeof *out->chunks);
	if (!out->chunks)
		return -ENOMEM;
	if (d->n > 0)
		qsort(d->heap, d->n, sizeof *d->heap, pick_compare);
	for (size_t i = 0; i < d->n; i++) {
		uint8_t *bytes = pick_read(&d->heap[i]);
		uint32_t len = d->heap[i].len;

		if (w->opt->progress && w->opt->progress(w->opt->arg, (double)i / (double)d->n)) {
			free(bytes);
			return -EINTR;
		}
		w->figures->unreadable += bytes == NULL;
		seen += bytes ? len : 0;
		if (!bytes || (learnable && codec_incompressible(bytes, len))) {
			free(bytes);
			continue;
		}
		out->chunks[out->n++] = (struct train_chunk){bytes, len};
		out->bytes += len;
	}
	out->mount_bytes = w->figures->bytes;
	out->mount_extents = w->figures->chunks;
	if (seen)
		out->learnable_bytes = (uint64_t)((double)out->bytes * (double)w->figures->bytes / (double)seen);
	return out->n ? 0 : -ENODATA;
}

int tree_draw(const char *dir, const struct tree_options *opt, struct tree_figures *figures, struct sample *train,
	      struct sample *held)
{
	struct walk w = {.opt = opt, .figures = figures, .skip = strlen(dir)};
	int rc;

	*figures = (struct tree_figures){0};
	*train = *held = (struct sample){0};
	w.train.max = opt->train_max;
	w.held.max = opt->held_max;
	w.train.limit = w.held.limit = UINT64_MAX;
	rc = walk_tree(&w, dir);
	if (rc == 0)
		rc = draw_read(&w, &w.held, false, held);
	if (rc == 0)
		rc = draw_read(&w, &w.train, true, train);
	tdestroy(w.linked, free);
	draw_free(&w.train);
	draw_free(&w.held);
	if (rc < 0) {
		sample_free(train);
		sample_free(held);
	}
	return rc;
}
