/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of extents that recompaction has in memory: read, and divided into units.
 */
#include "fs/tiers/compact_window.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/data/cache.h"
#include "fs/tiers/similar.h"

#define WINDOW_ITEMS 16384u

/* One alone would fill more than half of a group. */
static bool plain_small(uint32_t plain, uint32_t group_bytes)
{
	return plain <= group_bytes / 2;
}

int window_init(struct window *w, const struct plan_item *items, size_t n, const struct window_limits *limits)
{
	uint64_t bytes = 0, large = 0;

	*w = (struct window){0};
	while (w->n < n && w->n < WINDOW_ITEMS && bytes < limits->bytes && large < WINDOW_BYTES) {
		uint32_t plain = items[w->n++].plain;

		bytes += plain;
		large += plain_small(plain, limits->group_bytes) ? 0 : plain;
	}
	w->items = calloc(w->n, sizeof *w->items);
	w->order = calloc(w->n, sizeof *w->order);
	w->units = calloc(w->n, sizeof *w->units);
	if (!w->items || !w->order || !w->units)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		w->items[i].plan = &items[i];
	return 0;
}

void window_fini(struct window *w)
{
	for (size_t i = 0; w->items && i < w->n; i++)
		free(w->items[i].bytes);
	for (size_t i = 0; w->units && i < w->n_units; i++)
		free(w->units[i].stored);
	free(w->items);
	free(w->order);
	free(w->units);
	*w = (struct window){0};
}

/* Members by way of the cache, so that their group is decoded once. */
static int item_read(struct volume *vol, struct window_item *item, struct codec_ctx *ctx)
{
	struct index_op op;
	uint32_t n;
	int rc;

	index_begin(vol->index, &op);
	rc = extent_get(&op, item->plan->id, &item->old);
	index_end(&op);
	if (rc < 0)
		return rc;
	if (item->old.plain > vol->super.chunk_size || item->old.is_group)
		return -EUCLEAN;
	item->bytes = malloc(item->old.plain);
	if (!item->bytes)
		return -ENOMEM;
	if (item->old.group)
		return cache_read_whole(vol, &item->old, item->bytes);
	rc = extent_read(vol, ctx, item->old.id, item->bytes, item->old.plain, &n);
	return rc == 0 && n != item->old.plain ? -EUCLEAN : rc;
}

int window_read(struct volume *vol, struct window *w, size_t i, struct codec_ctx *ctx)
{
	struct window_item *item = &w->items[i];
	int rc = item_read(vol, item, ctx);

	if (rc == 0)
		item->state = ITEM_READ;
	else if (rc == -ENOENT)
		item->state = ITEM_GONE;
	else if (rc == -EIO || rc == -EUCLEAN)
		item->state = ITEM_DAMAGED;
	else
		return rc;
	return 0;
}

/* What gains nothing from company is alone: large extents, and such as are compressed already. */
static bool item_alone(const struct window_item *item, uint32_t group_bytes)
{
	return !plain_small(item->old.plain, group_bytes) || codec_incompressible(item->bytes, item->old.plain);
}

static struct unit *unit_begin(struct window *w, size_t first)
{
	struct unit *u = &w->units[w->n_units++];

	u->first = first;
	return u;
}

static void unit_add(struct window *w, struct unit *u, size_t item)
{
	w->order[u->first + u->n++] = item;
	u->plain += w->items[item].old.plain;
}

/* Units of the n items listed, alike ones together; `end`: where in w->order. */
static int divide_small(struct window *w, const size_t *list, size_t n, size_t end, uint32_t group_bytes)
{
	struct piece *pieces = malloc((n + 1) * sizeof *pieces);
	size_t *order = malloc((n + 1) * sizeof *order), groups;
	struct unit *u = NULL;
	int rc = pieces && order ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < n; i++)
		pieces[i] = (struct piece){w->items[list[i]].bytes, w->items[list[i]].old.plain, 0};
	if (rc == 0)
		rc = similar_divide(pieces, n, group_bytes, GROUP_MEMBERS_MAX, order, &groups);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i == 0 || pieces[order[i]].group != pieces[order[i - 1]].group)
			u = unit_begin(w, end + i);
		unit_add(w, u, list[order[i]]);
	}
	free(pieces);
	free(order);
	return rc;
}

int window_divide(struct window *w, uint32_t group_bytes)
{
	size_t *small = malloc(w->n * sizeof *small), n = 0, end = 0;
	int rc;

	if (!small)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++) {
		if (w->items[i].state != ITEM_READ)
			continue;
		if (item_alone(&w->items[i], group_bytes))
			unit_add(w, unit_begin(w, end++), i);
		else
			small[n++] = i;
	}
	rc = divide_small(w, small, n, end, group_bytes);
	free(small);
	return rc;
}

size_t window_batch(const struct window *w, size_t first)
{
	size_t end = first;

	for (uint64_t bytes = 0; end < w->n_units && bytes < WINDOW_BYTES; end++)
		bytes += w->units[end].plain;
	return end;
}
