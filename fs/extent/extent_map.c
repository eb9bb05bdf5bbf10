/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment counters: loaded at open, kept current by extents, stored in every commit, and used to remove
 * emptied segments.
 */
#include "fs/extent/extent_map.h"

#include <errno.h>
#include <stdlib.h>

/* The counters of a segment, made when it is new; NULL: no memory or no sane number. Mutex held. */
static struct segment_use *use_of(struct extent_map *map, uint32_t segment)
{
	if (segment == 0 || segment >= SEGMENT_COUNT_MAX)
		return NULL;
	if (segment >= map->count) {
		uint32_t n = segment + 1 + segment / 2 + 64;
		struct segment_use *grown = realloc(map->use, n * sizeof *grown);

		if (!grown)
			return NULL;
		memset(grown + map->count, 0, (n - map->count) * sizeof *grown);
		map->use = grown;
		map->count = n;
	}
	return &map->use[segment];
}

static void add(uint64_t *to, int64_t n)
{
	*to = n < 0 && *to < 0 - (uint64_t)n ? 0 : *to + (uint64_t)n;
}

int extent_map_count(struct extent_map *map, uint32_t segment, int64_t bytes, int64_t plain, int records)
{
	struct segment_use *u;

	pthread_mutex_lock(&map->mutex);
	u = use_of(map, segment);
	if (u) {
		add(&u->live, bytes);
		add(&map->plain_bytes, plain);
		if (records > 0 || u->records > 0)
			u->records += (uint32_t)records;
		u->known = true;
		u->changed = true;
	}
	pthread_mutex_unlock(&map->mutex);
	return u ? 0 : -ENOMEM;
}

int extent_map_hold(struct extent_map *map, uint32_t segment, int n)
{
	struct segment_use *u;

	pthread_mutex_lock(&map->mutex);
	u = use_of(map, segment);
	if (u)
		u->holds += (uint32_t)n;
	pthread_mutex_unlock(&map->mutex);
	return u ? 0 : -ENOMEM;
}

void extent_account_model(struct volume *vol, uint32_t segment, uint64_t bytes, int sign)
{
	(void)extent_map_count(vol->extents, segment, sign * (int64_t)bytes, 0, sign);
}

static int use_load(struct extent_map *map, const struct index_record *rec)
{
	struct segment_stat_disk disk;
	struct segment_use *u;
	uint32_t segment;

	if (rec->key_len != 4 || rec->len != sizeof disk)
		return -EUCLEAN;
	memcpy(&disk, rec->value, sizeof disk);
	segment = be32_get(rec->key);
	if (segment == 0 || segment >= SEGMENT_COUNT_MAX || disk.stream >= STREAM_COUNT)
		return -EUCLEAN;
	u = use_of(map, segment);
	if (!u)
		return -ENOMEM;
	u->known = true;
	u->total = le64_get(disk.total);
	u->live = le64_get(disk.live);
	u->records = le32_get(disk.records);
	u->sealed = disk.sealed;
	u->stream = disk.stream;
	u->empty = u->sealed && u->records == 0;
	return 0;
}

static int uses_load(struct volume *vol)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = index_scan_open(&op, TABLE_SEGMENT, NULL, 0, NULL, 0, &scan);
	if (r == 0) {
		while ((r = index_scan_next(scan, &rec)) == 1 && (r = use_load(vol->extents, &rec)) == 0)
			;
		index_scan_close(scan);
	}
	index_end(&op);
	return r;
}

/* Streams go on in the segment that they left unsealed; what cannot be gone on with counts as sealed. */
static void streams_resume(struct volume *vol)
{
	struct extent_map *map = vol->extents;
	bool resumed[STREAM_COUNT] = { false };

	for (uint32_t s = map->count; s-- > 1;) {
		struct segment_use *u = &map->use[s];

		if (!u->known || u->sealed)
			continue;
		if (vol->readonly ||
		    (!resumed[u->stream] && segments_resume(vol->segments, u->stream, s, u->total) == 0)) {
			resumed[u->stream] = true;
			continue;
		}
		u->sealed = true;
		u->changed = true;
	}
}

int extent_map_create(struct volume *vol)
{
	struct extent_map *map = calloc(1, sizeof *map);
	struct counters_disk disk;
	struct index_op op;
	int r;

	if (!map)
		return -ENOMEM;
	pthread_mutex_init(&map->record_mutex, NULL);
	pthread_mutex_init(&map->mutex, NULL);
	map->first_open = 1;
	vol->extents = map;
	index_begin(vol->index, &op);
	r = index_get(&op, TABLE_META, "counters", 8, &disk, sizeof disk);
	index_end(&op);
	if (r >= 0)
		r = r == sizeof disk ? extent_dead_create(&map->dead) : -EUCLEAN;
	if (r == 0) {
		map->next_id = le64_get(disk.next_extent);
		map->plain_bytes = le64_get(disk.plain_bytes);
		r = uses_load(vol);
	}
	if (r)
		extent_map_destroy(vol);
	else
		streams_resume(vol);
	return r;
}

void extent_map_destroy(struct volume *vol)
{
	struct extent_map *map = vol->extents;

	if (!map)
		return;
	extent_dead_destroy(map->dead);
	pthread_mutex_destroy(&map->record_mutex);
	pthread_mutex_destroy(&map->mutex);
	free(map->use);
	free(map);
	vol->extents = NULL;
}

uint64_t extent_next_id(struct volume *vol)
{
	uint64_t id;

	pthread_mutex_lock(&vol->extents->mutex);
	id = vol->extents->next_id++;
	pthread_mutex_unlock(&vol->extents->mutex);
	return id;
}

uint64_t extent_peek_id(struct volume *vol)
{
	uint64_t id;

	pthread_mutex_lock(&vol->extents->mutex);
	id = vol->extents->next_id;
	pthread_mutex_unlock(&vol->extents->mutex);
	return id;
}

/* Brings the length of a segment that is not sealed up to date. */
static void use_refresh(struct volume *vol, uint32_t segment, struct segment_use *u)
{
	enum segment_stream stream;
	uint64_t total;
	bool sealed;
	int r = segment_head(vol->segments, segment, &total, &sealed, &stream);

	if (r) {
		if (u->known) {
			u->sealed = true;
			u->changed = true;
		}
		return;
	}
	if (!u->known || total != u->total || sealed != u->sealed)
		u->changed = true;
	u->known = true;
	u->total = total;
	u->sealed = sealed;
	u->stream = stream;
}

static int use_store(struct index_op *op, uint32_t segment, const struct segment_use *u)
{
	struct segment_stat_disk disk = {
		.total = le64_put(u->total),
		.live = le64_put(u->live),
		.records = le32_put(u->records),
		.sealed = u->sealed,
		.stream = (uint8_t)u->stream,
	};
	uint8_t key[4];

	be32_put(key, segment);
	return index_put(op, TABLE_SEGMENT, key, sizeof key, &disk, sizeof disk);
}

/* Finds segments that were begun since, and the present length of those still written. Mutex held. */
static int uses_refresh(struct volume *vol, uint32_t *next_segment)
{
	struct extent_map *map = vol->extents;
	uint32_t end = segments_next(vol->segments);
	bool all_sealed = true;

	*next_segment = end;
	if (end > 1 && !use_of(map, end - 1))
		return -ENOMEM;
	for (uint32_t s = map->first_open; s < end; s++) {
		struct segment_use *u = &map->use[s];

		if (!u->sealed)
			use_refresh(vol, s, u);
		all_sealed = all_sealed && u->sealed;
		if (all_sealed)
			map->first_open = s + 1;
	}
	return 0;
}

int extent_map_store(struct index_op *op, struct volume *vol, uint32_t *next_segment)
{
	struct extent_map *map = vol->extents;
	int r;

	pthread_mutex_lock(&map->mutex);
	r = uses_refresh(vol, next_segment);
	for (uint32_t s = 1; r == 0 && s < map->count; s++) {
		struct segment_use *u = &map->use[s];

		if (u->known && u->changed) {
			r = use_store(op, s, u);
			u->changed = r != 0;
		}
		u->frozen_empty = u->known && u->sealed && u->records == 0 && u->holds == 0 &&
			map->appending == 0;
	}
	pthread_mutex_unlock(&map->mutex);
	extent_dead_freeze(map->dead);
	return r;
}

void extent_map_durable(struct volume *vol)
{
	struct extent_map *map = vol->extents;

	pthread_mutex_lock(&map->mutex);
	for (uint32_t s = 1; s < map->count; s++)
		map->use[s].empty = map->use[s].frozen_empty;
	pthread_mutex_unlock(&map->mutex);
	extent_dead_punch(map->dead, vol->segments);
}

static int use_forget(struct volume *vol, uint32_t segment)
{
	struct index_op op;
	uint8_t key[4];
	int r;

	be32_put(key, segment);
	index_begin(vol->index, &op);
	r = index_del(&op, TABLE_SEGMENT, key, sizeof key);
	if (r == 0) {
		pthread_mutex_lock(&vol->extents->mutex);
		vol->extents->use[segment] = (struct segment_use){ .sealed = true };
		pthread_mutex_unlock(&vol->extents->mutex);
	}
	index_end(&op);
	return r;
}

int extent_reap_segments(struct volume *vol)
{
	struct extent_map *map = vol->extents;
	int n = 0;

	for (uint32_t s = 1;; s++) {
		bool reap;
		int r;

		pthread_mutex_lock(&map->mutex);
		while (s < map->count && !(map->use[s].known && map->use[s].empty))
			s++;
		reap = s < map->count && map->use[s].records == 0 && map->use[s].holds == 0;
		r = s >= map->count;
		pthread_mutex_unlock(&map->mutex);
		if (r)
			return n;
		if (!reap)
			continue;
		r = segment_unlink(vol->segments, s);
		if (r == -EBUSY)
			continue;
		if (r && r != -ENOENT)
			return r;
		r = use_forget(vol, s);
		if (r)
			return r;
		n++;
	}
}

void extent_totals(struct volume *vol, struct extent_totals *out)
{
	struct extent_map *map = vol->extents;

	*out = (struct extent_totals){ 0 };
	pthread_mutex_lock(&map->mutex);
	out->plain_bytes = map->plain_bytes;
	for (uint32_t s = 1; s < map->count; s++) {
		if (!map->use[s].known)
			continue;
		out->segments++;
		out->segment_bytes += map->use[s].total;
		out->live_bytes += map->use[s].live;
	}
	pthread_mutex_unlock(&map->mutex);
}
