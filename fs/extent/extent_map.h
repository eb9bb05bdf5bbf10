/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each segment still holds: counters in memory, changed inside the operations that change extents,
 * stored by the commit hook.
 */
#ifndef FIRN_FS_EXTENT_MAP_H
#define FIRN_FS_EXTENT_MAP_H

#include "fs/extent/extent.h"

/*
 * No store has more: at the default size this is a petabyte. It bounds what a damaged number can make us
 * allocate.
 */
#define SEGMENT_COUNT_MAX (1u << 24)

struct segment_use {
	uint64_t total, live;
	uint32_t records;
	uint32_t holds;    /* appended records whose extents are not yet put                   */
	enum segment_stream stream;
	bool known;        /* there is such a segment                                          */
	bool sealed;
	bool changed;      /* since the last store                                             */
	bool frozen_empty; /* sealed and without a live record as of the last store            */
	bool empty;        /* the same as of the last durable commit: to be removed            */
};

struct dead_list;

struct extent_map {
	/* held around read-modify-write of an extent record, inside an operation */
	pthread_mutex_t record_mutex;
	pthread_mutex_t mutex;        /* guards what follows; innermost */
	uint64_t next_id, plain_bytes;
	unsigned appending;           /* appends under way: their segments are not known yet */
	struct segment_use *use;      /* by segment number */
	uint32_t count;               /* length of use */
	uint32_t first_open;          /* segments below are sealed */
	struct dead_list *dead;       /* fs/extent/extent_dead.c */
};

/*
 * Adds records (1, 0, -1) with their bytes, headers included, and plain bytes to what a segment holds. A new segment may need
 * memory: -ENOMEM.
 */
int extent_map_count(struct extent_map *map, uint32_t segment, int64_t bytes, int64_t plain, int records);

/*
 * fs/extent/extent_dead.c: records that no extent refers to any more, whose disk space is given back when that is
 * durable.
 */
int extent_dead_create(struct dead_list **out);
void extent_dead_destroy(struct dead_list *d);
/* inside the operation; without memory it stays garbage */
void extent_dead_add(struct dead_list *d, const struct segment_pos *pos);
void extent_dead_freeze(struct dead_list *d);                             /* in the commit hook */
void extent_dead_punch(struct dead_list *d, struct segments *ss);         /* after a durable commit */

/*
 * fs/extent/extent.c: between an extent and its value in the index. What of a member only its group knows extent_resolve
 * sets. -EUCLEAN.
 */
int extent_store(struct index_op *op, const struct extent *e);
size_t extent_encode(struct extent_disk *disk, const struct extent *e); /* how many bytes of it */
int extent_decode(uint64_t id, const void *value, size_t len, struct extent *e);
int extent_resolve(const struct extent *group, struct extent *member);

/* The same place of the same plain bytes: a group may move with its members. */
bool extent_same_place(const struct extent *a, const struct extent *b);

/*
 * fs/extent/extent.c, with record_mutex held. extent_shrink: a group's members are `left` bytes now; without any it goes.
 * extent_leave: lets go of the place of an extent whose record in the index says something else now.
 */
int extent_shrink(struct index_op *op, struct volume *vol, const struct extent *group, uint32_t left);
int extent_leave(struct index_op *op, struct volume *vol, const struct extent *e);

/* Adds n (1, -1) to the holds of a segment. */
int extent_map_hold(struct extent_map *map, uint32_t segment, int n);

#endif
