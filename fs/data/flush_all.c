/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushing one file or all of them, and waiting for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/data/flush.h"

/* Asks for all that is dirty now; returns the epoch to wait for. data_mutex held. */
static uint64_t flush_ask(struct flusher *fl, struct dirty_file *df)
{
	df->want = df->epoch++;
	df->waiters++;
	df->store_error = 0;
	dirty_retry(df);
	flusher_want(fl, df);
	return df->want;
}

/*
 * Ends what flush_ask began. Data whose flush failed is not lost but still dirty: so there is an error as
 * long as there is such data, and none once it is flushed after all. data_mutex held.
 */
static int flush_wait(struct inode *inode, struct dirty_file *df, uint64_t target)
{
	while (dirty_pending(df, target) || (df->n == 0 && inode->dirty == df && !df->store_error))
		pthread_cond_wait(&df->changed, &inode->data_mutex);
	df->waiters--;
	if (!df->store_error && !dirty_failed(df))
		inode->error = 0;
	return inode->error;
}

int file_flush(struct inode *inode)
{
	struct flusher *fl = inode->vol->flusher;
	struct dirty_file *df;
	int r = 0;

	pthread_mutex_lock(&inode->data_mutex);
	df = inode->dirty;
	if (df) {
		flusher_use(fl, df);
		r = flush_wait(inode, df, flush_ask(fl, df));
	}
	pthread_mutex_unlock(&inode->data_mutex);
	if (df)
		flusher_unuse(fl, df);
	return r;
}

int file_sync(struct inode *inode)
{
	int r = file_flush(inode), err = commit_join(inode->vol);

	return r ? r : err;
}

void file_forget(struct inode *inode)
{
	struct flusher *fl = inode->vol->flusher;
	struct dirty_file *df = inode->dirty;
	struct dirty_cost cost;

	if (!df)
		return;
	cost = dirty_cost(df);
	flusher_use(fl, df);
	inode->dirty = NULL;
	flusher_unlist(fl, df);
	df->inode = NULL; /* the reference is gone already: that is why it is forgotten */
	flusher_release(inode->vol, &cost);
	flusher_unuse(fl, df);
}

/* References to all dirty files, or to those of them that were emptied. */
static int files_collect(struct flusher *fl, bool emptied_only, struct dirty_file ***out, size_t *count)
{
	struct dirty_file **list;
	size_t n = 0;

	pthread_mutex_lock(&fl->mutex);
	for (struct dirty_file *df = fl->first; df; df = df->next)
		n += !emptied_only || df->emptied;
	*out = list = malloc((n + 1) * sizeof *list);
	*count = 0;
	for (struct dirty_file *df = fl->first; list && df; df = df->next) {
		if (emptied_only && !df->emptied)
			continue;
		df->users++;
		list[(*count)++] = df;
	}
	pthread_mutex_unlock(&fl->mutex);
	return list ? 0 : -ENOMEM;
}

static bool file_unlinked(struct dirty_file *df)
{
	bool unlinked;

	pthread_rwlock_rdlock(&df->inode->lock);
	unlinked = df->inode->attr.nlink == 0;
	pthread_rwlock_unlock(&df->inode->lock);
	return unlinked;
}

/*
 * Lets go of the dirty list's reference and takes it again: when nobody else had one, the inode is forgotten
 * with all its data. Nobody may work on it meanwhile.
 */
static void file_forget_unused(struct flusher *fl, struct dirty_file *df)
{
	struct inode *inode = df->inode, *again;
	uint64_t ino = inode->ino;

	pthread_mutex_lock(&fl->mutex);
	df->parked = df->users == 1 && df->listed && !df->queued;
	if (!df->parked) {
		pthread_mutex_unlock(&fl->mutex);
		return;
	}
	pthread_mutex_unlock(&fl->mutex);
	inode_put(inode, 1);
	if (inode_get(fl->vol, ino, &again) == 0 && again != inode)
		inode_put(again, 1);
	pthread_mutex_lock(&fl->mutex);
	df->parked = false;
	pthread_cond_broadcast(&fl->work); /* what was asked for meanwhile */
	pthread_mutex_unlock(&fl->mutex);
}

int flusher_flush_all(struct volume *vol, bool emptied_only)
{
	struct flusher *fl = vol->flusher;
	struct dirty_file **list;
	uint64_t *target;
	size_t n, i, asked = 0;
	int r = files_collect(fl, emptied_only, &list, &n);

	if (r)
		return r;
	target = malloc((n + 1) * sizeof *target);
	if (!target)
		r = -ENOMEM;
	for (i = 0; i < n; i++) {
		if (target && file_unlinked(list[i])) {
			file_forget_unused(fl, list[i]);
		} else if (target) {
			pthread_mutex_lock(&list[i]->inode->data_mutex);
			target[asked] = flush_ask(fl, list[i]);
			pthread_mutex_unlock(&list[i]->inode->data_mutex);
			list[asked++] = list[i];
			continue;
		}
		flusher_unuse(fl, list[i]);
	}
	for (i = 0; i < asked; i++) {
		struct inode *inode = list[i]->inode;
		int err;

		pthread_mutex_lock(&inode->data_mutex);
		err = flush_wait(inode, list[i], target[i]);
		r = r ? r : err;
		pthread_mutex_unlock(&inode->data_mutex);
		flusher_unuse(fl, list[i]);
	}
	free(target);
	free(list);
	return r;
}
