/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading extents: record, frame, plain bytes, checksum.
 */
#include <errno.h>

#include "codec/codec.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/models.h"
#include "fs/volume/pool.h"
#include "index/group.h"

/*
 * Extents move only when a recompaction commits: a reader that loses the race this often is not racing but
 * damaged.
 */
#define READ_TRIES 8

/* The record's stored bytes into buf or frame; *at: where the frame begins in them. */
static int record_read(struct volume *vol, const struct extent *e, uint8_t *frame, uint8_t *buf, size_t cap,
		       struct record *rec, size_t *at)
{
	bool straight = e->codec == CODEC_RAW && !e->is_group;
	size_t members;
	int r;

	*at = 0;
	r = segment_read(vol->segments, &e->pos, straight ? buf : frame, straight ? cap : vol->super.chunk_size, rec);
	if (r)
		return r;
	if (rec->kind != (e->is_group ? RECORD_GROUP : RECORD_EXTENT) || rec->id != e->id || rec->plain != e->plain ||
	    rec->codec != e->codec || rec->level != e->level || rec->model != e->model ||
	    (straight && rec->stored != e->plain))
		return -EUCLEAN;
	return e->is_group ? group_decode(e->id, e->plain, frame, rec->stored, NULL, &members, at) : 0;
}

static int frame_decode(struct volume *vol, struct codec_ctx *ctx, const struct extent *e, const uint8_t *frame, size_t n, void *buf)
{
	struct codec_model *model = NULL;
	int r = e->model ? models_get(vol, e->model, &model) : 0;

	if (r == 0) {
		uint64_t began = metrics_clock();

		r = codec_decode(ctx, e->codec, e->level, model, frame, n, buf, e->plain);
		if (e->codec < CODEC_COUNT)
			metrics_took(&vol->metrics.decode[e->codec], began);
	}
	codec_model_put(model);
	return r;
}

/* One attempt to read an extent that is no member where e says it lies. */
static int extent_fetch(struct volume *vol, struct codec_ctx *ctx, const struct extent *e, uint8_t *frame, void *buf,
			size_t cap)
{
	struct record rec;
	size_t at;
	int r = record_read(vol, e, frame, buf, cap, &rec, &at);

	if (r)
		return r;
	if (e->codec != CODEC_RAW || e->is_group) {
		r = frame_decode(vol, ctx, e, frame + at, rec.stored - at, buf);
		if (r)
			return r;
	}
	return codec_checksum(buf, e->plain) == rec.plain_xxh ? 0 : -EUCLEAN;
}

/* A member's bytes out of those of its group. */
static int member_fetch(struct volume *vol, struct codec_ctx *ctx, const struct extent *e, uint8_t *frame, void *buf)
{
	struct extent group = *e;
	uint8_t *whole;
	int r;

	group.id = e->group;
	group.group = 0;
	group.is_group = true;
	group.plain = e->whole;
	if (group.plain > vol->super.chunk_size)
		return -EUCLEAN;
	whole = pool_get(vol->pool);
	if (!whole)
		return -ENOMEM;
	r = extent_fetch(vol, ctx, &group, frame, whole, group.plain);
	if (r == 0)
		memcpy(buf, whole + e->at, e->plain);
	pool_put(vol->pool, whole);
	return r;
}

static int extent_lookup(struct volume *vol, uint64_t id, struct extent *e)
{
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = extent_get(&op, id, e);
	index_end(&op);
	return r;
}

int extent_read(struct volume *vol, struct codec_ctx *ctx, uint64_t id, void *buf, size_t cap, uint32_t *plain)
{
	struct segment_pos failed = { 0 }; /* segment 0: none */
	uint8_t *frame = pool_get(vol->pool);
	int r = frame ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && i < READ_TRIES; i++) {
		struct extent e;

		r = extent_lookup(vol, id, &e);
		if (r == 0 && (e.plain > vol->super.chunk_size || e.plain > cap ||
			       (e.pos.segment == failed.segment && e.pos.offset == failed.offset)))
			r = -EIO;
		if (r)
			break;
		*plain = e.plain;
		if (e.group)
			r = member_fetch(vol, ctx, &e, frame, buf);
		else
			r = extent_fetch(vol, ctx, &e, frame, buf, cap);
		if (r == 0 || r == -ENOMEM)
			break;
		failed = e.pos;
		r = i + 1 < READ_TRIES ? 0 : -EIO;
	}
	pool_put(vol->pool, frame);
	if (r == -EUCLEAN || r == -EIO)
		metrics_add(vol, METRIC_READ_ERRORS, 1);
	return r == -EUCLEAN ? -EIO : r;
}
