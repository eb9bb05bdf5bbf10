/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents whose bytes were encoded again: appended, and their records changed to the new place if nothing
 * changed meanwhile.
 */
#include <errno.h>

#include "fs/extent/extent_map.h"

int extent_append(struct volume *vol, enum segment_stream stream, struct record *r, const void *frame,
		  size_t len, struct segment_pos *pos)
{
	struct extent_map *map = vol->extents;
	int err;

	pthread_mutex_lock(&map->mutex);
	map->appending++;
	pthread_mutex_unlock(&map->mutex);
	err = segment_append(vol->segments, stream, r, frame, len, pos);
	if (err == 0)
		err = extent_map_hold(map, pos->segment, 1);
	pthread_mutex_lock(&map->mutex);
	map->appending--;
	pthread_mutex_unlock(&map->mutex);
	return err;
}

void extent_release(struct volume *vol, const struct segment_pos *pos)
{
	(void)extent_map_hold(vol->extents, pos->segment, -1);
}

/* record_mutex held. */
static int move(struct index_op *op, struct volume *vol, const struct extent *from, const struct extent *to)
{
	struct extent now, moved = *to;
	int r = extent_get(op, from->id, &now);

	if (r == -ENOENT || (r == 0 && (!extent_same_place(&now, from) || now.plain != to->plain)))
		return 0;
	if (r)
		return r;
	moved.id = now.id;
	moved.refs = now.refs;
	moved.touched = now.touched;
	r = extent_put(op, vol, &moved);
	if (r == 0)
		r = extent_leave(op, vol, &now);
	return r ? r : 1;
}

int extent_move(struct index_op *op, struct volume *vol, const struct extent *from, const struct extent *to)
{
	struct extent alone = *to;
	int r;

	alone.group = 0;
	pthread_mutex_lock(&vol->extents->record_mutex);
	r = move(op, vol, from, &alone);
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

/* Moves the members; *left gets their plain bytes. record_mutex held. */
static int members_move(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from,
			size_t n, size_t *moved, uint32_t *left)
{
	struct extent to = *group;
	uint32_t at = 0;

	to.is_group = false;
	to.group = group->id;
	for (size_t i = 0; i < n; at += from[i++].plain) {
		int r;

		to.at = at;
		to.plain = from[i].plain;
		r = move(op, vol, &from[i], &to);
		if (r < 0)
			return r;
		*moved += r == 1;
		*left += r == 1 ? to.plain : 0;
	}
	return 0;
}

/*
 * The group's record goes first, as if all its members were there: what fails between leaves none without its
 * group.
 */
int extent_regroup(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from, size_t n,
		   size_t *moved)
{
	struct extent g = *group;
	uint32_t left = 0;
	int r;

	*moved = 0;
	g.is_group = true;
	g.group = 0;
	g.refs = g.plain;
	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_put(op, vol, &g);
	if (r == 0) {
		r = members_move(op, vol, &g, from, n, moved, &left);
		if (left < g.plain) {
			int end = extent_shrink(op, vol, &g, left);

			r = r ? r : end;
		}
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}
