/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dead records: collected as extents go, and punched out of their segments once a commit has made that
 * durable, so that deleting gives space back at once where whole blocks are free. What shares its blocks with
 * the living waits for recompaction.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/extent/extent_map.h"

#define BLOCK 4096u
/* More than this in one commit is left for recompaction to find. */
#define DEAD_MAX (1u << 20)

struct dead {
	uint32_t segment, offset;
	uint64_t end;
};

struct dead_list {
	pthread_mutex_t mutex; /* innermost; guards what follows */
	struct dead *list;     /* the first `frozen` are part of the generation that was frozen last */
	size_t n, cap, frozen;
	bool unsupported;
};

int extent_dead_create(struct dead_list **out)
{
	struct dead_list *d = calloc(1, sizeof *d);

	*out = d;
	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->mutex, NULL);
	return 0;
}

void extent_dead_destroy(struct dead_list *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->mutex);
	free(d->list);
	free(d);
}

void extent_dead_add(struct dead_list *d, const struct segment_pos *pos)
{
	pthread_mutex_lock(&d->mutex);
	if (d->n == d->cap && d->cap < DEAD_MAX && !d->unsupported) {
		size_t cap = d->cap ? d->cap * 2 : 256;
		struct dead *grown = realloc(d->list, cap * sizeof *grown);

		if (grown) {
			d->list = grown;
			d->cap = cap;
		}
	}
	if (d->n < d->cap)
		d->list[d->n++] = (struct dead){
			pos->segment, pos->offset, (uint64_t)pos->offset + sizeof(struct record_disk) + pos->stored,
		};
	pthread_mutex_unlock(&d->mutex);
}

void extent_dead_freeze(struct dead_list *d)
{
	pthread_mutex_lock(&d->mutex);
	d->frozen = d->n;
	pthread_mutex_unlock(&d->mutex);
}

static int compare(const void *a, const void *b)
{
	const struct dead *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Takes the frozen part of the list; the caller frees it. */
static struct dead *frozen_take(struct dead_list *d, size_t *n)
{
	struct dead *taken;

	pthread_mutex_lock(&d->mutex);
	*n = d->frozen;
	taken = *n ? malloc(*n * sizeof *taken) : NULL;
	if (taken)
		memcpy(taken, d->list, *n * sizeof *taken);
	if (d->n > *n)
		memmove(d->list, d->list + *n, (d->n - *n) * sizeof *d->list);
	d->n -= *n;
	d->frozen = 0;
	pthread_mutex_unlock(&d->mutex);
	return taken;
}

void extent_dead_punch(struct dead_list *d, struct segments *ss)
{
	size_t n, i = 0;
	struct dead *list = frozen_take(d, &n);
	bool unsupported = false;

	if (!list)
		return;
	qsort(list, n, sizeof *list, compare);
	while (i < n && !unsupported) {
		struct dead run = list[i++];
		uint64_t first, last;

		while (i < n && list[i].segment == run.segment && list[i].offset == run.end)
			run.end = list[i++].end;
		first = ((uint64_t)run.offset + BLOCK - 1) / BLOCK * BLOCK;
		last = run.end / BLOCK * BLOCK;
		if (first < last)
			unsupported = segment_punch(ss, run.segment, first, last - first) == -EOPNOTSUPP;
	}
	free(list);
	pthread_mutex_lock(&d->mutex);
	d->unsupported |= unsupported;
	pthread_mutex_unlock(&d->mutex);
}
