/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heat: a bounded set of the extents that were read and whose records do not say so yet.
 */
#include "fs/extent/heat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8192u              /* a power of two */
#define NOTED_MAX (SLOTS / 2)    /* more are not noticed until these are settled */
#define NOTED_MANY (NOTED_MAX / 2)
#define LONG_NS (600ll * 1000000000)
#define NS_PER_HOUR (3600ll * 1000000000)
#define STEP 64u                 /* extents in one operation */

struct heat {
	pthread_mutex_t mutex; /* innermost; guards what follows */
	uint64_t slots[SLOTS]; /* open addressing; 0: empty */
	size_t n;
	int64_t first;         /* when the first of them was noticed */
};

int heat_create(struct volume *vol)
{
	if (vol->readonly)
		return 0;
	vol->heat = calloc(1, sizeof *vol->heat);
	if (!vol->heat)
		return -ENOMEM;
	pthread_mutex_init(&vol->heat->mutex, NULL);
	return 0;
}

void heat_destroy(struct volume *vol)
{
	if (!vol->heat)
		return;
	pthread_mutex_destroy(&vol->heat->mutex);
	free(vol->heat);
	vol->heat = NULL;
}

uint32_t heat_hour(void)
{
	return (uint32_t)(volume_now() / NS_PER_HOUR);
}

/* Mutex held. */
static void heat_add(struct heat *h, uint64_t id)
{
	size_t at = (id * 0x9e3779b97f4a7c15u) >> 51;

	while (h->slots[at] != 0 && h->slots[at] != id)
		at = (at + 1) % SLOTS;
	if (h->slots[at] == id || h->n == NOTED_MAX)
		return;
	if (h->n++ == 0)
		h->first = volume_now();
	h->slots[at] = id;
}

void heat_note(struct volume *vol, const struct extent *e)
{
	struct heat *h = vol->heat;

	if (!h || e->touched >= heat_hour())
		return;
	pthread_mutex_lock(&h->mutex);
	heat_add(h, e->id);
	pthread_mutex_unlock(&h->mutex);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Takes the set when it is time, in order, so that neighbours in the index are changed together. */
static uint64_t *heat_take(struct heat *h, bool all, size_t *n)
{
	uint64_t *list = NULL;

	*n = 0;
	pthread_mutex_lock(&h->mutex);
	if (h->n > 0 && (all || h->n >= NOTED_MANY || volume_now() - h->first >= LONG_NS))
		list = malloc(h->n * sizeof *list);
	for (size_t i = 0; list && i < SLOTS; i++) {
		if (h->slots[i])
			list[(*n)++] = h->slots[i];
	}
	if (list) {
		memset(h->slots, 0, sizeof h->slots);
		h->n = 0;
	}
	pthread_mutex_unlock(&h->mutex);
	if (list)
		qsort(list, *n, sizeof *list, compare);
	return list;
}

void heat_settle(struct volume *vol, bool all)
{
	uint32_t hour = heat_hour();
	uint64_t *list;
	size_t n;

	if (!vol->heat || !(list = heat_take(vol->heat, all, &n)))
		return;
	for (size_t i = 0; i < n;) {
		struct index_op op;

		index_begin(vol->index, &op);
		for (size_t end = i + STEP; i < n && i < end; i++)
			(void)extent_touch(&op, vol, list[i], hour);
		index_end(&op);
	}
	free(list);
}
