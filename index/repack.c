/* SPDX-License-Identifier: BSD-2-Clause */
/* The index written anew, record behind record: pages fill to the brim, and none is free. */
#include "index/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEW_FILE ENV_FILE ".new"
/* A transaction holds what it changes in memory, and not without limit. */
#define BYTES_PER_TXN ((size_t) 64 << 20)

struct copy {
	struct env *from, to;
	MDB_txn *in, *out;
	size_t bytes; /* put since the last commit */
};

/* Commits what was put so far and goes on, with a cursor of the same table. */
static int copy_renew(struct copy *c, enum table table, MDB_cursor **cursor)
{
	int rc;

	mdb_cursor_close(*cursor);
	*cursor = NULL;
	rc = mdb_txn_commit(c->out);
	c->out = NULL;
	c->bytes = 0;
	if (!rc)
		rc = mdb_txn_begin(c->to.mdb, NULL, 0, &c->out);
	return rc ? rc : mdb_cursor_open(c->out, c->to.dbi[table], cursor);
}

static int copy_table(struct copy *c, enum table table)
{
	MDB_cursor *in = NULL, *out = NULL;
	MDB_val key, value;
	int rc = mdb_cursor_open(c->in, c->from->dbi[table], &in);

	if (!rc)
		rc = mdb_cursor_open(c->out, c->to.dbi[table], &out);
	while (!rc && !(rc = mdb_cursor_get(in, &key, &value, MDB_NEXT))) {
		rc = mdb_cursor_put(out, &key, &value, MDB_APPEND);
		c->bytes += key.mv_size + value.mv_size;
		if (!rc && c->bytes > BYTES_PER_TXN)
			rc = copy_renew(c, table, &out);
	}
	if (in)
		mdb_cursor_close(in);
	if (out)
		mdb_cursor_close(out);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* All tables into the new file, durable. A code of LMDB. */
static int copy_tables(struct copy *c)
{
	int rc = mdb_txn_begin(c->from->mdb, NULL, MDB_RDONLY, &c->in);

	if (!rc)
		rc = mdb_txn_begin(c->to.mdb, NULL, 0, &c->out);
	for (int t = 0; !rc && t < TABLE_COUNT; t++)
		rc = copy_table(c, (enum table) t);
	if (!rc) {
		rc = mdb_txn_commit(c->out);
		c->out = NULL;
	}
	if (c->out)
		mdb_txn_abort(c->out);
	if (c->in)
		mdb_txn_abort(c->in);
	return rc;
}

static void remove_new(int dirfd)
{
	unlinkat(dirfd, NEW_FILE, 0);
	unlinkat(dirfd, NEW_FILE "-lock", 0);
}

/* The new file stays open in *to. */
static int copy_env(struct env *from, struct env *to, int dirfd)
{
	struct copy c = {.from = from};
	int rc;

	if (asprintf(&c.to.path, "%s.new", from->path) < 0)
		return -ENOMEM;
	remove_new(dirfd); /* of a crash */
	rc = env_open_file(&c.to, true);
	if (!rc) {
		rc = env_grow(&c.to, env_used(from) * 2);
		if (!rc)
			rc = env_errno(copy_tables(&c));
		if (rc)
			mdb_env_close(c.to.mdb);
	}
	free(c.to.path);
	*to = c.to;
	return rc;
}

/* Nothing but the directory's sync can fail once the new file has the name: it is open already. */
static int replace(struct index *ix, int dirfd)
{
	struct env fresh;
	int rc, keep = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (keep < 0)
		return -errno;
	rc = copy_env(&ix->env, &fresh, dirfd);
	if (!rc && renameat(dirfd, NEW_FILE, dirfd, ENV_FILE) < 0) {
		rc = -errno;
		mdb_env_close(fresh.mdb);
	}
	remove_new(dirfd);
	if (rc) {
		close(keep);
		return rc;
	}
	env_replace(&ix->env, &fresh);
	ix->renamed_in = keep;
	return index_name_sync(ix);
}

int index_name_sync(struct index *ix)
{
	if (ix->renamed_in < 0)
		return 0;
	if (fsync(ix->renamed_in) < 0)
		return -errno;
	close(ix->renamed_in);
	ix->renamed_in = -1;
	return 0;
}

int index_repack(struct index *ix, int dirfd)
{
	int rc;

	if (ix->env.readonly)
		return -EROFS;
	pthread_rwlock_wrlock(&ix->lock);
	rc = index_name_sync(ix);
	if (!rc && (ix->committing || !memtable_empty(ix->running) || env_failed(&ix->env)))
		rc = -EBUSY;
	if (!rc)
		rc = replace(ix, dirfd);
	pthread_rwlock_unlock(&ix->lock);
	return rc;
}
