/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LMDB environment beneath the index: opening with distrust, its read transactions, the growth of its
 * map, its errors.
 */
#ifndef FIRN_INDEX_ENV_H
#define FIRN_INDEX_ENV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>

#include "index/format.h"

#define ENV_FILE "index.mdb"

/* A read transaction; idle ones are reset and wait in the pool. */
struct env_reader {
	MDB_txn *txn;
	struct env_reader *next;
};

struct env {
	MDB_env *mdb;
	MDB_dbi dbi[TABLE_COUNT];
	bool readonly;
	uint64_t damaged; /* records, as far as opening looked at them */
	char *path;
	pthread_mutex_t mutex; /* guards idle */
	struct env_reader *idle;
};

/* Errors as index_open. */
int env_open(struct env *env, int dirfd, const char *store_path, bool create, bool readonly);
void env_close(struct env *env); /* no reader may be out */

/* The part of it that opens or makes the file env->path and its tables; mdb_env_close(env->mdb) undoes it. */
int env_open_file(struct env *env, bool create);

/* Goes on with the file and tables of `by`, which no longer has them. No transaction may be active. */
void env_replace(struct env *env, struct env *by);

/* A read transaction of the last commit. */
int env_reader_get(struct env *env, struct env_reader **out);
void env_reader_put(struct env *env, struct env_reader *r);

size_t env_used(struct env *env); /* bytes of the file that pages were ever given out of */
size_t env_map_size(struct env *env);

/* Makes the map at least `bytes` large (rounded up to a power of two). No transaction may be active. */
int env_grow(struct env *env, size_t bytes);

/* True when LMDB refuses all service after an I/O error: env_reopen, with no transaction active, starts it
 * again. */
bool env_failed(struct env *env);
int env_reopen(struct env *env);

/* 0 or -errno for what a function of LMDB returned. */
int env_errno(int rc);

/* The table of this name; TABLE_COUNT: none. */
enum table env_table(const char *name, size_t len);

/*
 * Looks at index.mdb without LMDB, which believes what it reads: 0, -ENOENT, -EUCLEAN, -EIO. whole: reads a large one to its leaves, too.
 * *damaged: records there whose seals do not match.
 */
int env_check(int dirfd, bool whole, uint64_t *damaged);

#endif
