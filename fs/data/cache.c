/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded extents: hash and LRU list per shard; an entry being decoded is in the hash already, so that others
 * wait for it.
 */
#include "fs/data/cache.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/extent/decoder.h"
#include "fs/extent/extent.h"
#include "fs/extent/thaw.h"
#include "fs/volume/pool.h"

#define SHARDS 16u
#define BUCKETS 256u

struct entry {
	uint64_t id;
	uint8_t *bytes;
	uint32_t plain;
	unsigned users;             /* 0: may be evicted */
	bool cold, loading;         /* cold: the network decodes it */
	int error;
	bool hashed;
	struct entry *next_hashed;
	struct entry *older, *newer; /* in the LRU list when no longer loading and hashed */
};

struct shard {
	pthread_mutex_t mutex;
	pthread_cond_t loaded;
	struct entry *buckets[BUCKETS];
	struct entry *oldest, *newest;
	uint64_t bytes;
};

struct chunk_cache {
	struct decoders *decoders;
	uint64_t shard_bytes_max;
	struct shard shards[SHARDS];
};

int cache_create(struct volume *vol)
{
	struct chunk_cache *cache = calloc(1, sizeof *cache);
	int r;

	if (!cache)
		return -ENOMEM;
	r = decoders_create(vol->opt.workers, &cache->decoders);
	if (r) {
		free(cache);
		return r;
	}
	cache->shard_bytes_max = vol->opt.cache_bytes / SHARDS;
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&cache->shards[i].mutex, NULL);
		pthread_cond_init(&cache->shards[i].loaded, NULL);
	}
	vol->cache = cache;
	return 0;
}

static void entry_free(struct volume *vol, struct entry *e)
{
	if (e->plain == vol->super.chunk_size)
		pool_put(vol->pool, e->bytes);
	else
		free(e->bytes);
	free(e);
}

void cache_destroy(struct volume *vol)
{
	struct chunk_cache *cache = vol->cache;

	if (!cache)
		return;
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *s = &cache->shards[i];

		for (struct entry *e = s->oldest, *next; e; e = next) {
			next = e->newer;
			entry_free(vol, e);
		}
		pthread_cond_destroy(&s->loaded);
		pthread_mutex_destroy(&s->mutex);
	}
	decoders_destroy(cache->decoders);
	free(cache);
	vol->cache = NULL;
}

static struct shard *shard_of(struct chunk_cache *cache, uint64_t id)
{
	return &cache->shards[id % SHARDS];
}

static struct entry **bucket_of(struct shard *s, uint64_t id)
{
	return &s->buckets[id / SHARDS % BUCKETS];
}

static struct entry *shard_find(struct shard *s, uint64_t id)
{
	struct entry *e = *bucket_of(s, id);

	while (e && e->id != id)
		e = e->next_hashed;
	return e;
}

static void hash_remove(struct shard *s, struct entry *e)
{
	struct entry **p = bucket_of(s, e->id);

	while (*p != e)
		p = &(*p)->next_hashed;
	*p = e->next_hashed;
	e->hashed = false;
}

static void lru_remove(struct shard *s, struct entry *e)
{
	*(e->older ? &e->older->newer : &s->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &s->newest) = e->older;
}

static void lru_append(struct shard *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

/*
 * Takes unused entries beyond the budget out of the shard; returns them as a list over next_hashed. Mutex
 * held.
 */
static struct entry *shard_evict(struct shard *s, uint64_t max)
{
	struct entry *out = NULL;

	for (struct entry *e = s->oldest, *newer; e && s->bytes > max; e = newer) {
		newer = e->newer;
		if (e->users > 0)
			continue;
		lru_remove(s, e);
		hash_remove(s, e);
		s->bytes -= e->plain;
		e->next_hashed = out;
		out = e;
	}
	return out;
}

static void entries_free(struct volume *vol, struct entry *list)
{
	for (struct entry *next; list; list = next) {
		next = list->next_hashed;
		entry_free(vol, list);
	}
}

/* From its hot copy if it has one, else as it lies in its segment. */
static int record_decode(struct volume *vol, struct codec_ctx *ctx, uint64_t id, bool cold, uint8_t *buf, size_t cap, uint32_t *plain)
{
	int r;

	if (cold && thaw_read(vol, ctx, id, buf, cap, plain) == 0)
		return 0;
	r = extent_read(vol, ctx, id, buf, cap, plain);
	if (r == 0 && cold)
		thaw_note(vol, ctx, id, buf, *plain);
	return r;
}

static int cache_decode(struct volume *vol, uint64_t id, bool cold, uint8_t *buf, size_t cap, uint32_t *plain)
{
	struct codec_ctx *ctx;
	int r = decoder_get(vol->cache->decoders, &ctx);

	if (r)
		return r;
	r = record_decode(vol, ctx, id, cold, buf, cap, plain);
	decoder_put(vol->cache->decoders, ctx);
	return r;
}

/* Decodes, with the context given or (NULL) a borrowed one; a short extent gets a buffer of its own length. */
static int entry_load(struct volume *vol, struct codec_ctx *ctx, struct entry *e)
{
	uint8_t *buf = pool_get(vol->pool), *own;
	uint32_t plain = 0;
	int r;

	if (!buf)
		return -ENOMEM;
	if (ctx)
		r = record_decode(vol, ctx, e->id, e->cold, buf, vol->super.chunk_size, &plain);
	else
		r = cache_decode(vol, e->id, e->cold, buf, vol->super.chunk_size, &plain);
	if (r == 0 && plain < vol->super.chunk_size) {
		own = malloc(plain);
		if (own)
			memcpy(own, buf, plain);
		else
			r = -ENOMEM;
		pool_put(vol->pool, buf);
		buf = own;
	} else if (r) {
		pool_put(vol->pool, buf);
	}
	if (r)
		return r;
	e->bytes = buf;
	e->plain = plain;
	return 0;
}

/* Loads an entry that was put in the hash in state loading, and wakes who waits for it. */
static void entry_fill(struct volume *vol, struct shard *s, struct codec_ctx *ctx, struct entry *e)
{
	int r = entry_load(vol, ctx, e);

	pthread_mutex_lock(&s->mutex);
	e->loading = false;
	e->error = r;
	if (r) {
		hash_remove(s, e);
	} else {
		s->bytes += e->plain;
		lru_append(s, e);
	}
	pthread_cond_broadcast(&s->loaded);
	pthread_mutex_unlock(&s->mutex);
}

/* A fresh entry in state loading, in the hash, or NULL. Mutex held. */
static struct entry *entry_add(struct shard *s, uint64_t id, bool cold)
{
	struct entry *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->id = id;
	e->cold = cold;
	e->loading = e->hashed = true;
	e->next_hashed = *bucket_of(s, id);
	*bucket_of(s, id) = e;
	return e;
}

/* Finds or loads an entry and uses it; on error there is nothing to release. */
static int entry_get(struct volume *vol, uint64_t id, bool cold, struct entry **out)
{
	struct shard *s = shard_of(vol->cache, id);
	struct entry *e;
	bool load;

	pthread_mutex_lock(&s->mutex);
	e = shard_find(s, id);
	load = !e;
	if (load)
		e = entry_add(s, id, cold);
	if (e)
		e->users++;
	while (e && !load && e->loading)
		pthread_cond_wait(&s->loaded, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
	if (!e)
		return -ENOMEM;
	metrics_add(vol, load ? METRIC_CACHE_MISSES : METRIC_CACHE_HITS, 1);
	if (load)
		entry_fill(vol, s, NULL, e);
	*out = e;
	return 0;
}

static void entry_put(struct volume *vol, struct entry *e)
{
	struct shard *s = shard_of(vol->cache, e->id);
	struct entry *out;

	pthread_mutex_lock(&s->mutex);
	e->users--;
	if (!e->hashed) {
		out = e->users == 0 ? e : NULL;
		e->next_hashed = NULL;
	} else {
		lru_remove(s, e);
		lru_append(s, e);
		out = shard_evict(s, vol->cache->shard_bytes_max);
	}
	pthread_mutex_unlock(&s->mutex);
	entries_free(vol, out);
}

uint64_t cache_bytes(struct volume *vol)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *s = &vol->cache->shards[i];

		pthread_mutex_lock(&s->mutex);
		sum += s->bytes;
		pthread_mutex_unlock(&s->mutex);
	}
	return sum;
}

bool cache_holds(struct volume *vol, const struct extent *extent)
{
	uint64_t id = extent->group ? extent->group : extent->id;
	struct shard *s = shard_of(vol->cache, id);
	bool here;

	pthread_mutex_lock(&s->mutex);
	here = shard_find(s, id) != NULL;
	pthread_mutex_unlock(&s->mutex);
	return here;
}

void cache_fetch(struct volume *vol, struct codec_ctx *ctx, const struct extent *extent)
{
	uint64_t id = extent->group ? extent->group : extent->id;
	struct shard *s = shard_of(vol->cache, id);
	struct entry *e = NULL;

	pthread_mutex_lock(&s->mutex);
	if (!shard_find(s, id))
		e = entry_add(s, id, extent->codec == CODEC_NEURAL);
	if (e)
		e->users++;
	pthread_mutex_unlock(&s->mutex);
	if (!e)
		return;
	metrics_add(vol, METRIC_AHEAD_CHUNKS, 1);
	entry_fill(vol, s, ctx, e);
	entry_put(vol, e);
}

int cache_read(struct volume *vol, const struct extent *extent, uint32_t off, uint32_t len, uint8_t *buf)
{
	uint32_t at = extent->group ? extent->at : 0, n;
	struct entry *e;
	int r = entry_get(vol, extent->group ? extent->group : extent->id, extent->codec == CODEC_NEURAL, &e);

	if (r)
		return r;
	r = e->error;
	if (r == 0 && (at > e->plain || extent->plain > e->plain - at))
		r = -EIO;
	if (r == 0) {
		n = off < extent->plain ? extent->plain - off : 0;
		if (n > len)
			n = len;
		if (n)
			memcpy(buf, e->bytes + at + off, n);
		memset(buf + n, 0, len - n);
	}
	entry_put(vol, e);
	return r;
}

int cache_read_whole(struct volume *vol, const struct extent *extent, uint8_t *buf)
{
	uint32_t got = 0;
	int r;

	if (extent->group || cache_holds(vol, extent))
		return cache_read(vol, extent, 0, extent->plain, buf);
	metrics_add(vol, METRIC_CACHE_MISSES, 1);
	r = cache_decode(vol, extent->id, extent->codec == CODEC_NEURAL, buf, extent->plain, &got);
	if (r == 0 && got != extent->plain)
		r = -EIO;
	return r;
}
