/* SPDX-License-Identifier: BSD-2-Clause */
/* Commits: the running generation is frozen, then written in one synced LMDB transaction, then dropped. */
#include "index/generation.h"

#include <errno.h>

/* Writes records in ascending order, table after table. */
struct writer {
	MDB_txn *txn;
	MDB_cursor *cursor; /* of the table being written                               */
	int table;          /* -1: none yet                                             */
	bool appending;     /* behind the table's last record: pages fill to the brim   */
	size_t last_len;    /* the key of that record when the table was entered        */
	uint8_t last[INDEX_KEY_MAX];
};

int index_freeze(struct index *ix, int (*hook)(struct index_op *op, void *arg), void *arg)
{
	struct index_op op = {.ix = ix};
	struct memtable *fresh = NULL;
	int rc = 0;

	pthread_rwlock_wrlock(&ix->lock);
	if (ix->committing) {
		rc = -EBUSY;
		goto unlock;
	}
	if (memtable_empty(ix->running))
		goto unlock;
	rc = memtable_create(&ix->pending, &fresh);
	if (!rc && hook)
		rc = hook(&op, arg);
	if (op.reader)
		env_reader_put(&ix->env, op.reader);
	if (rc < 0) {
		memtable_destroy(fresh);
		goto unlock;
	}
	ix->committing = ix->running;
	ix->running = fresh;
	rc = 1;
unlock:
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}

/* Points the writer at a table and remembers the table's last key. */
static int writer_enter(struct writer *w, struct index *ix, enum table table)
{
	MDB_val last, value;
	int rc;

	if (w->table == (int) table)
		return 0;
	if (w->cursor)
		mdb_cursor_close(w->cursor);
	w->cursor = NULL;
	rc = mdb_cursor_open(w->txn, ix->env.dbi[table], &w->cursor);
	if (rc)
		return rc;
	w->table = (int) table;
	rc = mdb_cursor_get(w->cursor, &last, &value, MDB_LAST);
	w->appending = rc == MDB_NOTFOUND;
	if (rc)
		return w->appending ? 0 : rc;
	if (last.mv_size > INDEX_KEY_MAX)
		return MDB_CORRUPTED;
	w->last_len = last.mv_size;
	memcpy(w->last, last.mv_data, last.mv_size);
	return 0;
}

static int writer_apply(struct writer *w, const struct memtable_entry *e)
{
	MDB_val key = {.mv_size = e->key_len, .mv_data = (void *) e->key};
	MDB_val value = {.mv_size = e->len, .mv_data = (void *) e->value};
	MDB_val last = {.mv_size = w->last_len, .mv_data = w->last};
	int rc;

	if (!w->appending)
		w->appending = mdb_cmp(w->txn, mdb_cursor_dbi(w->cursor), &key, &last) > 0;
	if (!e->tombstone)
		return mdb_cursor_put(w->cursor, &key, &value, w->appending ? MDB_APPEND : 0);
	if (w->appending)
		return 0;
	rc = mdb_cursor_get(w->cursor, &key, &value, MDB_SET);
	if (!rc)
		rc = mdb_cursor_del(w->cursor, 0);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* One attempt to write the frozen generation; returns a code of LMDB. */
static int write_committing(struct index *ix)
{
	const struct memtable_node *n = memtable_head(ix->committing);
	struct writer w = {.table = -1};
	struct memtable_entry e;
	int rc;

	rc = mdb_txn_begin(ix->env.mdb, NULL, 0, &w.txn);
	if (rc)
		return rc;
	while (!rc && (n = memtable_next(n))) {
		memtable_entry(n, &e);
		rc = writer_enter(&w, ix, e.table);
		if (!rc)
			rc = writer_apply(&w, &e);
	}
	if (w.cursor)
		mdb_cursor_close(w.cursor);
	if (rc) {
		mdb_txn_abort(w.txn);
		return rc;
	}
	return mdb_txn_commit(w.txn);
}

/* Writes it, with a larger map when it does not fit. */
static int write_growing(struct index *ix)
{
	size_t need;
	int rc = 0;

	/* A record may cost a copy of its page and of the path above it. */
	need = env_used(&ix->env) + memtable_bytes(ix->committing) * 4;
	for (;;) {
		if (need > env_map_size(&ix->env)) {
			pthread_rwlock_wrlock(&ix->lock);
			rc = env_grow(&ix->env, need);
			pthread_rwlock_unlock(&ix->lock);
			if (rc)
				return rc;
		}
		rc = write_committing(ix);
		if (rc != MDB_MAP_FULL)
			return env_errno(rc);
		need = env_map_size(&ix->env) + 1;
	}
}

/* LMDB serves nobody, readers neither, after it failed to write a meta page: it is started again. */
static int revive(struct index *ix)
{
	int rc;

	if (!env_failed(&ix->env))
		return 0;
	pthread_rwlock_wrlock(&ix->lock);
	rc = env_reopen(&ix->env);
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}

int index_commit(struct index *ix)
{
	struct memtable *done;
	int rc;

	/* Only the committing thread switches generations: it may look without the lock. */
	if (!ix->committing)
		return 0;
	rc = revive(ix);
	if (!rc)
		rc = index_name_sync(ix);
	if (rc)
		return rc;
	rc = write_growing(ix);
	if (rc) {
		(void)revive(ix); /* at once, not at the next commit: until then every read would fail */
		return rc;
	}
	pthread_rwlock_wrlock(&ix->lock);
	done = ix->committing;
	ix->committing = NULL;
	pthread_rwlock_unlock(&ix->lock);
	memtable_destroy(done);
	return 0;
}
