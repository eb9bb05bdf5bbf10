/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the segments say of themselves: every whole record of extents, groups and models, the newest of each first.
 */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "codec/codec.h"
#include "fs/check/check_pass.h"
#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"
#include "index/group.h"

struct collecting {
	struct check *ck;
	bool extents;
	struct collected *out;
	struct group_member *members;
};

static struct collected_extent *extent_add(struct collecting *c, const struct segment_pos *pos, const struct record *r)
{
	struct collected_extent *x = check_array_add(&c->out->extents, sizeof *x, c->out->extents.n);

	if (!x)
		return NULL;
	x->id = r->id;
	x->ino = r->ino;
	x->chunk = r->chunk;
	x->sequence = r->sequence;
	x->e = (struct extent){
		.id = r->id, .pos = *pos, .stored = pos->stored, .plain = r->plain, .codec = r->codec,
		.level = r->level, .model = r->model, .is_group = r->kind == RECORD_GROUP,
	};
	return x;
}

static int group_add(struct collecting *c, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct collected_extent *x;
	size_t n, table;

	if (group_decode(r->id, r->plain, bytes, r->stored, c->members, &n, &table))
		return 0;
	for (size_t i = 0; i < n; i++) {
		x = extent_add(c, pos, r);
		if (!x)
			return -ENOMEM;
		x->id = c->members[i].id;
		x->ino = c->members[i].ino;
		x->chunk = c->members[i].chunk;
		x->group = r->id;
		x->e = (struct extent){
			.id = x->id, .group = r->id, .at = c->members[i].at, .plain = c->members[i].plain,
		};
	}
	return extent_add(c, pos, r) ? 0 : -ENOMEM;
}

static int piece_add(struct collecting *c, const struct segment_pos *pos, const struct record *r)
{
	struct collected_piece *p;

	if (r->id < 1 || r->id > UINT16_MAX || r->codec < 1 || r->codec >= MODELS_KINDS || r->level > MODEL_STRIPS || r->ino < 1 ||
	    r->ino > MODEL_BYTES_MAX)
		return 0;
	p = check_array_add(&c->out->pieces, sizeof *p, c->out->pieces.n);
	if (!p)
		return -ENOMEM;
	*p = (struct collected_piece){
		.number = r->id, .sequence = r->sequence, .pos = *pos, .piece = r->chunk, .total = (uint32_t)r->ino,
		.kind = r->codec, .strip = r->level, .hash = r->plain_xxh,
	};
	return 0;
}

static int record_add(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct collecting *c = arg;

	if (c->out->sequence_max < r->sequence)
		c->out->sequence_max = r->sequence;
	if (r->kind == RECORD_MODEL)
		return piece_add(c, pos, r);
	if (!c->extents || r->id == 0 || r->plain == 0 || r->plain > CHUNK_SIZE_MAX || r->stored == 0 ||
	    r->stored > r->plain || r->codec >= CODEC_COUNT)
		return 0;
	if (c->out->plain_max < r->plain)
		c->out->plain_max = r->plain;
	if (r->kind == RECORD_GROUP)
		return group_add(c, pos, r, bytes);
	return extent_add(c, pos, r) ? 0 : -ENOMEM;
}

static int newest_first(const void *a, const void *b)
{
	const struct collected_extent *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->sequence > y->sequence ? -1 : x->sequence < y->sequence;
}

int check_collect(struct check *ck, bool extents, struct collected *out)
{
	struct collecting c = { .ck = ck, .extents = extents, .out = out };
	uint32_t *numbers;
	uint64_t bad;
	size_t n;
	int r;

	*out = (struct collected){ 0 };
	c.members = malloc(GROUP_MEMBERS_MAX * sizeof *c.members);
	if (!c.members)
		return -ENOMEM;
	r = segment_list(ck->vol->segments, &numbers, &n);
	ck->progress.total = n;
	for (size_t i = 0; r == 0 && i < n; i++) {
		ck->progress.done = i;
		if (ck->opt->progress && ck->opt->progress(ck->opt->arg, &ck->progress))
			r = -EINTR;
		else
			r = segment_scan(ck->vol->segments, numbers[i], record_add, &c, &bad);
	}
	free(numbers);
	free(c.members);
	if (r == 0 && out->extents.n)
		qsort(out->extents.items, out->extents.n, sizeof(struct collected_extent), newest_first);
	if (r)
		check_collected_free(out);
	return r;
}

void check_collected_free(struct collected *c)
{
	free(c->extents.items);
	free(c->pieces.items);
	*c = (struct collected){ 0 };
}

static bool model_same(const struct collected_piece *a, const struct collected_piece *b)
{
	return a->number == b->number && a->kind == b->kind && a->total == b->total && a->hash == b->hash;
}

/* Reads the strip whose pieces begin at p; false when it is not whole. */
static bool strip_read(struct check *ck, const struct collected_piece *p, const struct collected_piece *end, uint8_t *out)
{
	uint32_t n = model_strip(p->total), at = 0, offset = p->pos.offset;

	for (uint32_t i = 0; at < n; i++) {
		const struct collected_piece *q = p + i;
		struct record r;

		if (q >= end || !model_same(p, q) || q->strip != p->strip || q->piece != i || q->pos.segment != p->pos.segment ||
		    q->pos.offset != offset || q->pos.stored != (n - at < MODEL_PIECE ? n - at : MODEL_PIECE) ||
		    segment_read(ck->vol->segments, &q->pos, out + at, q->pos.stored, &r))
			return false;
		at += q->pos.stored;
		offset += (uint32_t)sizeof(struct record_disk) + q->pos.stored;
	}
	return true;
}

/* Makes the model that a piece is of, with the places of its strips: 1, 0 it is not whole. */
static int model_gather(struct check *ck, const struct collected *c, const struct collected_piece *of, struct model_disk *disk)
{
	const struct collected_piece *end = (const struct collected_piece *)c->pieces.items + c->pieces.n;
	uint8_t *strips = strips_new(of->total), hash[8];
	unsigned lost = (2u << MODEL_STRIPS) - 1;
	XXH128_canonical_t canonical;
	int bad, r;

	if (!strips)
		return -ENOMEM;
	for (const struct collected_piece *p = c->pieces.items; p < end; p++) {
		if (!model_same(p, of) || p->piece != 0 || !(lost >> p->strip & 1) ||
		    !strip_read(ck, p, end, strips + (size_t)p->strip * model_strip(of->total)))
			continue;
		lost &= ~(1u << p->strip);
		disk->strip[p->strip].segment = le32_put(p->pos.segment);
		disk->strip[p->strip].offset = le32_put(p->pos.offset);
	}
	be64_put(hash, of->hash);
	r = strips_mend(strips, of->total, lost, hash, sizeof hash, &bad);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(strips, of->total));
	memcpy(disk->hash, canonical.digest, sizeof disk->hash);
	free(strips);
	return r == 0;
}

int check_model_build(struct check *ck, const struct collected *c, uint64_t number, struct model_disk *disk)
{
	const struct collected_piece *p = c->pieces.items;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->pieces.n; i++) {
		if (p[i].number != number || p[i].piece != 0)
			continue;
		*disk = (struct model_disk){ .kind = p[i].kind, .state = 2, .bytes = le32_put(p[i].total) };
		r = model_gather(ck, c, &p[i], disk);
	}
	return r;
}
