/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extents: immutable runs of plain bytes (one chunk each), where they lie, who counts on them, and what each
 * segment still holds.
 *
 * A small extent may be a *member* of a *group*: an extent of its own, whose record holds the plain bytes of all
 * members in one frame. It is there as long as a member is; members come, stay and go one by one.
 *
 * Segment counters live in memory and are written by the commit hook, so map and counters change in one
 * transaction.
 */
#ifndef FIRN_FS_EXTENT_H
#define FIRN_FS_EXTENT_H

#include "fs/volume/volume.h"

struct extent {
	uint64_t id;
	struct segment_pos pos; /* of its record; a member: of the group's, as codec, level and model are */
	uint32_t stored;        /* pos.stored; a member: its share of the group's */
	uint32_t plain;
	uint8_t codec, level;
	uint16_t model;
	bool is_group;
	uint64_t group;         /* that it is a member of, 0 none; then also: */
	uint32_t at;            /* where it begins in the group's plain bytes */
	uint32_t whole, left;   /* the group's plain bytes, and those of them that members still hold */
	uint32_t refs;          /* a group: plain bytes of the members that are left */
	uint32_t touched; /* hours since 1970 */
	uint16_t tried;
	uint8_t tried_level;
	bool damaged;           /* EXTENT_DAMAGED; a member: its group is */
};

/* loads counters and segment statistics from the index; sets vol->extents */
int extent_map_create(struct volume *vol);
void extent_map_destroy(struct volume *vol);

uint64_t extent_next_id(struct volume *vol);
/* the number that the next one gets: for the counters of a commit */
uint64_t extent_peek_id(struct volume *vol);

/*
 * segment_append for the bytes of an extent: keeps the segment from being removed as empty until
 * extent_release, which the caller calls when the extent's record is put or moved there, or when he gave up.
 */
int extent_append(struct volume *vol, enum segment_stream stream, struct record *r, const void *frame,
		  size_t len, struct segment_pos *pos);
void extent_release(struct volume *vol, const struct segment_pos *pos);

/*
 * Inside an operation. extent_put is for a new one (refs as given): counts its record into the segment's live
 * bytes. Of a group only extent_get may be called by others than extent_regroup and extent_move.
 */
int extent_put(struct index_op *op, struct volume *vol, const struct extent *e);
int extent_get(struct index_op *op, uint64_t id, struct extent *e); /* -ENOENT, -EUCLEAN (also: it has no group) */
int extent_ref(struct index_op *op, struct volume *vol, uint64_t id);
/* at zero the record goes and the segment's live bytes shrink */
int extent_unref(struct index_op *op, struct volume *vol, uint64_t id);

/*
 * Moves an extent, or a group with all its members, to a record of its own if it still lies where `from` says (recompaction): 1 moved,
 * 0 changed meanwhile or gone (then the new record is garbage in its segment). Inside an operation.
 */
int extent_move(struct index_op *op, struct volume *vol, const struct extent *from, const struct extent *to);

/*
 * Makes the n extents that still lie where from[] says members of a new group; *moved: how many did. The group's record lies at
 * group->pos (appended, with that id); its members are from[] in order, back to back. All get the tried and tried_level of
 * the group. Inside an operation.
 */
int extent_regroup(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from, size_t n,
		   size_t *moved);

/* Remembers tried and tried_level of an extent that otherwise stays. */
int extent_mark(struct index_op *op, struct volume *vol, const struct extent *e);

/* Remembers that it was read in this hour since 1970, unless it was later already. -ENOENT: gone. */
int extent_touch(struct index_op *op, struct volume *vol, uint64_t id, uint32_t hour);

/* Counts records of models in and out of a segment (bytes with headers). */
void extent_account_model(struct volume *vol, uint32_t segment, uint64_t bytes, int sign);

/*
 * The commit hook's part: writes changed segment statistics. *next_segment: the counter that goes with them. Segments
 * that are begun meanwhile are not among them, and no record of this commit lies there: a crash makes them garbage.
 */
int extent_map_store(struct index_op *op, struct volume *vol, uint32_t *next_segment);

/* What the hook found is durable now: the space of records that died until then is given back. */
void extent_map_durable(struct volume *vol);

/*
 * Unlinks sealed segments that hold no live record as of the last durable commit. Returns how many, or
 * -errno. Commits do it themselves.
 */
int extent_reap_segments(struct volume *vol);

struct extent_totals {
	uint64_t segment_bytes; /* appended, all segments */
	uint64_t live_bytes;
	uint64_t plain_bytes;   /* of all extents */
	uint32_t segments;
};
void extent_totals(struct volume *vol, struct extent_totals *out);

/*
 * Reads and decodes an extent into buf (cap >= its plain length) and checks its plain checksum; of a group, all that its record
 * holds; of a member, from the group's frame, decoded for this. Retries when it was moved meanwhile. -ENOENT: there is no such extent (any more): the caller looks its chunk up again.
 * -EIO for any damage.
 */
struct codec_ctx;
int extent_read(struct volume *vol, struct codec_ctx *ctx, uint64_t id, void *buf, size_t cap,
		uint32_t *plain);

#endif
