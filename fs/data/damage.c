/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged extents: the flag in their records, who has been told of them, and whose they are.
 */
#include "fs/data/damage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/extent_map.h"
#include "fs/extent/scan.h"
#include "fs/names/path.h"

#define TOLD_MAX 256u

struct damage {
	pthread_mutex_t mutex; /* outermost: held while the path is looked for, so that lines come one by one */
	struct {
		uint64_t ino;
		uint32_t chunk;
	} told[TOLD_MAX];
	unsigned n;
};

int damage_create(struct volume *vol)
{
	vol->damage = calloc(1, sizeof *vol->damage);
	if (!vol->damage)
		return -ENOMEM;
	pthread_mutex_init(&vol->damage->mutex, NULL);
	return 0;
}

void damage_destroy(struct volume *vol)
{
	if (!vol->damage)
		return;
	pthread_mutex_destroy(&vol->damage->mutex);
	free(vol->damage);
	vol->damage = NULL;
}

struct telling {
	struct volume *vol;
	uint32_t chunk;
};

static int tell_path(void *arg, uint64_t ino, const char *path)
{
	struct telling *t = arg;

	t->vol->opt.damaged(t->vol->opt.damaged_arg, ino, t->chunk, path);
	return 0;
}

void damage_tell(struct volume *vol, uint64_t ino, uint32_t chunk)
{
	struct telling t = { vol, chunk };
	struct damage *d = vol->damage;
	bool told = false;

	if (!vol->opt.damaged)
		return;
	pthread_mutex_lock(&d->mutex);
	for (unsigned i = 0; i < d->n; i++)
		told |= d->told[i].ino == ino && d->told[i].chunk == chunk;
	if (!told && d->n < TOLD_MAX) {
		d->told[d->n].ino = ino;
		d->told[d->n++].chunk = chunk;
		if (path_find(vol, &ino, 1, tell_path, &t))
			tell_path(&t, ino, "");
	}
	pthread_mutex_unlock(&d->mutex);
}

int damage_mark(struct volume *vol, const struct extent *e, bool damaged)
{
	struct extent now;
	struct index_op op;
	int r;

	if (vol->readonly)
		return -EROFS;
	index_begin(vol->index, &op);
	pthread_mutex_lock(&vol->extents->record_mutex);
	r = extent_get(&op, e->id, &now);
	if (r == 0 && !now.group && now.damaged != damaged && extent_same_place(&now, e)) {
		now.damaged = damaged;
		r = extent_store(&op, &now);
		r = r ? r : 1;
	}
	pthread_mutex_unlock(&vol->extents->record_mutex);
	index_end(&op);
	return r == -ENOENT ? 0 : r;
}

struct list {
	struct volume *vol;
	uint64_t *items;
	size_t n, room;
};

static int list_add(struct list *l, uint64_t item)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		uint64_t *grown = realloc(l->items, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		l->items = grown;
		l->room = room;
	}
	l->items[l->n++] = item;
	return 0;
}

/* In ascending order, as the extents come. */
static int extent_note(void *arg, const struct extent *e)
{
	return e->damaged && !e->is_group ? list_add(arg, e->id) : 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct owners {
	struct list *extents, *inodes;
};

static int chunk_note(void *arg, const struct index_record *rec)
{
	struct owners *o = arg;
	uint64_t ino, id;
	le64_t value;

	if (rec->key_len != 12 || rec->len != sizeof value)
		return 0;
	memcpy(&value, rec->value, sizeof value);
	id = le64_get(value);
	ino = be64_get(rec->key);
	if (!bsearch(&id, o->extents->items, o->extents->n, sizeof id, compare) ||
	    (o->inodes->n && o->inodes->items[o->inodes->n - 1] == ino))
		return 0;
	return list_add(o->inodes, ino);
}

int damage_list(struct volume *vol, int (*fn)(void *arg, uint64_t ino, const char *path), void *arg)
{
	struct list extents = { .vol = vol }, inodes = { .vol = vol };
	struct owners o = { &extents, &inodes };
	int r = scan_extents(vol, extent_note, &extents);

	if (r == 0 && extents.n)
		r = scan_table(vol, TABLE_CHUNK, chunk_note, &o);
	if (r == 0 && inodes.n)
		r = path_find(vol, inodes.items, inodes.n, fn, arg);
	free(extents.items);
	free(inodes.items);
	return r;
}
