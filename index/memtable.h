/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The changes of one generation in memory: an ordered table of (table, key) -> value or tombstone.
 *
 * A skip list whose nodes come from an arena and are never removed, so readers need no lock: they follow
 * pointers that a writer published with release order after it had filled what they point to. Writers exclude
 * each other by a mutex. A replaced value stays in the arena until the whole generation is freed.
 */
#ifndef FIRN_INDEX_MEMTABLE_H
#define FIRN_INDEX_MEMTABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/format.h"

struct memtable;
struct memtable_node;

/*
 * total: counts the bytes of nodes and values of all memtables made with it, until they are destroyed.
 * -ENOMEM. memtable_destroy: NULL allowed; no reader or writer may be left.
 */
int memtable_create(atomic_size_t *total, struct memtable **out);
void memtable_destroy(struct memtable *mt);

/* -ENOMEM; then the table is as before. */
int memtable_put(struct memtable *mt, enum table table, const void *key, size_t key_len, const void *value,
		 size_t len);
int memtable_del(struct memtable *mt, enum table table, const void *key,
		 size_t key_len); /* puts a tombstone */

/* What a node holds; pointers are valid as long as the memtable. */
struct memtable_entry {
	enum table table;
	bool tombstone;
	size_t key_len, len;
	const uint8_t *key, *value;
};

/* False: this generation says nothing about the key. */
bool memtable_get(struct memtable *mt, enum table table, const void *key, size_t key_len,
		  struct memtable_entry *out);

/* The last node before the key (a head node without an entry when there is none): what was put later is seen
 * after it. */
const struct memtable_node *memtable_before(struct memtable *mt, enum table table, const void *key,
					    size_t key_len);

/* The node after n in (table, key) order, NULL at the end. */
const struct memtable_node *memtable_next(const struct memtable_node *n);
void memtable_entry(const struct memtable_node *n, struct memtable_entry *out);

const struct memtable_node *memtable_head(const struct memtable *mt);
size_t memtable_bytes(const struct memtable *mt); /* its own part of the total; no writer may be at work */
bool memtable_empty(const struct memtable *mt);

#endif
