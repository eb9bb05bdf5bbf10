/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of a check in memory: arrays in ascending order, filled mostly at their end.
 */
#include <stdlib.h>
#include <string.h>

#include "fs/check/check_pass.h"

void *check_array_add(struct check_array *a, size_t size, size_t at)
{
	uint8_t *items = a->items;

	if (a->n == a->room) {
		size_t room = a->room ? a->room + a->room / 2 : 64;

		items = realloc(items, room * size);
		if (!items)
			return NULL;
		a->items = items;
		a->room = room;
	}
	memmove(items + (at + 1) * size, items + at * size, (a->n - at) * size);
	memset(items + at * size, 0, size);
	a->n++;
	return items + at * size;
}

/* Every item begins with its number, of 32 or 64 bits: where the first one of at least `number` is. */
static size_t find(const struct check_array *a, size_t size, uint64_t number, bool wide)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const uint8_t *item = (const uint8_t *)a->items + mid * size;
		uint64_t n;
		uint32_t narrow;

		if (wide) {
			memcpy(&n, item, sizeof n);
		} else {
			memcpy(&narrow, item, sizeof narrow);
			n = narrow;
		}
		if (n < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static_assert(offsetof(struct check_inode, ino) == 0 && offsetof(struct check_extent, e.id) == 0 &&
		      offsetof(struct check_segment, number) == 0, "numbers come first");

struct check_inode *check_inode(struct check *ck, uint64_t ino)
{
	struct check_inode *list = ck->inodes.items;
	size_t at = find(&ck->inodes, sizeof *list, ino, true);

	return at < ck->inodes.n && list[at].ino == ino ? &list[at] : NULL;
}

struct check_inode *check_inode_add(struct check *ck, uint64_t ino, const struct inode_attr *attr)
{
	struct check_inode *i = check_array_add(&ck->inodes, sizeof *i, find(&ck->inodes, sizeof *i, ino, true));

	if (!i)
		return NULL;
	i->ino = ino;
	i->size = attr->size;
	i->blocks = attr->blocks;
	i->parent = attr->parent;
	i->mode = attr->mode;
	i->nlink = attr->nlink;
	if (ck->max_ino < ino)
		ck->max_ino = ino;
	return i;
}

struct check_extent *check_extent(struct check *ck, uint64_t id)
{
	struct check_extent *list = ck->extents.items;
	size_t at = find(&ck->extents, sizeof *list, id, true);

	return at < ck->extents.n && list[at].e.id == id ? &list[at] : NULL;
}

struct check_extent *check_extent_add(struct check *ck, uint64_t id)
{
	struct check_extent *x = check_array_add(&ck->extents, sizeof *x, find(&ck->extents, sizeof *x, id, true));

	if (!x)
		return NULL;
	x->e.id = id;
	if (ck->max_extent < id)
		ck->max_extent = id;
	return x;
}

struct check_segment *check_segment(struct check *ck, uint32_t number)
{
	struct check_segment *list = ck->segments.items;
	size_t at = find(&ck->segments, sizeof *list, number, false);

	return at < ck->segments.n && list[at].number == number ? &list[at] : NULL;
}

struct check_segment *check_segment_add(struct check *ck, uint32_t number)
{
	struct check_segment *s = check_segment(ck, number);

	if (s)
		return s;
	s = check_array_add(&ck->segments, sizeof *s, find(&ck->segments, sizeof *s, number, false));
	if (s)
		s->number = number;
	return s;
}
