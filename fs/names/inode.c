/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of inode objects: a sharded hash by inode number, with references and single-flight loading.
 */
#include "fs/names/inode.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/data/file.h"

#define SHARD_COUNT 64u
#define SHARD_BUCKETS_MIN 32u

struct shard {
	pthread_mutex_t mutex;
	pthread_cond_t loaded; /* an object left the state of loading */
	struct inode **buckets;
	size_t mask, count;
};

struct inode_table {
	struct shard shards[SHARD_COUNT];
};

static uint64_t ino_hash(uint64_t ino)
{
	return ino * 0x9e3779b97f4a7c15u;
}

static struct shard *shard_of(struct volume *vol, uint64_t ino)
{
	return &vol->inodes->shards[ino_hash(ino) >> 58];
}

static struct inode **bucket_of(struct shard *s, uint64_t ino)
{
	return &s->buckets[(ino_hash(ino) >> 20) & s->mask];
}

/* Doubles the buckets; without memory the chains just grow longer. */
static void shard_grow(struct shard *s)
{
	size_t n = (s->mask + 1) * 2;
	struct inode **old = s->buckets, **fresh = calloc(n, sizeof *fresh);
	size_t old_n = s->mask + 1;

	if (!fresh)
		return;
	s->buckets = fresh;
	s->mask = n - 1;
	for (size_t i = 0; i < old_n; i++) {
		for (struct inode *it = old[i], *next; it; it = next) {
			struct inode **b = bucket_of(s, it->ino);

			next = it->hash_next;
			it->hash_next = *b;
			*b = it;
		}
	}
	free(old);
}

static void shard_insert(struct shard *s, struct inode *inode)
{
	struct inode **b;

	if (s->count > s->mask)
		shard_grow(s);
	b = bucket_of(s, inode->ino);
	inode->hash_next = *b;
	*b = inode;
	s->count++;
}

static void shard_remove(struct shard *s, struct inode *inode)
{
	struct inode **p = bucket_of(s, inode->ino);

	while (*p != inode)
		p = &(*p)->hash_next;
	*p = inode->hash_next;
	s->count--;
}

static struct inode *shard_find(struct shard *s, uint64_t ino)
{
	struct inode *it = *bucket_of(s, ino);

	while (it && it->ino != ino)
		it = it->hash_next;
	return it;
}

int inode_table_create(struct volume *vol)
{
	struct inode_table *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	vol->inodes = t;
	for (size_t i = 0; i < SHARD_COUNT; i++) {
		struct shard *s = &t->shards[i];

		pthread_mutex_init(&s->mutex, NULL);
		pthread_cond_init(&s->loaded, NULL);
		s->mask = SHARD_BUCKETS_MIN - 1;
		s->buckets = calloc(SHARD_BUCKETS_MIN, sizeof *s->buckets);
		if (!s->buckets) {
			s->mask = 0;
			inode_table_destroy(vol);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Readers of a busy file follow each other without a gap: writers, and flushes that publish, must not starve behind them. */
static int lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int r = -pthread_rwlockattr_init(&attr);

	if (r)
		return r;
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	r = -pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return r;
}

static struct inode *object_create(struct volume *vol, uint64_t ino)
{
	struct inode *inode = calloc(1, sizeof *inode);

	if (!inode || lock_init(&inode->lock)) {
		free(inode);
		return NULL;
	}
	inode->ino = ino;
	inode->vol = vol;
	inode->refs = 1;
	pthread_mutex_init(&inode->data_mutex, NULL);
	return inode;
}

static void object_destroy(struct inode *inode)
{
	pthread_mutex_destroy(&inode->data_mutex);
	pthread_rwlock_destroy(&inode->lock);
	free(inode);
}

void inode_table_destroy(struct volume *vol)
{
	struct inode_table *t = vol->inodes;

	if (!t)
		return;
	for (size_t i = 0; i < SHARD_COUNT; i++) {
		struct shard *s = &t->shards[i];

		for (size_t b = 0; s->buckets && b <= s->mask; b++) {
			for (struct inode *it = s->buckets[b], *next; it; it = next) {
				next = it->hash_next;
				if (it->dirty)
					file_forget(it);
				object_destroy(it);
			}
		}
		free(s->buckets);
		pthread_cond_destroy(&s->loaded);
		pthread_mutex_destroy(&s->mutex);
	}
	free(t);
	vol->inodes = NULL;
}

static int record_load(struct inode *inode)
{
	uint8_t key[8], value[sizeof(struct inode_disk)];
	struct index_op op;
	int n;

	be64_put(key, inode->ino);
	index_begin(inode->vol->index, &op);
	n = index_get(&op, TABLE_INODE, key, sizeof key, value, sizeof value);
	index_end(&op);
	if (n < 0)
		return n == -ERANGE ? -EUCLEAN : n;
	n = inode_decode(value, (size_t)n, &inode->attr);
	if (n)
		return n;
	if (inode->attr.nlink == 0)
		return -ENOENT; /* on its way out */
	inode->type = inode->attr.mode & S_IFMT;
	inode->stored_size = inode->attr.size;
	inode->stored_blocks = inode->attr.blocks;
	inode->stored_mtime = inode->attr.mtime;
	inode->stored_ctime = inode->attr.ctime;
	return 0;
}

/* Loads the record of an object that is in the table in state loading, and wakes who waits for it. */
static int object_load(struct shard *s, struct inode *inode)
{
	int r = record_load(inode);

	pthread_mutex_lock(&s->mutex);
	inode->loading = false;
	if (r)
		shard_remove(s, inode);
	pthread_cond_broadcast(&s->loaded);
	pthread_mutex_unlock(&s->mutex);
	if (r)
		object_destroy(inode);
	return r;
}

int inode_get(struct volume *vol, uint64_t ino, struct inode **out)
{
	struct shard *s = shard_of(vol, ino);
	struct inode *inode;
	int r;

	*out = NULL;
	pthread_mutex_lock(&s->mutex);
	while ((inode = shard_find(s, ino)) && inode->loading)
		pthread_cond_wait(&s->loaded, &s->mutex);
	if (inode) {
		inode->refs++;
		pthread_mutex_unlock(&s->mutex);
		*out = inode;
		return 0;
	}
	inode = object_create(vol, ino);
	if (inode) {
		inode->loading = true;
		shard_insert(s, inode);
	}
	pthread_mutex_unlock(&s->mutex);
	if (!inode)
		return -ENOMEM;
	r = object_load(s, inode);
	if (r == 0)
		*out = inode;
	return r;
}

int inode_new(struct volume *vol, const struct inode_attr *attr, struct inode **out)
{
	struct inode *inode = object_create(vol, volume_next_ino(vol));
	struct shard *s;

	*out = NULL;
	if (!inode)
		return -ENOMEM;
	inode->attr = *attr;
	inode->type = attr->mode & S_IFMT;
	inode->attr.generation = 0;
	inode->tail_clean = true;
	s = shard_of(vol, inode->ino);
	pthread_mutex_lock(&s->mutex);
	shard_insert(s, inode);
	pthread_mutex_unlock(&s->mutex);
	*out = inode;
	return 0;
}

void inode_discard(struct inode *inode)
{
	struct shard *s = shard_of(inode->vol, inode->ino);

	pthread_mutex_lock(&s->mutex);
	shard_remove(s, inode);
	pthread_mutex_unlock(&s->mutex);
	object_destroy(inode);
}

void inode_ref(struct inode *inode)
{
	struct shard *s = shard_of(inode->vol, inode->ino);

	pthread_mutex_lock(&s->mutex);
	inode->refs++;
	pthread_mutex_unlock(&s->mutex);
}

void inode_put(struct inode *inode, uint64_t n)
{
	struct volume *vol = inode->vol;
	struct shard *s = shard_of(vol, inode->ino);
	bool unlinked, gone;

	pthread_mutex_lock(&s->mutex);
	inode->refs -= n < inode->refs ? n : inode->refs;
	if (inode->refs > 0) {
		pthread_mutex_unlock(&s->mutex);
		return;
	}
	/*
	 * Without references nobody else changes the object: its members can be read without their own locks.
	 */
	unlinked = inode->attr.nlink == 0;
	gone = unlinked || !inode->dirty;
	if (gone)
		shard_remove(s, inode);
	pthread_mutex_unlock(&s->mutex);
	if (!gone)
		return;
	if (inode->dirty)
		file_forget(inode);
	if (unlinked && !vol->readonly)
		inode_drop(vol, inode->ino); /* what fails is tried again at the next mount: the orphan record
						stays */
	object_destroy(inode);
}
