/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a window: smaller records appended and synced, extents swapped to them or marked as tried, committed.
 */
#include "fs/tiers/compact_settle.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/data/commit.h"

static int units_append(struct volume *vol, struct window *w, const struct settle_job *job)
{
	int rc = 0;

	for (size_t i = job->first; i < job->end; i++) {
		struct unit *u = &w->units[i];

		if (u->verdict != ENCODE_SMALLER)
			continue;
		if (rc == 0)
			rc = extent_append(vol, STREAM_COLD, &u->record, u->stored, u->len, &u->to);
		if (rc < 0)
			u->verdict = ENCODE_SKIPPED;
	}
	return rc;
}

/* The extent or the group that the unit becomes. */
static struct extent unit_extent(const struct window *w, const struct unit *u)
{
	const struct record *r = &u->record;
	struct extent e = w->items[w->order[u->first]].old;

	e.pos = u->to;
	e.id = r->id;
	e.plain = r->plain;
	e.codec = r->codec;
	e.level = r->level;
	e.model = r->model;
	return e;
}

/* Members leave where they were and join their group in one operation. */
static int unit_join(struct volume *vol, const struct window *w, const struct unit *u, const struct extent *group, size_t *moved)
{
	struct extent *from = malloc(u->n * sizeof *from);
	struct index_op op;
	int rc;

	*moved = 0;
	if (!from)
		return -ENOMEM;
	for (size_t i = 0; i < u->n; i++)
		from[i] = w->items[w->order[u->first + i]].old;
	index_begin(vol->index, &op);
	rc = extent_regroup(&op, vol, group, from, u->n, moved);
	index_end(&op);
	free(from);
	return rc;
}

static int unit_swap(struct volume *vol, const struct window *w, const struct unit *u, const struct extent *to,
		     struct compact_result *result)
{
	struct index_op op;
	size_t moved = 0;
	int rc;

	if (u->n > 1) {
		rc = unit_join(vol, w, u, to, &moved);
	} else {
		index_begin(vol->index, &op);
		rc = extent_move(&op, vol, &w->items[w->order[u->first]].old, to);
		index_end(&op);
		moved = rc == 1;
	}
	result->moved += moved;
	result->raced += u->n - moved;
	return rc < 0 ? rc : 0;
}

static int unit_mark(struct volume *vol, const struct window *w, const struct unit *u, const struct settle_job *job,
		     struct compact_result *result)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < u->n; i++) {
		struct extent e = w->items[w->order[u->first + i]].old;
		struct index_op op;

		e.tried = job->tried;
		e.tried_level = job->tried_level;
		index_begin(vol->index, &op);
		rc = extent_mark(&op, vol, &e);
		index_end(&op);
		rc = rc == -ENOENT ? 0 : rc;
		result->kept++;
	}
	return rc;
}

static int unit_settle(struct volume *vol, const struct window *w, const struct unit *u, const struct settle_job *job,
		       struct compact_result *result)
{
	struct extent to = unit_extent(w, u);

	to.tried = job->tried;
	to.tried_level = job->tried_level;
	if (u->verdict == ENCODE_SMALLER)
		return unit_swap(vol, w, u, &to, result);
	return u->verdict == ENCODE_KEEP ? unit_mark(vol, w, u, job, result) : 0;
}

void window_count_unread(const struct window *w, struct compact_result *result)
{
	for (size_t i = 0; i < w->n; i++) {
		result->extents += w->items[i].state == ITEM_GONE || w->items[i].state == ITEM_DAMAGED;
		result->damaged += w->items[i].state == ITEM_DAMAGED;
		result->raced += w->items[i].state == ITEM_GONE;
	}
}

int window_settle(struct volume *vol, struct window *w, const struct settle_job *job, struct compact_result *result)
{
	int full = units_append(vol, w, job), rc = job->commit ? segment_sync(vol->segments) : 0;

	for (size_t i = job->first; i < job->end; i++) {
		struct unit *u = &w->units[i];

		result->extents += u->verdict == ENCODE_SKIPPED ? 0 : u->n;
		result->refused += u->verdict == ENCODE_REFUSED ? u->n : 0;
		if (rc == 0)
			rc = unit_settle(vol, w, u, job, result);
		if (u->verdict == ENCODE_SMALLER)
			extent_release(vol, &u->to);
	}
	if (rc == 0 && job->commit)
		rc = volume_commit(vol);
	return full < 0 ? full : rc;
}
