/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training on a target: an open store itself, or a mounted one through its daemon, which does not count what it hands out as reads.
 */
#include "tools/train_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"

static int mount_scan(void *arg, int (*fn)(void *fn_arg, const struct sample_extent *e), void *fn_arg)
{
	const struct target *t = arg;
	struct control_extents *c = calloc(1, sizeof *c);
	int rc = c ? 0 : -ENOMEM;

	do {
		if (rc == 0)
			rc = target_control(t, CONTROL_EXTENTS, c);
		for (uint32_t i = 0; rc == 0 && i < c->count; i++)
			rc = c->list[i].plain <= CODEC_PLAIN_MAX ? fn(fn_arg, &c->list[i]) : -EPROTO;
	} while (rc == 0 && c->from > 0);
	free(c);
	return rc;
}

static int mount_read(void *arg, struct codec_ctx *ctx, const struct sample_extent *e, uint8_t *buf, uint32_t *len)
{
	const struct target *t = arg;
	struct control_read *c = calloc(1, sizeof *c);
	int rc = c ? 0 : -ENOMEM;

	(void)ctx;
	*len = 0;
	while (rc == 0 && *len < e->plain) {
		c->id = e->id;
		c->offset = *len;
		c->len = e->plain - *len < CONTROL_READ_MAX ? e->plain - *len : CONTROL_READ_MAX;
		rc = target_control(t, CONTROL_READ, c);
		if (rc == 0 && (c->len < 1 || c->len > e->plain - *len || c->len > CONTROL_READ_MAX))
			rc = -EPROTO;
		if (rc == 0) {
			memcpy(buf + *len, c->bytes, c->len);
			*len += c->len;
		}
	}
	free(c);
	return rc;
}

static uint32_t mount_chunk_size(const struct target *t)
{
	struct control_extents *c = calloc(1, sizeof *c);
	uint32_t size = CODEC_PLAIN_MAX;

	if (c && target_control(t, CONTROL_EXTENTS, c) == 0)
		size = c->chunk_size;
	free(c);
	return size;
}

struct sample_source train_source(struct target *t)
{
	if (t->vol)
		return sample_source_volume(t->vol);
	return (struct sample_source){.chunk_size = mount_chunk_size(t), .scan = mount_scan, .read = mount_read, .arg = t};
}

static int mount_adopt(const struct target *t, enum model_kind kind, const uint8_t *bytes, size_t len)
{
	struct control_model_add *c = calloc(1, sizeof *c);
	int rc = c ? 0 : -ENOMEM;

	for (size_t at = 0; rc == 0 && at < len; at += c->piece.len) {
		size_t n = len - at < MODELS_PIECE_MAX ? len - at : MODELS_PIECE_MAX;

		c->piece.kind = (uint32_t)kind;
		c->piece.total = (uint32_t)len;
		c->piece.offset = (uint32_t)at;
		c->piece.len = (uint32_t)n;
		memcpy(c->piece.bytes, bytes + at, n);
		rc = target_control(t, CONTROL_MODEL_ADD, c);
	}
	free(c);
	return rc;
}

int train_adopt(const struct target *t, enum model_kind kind, const void *bytes, size_t len)
{
	uint16_t number;
	int rc;

	if (!t->vol)
		return mount_adopt(t, kind, bytes, len);
	rc = models_add(t->vol, kind, 1, bytes, len, &number);
	return rc < 0 ? rc : volume_commit(t->vol);
}
