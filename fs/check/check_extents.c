/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over extents: a whole record behind each one, and as many references as chunks that name it.
 */
#include <errno.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "fs/check/check_pass.h"
#include "fs/extent/extent_map.h"
#include "fs/volume/pool.h"

/* Members after the rest. */
static int by_place(const void *a, const void *b)
{
	const struct check_extent *x = *(struct check_extent *const *)a, *y = *(struct check_extent *const *)b;

	if ((x->e.group == 0) != (y->e.group == 0))
		return x->e.group ? 1 : -1;
	if (x->e.pos.segment != y->e.pos.segment)
		return x->e.pos.segment < y->e.pos.segment ? -1 : 1;
	return x->e.pos.offset < y->e.pos.offset ? -1 : x->e.pos.offset > y->e.pos.offset;
}

static bool model_whole(struct check *ck, uint16_t number)
{
	const struct check_model *m = number ? check_model(ck, number) : NULL;

	return number == 0 || (m && m->whole);
}

/* 0, or 1 when the record behind the extent is not what it should be. */
static int record_check(struct check *ck, const struct extent *e, struct codec_ctx *ctx, uint8_t *buf)
{
	struct record rec;
	uint32_t plain;
	int r = segment_peek(ck->vol->segments, &e->pos, &rec);

	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EACCES)
		return r;
	if (r || rec.kind != (e->is_group ? RECORD_GROUP : RECORD_EXTENT) || rec.id != e->id || rec.plain != e->plain || rec.codec != e->codec ||
	    rec.level != e->level || rec.model != e->model || !model_whole(ck, e->model))
		return 1;
	if (ck->max_sequence < rec.sequence)
		ck->max_sequence = rec.sequence;
	if (!ctx)
		return 0;
	r = extent_read(ck->vol, ctx, e->id, buf, ck->vol->super.chunk_size, &plain);
	return r == -EIO ? 1 : r;
}

/* A member is as good as its group, which was looked at before. */
static bool member_bad(struct check *ck, struct check_extent *x)
{
	const struct check_extent *g = check_extent(ck, x->e.group);
	struct extent whole;

	if (!g || !g->recorded || g->bad)
		return true;
	whole = g->e;
	whole.refs = whole.plain; /* a figure to be counted again */
	return extent_resolve(&whole, &x->e) != 0;
}

static int known_note(struct check *ck, const struct check_extent *x)
{
	struct check_problem p = {
		.code = CHECK_EXTENT_KNOWN, .ino = x->ino, .chunk = x->chunk, .extent = x->e.id,
	};

	return check_found(ck, &p);
}

/* In the order in which they lie on the disk. */
static int records_check(struct check *ck)
{
	struct check_extent *list = ck->extents.items, **order = malloc((ck->extents.n + 1) * sizeof *order);
	struct codec_ctx *ctx = NULL;
	uint8_t *buf = pool_get(ck->vol->pool);
	int r = order && buf ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ck->extents.n; i++)
		order[i] = &list[i];
	if (r == 0) {
		qsort(order, ck->extents.n, sizeof *order, by_place);
		r = ck->opt->data ? codec_ctx_create(&ctx) : 0;
	}
	for (size_t i = 0; r == 0 && i < ck->extents.n; i++) {
		struct check_extent *x = order[i];

		r = check_step(ck);
		if (r || x->bad)
			continue;
		if (x->e.group)
			x->bad = member_bad(ck, x);
		if (x->e.damaged && !x->bad && !x->e.is_group)
			r = known_note(ck, x);
		if (x->e.group || x->e.damaged)
			continue;
		r = record_check(ck, &x->e, ctx, buf);
		x->bad = r == 1;
		r = r < 0 ? r : 0;
	}
	codec_ctx_destroy(ctx);
	pool_put(ck->vol->pool, buf);
	free(order);
	return r;
}

static int record_store(struct check *ck, const struct check_extent *x)
{
	struct index_op op;
	int r;

	if (!ck->opt->repair)
		return 0;
	index_begin(ck->vol->index, &op);
	r = extent_store(&op, &x->e);
	index_end(&op);
	ck->res->changed = true;
	return r;
}

/* Bytes that a chunk of which nothing is known must have had. */
static uint32_t plain_guess(struct check *ck, const struct check_extent *x)
{
	const struct check_inode *i = check_inode(ck, x->ino);
	uint64_t chunk = ck->vol->super.chunk_size, start = x->chunk * chunk;

	return i && i->size > start && i->size - start < chunk ? (uint32_t)(i->size - start) : (uint32_t)chunk;
}

static void lost_place(struct check *ck, struct check_extent *x)
{
	uint64_t bytes;

	if (x->e.plain == 0)
		x->e.plain = plain_guess(ck, x);
	if (x->e.group)
		x->e.pos = (struct segment_pos){ 0 };
	x->e.group = 0;
	/* What is left of the record stays where it is, unless there is no such place. */
	if (x->e.pos.segment && (segment_size(ck->vol->segments, x->e.pos.segment, &bytes, NULL) ||
				 (uint64_t)x->e.pos.offset + sizeof(struct record_disk) + x->e.pos.stored > bytes))
		x->e.pos = (struct segment_pos){ 0 };
	x->e.damaged = true;
}

static int bad_mend(struct check *ck, struct check_extent *x)
{
	struct check_problem p = {
		.code = x->where.pos.segment ? CHECK_EXTENT_FOUND : CHECK_EXTENT_LOST, .ino = x->ino, .chunk = x->chunk,
		.extent = x->e.id, .segment = x->where.pos.segment, .offset = x->where.pos.offset,
	};
	int r = check_found(ck, &p);

	if (r != 1)
		return r;
	if (x->where.pos.segment) {
		x->where.refs = x->e.refs;
		x->where.touched = x->e.touched;
		x->e = x->where;
	} else {
		r = x->e.group ? 0 : check_aside_extent(ck, &x->e);
		if (r < 0)
			return r;
		lost_place(ck, x);
	}
	x->mended = true;
	x->recorded = true;
	x->bad = false;
	if (x->e.refs == 0)
		x->e.refs = x->e.is_group ? x->e.plain : 1; /* counted next */
	return record_store(ck, x);
}

/* A group that was found elsewhere has its members again; else they are looked for alone, and stand alone from now on. */
static int group_mend(struct check *ck, struct check_extent *g)
{
	struct check_extent *list = ck->extents.items;
	int r;

	if (g->where.pos.segment) {
		r = bad_mend(ck, g);
		if (r || g->bad)
			return r;
		for (size_t i = 0; i < ck->extents.n; i++)
			if (list[i].e.group == g->e.id)
				list[i].bad = member_bad(ck, &list[i]);
	}
	return 0;
}

/* Whose place is looked for: what chunks refer to, and groups of such, recorded or not. */
static int owners_spread(struct check *ck)
{
	for (size_t i = 0; i < ck->extents.n; i++) {
		struct check_extent x = ((struct check_extent *)ck->extents.items)[i];
		struct check_extent *g = x.e.group && x.ino ? check_extent(ck, x.e.group) : NULL;

		if (x.e.group == 0 || x.ino == 0)
			continue;
		if (!g) {
			g = check_extent_add(ck, x.e.group);
			if (!g)
				return -ENOMEM;
			g->bad = true;
			i += g->e.id < x.e.id; /* it moved */
		}
		if (g->ino == 0) { /* else a chunk names it: it is no group */
			g->e.is_group |= g->bad;
			g->ino = x.ino;
			g->chunk = x.chunk;
		}
	}
	return 0;
}

static int all_mend(struct check *ck)
{
	struct check_extent *list = ck->extents.items;
	bool any = false;
	int r;

	for (size_t i = 0; i < ck->extents.n; i++)
		any |= list[i].bad && list[i].ino;
	r = any ? check_find(ck) : 0;
	for (size_t i = 0; r == 0 && i < ck->extents.n; i++)
		if (list[i].bad && list[i].ino && list[i].e.is_group)
			r = group_mend(ck, &list[i]);
	for (size_t i = 0; r == 0 && i < ck->extents.n; i++)
		if (list[i].bad && list[i].ino && !list[i].e.is_group)
			r = bad_mend(ck, &list[i]);
	return r;
}

/* A group is referred to by the bytes of its members that are referred to. */
static void members_count(struct check *ck)
{
	struct check_extent *list = ck->extents.items;

	for (size_t i = 0; i < ck->extents.n; i++) {
		struct check_extent *g = list[i].found && list[i].e.group ? check_extent(ck, list[i].e.group) : NULL;

		if (g && g->e.is_group)
			g->found += list[i].e.plain;
	}
}

/* Nothing refers to it: out of the index, its record into STORE/lost. */
static int unused_drop(struct check *ck, struct check_extent *x)
{
	struct check_problem p = { .code = CHECK_EXTENT_UNUSED, .extent = x->e.id };
	uint8_t key[8];
	int r = check_found(ck, &p);

	if (r != 1)
		return r;
	r = x->e.group ? 0 : check_aside_extent(ck, &x->e);
	if (r)
		return r;
	x->recorded = false;
	be64_put(key, x->e.id);
	return check_del(ck, TABLE_EXTENT, key, sizeof key);
}

static int refs_check(struct check *ck, struct check_extent *x)
{
	struct check_problem p = { .code = CHECK_EXTENT_REFS, .extent = x->e.id, .found = x->e.refs };
	int r;

	if (x->e.is_group && x->found > x->e.plain)
		x->found = x->e.plain; /* members that overlap */
	p.expected = x->found;
	if (!x->recorded || (x->e.refs == x->found && !x->bad))
		return 0;
	if (x->found == 0)
		return unused_drop(ck, x);
	r = x->mended || x->bad ? 1 : check_found(ck, &p);
	if (r != 1 || x->bad)
		return r < 0 ? r : 0;
	x->e.refs = x->found;
	return record_store(ck, x);
}

int check_extents(struct check *ck)
{
	struct check_extent *list;
	int r = owners_spread(ck);

	if (r == 0)
		r = records_check(ck);
	if (r == 0)
		r = all_mend(ck);
	if (r == 0)
		r = check_lengths(ck);
	members_count(ck);
	list = ck->extents.items;
	for (size_t i = 0; r == 0 && i < ck->extents.n; i++)
		r = refs_check(ck, &list[i]);
	return r;
}
