/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a file's size, and unmapping its chunks.
 *
 * Shrinking leaves the extent of the chunk in which the file now ends as it is: nothing beyond the size is
 * ever read. When the file grows again, that chunk gets a dirty layer that cuts the rest off, and the record
 * keeps the old size until that layer is flushed.
 */
#include <errno.h>

#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/file_chunk.h"
#include "fs/data/todo.h"

/* Chunks unmapped in one operation: some milliseconds during which no commit can begin. */
#define UNMAP_MAX 2048u
#define PENDING_KICK (32u << 20)

int file_free_chunks(struct volume *vol, uint64_t ino, uint32_t from)
{
	struct index_op op;
	uint64_t blocks = UINT64_MAX;
	int r;

	index_begin(vol->index, &op);
	r = chunk_unmap(&op, vol, ino, &from, UINT32_MAX, UNMAP_MAX, &blocks);
	index_end(&op);
	return r;
}

static int record_store(struct inode *inode)
{
	struct index_op op;
	int r;

	index_begin(inode->vol->index, &op);
	r = inode_store(&op, inode);
	index_end(&op);
	return r;
}

/* Unmaps chunks *from .. last and stores the record; 1: more are left. Inside an operation. */
static int unmap_step(struct index_op *op, struct inode *inode, uint32_t *from, uint32_t last)
{
	int err, r = chunk_unmap(op, inode->vol, inode->ino, from, last, UNMAP_MAX, &inode->attr.blocks);

	pthread_mutex_lock(&inode->data_mutex);
	inode->stored_blocks = inode->attr.blocks;
	pthread_mutex_unlock(&inode->data_mutex);
	err = inode_store(op, inode);
	return r < 0 || err == 0 ? r : err;
}

int file_unmap_range(struct inode *inode, uint32_t from, uint32_t last)
{
	struct volume *vol = inode->vol;
	struct index_op op;
	int r;

	do {
		if (index_pending_bytes(vol->index) > PENDING_KICK)
			volume_commit_kick(vol);
		index_begin(vol->index, &op);
		r = unmap_step(&op, inode, &from, last);
		index_end(&op);
	} while (r == 1);
	return r;
}

/* The first chunk behind the end of file; above UINT32_MAX: there can be none. */
static uint64_t tail_first(const struct inode *inode)
{
	uint32_t chunk_size = inode->vol->super.chunk_size;

	return inode->attr.size / chunk_size + (inode->attr.size % chunk_size != 0);
}

int file_tail_unmap(struct inode *inode)
{
	uint64_t from = tail_first(inode);
	struct index_op op;
	uint32_t no;
	int r = 0;

	if (inode->tail_clean)
		return 0;
	if (from <= UINT32_MAX) {
		index_begin(inode->vol->index, &op);
		r = chunk_next(&op, inode->ino, (uint32_t)from, &no);
		index_end(&op);
		if (r == 1)
			r = file_unmap_range(inode, (uint32_t)from, UINT32_MAX);
	}
	inode->tail_clean = r == 0;
	return r;
}

/*
 * Unmaps what lies behind the end, with a to-do record when that takes more than one operation. What fails
 * leaves chunks that nobody reads; they go before the file grows again.
 */
static void tail_free(struct inode *inode)
{
	struct volume *vol = inode->vol;
	uint32_t from = (uint32_t)tail_first(inode);
	struct index_op op;
	uint64_t todo = 0;
	int r;

	inode->tail_clean = false;
	index_begin(vol->index, &op);
	r = unmap_step(&op, inode, &from, UINT32_MAX);
	if (r == 1 && todo_put(&op, vol, inode->ino, from, &todo))
		r = -ENOMEM;
	index_end(&op);
	if (r == 1) {
		r = file_unmap_range(inode, from, UINT32_MAX);
		if (r == 0) {
			index_begin(vol->index, &op);
			(void)todo_del(&op, todo); /* what stays of it finds nothing to do */
			index_end(&op);
		}
	}
	inode->tail_clean = r == 0;
}

/* Sets the size and stores it; on failure all is as before. */
static int size_reduce(struct inode *inode, uint64_t size)
{
	struct inode_attr before = inode->attr;
	uint64_t stored;
	int r;

	inode->attr.size = size;
	pthread_mutex_lock(&inode->data_mutex);
	stored = inode->stored_size;
	if (inode->stored_size > size)
		inode->stored_size = size;
	pthread_mutex_unlock(&inode->data_mutex);
	r = record_store(inode);
	if (r) {
		inode->attr = before;
		pthread_mutex_lock(&inode->data_mutex);
		inode->stored_size = stored;
		pthread_mutex_unlock(&inode->data_mutex);
	}
	return r;
}

static int shrink(struct inode *inode, uint64_t size)
{
	struct dirty_cost cost = { 0 };
	int r = size_reduce(inode, size);

	if (r)
		return r;
	if (tail_first(inode) <= UINT32_MAX)
		tail_free(inode);
	pthread_mutex_lock(&inode->data_mutex);
	inode->emptied |= size == 0;
	if (inode->dirty) {
		dirty_truncate(inode->dirty, size, &cost);
		flusher_cut(inode->dirty, size == 0);
	}
	pthread_mutex_unlock(&inode->data_mutex);
	flusher_release(inode->vol, &cost);
	return 0;
}

static int grow(struct inode *inode, uint64_t size)
{
	struct dirty_cost cost = { 0 };
	struct dirty_file *df;
	uint64_t before;
	uint32_t no = (uint32_t)(inode->attr.size / inode->vol->super.chunk_size);
	int cut, r = file_tail_unmap(inode);

	if (r)
		return r;
	cut = file_chunk_overhangs(inode);
	if (cut < 0)
		return cut;
	if (cut) {
		r = flusher_write_begin(inode, no, no, &df);
		if (r)
			return r;
		r = file_chunk_cut(inode, df, &cost);
		flusher_write_end(df, &cost);
		if (r)
			return r;
	}
	before = inode->attr.size;
	inode->attr.size = size;
	r = record_store(inode);
	if (r)
		inode->attr.size = before;
	return r;
}

int file_truncate_locked(struct inode *inode, uint64_t size)
{
	int64_t mtime = inode->attr.mtime, ctime = inode->attr.ctime;
	int r;

	if (inode->vol->readonly)
		return -EROFS;
	if (size > file_size_max(inode->vol))
		return -EFBIG;
	inode->attr.mtime = inode->attr.ctime = volume_now();
	if (size < inode->attr.size)
		r = shrink(inode, size);
	else if (size > inode->attr.size)
		r = grow(inode, size);
	else
		r = record_store(inode);
	if (r) {
		inode->attr.mtime = mtime;
		inode->attr.ctime = ctime;
	}
	return r;
}
