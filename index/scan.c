/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ordered scans: three sources (running generation, committing generation, LMDB) merged by key, the newer one
 * winning.
 *
 * The position is the last key looked at. A memtable source remembers a node before or at the position and
 * walks on from there at each step, so that it sees what was put since; the LMDB source is a snapshot and
 * holds its next record.
 */
#include "index/generation.h"
#include "index/seal.h"

#include <errno.h>
#include <stdlib.h>

struct mdb_source {
	MDB_cursor *cursor;
	MDB_val key, value;
	bool ended;
};

struct index_scan {
	struct index_op *op;
	enum table table;
	size_t prefix_len;
	size_t pos_len;                        /* key of the last record seen, or where to start */
	bool after;                            /* the record at pos was already seen             */
	const struct memtable_node *before[2]; /* running, committing (NULL: none)               */
	struct mdb_source mdb;
	uint8_t prefix[INDEX_KEY_MAX];
	uint8_t pos[INDEX_KEY_MAX];
};

static int key_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int c = common > 0 ? memcmp(a, b, common) : 0;

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

int index_scan_open(struct index_op *op, enum table table, const void *prefix, size_t prefix_len,
		    const void *from, size_t from_len, struct index_scan **out)
{
	struct index *ix = op->ix;
	struct index_scan *s;

	*out = NULL;
	if ((unsigned) table >= TABLE_COUNT || prefix_len > INDEX_KEY_MAX ||
	    (from && from_len > INDEX_KEY_MAX))
		return -EINVAL;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->op = op;
	s->table = table;
	s->prefix_len = prefix_len;
	if (prefix_len > 0)
		memcpy(s->prefix, prefix, prefix_len);
	if (!from || key_compare(from, from_len, prefix, prefix_len) < 0) {
		from = prefix;
		from_len = prefix_len;
	}
	s->pos_len = from_len;
	if (from_len > 0)
		memcpy(s->pos, from, from_len);
	s->before[0] = memtable_before(ix->running, table, s->pos, s->pos_len);
	if (ix->committing)
		s->before[1] = memtable_before(ix->committing, table, s->pos, s->pos_len);
	*out = s;
	return 0;
}

void index_scan_close(struct index_scan *scan)
{
	if (!scan)
		return;
	if (scan->mdb.cursor)
		mdb_cursor_close(scan->mdb.cursor);
	free(scan);
}

/* True when a key is behind the position: seen, or before the start. */
static bool is_behind(const struct index_scan *s, const void *key, size_t key_len)
{
	int c = key_compare(key, key_len, s->pos, s->pos_len);

	return c < 0 || (c == 0 && s->after);
}

static bool has_prefix(const struct index_scan *s, const void *key, size_t key_len)
{
	return key_len >= s->prefix_len && (s->prefix_len == 0 || memcmp(key, s->prefix, s->prefix_len) == 0);
}

/* The next entry of a memtable; false at the end of the prefix. */
static bool memtable_peek(struct index_scan *s, const struct memtable_node **before, struct memtable_entry *e)
{
	const struct memtable_node *n;

	if (!*before)
		return false;
	while ((n = memtable_next(*before))) {
		memtable_entry(n, e);
		if (e->table > s->table)
			return false;
		if (e->table == s->table && !is_behind(s, e->key, e->key_len))
			return has_prefix(s, e->key, e->key_len);
		*before = n;
	}
	return false;
}

static int mdb_start(struct index_scan *s)
{
	struct mdb_source *m = &s->mdb;
	MDB_txn *txn;
	int rc;

	rc = generation_reader(s->op, &txn);
	if (rc)
		return rc;
	rc = mdb_cursor_open(txn, s->op->ix->env.dbi[s->table], &m->cursor);
	if (rc)
		return env_errno(rc);
	m->key.mv_data = s->pos;
	m->key.mv_size = s->pos_len;
	return env_errno(
		mdb_cursor_get(m->cursor, &m->key, &m->value, s->pos_len > 0 ? MDB_SET_RANGE : MDB_FIRST));
}

/* The next record of LMDB: 1, 0 at the end of the prefix, -errno. */
static int mdb_peek(struct index_scan *s)
{
	struct mdb_source *m = &s->mdb;
	int rc;

	if (m->ended)
		return 0;
	rc = m->cursor ? 0 : mdb_start(s);
	while (!rc && is_behind(s, m->key.mv_data, m->key.mv_size))
		rc = env_errno(mdb_cursor_get(m->cursor, &m->key, &m->value, MDB_NEXT));
	if (!rc && (m->key.mv_size > INDEX_KEY_MAX || m->value.mv_size > INDEX_VALUE_MAX + SEAL_LEN))
		return -EUCLEAN;
	if (!rc && has_prefix(s, m->key.mv_data, m->key.mv_size))
		return 1;
	m->ended = true;
	return rc == -ENOENT ? 0 : rc;
}

/* The entry with the smallest key of all sources into *best, the newest of equal ones: 1, 0 at the end,
 * -errno. */
static int merge_peek(struct index_scan *s, struct memtable_entry *best)
{
	struct memtable_entry e;
	bool found;
	int rc;

	found = memtable_peek(s, &s->before[0], best);
	if (memtable_peek(s, &s->before[1], &e) &&
	    (!found || key_compare(e.key, e.key_len, best->key, best->key_len) < 0)) {
		*best = e;
		found = true;
	}
	rc = mdb_peek(s);
	if (rc < 0)
		return rc;
	if (rc > 0 &&
	    (!found || key_compare(s->mdb.key.mv_data, s->mdb.key.mv_size, best->key, best->key_len) < 0)) {
		best->key = s->mdb.key.mv_data;
		best->key_len = s->mdb.key.mv_size;
		best->value = s->mdb.value.mv_data;
		best->len = s->mdb.value.mv_size;
		best->tombstone = false;
		found = true;
	}
	return found;
}

int index_scan_next(struct index_scan *scan, struct index_record *out)
{
	struct memtable_entry e;
	int rc;

	do {
		rc = merge_peek(scan, &e);
		if (rc <= 0)
			return rc;
		memcpy(scan->pos, e.key, e.key_len);
		scan->pos_len = e.key_len;
		scan->after = true;
	} while (e.tombstone);
	out->key_len = e.key_len;
	memcpy(out->key, e.key, e.key_len);
	out->damaged = !seal_open(scan->table, e.key, e.key_len, e.value, &e.len);
	if (e.len > 0)
		memcpy(out->value, e.value, e.len);
	out->len = out->damaged ? 0 : e.len;
	out->damaged_len = out->damaged ? e.len : 0;
	return 1;
}
