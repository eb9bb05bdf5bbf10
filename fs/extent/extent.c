/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extent records: put, got, counted and let go of.
 */
#include "fs/extent/extent.h"

#include <errno.h>

#include "fs/extent/extent_map.h"
#include "index/group.h"

int extent_store(struct index_op *op, const struct extent *e)
{
	struct extent_disk disk;
	uint8_t key[8];

	be64_put(key, e->id);
	return index_put(op, TABLE_EXTENT, key, sizeof key, &disk, extent_encode(&disk, e));
}

int extent_resolve(const struct extent *group, struct extent *member)
{
	if (!group->is_group || group->id != member->group || member->at > group->plain ||
	    member->plain > group->plain - member->at || member->plain > group->refs)
		return -EUCLEAN;
	member->pos = group->pos;
	member->stored = group_share(group->pos.stored, group->plain, member->at, member->plain);
	member->codec = group->codec;
	member->level = group->level;
	member->model = group->model;
	member->whole = group->plain;
	member->left = group->refs;
	member->damaged = group->damaged;
	return 0;
}

static int record_get(struct index_op *op, uint64_t id, struct extent *e)
{
	struct extent_disk disk;
	uint8_t key[8];
	int n;

	be64_put(key, id);
	n = index_get(op, TABLE_EXTENT, key, sizeof key, &disk, sizeof disk);
	if (n < 0)
		return n == -ERANGE ? -EUCLEAN : n;
	return extent_decode(id, &disk, (size_t)n, e);
}

int extent_get(struct index_op *op, uint64_t id, struct extent *e)
{
	struct extent group;
	int r = record_get(op, id, e);

	if (r || !e->group)
		return r;
	r = record_get(op, e->group, &group);
	if (r == 0)
		r = extent_resolve(&group, e);
	return r == -ENOENT ? -EUCLEAN : r;
}

bool extent_same_place(const struct extent *a, const struct extent *b)
{
	if (a->group || b->group)
		return a->group == b->group && a->at == b->at;
	return a->pos.segment == b->pos.segment && a->pos.offset == b->pos.offset && a->pos.stored == b->pos.stored;
}

/* What an extent adds to the live bytes of its segment. Members are counted by their group. */
static int64_t live_bytes(const struct extent *e)
{
	if (e->group)
		return 0;
	return (int64_t)sizeof(struct record_disk) +
		(e->is_group ? group_share(e->pos.stored, e->plain, 0, e->refs) : e->pos.stored);
}

static int64_t live_plain(const struct extent *e)
{
	return e->group ? 0 : e->is_group ? e->refs : e->plain;
}

/* Counts an extent's place in (sign 1) or out (-1). */
static int place_count(struct volume *vol, const struct extent *e, int sign)
{
	if (e->group || e->pos.segment == 0)
		return 0;
	return extent_map_count(vol->extents, e->pos.segment, sign * live_bytes(e), sign * live_plain(e), sign);
}

int extent_put(struct index_op *op, struct volume *vol, const struct extent *e)
{
	int r = place_count(vol, e, 1);

	if (r)
		return r;
	r = extent_store(op, e);
	if (r)
		(void)place_count(vol, e, -1);
	return r;
}

int extent_ref(struct index_op *op, struct volume *vol, uint64_t id)
{
	struct extent e;
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, id, &e);
	if (r == 0 && (e.refs == UINT32_MAX || e.is_group))
		r = e.is_group ? -EUCLEAN : -EMLINK;
	if (r == 0) {
		e.refs++;
		r = extent_store(op, &e);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

static int record_del(struct index_op *op, uint64_t id)
{
	uint8_t key[8];

	be64_put(key, id);
	return index_del(op, TABLE_EXTENT, key, sizeof key);
}

static void place_free(struct volume *vol, const struct extent *e)
{
	if (e->pos.segment == 0)
		return; /* known to be lost */
	(void)place_count(vol, e, -1);
	extent_dead_add(vol->extents->dead, &e->pos);
}

int extent_shrink(struct index_op *op, struct volume *vol, const struct extent *group, uint32_t left)
{
	struct extent now = *group;
	int r;

	now.refs = left;
	r = left ? extent_store(op, &now) : record_del(op, now.id);
	if (r)
		return r;
	if (left && now.pos.segment)
		(void)extent_map_count(vol->extents, now.pos.segment, live_bytes(&now) - live_bytes(group),
				       live_plain(&now) - live_plain(group), 0);
	else if (left == 0)
		place_free(vol, group);
	return 0;
}

int extent_leave(struct index_op *op, struct volume *vol, const struct extent *e)
{
	struct extent group;
	int r;

	if (!e->group) {
		place_free(vol, e);
		return 0;
	}
	r = record_get(op, e->group, &group);
	if (r)
		return r == -ENOENT ? -EUCLEAN : r;
	return extent_shrink(op, vol, &group, group.refs > e->plain ? group.refs - e->plain : 0);
}

int extent_unref(struct index_op *op, struct volume *vol, uint64_t id)
{
	struct extent e;
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, id, &e);
	if (r == 0 && e.is_group)
		r = -EUCLEAN;
	if (r == 0 && --e.refs > 0) {
		r = extent_store(op, &e);
	} else if (r == 0) {
		r = record_del(op, id);
		if (r == 0)
			r = extent_leave(op, vol, &e);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

int extent_mark(struct index_op *op, struct volume *vol, const struct extent *e)
{
	struct extent now;
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, e->id, &now);
	if (r == 0) {
		now.tried = e->tried;
		now.tried_level = e->tried_level;
		r = extent_store(op, &now);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

int extent_touch(struct index_op *op, struct volume *vol, uint64_t id, uint32_t hour)
{
	struct extent now;
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, id, &now);
	if (r == 0 && now.touched < hour) {
		now.touched = hour;
		r = extent_store(op, &now);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}
