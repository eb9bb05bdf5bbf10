/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The models of a store as readers need them: found, loaded by one thread while others wait, kept while the volume is open.
 */
#include "fs/extent/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"
#include "fs/extent/scan.h"
#include "model/model.h"

int models_info(const struct index_record *r, struct model_info *info, struct model_disk *d)
{
	uint32_t bytes, number;

	if (r->key_len != 4 || r->len != sizeof *d)
		return -EUCLEAN;
	memcpy(d, r->value, sizeof *d);
	number = be32_get(r->key);
	bytes = le32_get(d->bytes);
	if (number < 1 || number > UINT16_MAX || d->kind < 1 || d->kind >= MODELS_KINDS || bytes < 1 || bytes > MODEL_BYTES_MAX)
		return -EUCLEAN;
	*info = (struct model_info){
		.number = (uint16_t)number,
		.kind = d->kind,
		.state = d->state,
		.bytes = bytes,
		.created = (int64_t)le64_get(d->created),
		.stored = model_stored(bytes),
	};
	memcpy(info->hash, d->hash, sizeof info->hash);
	return 0;
}

static int models_note(void *arg, const struct index_record *r)
{
	struct model_set *set = arg;
	struct model_info info;
	struct model_disk d;

	if (models_info(r, &info, &d) < 0)
		return 0; /* whatever needs this one reports it */
	if (info.state == 1)
		set->active[info.kind] = info.number;
	return 0;
}

int models_create(struct volume *vol)
{
	struct model_set *set = calloc(1, sizeof *set);
	int rc;

	if (!set)
		return -ENOMEM;
	pthread_mutex_init(&set->change, NULL);
	pthread_mutex_init(&set->mutex, NULL);
	pthread_cond_init(&set->loaded_cond, NULL);
	vol->models = set;
	rc = scan_table(vol, TABLE_MODEL, models_note, set);
	if (rc < 0)
		models_destroy(vol);
	return rc;
}

void models_destroy(struct volume *vol)
{
	struct model_set *set = vol->models;

	if (!set)
		return;
	while (set->loaded) {
		struct loaded *l = set->loaded;

		set->loaded = l->next;
		codec_model_put(l->model);
		free(l);
	}
	pthread_cond_destroy(&set->loaded_cond);
	pthread_mutex_destroy(&set->mutex);
	pthread_mutex_destroy(&set->change);
	free(set);
	vol->models = NULL;
}

uint16_t models_active(struct volume *vol, enum model_kind kind)
{
	uint16_t number;

	pthread_mutex_lock(&vol->models->mutex);
	number = vol->models->active[kind];
	pthread_mutex_unlock(&vol->models->mutex);
	return number;
}

/* Reads a strip. -EUCLEAN: it is not what the record says. */
static int strip_read(struct volume *vol, const struct model_info *info, const struct model_disk *d, int strip, uint8_t *out)
{
	struct segment_pos pos = {le32_get(d->strip[strip].segment), le32_get(d->strip[strip].offset), 0};
	uint32_t n = model_strip(info->bytes), piece = 0;

	for (uint32_t at = 0; at < n; at += pos.stored, piece++) {
		struct record r;
		int rc;

		pos.stored = n - at < MODEL_PIECE ? n - at : MODEL_PIECE;
		rc = segment_read(vol->segments, &pos, out + at, pos.stored, &r);
		if (rc < 0)
			return rc;
		if (r.kind != RECORD_MODEL || r.id != info->number || r.level != strip || r.chunk != piece)
			return -EUCLEAN;
		pos.offset += (uint32_t)sizeof(struct record_disk) + pos.stored;
	}
	return 0;
}

int models_read(struct volume *vol, const struct model_info *info, const struct model_disk *d, uint8_t *strips, int *bad)
{
	unsigned lost = 0;
	int which;

	for (int i = 0; i <= MODEL_STRIPS; i++) {
		int rc;

		if (i == MODEL_STRIPS && !bad && !lost && strips_right(strips, info->bytes, info->hash, sizeof info->hash))
			return 0;
		rc = strip_read(vol, info, d, i, strips + (size_t)i * model_strip(info->bytes));
		if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE)
			return rc; /* which says nothing of the strip */
		lost |= (unsigned)(rc < 0) << i;
	}
	return strips_mend(strips, info->bytes, lost, info->hash, sizeof info->hash, bad ? bad : &which);
}

int models_record(struct volume *vol, uint16_t number, struct model_info *info, struct model_disk *d)
{
	struct index_record r = {.key_len = 4};
	struct index_op op;
	int rc;

	be32_put(r.key, number);
	index_begin(vol->index, &op);
	rc = index_get(&op, TABLE_MODEL, r.key, r.key_len, r.value, sizeof r.value);
	index_end(&op);
	if (rc < 0)
		return rc;
	r.len = (size_t)rc;
	return models_info(&r, info, d);
}

/* The bytes of a model, malloc'ed. */
static int models_bytes(struct volume *vol, uint16_t number, struct model_info *info, uint8_t **bytes)
{
	struct model_disk d;
	int rc = models_record(vol, number, info, &d);

	*bytes = NULL;
	if (rc < 0)
		return rc;
	*bytes = strips_new(info->bytes);
	if (!*bytes)
		return -ENOMEM;
	rc = models_read(vol, info, &d, *bytes, NULL);
	if (rc < 0)
		free(*bytes);
	return rc;
}

static int models_load(struct volume *vol, uint16_t number, struct codec_model **out)
{
	struct model_info info;
	uint8_t *bytes;
	int rc = models_bytes(vol, number, &info, &bytes);

	if (rc == 0) {
		rc = codec_model_load(info.kind, bytes, info.bytes, out);
		free(bytes);
	}
	return rc == 0 || rc == -ENOMEM || rc == -EPROTONOSUPPORT ? rc : -EIO;
}

int models_describe(struct volume *vol, struct model_info *info)
{
	struct model_shape shape;
	struct model_info same;
	uint8_t *bytes;
	int rc;

	if (info->kind != MODEL_NEURAL)
		return 0;
	rc = models_bytes(vol, info->number, &same, &bytes);
	if (rc < 0)
		return rc;
	rc = model_shape_load(bytes, same.bytes, &shape);
	free(bytes);
	if (rc < 0)
		return rc;
	info->contexts = shape.contexts;
	info->hidden = shape.hidden;
	info->dict_bytes = shape.dict_len;
	return 0;
}

struct loaded **models_find(struct model_set *set, uint16_t number)
{
	struct loaded **p = &set->loaded;

	while (*p && (*p)->number != number)
		p = &(*p)->next;
	return p;
}

/* Loads with the mutex dropped, so that models already here are not waited for; the entry keeps others from loading it too. */
static int models_fetch(struct volume *vol, struct model_set *set, uint16_t number)
{
	struct loaded *l = calloc(1, sizeof *l), **at;
	int rc;

	if (!l)
		return -ENOMEM;
	l->number = number;
	l->state = LOAD_BUSY;
	l->next = set->loaded;
	set->loaded = l;
	pthread_mutex_unlock(&set->mutex);
	rc = models_load(vol, number, &l->model);
	pthread_mutex_lock(&set->mutex);
	if (rc == 0) {
		l->state = LOAD_DONE;
	} else {
		at = models_find(set, number);
		*at = l->next;
		free(l);
	}
	pthread_cond_broadcast(&set->loaded_cond);
	return rc;
}

int models_get(struct volume *vol, uint16_t number, struct codec_model **out)
{
	struct model_set *set = vol->models;
	struct loaded *l;
	int rc = 0;

	*out = NULL;
	if (number == 0)
		return 0;
	pthread_mutex_lock(&set->mutex);
	while (rc == 0 && (!(l = *models_find(set, number)) || l->state == LOAD_BUSY)) {
		if (l)
			pthread_cond_wait(&set->loaded_cond, &set->mutex);
		else
			rc = models_fetch(vol, set, number);
	}
	if (rc == 0)
		*out = codec_model_get(l->model);
	pthread_mutex_unlock(&set->mutex);
	return rc;
}

struct models_collect {
	struct model_info *list;
	size_t n;
};

static int models_collect(void *arg, const struct index_record *r)
{
	struct models_collect *c = arg;
	struct model_info *grown;
	struct model_disk d;

	grown = realloc(c->list, (c->n + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	c->list = grown;
	if (models_info(r, &c->list[c->n], &d) == 0)
		c->n++;
	return 0;
}

int models_list(struct volume *vol, struct model_info **list, size_t *n)
{
	struct models_collect c = {0};
	int rc = scan_table(vol, TABLE_MODEL, models_collect, &c);

	*list = NULL;
	*n = 0;
	if (rc < 0) {
		free(c.list);
		return rc;
	}
	*list = c.list;
	*n = c.n;
	return 0;
}
