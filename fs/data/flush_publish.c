/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Publishing encoded chunks: chunk and extent records and the inode's size and times in one operation, then
 * the layers are let go of.
 */
#include <errno.h>

#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/space.h"

/* Above this much uncommitted change the commit thread is woken early. */
#define PENDING_KICK (48u << 20)

static int chunk_publish(struct index_op *op, struct inode *inode, struct dirty_chunk *c)
{
	if (c->error || c->cancelled || c->unchanged)
		return c->error;
	return chunk_map(op, inode->vol, inode->ino, c->no, c->extent.id ? &c->extent : NULL,
			 &inode->attr.blocks);
}

/* What the record may say once these chunks are in: never a size that data still on its way has caused. */
static void stored_advance(struct inode *inode, struct dirty_chunk *const *list, size_t n, bool last)
{
	uint64_t size = inode->attr.size;

	for (size_t i = 0; i < n; i++) {
		const struct dirty_chunk *c = list[i];
		uint64_t end = (uint64_t)c->no * inode->vol->super.chunk_size;

		if (c->error || c->cancelled)
			continue;
		end += c->pin.hi > c->extent.plain ? c->pin.hi : c->extent.plain;
		if (end > size)
			end = size;
		if (end > inode->stored_size)
			inode->stored_size = end;
	}
	if (last)
		inode->stored_size = size;
	inode->stored_blocks = inode->attr.blocks;
	inode->stored_mtime = inode->attr.mtime;
	inode->stored_ctime = inode->attr.ctime;
}

/*
 * The inode lock is held exclusively. True: with these chunks the file is clean, and the dirty_file no longer
 * the inode's.
 */
static bool file_detach(struct dirty_file *df, struct dirty_chunk *const *list, size_t n)
{
	struct inode *inode = df->inode;
	bool last;

	pthread_mutex_lock(&inode->data_mutex);
	last = inode->dirty == df && !df->writing && !dirty_beyond(df, list, n);
	stored_advance(inode, list, n, last);
	if (last) {
		inode->emptied = false;
		inode->dirty = NULL;
		flusher_unlist(inode->vol->flusher, df);
	}
	pthread_mutex_unlock(&inode->data_mutex);
	return last;
}

static void file_attach(struct dirty_file *df)
{
	pthread_mutex_lock(&df->inode->data_mutex);
	df->inode->dirty = df;
	flusher_relist(df->vol->flusher, df);
	pthread_mutex_unlock(&df->inode->data_mutex);
}

/* After the operation: layers go, failed chunks stay dirty, waiters look again. */
static void chunks_settle(struct dirty_file *df, struct dirty_chunk **list, size_t n, int error)
{
	struct flusher *fl = df->vol->flusher;
	struct inode *inode = df->inode;
	struct dirty_cost cost = { 0 };
	uint64_t claimed = 0, failed = 0;

	pthread_mutex_lock(&inode->data_mutex);
	df->store_error = error;
	for (size_t i = 0; i < n; i++) {
		struct dirty_chunk *c = list[i];

		claimed += c->pin.cap;
		if (c->error && !c->cancelled) {
			dirty_fail(df, c, &cost);
			error = c->error;
			failed++;
		} else {
			dirty_unpin(df, c, &cost);
		}
	}
	if (error)
		inode->error = error;
	pthread_cond_broadcast(&df->changed);
	pthread_mutex_unlock(&inode->data_mutex);

	space_give(fl->vol->space, cost.disk);
	pthread_mutex_lock(&fl->mutex);
	fl->bytes -= cost.memory;
	fl->claimed -= claimed;
	fl->published += n - failed;
	if (error) {
		fl->failures++;
		metrics_add(fl->vol, METRIC_FLUSH_ERRORS, failed ? failed : 1);
		fl->error = error;
	} else if (n > 0) {
		fl->error = 0;
	}
	pthread_cond_broadcast(&fl->room);
	pthread_mutex_unlock(&fl->mutex);
}

void flush_publish(struct dirty_file *df, struct dirty_chunk **list, size_t n)
{
	struct inode *inode = df->inode;
	struct volume *vol = inode->vol;
	struct index_op op;
	bool detached;
	int r;

	pthread_rwlock_wrlock(&inode->lock);
	index_begin(vol->index, &op);
	for (size_t i = 0; i < n; i++)
		list[i]->error = chunk_publish(&op, inode, list[i]);
	detached = file_detach(df, list, n);
	r = inode_store(&op, inode);
	index_end(&op);
	if (r && detached)
		file_attach(df);
	pthread_rwlock_unlock(&inode->lock);
	for (size_t i = 0; i < n; i++) {
		if (list[i]->extent.id)
			extent_release(vol, &list[i]->extent.pos);
		if (r && !list[i]->error)
			list[i]->error = r;
	}
	chunks_settle(df, list, n, r);
	if (index_pending_bytes(vol->index) > PENDING_KICK)
		volume_commit_kick(vol);
}
