/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands with which a training outside the daemon gets its sample and hands in its models.
 */
#include "fs/control/control_train.h"

#include <errno.h>

#include "fs/data/cache.h"
#include "fs/data/commit.h"
#include "fs/extent/extent_map.h"

/* Fills the page; *at: key of the record to go on at, 0 none. */
static int extents_page(struct index_scan *scan, struct control_extents *c, uint64_t *at)
{
	struct index_record r;
	struct extent e;
	int rc;

	*at = 0;
	for (unsigned seen = 0; (rc = index_scan_next(scan, &r)) == 1; seen++) {
		if (r.key_len != 8)
			continue;
		if (seen >= CONTROL_EXTENTS_MAX) {
			*at = be64_get(r.key);
			return 0;
		}
		if (extent_decode(be64_get(r.key), r.value, r.len, &e) == 0 && !e.group)
			c->list[c->count++] = (struct sample_extent){e.id, e.pos.stored, e.plain, e.model, e.codec, e.level, 0};
	}
	return rc;
}

int control_extents(struct volume *vol, uint64_t node, void *command)
{
	struct control_extents *c = command;
	struct index_scan *scan;
	struct index_op op;
	uint8_t key[8];
	int rc;

	(void)node;
	be64_put(key, c->from);
	c->count = 0;
	c->chunk_size = vol->super.chunk_size;
	index_begin(vol->index, &op);
	rc = index_scan_open(&op, TABLE_EXTENT, NULL, 0, key, sizeof key, &scan);
	if (rc == 0) {
		rc = extents_page(scan, c, &c->from);
		index_scan_close(scan);
	}
	index_end(&op);
	return rc;
}

int control_read(struct volume *vol, uint64_t node, void *command)
{
	struct control_read *c = command;
	struct extent e;
	struct index_op op;
	int rc;

	(void)node;
	index_begin(vol->index, &op);
	rc = extent_get(&op, c->id, &e);
	index_end(&op);
	if (rc < 0)
		return rc;
	if (c->offset >= e.plain || c->len < 1 || c->len > CONTROL_READ_MAX)
		return -EINVAL;
	c->len = e.plain - c->offset < c->len ? e.plain - c->offset : c->len;
	return cache_read(vol, &e, c->offset, c->len, c->bytes);
}

int control_model_add(struct volume *vol, uint64_t node, void *command)
{
	struct control_model_add *c = command;

	(void)node;
	return models_upload(vol, &c->piece);
}

struct removal {
	struct volume *vol;
	uint16_t number;
};

static int model_remove(void *arg)
{
	const struct removal *r = arg;

	return models_rm(r->vol, r->number);
}

int control_model_rm(struct volume *vol, uint64_t node, void *command)
{
	const struct control_model_rm *c = command;
	struct removal r = {vol, (uint16_t)c->number};
	int rc;

	(void)node;
	if (c->number < 1 || c->number > UINT16_MAX)
		return -ENOENT;
	if (!vol->compactor)
		return -EROFS;
	rc = compactor_exclude(vol->compactor, model_remove, &r);
	return rc < 0 ? rc : volume_commit(vol);
}
