/* SPDX-License-Identifier: BSD-2-Clause */
/* The LMDB environment of a store: open and close, the pool of read transactions, map growth, error codes. */
#include "index/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_MIN ((size_t) 256 << 20)
#define READERS_MAX 254 /* with its header the lock file fills four pages */

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",       [TABLE_INODE] = "inode", [TABLE_DIRENT] = "dirent",
	[TABLE_XATTR] = "xattr",     [TABLE_CHUNK] = "chunk", [TABLE_EXTENT] = "extent",
	[TABLE_SEGMENT] = "segment", [TABLE_MODEL] = "model", [TABLE_ORPHAN] = "orphan",
	[TABLE_TODO] = "todo",
};

enum table env_table(const char *name, size_t len)
{
	int t = 0;

	while (t < TABLE_COUNT && (strlen(table_names[t]) != len || memcmp(table_names[t], name, len) != 0))
		t++;
	return (enum table)t;
}

int env_errno(int rc)
{
	if (rc >= 0)
		return -rc;
	switch (rc) {
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EMFILE;
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	case MDB_PANIC:
	case MDB_BAD_TXN:
		return -EIO;
	default: /* corrupted, page not found, invalid, version mismatch, incompatible, ... */
		return -EUCLEAN;
	}
}

size_t env_used(struct env *env)
{
	MDB_envinfo info;
	MDB_stat st;

	mdb_env_info(env->mdb, &info);
	mdb_env_stat(env->mdb, &st);
	return (info.me_last_pgno + 1) * st.ms_psize;
}

size_t env_map_size(struct env *env)
{
	MDB_envinfo info;

	mdb_env_info(env->mdb, &info);
	return info.me_mapsize;
}

static int open_tables(struct env *env, bool create)
{
	MDB_txn *txn;
	int i, rc;

	rc = mdb_txn_begin(env->mdb, NULL, create ? 0 : MDB_RDONLY, &txn);
	for (i = 0; rc == 0 && i < TABLE_COUNT; i++) {
		rc = mdb_dbi_open(txn, table_names[i], create ? MDB_CREATE : 0, &env->dbi[i]);
		if (rc) {
			mdb_txn_abort(txn);
			return rc == MDB_NOTFOUND ? -EUCLEAN : env_errno(rc);
		}
	}
	return env_errno(rc ? rc : mdb_txn_commit(txn));
}

int env_open_file(struct env *env, bool create)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
	int rc;

	/* Nobody else has the store open, and LMDB must not need to write the lock file of a store it only
	 * reads. */
	if (env->readonly)
		flags |= MDB_RDONLY | MDB_NOLOCK;
	rc = mdb_env_create(&env->mdb);
	if (rc)
		return env_errno(rc);
	rc = mdb_env_set_maxdbs(env->mdb, TABLE_COUNT);
	if (!rc)
		rc = mdb_env_set_maxreaders(env->mdb, READERS_MAX);
	if (!rc)
		rc = mdb_env_set_mapsize(env->mdb, MAP_MIN);
	if (!rc)
		rc = mdb_env_open(env->mdb, env->path, flags, 0600);
	if (rc) {
		rc = env_errno(rc);
		goto close_mdb;
	}
	rc = env_grow(env, env_used(env) * 2);
	if (!rc)
		rc = open_tables(env, create);
	if (rc)
		goto close_mdb;
	return 0;
close_mdb:
	mdb_env_close(env->mdb);
	env->mdb = NULL;
	return rc;
}

int env_open(struct env *env, int dirfd, const char *store_path, bool create, bool readonly)
{
	int rc;

	memset(env, 0, sizeof *env);
	env->readonly = readonly;
	if (create)
		rc = faccessat(dirfd, ENV_FILE, F_OK, 0) == 0 ? -EEXIST : 0;
	else
		rc = env_check(dirfd, false, &env->damaged);
	if (rc)
		return rc;
	if (asprintf(&env->path, "%s/" ENV_FILE, store_path) < 0)
		return -ENOMEM;
	rc = env_open_file(env, create);
	if (!rc && create && fsync(dirfd) < 0) {
		rc = -errno;
		mdb_env_close(env->mdb);
	}
	if (rc)
		goto remove_file;
	pthread_mutex_init(&env->mutex, NULL);
	return 0;
remove_file:
	if (create) {
		unlinkat(dirfd, ENV_FILE, 0);
		unlinkat(dirfd, ENV_FILE "-lock", 0);
	}
	free(env->path);
	return rc;
}

static void drop_idle(struct env *env)
{
	struct env_reader *r;

	pthread_mutex_lock(&env->mutex);
	while ((r = env->idle)) {
		env->idle = r->next;
		mdb_txn_abort(r->txn);
		free(r);
	}
	pthread_mutex_unlock(&env->mutex);
}

void env_close(struct env *env)
{
	drop_idle(env);
	if (env->mdb)
		mdb_env_close(env->mdb);
	pthread_mutex_destroy(&env->mutex);
	free(env->path);
}

int env_reader_get(struct env *env, struct env_reader **out)
{
	struct env_reader *r;
	int rc;

	*out = NULL;
	if (!env->mdb)
		return -EIO;
	pthread_mutex_lock(&env->mutex);
	r = env->idle;
	if (r)
		env->idle = r->next;
	pthread_mutex_unlock(&env->mutex);
	if (r) {
		rc = mdb_txn_renew(r->txn);
		if (rc) {
			mdb_txn_abort(r->txn);
			goto free_reader;
		}
	} else {
		r = malloc(sizeof *r);
		if (!r)
			return -ENOMEM;
		rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &r->txn);
		if (rc)
			goto free_reader;
	}
	*out = r;
	return 0;
free_reader:
	free(r);
	return env_errno(rc);
}

void env_reader_put(struct env *env, struct env_reader *r)
{
	mdb_txn_reset(r->txn);
	pthread_mutex_lock(&env->mutex);
	r->next = env->idle;
	env->idle = r;
	pthread_mutex_unlock(&env->mutex);
}

int env_grow(struct env *env, size_t bytes)
{
	size_t size = MAP_MIN;

	while (size < bytes) {
		if (size > SIZE_MAX / 2)
			return -ENOMEM;
		size *= 2;
	}
	if (size <= env_map_size(env))
		return 0;
	drop_idle(env);
	return env_errno(mdb_env_set_mapsize(env->mdb, size));
}

bool env_failed(struct env *env)
{
	MDB_txn *txn;
	int rc;

	if (!env->mdb)
		return true;
	rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);
	if (!rc)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC;
}

int env_reopen(struct env *env)
{
	drop_idle(env);
	if (env->mdb)
		mdb_env_close(env->mdb);
	env->mdb = NULL;
	return env_open_file(env, false);
}

void env_replace(struct env *env, struct env *by)
{
	drop_idle(env);
	mdb_env_close(env->mdb);
	env->mdb = by->mdb;
	memcpy(env->dbi, by->dbi, sizeof env->dbi);
	by->mdb = NULL;
}
