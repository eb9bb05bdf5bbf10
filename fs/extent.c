/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extent records: put, counted, moved and read.
 */
#include "fs/extent.h"

#include <errno.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "fs/extent_map.h"
#include "fs/models.h"
#include "fs/pool.h"

/*
 * Extents move only when a recompaction commits: a reader that loses the race this often is not racing but
 * damaged.
 */
#define READ_TRIES 8

static uint64_t record_bytes(const struct extent *e)
{
	return sizeof(struct record_disk) + (uint64_t)e->pos.stored;
}

static int record_put(struct index_op *op, const struct extent *e)
{
	struct extent_disk disk = {
		.segment = le32_put(e->pos.segment),
		.offset = le32_put(e->pos.offset),
		.stored = le32_put(e->pos.stored),
		.plain = le32_put(e->plain),
		.codec = e->codec,
		.level = e->level,
		.model = le16_put(e->model),
		.refs = le32_put(e->refs),
		.touched = le32_put(e->touched),
		.tried = le16_put(e->tried),
		.tried_level = e->tried_level,
	};
	uint8_t key[8];

	be64_put(key, e->id);
	return index_put(op, TABLE_EXTENT, key, sizeof key, &disk, sizeof disk);
}

int extent_get(struct index_op *op, uint64_t id, struct extent *e)
{
	struct extent_disk disk;
	uint8_t key[8];
	int n;

	be64_put(key, id);
	n = index_get(op, TABLE_EXTENT, key, sizeof key, &disk, sizeof disk);
	if (n < 0)
		return n == -ERANGE ? -EUCLEAN : n;
	if (n != sizeof disk)
		return -EUCLEAN;
	*e = (struct extent){
		.id = id,
		.pos = { le32_get(disk.segment), le32_get(disk.offset), le32_get(disk.stored) },
		.plain = le32_get(disk.plain),
		.codec = disk.codec,
		.level = disk.level,
		.model = le16_get(disk.model),
		.refs = le32_get(disk.refs),
		.touched = le32_get(disk.touched),
		.tried = le16_get(disk.tried),
		.tried_level = disk.tried_level,
	};
	if (e->plain == 0 || e->plain > CHUNK_SIZE_MAX || e->pos.stored == 0 || e->pos.stored > e->plain ||
	    e->refs == 0)
		return -EUCLEAN;
	return 0;
}

int extent_put(struct index_op *op, struct volume *vol, const struct extent *e)
{
	int r = extent_map_count(vol->extents, e->pos.segment, record_bytes(e), e->plain, 1);

	if (r)
		return r;
	r = record_put(op, e);
	if (r)
		(void)extent_map_count(vol->extents, e->pos.segment, record_bytes(e), e->plain, -1);
	return r;
}

int extent_ref(struct index_op *op, struct volume *vol, uint64_t id)
{
	struct extent e;
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, id, &e);
	if (r == 0 && e.refs == UINT32_MAX)
		r = -EMLINK;
	if (r == 0) {
		e.refs++;
		r = record_put(op, &e);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

int extent_unref(struct index_op *op, struct volume *vol, uint64_t id)
{
	struct extent e;
	uint8_t key[8];
	int r;

	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(op, id, &e);
	if (r == 0 && --e.refs > 0) {
		r = record_put(op, &e);
	} else if (r == 0) {
		be64_put(key, id);
		r = index_del(op, TABLE_EXTENT, key, sizeof key);
		if (r == 0) {
			(void)extent_map_count(vol->extents, e.pos.segment, record_bytes(&e), e.plain, -1);
			extent_dead_add(vol->extents->dead, &e.pos);
		}
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

static bool pos_equal(const struct segment_pos *a, const struct segment_pos *b)
{
	return a->segment == b->segment && a->offset == b->offset && a->stored == b->stored;
}

int extent_move(struct index_op *op, struct volume *vol, const struct extent *from, const struct extent *to)
{
	struct extent_map *map = vol->extents;
	struct extent now, moved = *to;
	int r;

	pthread_mutex_lock(&map->record_mutex);
	r = extent_get(op, from->id, &now);
	if (r == -ENOENT || (r == 0 && (!pos_equal(&now.pos, &from->pos) || now.plain != to->plain))) {
		pthread_mutex_unlock(&map->record_mutex);
		return 0;
	}
	if (r == 0)
		r = extent_map_count(map, to->pos.segment, record_bytes(to), to->plain, 1);
	if (r == 0) {
		moved.id = now.id;
		moved.refs = now.refs;
		r = record_put(op, &moved);
		(void)extent_map_count(map, r ? to->pos.segment : now.pos.segment,
				       r ? record_bytes(to) : record_bytes(&now), now.plain, -1);
		if (r == 0)
			extent_dead_add(map->dead, &now.pos);
	}
	pthread_mutex_unlock(&map->record_mutex);
	return r ? r : 1;
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
		now.touched = e->touched;
		r = record_put(op, &now);
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	return r;
}

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

/* One attempt to read the extent where e says it lies. */
static int extent_fetch(struct volume *vol, struct codec_ctx *ctx, const struct extent *e, uint8_t *frame,
			void *buf,
			size_t cap)
{
	struct codec_model *model = NULL;
	struct record rec;
	int r;

	if (e->codec == CODEC_RAW)
		r = segment_read(vol->segments, &e->pos, buf, cap, &rec);
	else
		r = segment_read(vol->segments, &e->pos, frame, vol->super.chunk_size, &rec);
	if (r)
		return r;
	if (rec.kind != RECORD_EXTENT || rec.id != e->id || rec.plain != e->plain || rec.codec != e->codec ||
	    rec.level != e->level || rec.model != e->model)
		return -EUCLEAN;
	if (e->codec == CODEC_RAW) {
		if (e->pos.stored != e->plain)
			return -EUCLEAN;
	} else {
		r = e->model ? models_get(vol, e->model, &model) : 0;
		if (r == 0)
			r = codec_decode(ctx, e->codec, e->level, model, frame, e->pos.stored, buf, e->plain);
		codec_model_put(model);
		if (r)
			return r;
	}
	return codec_checksum(buf, e->plain) == rec.plain_xxh ? 0 : -EUCLEAN;
}

int extent_read(struct volume *vol, struct codec_ctx *ctx, uint64_t id, void *buf, size_t cap,
		uint32_t *plain)
{
	struct segment_pos failed = { 0 };
	uint8_t *frame = pool_get(vol->pool);
	int r = frame ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && i < READ_TRIES; i++) {
		struct index_op op;
		struct extent e;

		index_begin(vol->index, &op);
		r = extent_get(&op, id, &e);
		index_end(&op);
		if (r == 0 &&
		    (e.plain > vol->super.chunk_size || e.plain > cap || pos_equal(&e.pos, &failed)))
			r = -EIO;
		if (r)
			break;
		*plain = e.plain;
		r = extent_fetch(vol, ctx, &e, frame, buf, cap);
		if (r == 0 || r == -ENOMEM)
			break;
		failed = e.pos;
		r = i + 1 < READ_TRIES ? 0 : -EIO;
	}
	pool_put(vol->pool, frame);
	return r == -EUCLEAN ? -EIO : r;
}
