/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit of recompaction: one extent, or the members of a group to be, encoded if that makes them smaller.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tiers/compact_window.h"

#define HEADER sizeof(struct record_disk)

/* A member takes with it its part of what the dead left in the group. */
static uint64_t item_cost(const struct extent *e)
{
	if (!e->group)
		return HEADER + e->pos.stored;
	return (HEADER + (uint64_t)e->pos.stored) * e->plain / e->left;
}

uint64_t unit_cost(const struct window *w, const struct unit *u)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < u->n; i++)
		cost += item_cost(&w->items[w->order[u->first + i]].old);
	return cost;
}

/* The plain bytes of all members, back to back: the item's own when it is one. */
static const uint8_t *unit_plain(const struct window *w, const struct unit *u, uint8_t *buf)
{
	uint8_t *p = buf;

	if (u->n == 1)
		return w->items[w->order[u->first]].bytes;
	for (size_t i = 0; i < u->n; i++) {
		const struct window_item *item = &w->items[w->order[u->first + i]];

		memcpy(p, item->bytes, item->old.plain);
		p += item->old.plain;
	}
	return buf;
}

/* The table of a group in *table, malloc'ed; 0 bytes for one extent. */
static int unit_table(const struct window *w, const struct unit *u, uint64_t id, uint8_t **table, size_t *len)
{
	struct group_member *list;
	size_t cap = GROUP_TABLE_MAX(u->n);

	*table = NULL;
	*len = 0;
	if (u->n == 1)
		return 0;
	list = malloc(u->n * sizeof *list);
	*table = malloc(cap);
	if (list && *table) {
		for (size_t i = 0; i < u->n; i++) {
			const struct window_item *item = &w->items[w->order[u->first + i]];

			list[i] = (struct group_member){
				.id = item->plan->id, .ino = item->plan->ino, .chunk = item->plan->chunk, .plain = item->old.plain,
			};
		}
		*len = group_encode(id, list, u->n, *table, cap);
	}
	free(list);
	return *len ? 0 : -ENOMEM;
}

/* The record and its bytes. */
static int unit_take(const struct window *w, struct unit *u, uint64_t id, const struct encode_frame *frame,
		     const uint8_t *table, size_t table_len)
{
	const struct plan_item *plan = w->items[w->order[u->first]].plan;

	u->stored = malloc(table_len + frame->len);
	if (!u->stored)
		return -ENOMEM;
	if (table_len > 0)
		memcpy(u->stored, table, table_len);
	memcpy(u->stored + table_len, frame->bytes, frame->len);
	u->len = table_len + frame->len;
	u->record.kind = u->n > 1 ? RECORD_GROUP : RECORD_EXTENT;
	u->record.codec = (uint8_t)frame->codec;
	u->record.level = frame->level;
	u->record.model = frame->model;
	u->record.plain = u->plain;
	u->record.id = id;
	u->record.ino = u->n > 1 ? 0 : plan->ino;
	u->record.chunk = u->n > 1 ? 0 : plan->chunk;
	return 0;
}

int unit_encode(struct volume *vol, const struct window *w, struct unit *u, struct encode_worker *worker,
		const struct encode_policy *policy)
{
	uint64_t id = u->n > 1 ? extent_next_id(vol) : w->items[w->order[u->first]].plan->id, limit = unit_cost(w, u);
	const uint8_t *plain = unit_plain(w, u, worker->plain);
	struct encode_frame frame;
	uint8_t *table;
	size_t table_len;
	int rc = unit_table(w, u, id, &table, &table_len);

	u->verdict = ENCODE_SKIPPED;
	if (rc < 0) {
		free(table);
		return rc;
	}
	if (limit > u->plain + HEADER + 1)
		limit = u->plain + HEADER + 1; /* what is stored of a record is never more than its plain bytes */
	limit = limit > HEADER + table_len ? limit - HEADER - table_len : 0;
	rc = encode_plain(worker, policy, plain, u->plain, limit, &frame);
	if (rc == ENCODE_SMALLER) {
		int err = unit_take(w, u, id, &frame, table, table_len);

		u->record.plain_xxh = codec_checksum(plain, u->plain);
		rc = err ? err : rc;
	}
	free(table);
	if (rc < 0)
		return rc;
	u->verdict = (enum encode_verdict)rc;
	return 0;
}
