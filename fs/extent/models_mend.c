/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second copy of a model at work: what is damaged in one is written again from the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/extent.h"
#include "fs/extent/models_set.h"

static int record_get(struct volume *vol, uint16_t number, struct index_record *r)
{
	struct index_op op;
	int n;

	be32_put(r->key, number);
	r->key_len = 4;
	index_begin(vol->index, &op);
	n = index_get(&op, TABLE_MODEL, r->key, r->key_len, r->value, sizeof r->value);
	index_end(&op);
	r->len = n > 0 ? (size_t)n : 0;
	return n < 0 ? n : 0;
}

/* The record now names the new copy, if it is still what it was. */
static int copy_swap(struct volume *vol, uint16_t number, const struct model_disk *was, const struct model_disk *now,
		     int copy, uint64_t bytes)
{
	struct model_disk d;
	struct index_op op;
	uint8_t key[4];
	int rc;

	be32_put(key, number);
	index_begin(vol->index, &op);
	rc = index_get(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
	if (rc == (int)sizeof d && memcmp(d.copy, was->copy, sizeof d.copy) == 0) {
		d.copy[copy] = now->copy[copy];
		rc = index_put(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
		if (rc == 0) {
			extent_account_model(vol, le32_get(now->copy[copy].segment), bytes, 1);
			extent_account_model(vol, le32_get(was->copy[copy].segment), bytes, -1);
		}
	} else if (rc >= 0 || rc == -ENOENT) {
		rc = 0;
	}
	index_end(&op);
	return rc;
}

static int copy_write(struct volume *vol, const struct model_info *info, const struct model_disk *d, int copy,
		      const uint8_t *bytes)
{
	struct segment_pos first;
	struct model_disk now = *d;
	int rc;

	segment_seal_all(vol->segments);
	rc = models_append(vol, copy ? STREAM_MODEL2 : STREAM_MODEL, info->kind, info->number, bytes, info->bytes, &first);
	if (rc == 0)
		rc = segment_sync(vol->segments);
	segment_seal_all(vol->segments);
	now.copy[copy].segment = le32_put(first.segment);
	now.copy[copy].offset = le32_put(first.offset);
	if (rc == 0)
		rc = copy_swap(vol, info->number, d, &now, copy, info->stored / 2);
	if (first.segment)
		extent_release(vol, &first);
	return rc;
}

/* 1: a copy was written again. 0: both are whole. -EUCLEAN: neither is. */
static int model_mend(struct volume *vol, uint16_t number)
{
	struct index_record r;
	struct model_info info;
	struct model_disk d;
	uint8_t *bytes;
	int rc = record_get(vol, number, &r), copy[2];

	if (rc == 0)
		rc = models_info(&r, &info, &d);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	bytes = malloc(info.bytes);
	if (!bytes)
		return -ENOMEM;
	copy[1] = models_read_copy(vol, &info, &d, 1, bytes);
	copy[0] = models_read_copy(vol, &info, &d, 0, bytes);
	if (copy[0] && copy[1]) {
		rc = -EUCLEAN;
	} else if (copy[0] || copy[1]) {
		rc = copy[0] ? models_read_copy(vol, &info, &d, 1, bytes) : 0;
		if (rc == 0)
			rc = copy_write(vol, &info, &d, copy[0] ? 0 : 1, bytes);
		rc = rc ? rc : 1;
	}
	free(bytes);
	return rc;
}

int models_mend(struct volume *vol, unsigned *lost)
{
	struct model_info *list;
	int mended = 0, rc;
	size_t n;

	if (lost)
		*lost = 0;
	rc = models_list(vol, &list, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = model_mend(vol, list[i].number);
		mended += rc == 1;
		if (rc == -EUCLEAN && lost)
			++*lost;
		rc = rc == 1 || rc == -EUCLEAN ? 0 : rc;
	}
	free(list);
	return rc < 0 ? rc : mended;
}
