/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adding models to a store and removing them.
 *
 * Each strip of a model gets a segment of its own: one file that is lost costs one strip, and when the model goes, its segments are empty and go too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/extent/extent.h"
#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"
#include "fs/extent/scan.h"

static_assert((int)CODEC_MODEL_ZDICT == (int)MODEL_ZDICT, "model kinds");
static_assert((int)CODEC_MODEL_NEURAL == (int)MODEL_NEURAL, "model kinds");

int models_append(struct volume *vol, const struct model_info *info, int strip, const uint8_t *strips, struct segment_pos *first)
{
	uint32_t len = model_strip(info->bytes), next = 0;
	const uint8_t *bytes = strips + (size_t)strip * len;

	*first = (struct segment_pos){0};
	for (uint32_t at = 0; at < len; at += MODEL_PIECE) {
		uint32_t n = len - at < MODEL_PIECE ? len - at : MODEL_PIECE;
		struct record r = {
			.kind = RECORD_MODEL, .codec = (uint8_t)info->kind, .level = (uint8_t)strip, .plain = n, .id = info->number,
			.ino = info->bytes, .chunk = at / MODEL_PIECE, .plain_xxh = be64_get(info->hash),
		};
		struct segment_pos pos;
		int rc = extent_append(vol, STREAM_MODEL, &r, bytes + at, n, &pos);

		if (rc < 0)
			return rc;
		if (at == 0)
			*first = pos;
		else
			extent_release(vol, &pos); /* the first piece holds for all */
		if (at > 0 && (pos.segment != first->segment || pos.offset != next))
			return -EAGAIN;
		next = pos.offset + (uint32_t)sizeof(struct record_disk) + n;
	}
	return 0;
}

/* Inside an operation: changes the state byte of a record. */
static int models_set_state(struct index_op *op, uint16_t number, uint8_t state)
{
	struct model_disk d;
	uint8_t key[4];
	int rc;

	be32_put(key, number);
	rc = index_get(op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
	if (rc < 0)
		return rc;
	if (rc != (int)sizeof d)
		return -EUCLEAN;
	d.state = state;
	return index_put(op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
}

/* Inside an operation, set->mutex held: the model becomes the active one of its kind, the former one retires. */
static int models_activate(struct index_op *op, struct model_set *set, enum model_kind kind, uint16_t number)
{
	int rc = 0;

	if (set->active[kind] && set->active[kind] != number)
		rc = models_set_state(op, set->active[kind], 2);
	if (rc == 0)
		rc = models_set_state(op, number, 1);
	if (rc == 0)
		set->active[kind] = number;
	return rc;
}

static void models_account(struct volume *vol, const struct model_disk *d, int sign)
{
	for (int i = 0; i <= MODEL_STRIPS; i++)
		extent_account_model(vol, le32_get(d->strip[i].segment), model_strip_stored(le32_get(d->bytes)), sign);
}

/* A model with these bytes that is there already, 0 none. */
static int models_same(struct volume *vol, enum model_kind kind, const uint8_t hash[16], uint16_t *number)
{
	struct model_info *list;
	size_t n;
	int rc = models_list(vol, &list, &n);

	*number = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (list[i].kind == kind && memcmp(list[i].hash, hash, sizeof list[i].hash) == 0)
			*number = list[i].number;
	}
	free(list);
	return rc;
}

static int models_put_new(struct volume *vol, enum model_kind kind, int state, uint16_t number, struct model_disk *d)
{
	struct index_op op;
	uint8_t key[4];
	int rc;

	be32_put(key, number);
	pthread_mutex_lock(&vol->models->mutex);
	d->state = state == 1 ? 0 : (uint8_t)state; /* models_activate makes it 1 */
	index_begin(vol->index, &op);
	rc = index_put(&op, TABLE_MODEL, key, sizeof key, d, sizeof *d);
	if (rc == 0)
		models_account(vol, d, 1);
	if (rc == 0 && state == 1)
		rc = models_activate(&op, vol->models, kind, number);
	index_end(&op);
	pthread_mutex_unlock(&vol->models->mutex);
	return rc;
}

/* The next number; none ever comes back. */
static int models_number(struct volume *vol, uint16_t *number)
{
	uint32_t next;

	pthread_mutex_lock(&vol->counters_mutex);
	next = vol->counters.next_model;
	vol->counters.next_model += next <= UINT16_MAX;
	pthread_mutex_unlock(&vol->counters_mutex);
	*number = next <= UINT16_MAX ? (uint16_t)next : 0;
	return next <= UINT16_MAX ? 0 : -ENOSPC;
}

/* The strips of a new model, durable. pos: where they are to be held until the record is put, whatever this returns. */
static int models_write(struct volume *vol, const struct model_info *info, const void *bytes, struct segment_pos *pos, struct model_disk *d)
{
	uint8_t *strips = strips_make(bytes, info->bytes);
	int rc = strips ? 0 : -ENOMEM;

	for (int i = 0; rc == 0 && i <= MODEL_STRIPS; i++) {
		rc = models_append(vol, info, i, strips, &pos[i]);
		d->strip[i].segment = le32_put(pos[i].segment);
		d->strip[i].offset = le32_put(pos[i].offset);
	}
	free(strips);
	if (rc == 0)
		rc = segment_sync(vol->segments);
	segment_seal_all(vol->segments);
	return rc;
}

/* set->change held: strips are appended by one thread. */
static int models_add_new(struct volume *vol, enum model_kind kind, int state, const void *bytes, size_t len,
			  const uint8_t hash[16], uint16_t *number)
{
	struct segment_pos pos[MODEL_STRIPS + 1] = {{0}};
	struct model_info info = {.kind = kind, .bytes = (uint32_t)len};
	struct model_disk d = {
		.kind = (uint8_t)kind, .bytes = le32_put((uint32_t)len), .created = le64_put((uint64_t)volume_now()),
	};
	int rc;

	rc = models_number(vol, number);
	if (rc < 0)
		return rc;
	info.number = *number;
	memcpy(info.hash, hash, sizeof info.hash);
	memcpy(d.hash, hash, sizeof d.hash);
	rc = models_write(vol, &info, bytes, pos, &d);
	if (rc == 0)
		rc = models_put_new(vol, kind, state, *number, &d);
	for (int i = 0; i <= MODEL_STRIPS; i++) {
		if (pos[i].segment)
			extent_release(vol, &pos[i]);
	}
	return rc;
}

int models_add(struct volume *vol, enum model_kind kind, int state, const void *bytes, size_t len, uint16_t *number)
{
	struct model_set *set = vol->models;
	XXH128_canonical_t hash;
	int rc;

	*number = 0;
	if (len < 1 || len > MODEL_BYTES_MAX || kind < 1 || kind >= MODELS_KINDS || state < 0 || state > 2)
		return -EINVAL;
	if (vol->readonly)
		return -EROFS;
	XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes, len));
	pthread_mutex_lock(&set->change);
	rc = models_same(vol, kind, hash.digest, number);
	if (rc == 0 && *number == 0) {
		rc = models_add_new(vol, kind, state, bytes, len, hash.digest, number);
	} else if (rc == 0 && state == 1) {
		struct index_op op;

		pthread_mutex_lock(&set->mutex);
		index_begin(vol->index, &op);
		rc = models_activate(&op, set, kind, *number);
		index_end(&op);
		pthread_mutex_unlock(&set->mutex);
	}
	pthread_mutex_unlock(&set->change);
	return rc;
}

static int models_mark_used(void *arg, const struct extent *e)
{
	uint8_t *used = arg;

	used[e->model] = 1;
	return 0;
}

/* Removes one model's record; its segments' bytes are garbage from the next commit on. set->change held. */
static int models_remove(struct volume *vol, const struct model_info *info)
{
	struct model_set *set = vol->models;
	struct model_disk d;
	struct loaded **at, *gone;
	struct index_op op;
	uint8_t key[4];
	int rc;

	be32_put(key, info->number);
	pthread_mutex_lock(&set->mutex);
	index_begin(vol->index, &op);
	rc = index_get(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d);
	if (rc == (int)sizeof d)
		rc = index_del(&op, TABLE_MODEL, key, sizeof key);
	if (rc == 0)
		models_account(vol, &d, -1);
	index_end(&op);
	if (rc == 0 && set->active[info->kind] == info->number)
		set->active[info->kind] = 0;
	at = models_find(set, info->number);
	gone = *at;
	if (rc == 0 && gone && gone->state == LOAD_DONE) {
		*at = gone->next;
		codec_model_put(gone->model);
		free(gone);
	}
	pthread_mutex_unlock(&set->mutex);
	return rc;
}

static int models_refers(void *arg, const struct extent *e)
{
	return e->model == *(const uint16_t *)arg;
}

int models_rm(struct volume *vol, uint16_t number)
{
	struct model_info *list;
	size_t n, i = 0;
	int rc;

	if (vol->readonly)
		return -EROFS;
	pthread_mutex_lock(&vol->models->change);
	rc = models_list(vol, &list, &n);
	if (rc == 0) {
		while (i < n && list[i].number != number)
			i++;
		rc = i < n ? scan_extents(vol, models_refers, &number) : -ENOENT;
		if (rc == 0)
			rc = models_remove(vol, &list[i]);
		else if (rc == 1)
			rc = -EBUSY;
		free(list);
	}
	pthread_mutex_unlock(&vol->models->change);
	return rc;
}

int models_reap(struct volume *vol, bool unused_zdict)
{
	struct model_info *list = NULL;
	size_t n = 0;
	int removed = 0, rc;
	uint8_t *used = calloc(UINT16_MAX + 1u, 1);

	if (!used)
		return -ENOMEM;
	pthread_mutex_lock(&vol->models->change);
	rc = models_list(vol, &list, &n);
	if (rc == 0 && n > 0)
		rc = scan_extents(vol, models_mark_used, used);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (used[list[i].number] || (list[i].state == 1 && !(unused_zdict && list[i].kind == MODEL_ZDICT)))
			continue;
		rc = models_remove(vol, &list[i]);
		removed += rc == 0;
	}
	pthread_mutex_unlock(&vol->models->change);
	free(list);
	free(used);
	return rc < 0 ? rc : removed;
}
