/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index as index.c, scan.c and commit.c share it: the generations and the lock under which they switch.
 */
#ifndef FIRN_INDEX_GENERATION_H
#define FIRN_INDEX_GENERATION_H

#include <pthread.h>

#include "index/env.h"
#include "index/index.h"
#include "index/memtable.h"

struct index {
	struct env env;
	/*
	 * Shared: an operation is open. Exclusive: generations switch, or the map moves. Inside it: memtable
	 * mutex, reader pool mutex. A committed generation is dropped exclusively too, so an operation whose
	 * LMDB snapshot is older still finds it.
	 */
	pthread_rwlock_t lock;
	struct memtable *running;    /* guarded by lock */
	struct memtable *committing; /* guarded by lock; NULL when there is none */
	atomic_size_t pending;       /* bytes of both                            */
	int renamed_in;              /* the directory that is to be synced before a commit means anything; -1: none */
};

/* Makes the name of an index that was written anew durable, if that is still to be done. */
int index_name_sync(struct index *ix);

/* The operation's LMDB transaction, taken when first asked for. */
int generation_reader(struct index_op *op, MDB_txn **out);

#endif
