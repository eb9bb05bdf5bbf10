/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of extents that recompaction has in memory: read, and divided into units.
 */
#include "fs/compact_window.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/cache.h"

#define WINDOW_ITEMS 4096u

int window_init(struct window *w, const struct plan_item *items, size_t n)
{
	uint64_t bytes = 0;

	*w = (struct window){0};
	while (w->n < n && w->n < WINDOW_ITEMS && bytes < WINDOW_BYTES)
		bytes += items[w->n++].plain;
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
	return item->old.plain > group_bytes / 2 || codec_incompressible(item->bytes, item->old.plain);
}

/* Adds items to the last unit while they fit, else to a new one. */
static void unit_add(struct window *w, size_t *end, size_t item, struct unit **open, uint32_t group_bytes)
{
	uint32_t plain = w->items[item].old.plain;
	struct unit *u = *open;

	if (!u || plain > group_bytes - u->plain || u->n == GROUP_MEMBERS_MAX) {
		u = &w->units[w->n_units++];
		u->first = *end;
		*open = u;
	}
	w->order[(*end)++] = item;
	u->n++;
	u->plain += plain;
}

int window_divide(struct window *w, uint32_t group_bytes)
{
	struct unit *open = NULL;
	size_t end = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct unit *alone = NULL;

		if (w->items[i].state == ITEM_READ && item_alone(&w->items[i], group_bytes))
			unit_add(w, &end, i, &alone, group_bytes);
	}
	for (size_t i = 0; i < w->n; i++) {
		if (w->items[i].state == ITEM_READ && !item_alone(&w->items[i], group_bytes))
			unit_add(w, &end, i, &open, group_bytes);
	}
	return 0;
}
