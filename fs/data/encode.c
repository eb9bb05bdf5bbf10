/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hot path of a flush: a chunk's bytes into a frame at write speed.
 */
#include "fs/data/encode.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/data/flush.h"
#include "fs/data/stored.h"

#define LZ4_LEVEL 1
#define NS_PER_HOUR (3600ll * 1000000000)

void encoder_fini(struct encoder *enc)
{
	codec_ctx_destroy(enc->ctx);
	free(enc->plain);
	free(enc->frame);
	*enc = (struct encoder){ 0 };
}

static int encoder_init(struct encoder *enc, struct volume *vol)
{
	int r = codec_ctx_create(&enc->ctx);

	enc->plain = malloc(vol->super.chunk_size);
	enc->frame = malloc(vol->super.chunk_size);
	if (r == 0 && (!enc->plain || !enc->frame))
		r = -ENOMEM;
	if (r)
		encoder_fini(enc);
	return r;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/*
 * The whole chunk: the pinned bytes over what of the store still counts. *n == 0 and c->unchanged: the store
 * has it as it should be. The bytes are the layer's own when it covers all.
 */
static int chunk_complete(struct encoder *enc, struct volume *vol, uint64_t ino, struct dirty_chunk *c,
			  const uint8_t **bytes, uint32_t *n)
{
	const struct layer *l = &c->pin;
	uint32_t stored = 0;
	int r = 0;

	*bytes = l->bytes;
	*n = l->hi;
	if (l->below > 0 && !(l->lo == 0 && l->hi >= l->below))
		r = stored_length(vol, ino, c->no, &stored);
	if (r == 0 && l->lo == l->hi && stored <= l->below) {
		c->unchanged = true;
		*n = 0;
		return 0;
	}
	if (stored > l->below)
		stored = l->below;
	if (r || (l->lo == 0 && l->hi >= stored))
		return r;
	*n = l->hi > stored ? l->hi : stored;
	*bytes = enc->plain;
	if (stored > 0)
		r = stored_read(vol, ino, c->no, 0, stored, enc->plain);
	if (r || l->lo == l->hi) {
		*n = stored;
		return r;
	}
	if (l->lo > stored)
		memset(enc->plain + stored, 0, l->lo - stored);
	memcpy(enc->plain + l->lo, layer_at(l, l->lo), l->hi - l->lo);
	return 0;
}

/* -E2BIG: it would not be smaller. */
static int pack(struct encoder *enc, struct volume *vol, const uint8_t *bytes, size_t n, size_t *len)
{
	uint64_t begin = metrics_clock();
	int r = codec_encode(enc->ctx, CODEC_LZ4, LZ4_LEVEL, NULL, bytes, n, enc->frame, n - 1, len);

	if (r == 0 || r == -E2BIG)
		pace_encoded(&vol->flusher->pace, n, r == 0 ? *len : n, metrics_clock() - begin);
	metrics_took(&vol->metrics.encode[CODEC_LZ4], begin);
	return r;
}

static int frame_append(struct encoder *enc, struct volume *vol, struct record *rec, struct extent *e,
			const uint8_t *bytes, bool hurry)
{
	const void *frame = bytes;
	size_t len = rec->plain;
	uint64_t begin;
	int r = -E2BIG;

	if (rec->plain > 1 && !codec_incompressible(bytes, rec->plain)) {
		if (hurry)
			rec->level = RAW_UNTRIED;
		else
			r = pack(enc, vol, bytes, rec->plain, &len);
	}
	if (r && r != -E2BIG)
		return r;
	if (r == 0) {
		rec->codec = CODEC_LZ4;
		rec->level = LZ4_LEVEL;
		frame = enc->frame;
	} else {
		len = rec->plain;
	}
	e->codec = rec->codec;
	e->level = rec->level;
	metrics_add(vol, METRIC_FLUSHED_CHUNKS, 1);
	metrics_add(vol, METRIC_FLUSHED_BYTES, rec->plain);
	metrics_add(vol, METRIC_FLUSHED_STORED, len);
	begin = metrics_clock();
	r = extent_append(vol, STREAM_HOT, rec, frame, len, &e->pos);
	if (r == 0)
		pace_appended(&vol->flusher->pace, len, metrics_clock() - begin);
	return r;
}

void encode_chunk(struct encoder *enc, struct volume *vol, uint64_t ino, struct dirty_chunk *c, bool hurry)
{
	const uint8_t *bytes;
	struct extent e = { .refs = 1, .touched = (uint32_t)(volume_now() / NS_PER_HOUR) };
	struct record rec = { .kind = RECORD_EXTENT, .codec = CODEC_RAW, .ino = ino, .chunk = c->no };

	c->extent = (struct extent){ 0 };
	c->unchanged = false;
	c->error = enc->ctx ? 0 : encoder_init(enc, vol);
	if (c->error)
		return;
	c->error = chunk_complete(enc, vol, ino, c, &bytes, &e.plain);
	if (c->error || c->unchanged || all_zero(bytes, e.plain))
		return;
	e.id = extent_next_id(vol);
	rec.id = e.id;
	rec.plain = e.plain;
	rec.plain_xxh = codec_checksum(bytes, e.plain);
	c->error = frame_append(enc, vol, &rec, &e, bytes, hurry);
	if (c->error == 0)
		c->extent = e;
}
