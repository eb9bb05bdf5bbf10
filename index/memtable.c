/* SPDX-License-Identifier: BSD-2-Clause */
/* The ordered table of one generation's changes: a skip list in an arena, one writer at a time, readers
 * without locks. */
#include "index/memtable.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define HEIGHT_MAX 12
#define BLOCK_FIRST 4096u
#define BLOCK_MAX (1u << 20)
#define TOMBSTONE UINT32_MAX

struct block {
	struct block *next;
	size_t cap, used;
	_Alignas(8) uint8_t bytes[];
};

struct value {
	uint32_t len; /* TOMBSTONE: deleted */
	uint8_t bytes[];
};

struct memtable_node {
	_Atomic(struct value *) value;
	uint16_t key_len;
	uint8_t table;
	uint8_t height;
	_Atomic(struct memtable_node *) next[]; /* height of them, then the key's bytes */
};

struct memtable {
	pthread_mutex_t mutex; /* guards blocks, random, bytes and all stores to nodes */
	struct block *blocks;  /* newest first */
	uint32_t random;
	size_t bytes;
	atomic_size_t *total;
	struct memtable_node *head;
};

static uint8_t *node_key(const struct memtable_node *n)
{
	return (uint8_t *) (n->next + n->height);
}

static void *arena_alloc(struct memtable *mt, size_t size)
{
	struct block *b = mt->blocks;
	size_t cap;
	void *p;

	size = (size + 7) & ~(size_t) 7;
	if (!b || b->cap - b->used < size) {
		cap = b ? b->cap * 2 : BLOCK_FIRST;
		if (cap > BLOCK_MAX)
			cap = BLOCK_MAX;
		b = malloc(sizeof *b + cap);
		if (!b)
			return NULL;
		b->cap = cap;
		b->used = 0;
		b->next = mt->blocks;
		mt->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += size;
	mt->bytes += size;
	atomic_fetch_add_explicit(mt->total, size, memory_order_relaxed);
	return p;
}

static struct memtable_node *node_alloc(struct memtable *mt, int height, enum table table, const void *key,
					size_t key_len)
{
	struct memtable_node *n;
	int i;

	n = arena_alloc(mt, sizeof *n + (size_t) height * sizeof n->next[0] + key_len);
	if (!n)
		return NULL;
	n->table = (uint8_t) table;
	n->key_len = (uint16_t) key_len;
	n->height = (uint8_t) height;
	atomic_init(&n->value, NULL);
	for (i = 0; i < height; i++)
		atomic_init(&n->next[i], NULL);
	if (key_len > 0)
		memcpy(node_key(n), key, key_len);
	return n;
}

int memtable_create(atomic_size_t *total, struct memtable **out)
{
	struct memtable *mt;

	*out = NULL;
	mt = calloc(1, sizeof *mt);
	if (!mt)
		return -ENOMEM;
	mt->total = total;
	mt->random = 2463534242u;
	mt->head = node_alloc(mt, HEIGHT_MAX, TABLE_META, NULL, 0);
	if (!mt->head) {
		free(mt);
		return -ENOMEM;
	}
	atomic_fetch_sub_explicit(total, mt->bytes, memory_order_relaxed); /* an empty table counts nothing */
	mt->bytes = 0;
	pthread_mutex_init(&mt->mutex, NULL);
	*out = mt;
	return 0;
}

void memtable_destroy(struct memtable *mt)
{
	struct block *b;

	if (!mt)
		return;
	while ((b = mt->blocks)) {
		mt->blocks = b->next;
		free(b);
	}
	atomic_fetch_sub_explicit(mt->total, mt->bytes, memory_order_relaxed);
	pthread_mutex_destroy(&mt->mutex);
	free(mt);
}

/* Order of a node against (table, key): < 0, 0, > 0. */
static int node_compare(const struct memtable_node *n, enum table table, const void *key, size_t key_len)
{
	size_t common = n->key_len < key_len ? n->key_len : key_len;
	int c;

	if (n->table != table)
		return n->table < table ? -1 : 1;
	c = common > 0 ? memcmp(node_key(n), key, common) : 0;
	if (c != 0)
		return c;
	return n->key_len < key_len ? -1 : n->key_len > key_len;
}

/* The last node before the key; prev (may be NULL) gets the last one of every level. */
static struct memtable_node *node_before(struct memtable *mt, enum table table, const void *key,
					 size_t key_len, struct memtable_node **prev)
{
	struct memtable_node *n = mt->head, *next;
	int level;

	for (level = HEIGHT_MAX - 1; level >= 0; level--) {
		for (;;) {
			next = atomic_load_explicit(&n->next[level], memory_order_acquire);
			if (!next || node_compare(next, table, key, key_len) >= 0)
				break;
			n = next;
		}
		if (prev)
			prev[level] = n;
	}
	return n;
}

/* A height of h with probability 3/4 * 4^(1-h): xorshift32. */
static int random_height(struct memtable *mt)
{
	uint32_t x = mt->random;
	int height = 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	mt->random = x;
	while (height < HEIGHT_MAX && (x & 3) == 0) {
		x >>= 2;
		height++;
	}
	return height;
}

static struct value *value_alloc(struct memtable *mt, const void *bytes, uint32_t len)
{
	size_t size = len == TOMBSTONE ? 0 : len;
	struct value *v = arena_alloc(mt, sizeof *v + size);

	if (!v)
		return NULL;
	v->len = len;
	if (size > 0)
		memcpy(v->bytes, bytes, size);
	return v;
}

static int set_locked(struct memtable *mt, enum table table, const void *key, size_t key_len,
		      const void *bytes, uint32_t len)
{
	struct memtable_node *prev[HEIGHT_MAX], *n;
	struct value *v;
	int i;

	v = value_alloc(mt, bytes, len);
	if (!v)
		return -ENOMEM;
	node_before(mt, table, key, key_len, prev);
	n = atomic_load_explicit(&prev[0]->next[0], memory_order_relaxed);
	if (n && node_compare(n, table, key, key_len) == 0) {
		atomic_store_explicit(&n->value, v, memory_order_release);
		return 0;
	}
	n = node_alloc(mt, random_height(mt), table, key, key_len);
	if (!n)
		return -ENOMEM;
	atomic_init(&n->value, v);
	for (i = 0; i < n->height; i++) {
		atomic_init(&n->next[i], atomic_load_explicit(&prev[i]->next[i], memory_order_relaxed));
		atomic_store_explicit(&prev[i]->next[i], n, memory_order_release);
	}
	return 0;
}

static int set(struct memtable *mt, enum table table, const void *key, size_t key_len, const void *bytes,
	       uint32_t len)
{
	int rc;

	pthread_mutex_lock(&mt->mutex);
	rc = set_locked(mt, table, key, key_len, bytes, len);
	pthread_mutex_unlock(&mt->mutex);
	return rc;
}

int memtable_put(struct memtable *mt, enum table table, const void *key, size_t key_len, const void *value,
		 size_t len)
{
	return set(mt, table, key, key_len, value, (uint32_t) len);
}

int memtable_del(struct memtable *mt, enum table table, const void *key, size_t key_len)
{
	return set(mt, table, key, key_len, NULL, TOMBSTONE);
}

bool memtable_get(struct memtable *mt, enum table table, const void *key, size_t key_len,
		  struct memtable_entry *out)
{
	const struct memtable_node *n = memtable_next(node_before(mt, table, key, key_len, NULL));

	while (n && node_compare(n, table, key, key_len) < 0) /* put since node_before looked */
		n = memtable_next(n);
	if (!n || node_compare(n, table, key, key_len) != 0)
		return false;
	memtable_entry(n, out);
	return true;
}

const struct memtable_node *memtable_before(struct memtable *mt, enum table table, const void *key,
					    size_t key_len)
{
	return node_before(mt, table, key, key_len, NULL);
}

const struct memtable_node *memtable_next(const struct memtable_node *n)
{
	return atomic_load_explicit(&n->next[0], memory_order_acquire);
}

void memtable_entry(const struct memtable_node *n, struct memtable_entry *out)
{
	const struct value *v = atomic_load_explicit(&n->value, memory_order_acquire);

	out->table = (enum table) n->table;
	out->key = node_key(n);
	out->key_len = n->key_len;
	out->tombstone = v->len == TOMBSTONE;
	out->value = v->bytes;
	out->len = out->tombstone ? 0 : v->len;
}

const struct memtable_node *memtable_head(const struct memtable *mt)
{
	return mt->head;
}

size_t memtable_bytes(const struct memtable *mt)
{
	return mt->bytes;
}

bool memtable_empty(const struct memtable *mt)
{
	return !memtable_next(mt->head);
}
