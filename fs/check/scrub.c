/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scrubbing by extent number: a batch of records is looked up, then each is read outside of any operation.
 */
#include "fs/check/scrub.h"

#include <errno.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/data/damage.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/models.h"
#include "fs/volume/pool.h"

#define BATCH 32

static const char state_key[] = { 's', 'c', 'r', 'u', 'b' };

static int state_load(struct volume *vol, struct scrub_progress *p)
{
	struct scrub_disk disk;
	struct index_op op;
	int r;

	*p = (struct scrub_progress){ 0 };
	index_begin(vol->index, &op);
	r = index_get(&op, TABLE_META, state_key, sizeof state_key, &disk, sizeof disk);
	index_end(&op);
	if (r != sizeof disk)
		return r < 0 && r != -ENOENT && r != -ERANGE && r != -EUCLEAN ? r : 0; /* then from the beginning */
	p->next = le64_get(disk.next);
	p->started = (int64_t)le64_get(disk.started);
	p->finished = (int64_t)le64_get(disk.finished);
	p->extents = le64_get(disk.extents);
	p->bytes = le64_get(disk.bytes);
	p->damaged = le64_get(disk.damaged);
	p->healed = le64_get(disk.healed);
	return 0;
}

static int state_store(struct volume *vol, const struct scrub_progress *p)
{
	const struct scrub_disk disk = {
		.next = le64_put(p->ended ? 0 : p->next),
		.started = le64_put((uint64_t)p->started),
		.finished = le64_put((uint64_t)p->finished),
		.extents = le64_put(p->extents),
		.bytes = le64_put(p->bytes),
		.damaged = le64_put(p->damaged),
		.healed = le64_put(p->healed),
	};
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = index_put(&op, TABLE_META, state_key, sizeof state_key, &disk, sizeof disk);
	index_end(&op);
	return r;
}

/* The next extents with records of their own, groups among them; *next: where to go on, 0 at the end. */
static int batch_get(struct volume *vol, struct extent list[BATCH], uint64_t *next)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t from[8];
	int n = 0, r;

	be64_put(from, *next);
	index_begin(vol->index, &op);
	r = index_scan_open(&op, TABLE_EXTENT, NULL, 0, from, sizeof from, &scan);
	if (r == 0) {
		while (n < BATCH && (r = index_scan_next(scan, &rec)) == 1) {
			if (rec.key_len != 8)
				continue;
			*next = be64_get(rec.key) + 1;
			if (extent_decode(*next - 1, rec.value, rec.len, &list[n]) == 0 && !list[n].group)
				n++;
		}
		index_scan_close(scan);
	}
	index_end(&op);
	if (r == 0 && n < BATCH)
		*next = 0;
	return r < 0 ? r : n;
}

static int extent_check(struct volume *vol, struct codec_ctx *ctx, uint8_t *buf, const struct extent *e, struct scrub_progress *p)
{
	uint32_t plain;
	int r = extent_read(vol, ctx, e->id, buf, vol->super.chunk_size, &plain);

	if (r == -ENOENT)
		return 0; /* freed meanwhile */
	p->extents++;
	p->bytes += e->pos.stored + sizeof(struct record_disk);
	p->damaged += r == -EIO;
	if (r == -EIO && !e->damaged)
		r = damage_mark(vol, e, true);
	else if (r == 0 && e->damaged)
		p->healed += (r = damage_mark(vol, e, false)) == 1;
	return r == -EIO || r > 0 ? 0 : r;
}

static int extents_check(struct volume *vol, uint64_t bytes, struct codec_ctx *ctx, uint8_t *buf, struct scrub_progress *p)
{
	struct extent list[BATCH];
	uint64_t end = p->bytes + bytes;
	int r = 0;

	do {
		uint64_t next = p->next;
		int n = batch_get(vol, list, &next), i;

		if (n < 0)
			return n;
		for (i = 0; r == 0 && i < n && (i == 0 || p->bytes < end); i++) {
			r = extent_check(vol, ctx, buf, &list[i], p);
			p->next = list[i].id + 1;
		}
		if (i == n)
			p->next = next;
	} while (r == 0 && p->next && p->bytes < end);
	return r;
}

int scrub_step(struct volume *vol, uint64_t bytes, bool restart, struct scrub_progress *out)
{
	struct codec_ctx *ctx = NULL;
	unsigned lost = 0;
	uint8_t *buf;
	int r;

	if (vol->readonly)
		return -EROFS;
	r = state_load(vol, out);
	if (r)
		return r;
	if (restart || out->next == 0)
		*out = (struct scrub_progress){ .next = 1, .started = volume_now(), .finished = out->finished };
	out->end = extent_peek_id(vol);
	buf = pool_get(vol->pool);
	r = buf ? codec_ctx_create(&ctx) : -ENOMEM;
	if (r == 0)
		r = extents_check(vol, bytes, ctx, buf, out);
	codec_ctx_destroy(ctx);
	pool_put(vol->pool, buf);
	if (r == 0 && out->next == 0) {
		r = models_mend(vol, &lost);
		out->models = r > 0 ? (uint64_t)r : 0;
		out->models_lost = lost;
		out->finished = volume_now();
		out->ended = 1;
	}
	return r < 0 ? r : state_store(vol, out);
}
