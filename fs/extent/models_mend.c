/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strips of models at work: one that is damaged is written again from the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/extent.h"
#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"

/* The record now names the new place of a strip, if it is still what it was. */
static int strip_swap(struct volume *vol, uint16_t number, const struct model_disk *was, int strip, const struct segment_pos *now)
{
	uint64_t stored = model_strip_stored(le32_get(was->bytes));
	struct model_disk d;
	struct index_op op;
	uint8_t key[4];
	int rc;

	be32_put(key, number);
	index_begin(vol->index, &op);
	rc = index_get(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
	if (rc == (int)sizeof d && memcmp(d.strip, was->strip, sizeof d.strip) == 0) {
		d.strip[strip].segment = le32_put(now->segment);
		d.strip[strip].offset = le32_put(now->offset);
		rc = index_put(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
		if (rc == 0) {
			extent_account_model(vol, now->segment, stored, 1);
			extent_account_model(vol, le32_get(was->strip[strip].segment), stored, -1);
		}
	} else if (rc >= 0 || rc == -ENOENT) {
		rc = 0;
	}
	index_end(&op);
	return rc;
}

static int strip_write(struct volume *vol, const struct model_info *info, const struct model_disk *d, int strip,
		       const uint8_t *strips)
{
	struct segment_pos first;
	int rc = models_append(vol, info, strip, strips, &first);

	if (rc == 0)
		rc = segment_sync(vol->segments);
	segment_seal_all(vol->segments);
	if (rc == 0)
		rc = strip_swap(vol, info->number, d, strip, &first);
	if (first.segment)
		extent_release(vol, &first);
	return rc;
}

/* 1: a strip was written again. 0: all are whole. -EUCLEAN: more than one is not. */
static int model_mend(struct volume *vol, uint16_t number)
{
	struct model_info info;
	struct model_disk d;
	uint8_t *strips;
	int rc = models_record(vol, number, &info, &d), bad;

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	strips = strips_new(info.bytes);
	if (!strips)
		return -ENOMEM;
	rc = models_read(vol, &info, &d, strips, &bad);
	if (rc == 0 && bad >= 0) {
		rc = strip_write(vol, &info, &d, bad, strips);
		rc = rc ? rc : 1;
	}
	free(strips);
	return rc;
}

int models_mend(struct volume *vol, unsigned *lost)
{
	struct model_info *list;
	int mended = 0, rc;
	size_t n;

	if (lost)
		*lost = 0;
	pthread_mutex_lock(&vol->models->change);
	rc = models_list(vol, &list, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = model_mend(vol, list[i].number);
		mended += rc == 1;
		if (rc == -EUCLEAN && lost)
			++*lost;
		rc = rc == 1 || rc == -EUCLEAN ? 0 : rc;
	}
	pthread_mutex_unlock(&vol->models->change);
	free(list);
	return rc < 0 ? rc : mended;
}
