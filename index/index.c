/* SPDX-License-Identifier: BSD-2-Clause */
/* The index: opening, operations, and single records looked up through the generations down to LMDB. */
#include "index/generation.h"
#include "index/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int rc;

	rc = pthread_rwlockattr_init(&attr);
	if (rc)
		return -rc;
	/* Operations follow each other without a gap; a freeze must not starve behind them. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	rc = pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -rc;
}

int index_open(int dirfd, const char *store_path, bool create, bool readonly, struct index **out)
{
	struct index *ix;
	int rc;

	*out = NULL;
	if (create && readonly)
		return -EINVAL;
	ix = calloc(1, sizeof *ix);
	if (!ix)
		return -ENOMEM;
	ix->renamed_in = -1;
	rc = lock_init(&ix->lock);
	if (rc)
		goto free_index;
	rc = memtable_create(&ix->pending, &ix->running);
	if (rc)
		goto destroy_lock;
	rc = env_open(&ix->env, dirfd, store_path, create, readonly);
	if (rc)
		goto destroy_running;
	*out = ix;
	return 0;
destroy_running:
	memtable_destroy(ix->running);
destroy_lock:
	pthread_rwlock_destroy(&ix->lock);
free_index:
	free(ix);
	return rc;
}

int index_check(int dirfd)
{
	uint64_t damaged;

	return env_check(dirfd, true, &damaged);
}

uint64_t index_damaged(const struct index *ix)
{
	return ix->env.damaged;
}

void index_close(struct index *ix)
{
	if (!ix)
		return;
	memtable_destroy(ix->running);
	memtable_destroy(ix->committing);
	env_close(&ix->env);
	if (ix->renamed_in >= 0)
		close(ix->renamed_in);
	pthread_rwlock_destroy(&ix->lock);
	free(ix);
}

void index_begin(struct index *ix, struct index_op *op)
{
	op->ix = ix;
	op->reader = NULL;
	pthread_rwlock_rdlock(&ix->lock);
}

void index_end(struct index_op *op)
{
	if (op->reader)
		env_reader_put(&op->ix->env, op->reader);
	pthread_rwlock_unlock(&op->ix->lock);
}

int generation_reader(struct index_op *op, MDB_txn **out)
{
	struct env_reader *r = op->reader;
	int rc;

	if (!r) {
		rc = env_reader_get(&op->ix->env, &r);
		if (rc)
			return rc;
		op->reader = r;
	}
	*out = r->txn;
	return 0;
}

static bool key_valid(enum table table, size_t key_len)
{
	return (unsigned) table < TABLE_COUNT && key_len > 0 && key_len <= INDEX_KEY_MAX;
}

/* Out of the record that was found, whose value still has its seal. */
static int copy_out(enum table table, const void *key, size_t key_len, const void *value, size_t len, void *buf, size_t cap)
{
	if (len > INDEX_VALUE_MAX + SEAL_LEN || !seal_open(table, key, key_len, value, &len))
		return -EUCLEAN;
	if (len > cap)
		return -ERANGE;
	if (len > 0)
		memcpy(buf, value, len);
	return (int) len;
}

int index_get(struct index_op *op, enum table table, const void *key, size_t key_len, void *buf, size_t cap)
{
	struct index *ix = op->ix;
	struct memtable_entry e;
	MDB_val k, v;
	MDB_txn *txn;
	int rc;

	if (!key_valid(table, key_len))
		return -EINVAL;
	if (memtable_get(ix->running, table, key, key_len, &e) ||
	    (ix->committing && memtable_get(ix->committing, table, key, key_len, &e)))
		return e.tombstone ? -ENOENT : copy_out(table, key, key_len, e.value, e.len, buf, cap);
	rc = generation_reader(op, &txn);
	if (rc)
		return rc;
	k.mv_size = key_len;
	k.mv_data = (void *) key;
	rc = mdb_get(txn, ix->env.dbi[table], &k, &v);
	if (rc)
		return env_errno(rc);
	return copy_out(table, key, key_len, v.mv_data, v.mv_size, buf, cap);
}

static int put_sealed(struct index_op *op, enum table table, const void *key, size_t key_len, const void *value, size_t len, uint16_t flip)
{
	uint8_t sealed[INDEX_VALUE_MAX + SEAL_LEN];
	le16_t seal;

	if (op->ix->env.readonly)
		return -EROFS;
	if (!key_valid(table, key_len) || len > INDEX_VALUE_MAX)
		return -EINVAL;
	if (len > 0)
		memcpy(sealed, value, len);
	seal = le16_put(seal_make(table, key, key_len, sealed, len) ^ flip);
	memcpy(sealed + len, &seal, sizeof seal);
	return memtable_put(op->ix->running, table, key, key_len, sealed, len + SEAL_LEN);
}

int index_put(struct index_op *op, enum table table, const void *key, size_t key_len, const void *value, size_t len)
{
	return put_sealed(op, table, key, key_len, value, len, 0);
}

int index_put_damaged(struct index_op *op, enum table table, const void *key, size_t key_len, const void *value, size_t len)
{
	return put_sealed(op, table, key, key_len, value, len, UINT16_MAX);
}

int index_del(struct index_op *op, enum table table, const void *key, size_t key_len)
{
	if (op->ix->env.readonly)
		return -EROFS;
	if (!key_valid(table, key_len))
		return -EINVAL;
	return memtable_del(op->ix->running, table, key, key_len);
}

size_t index_pending_bytes(struct index *ix)
{
	return atomic_load_explicit(&ix->pending, memory_order_relaxed);
}

int index_stat(struct index *ix, struct index_stat *out)
{
	struct index_op op;
	MDB_envinfo info;
	MDB_stat st;
	MDB_txn *txn;
	struct stat file;
	int fd, i, rc;

	memset(out, 0, sizeof *out);
	index_begin(ix, &op);
	rc = generation_reader(&op, &txn);
	for (i = 0; !rc && i < TABLE_COUNT; i++) {
		rc = env_errno(mdb_stat(txn, ix->env.dbi[i], &st));
		out->records[i] = rc ? 0 : st.ms_entries;
	}
	if (!rc)
		rc = env_errno(mdb_env_info(ix->env.mdb, &info));
	if (!rc)
		rc = env_errno(mdb_env_get_fd(ix->env.mdb, &fd));
	if (!rc && fstat(fd, &file) < 0)
		rc = -errno;
	if (!rc) {
		out->file_bytes = (info.me_last_pgno + 1) * st.ms_psize;
		out->disk_bytes = (uint64_t) file.st_blocks * 512;
	}
	index_end(&op);
	return rc;
}
