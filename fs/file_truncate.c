/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a file's size, and unmapping its chunks.
 *
 * Shrinking leaves the extent of the chunk in which the file now ends as it is: nothing beyond the size is
 * ever read. When the file grows again, that chunk gets a dirty layer that cuts the rest off, and the record
 * keeps the old size until that layer is flushed.
 */
#include <errno.h>

#include "fs/chunk.h"
#include "fs/file_chunk.h"
#include "fs/todo.h"

/* Chunks unmapped in one operation: some milliseconds during which no commit can begin. */
#define UNMAP_MAX 2048u
#define PENDING_KICK (32u << 20)

int file_free_chunks(struct volume *vol, uint64_t ino, uint32_t from)
{
	struct index_op op;
	uint64_t blocks = UINT64_MAX;
	int r;

	index_begin(vol->index, &op);
	r = chunk_unmap(&op, vol, ino, &from, UNMAP_MAX, &blocks);
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

/* Unmaps chunks and stores the record; 1: more are left. Inside an operation. */
static int unmap_step(struct index_op *op, struct inode *inode, uint32_t *from)
{
	int err, r = chunk_unmap(op, inode->vol, inode->ino, from, UNMAP_MAX, &inode->attr.blocks);

	if (r < 0)
		return r;
	pthread_mutex_lock(&inode->data_mutex);
	inode->stored_blocks = inode->attr.blocks;
	pthread_mutex_unlock(&inode->data_mutex);
	err = inode_store(op, inode);
	return err ? err : r;
}

/*
 * The first operation stores the new size, and a to-do record if there will be more; the last one removes
 * that.
 */
static int chunks_unmap(struct inode *inode, uint32_t from)
{
	struct volume *vol = inode->vol;
	struct index_op op;
	uint64_t todo = 0;
	int r;

	index_begin(vol->index, &op);
	r = inode_store(&op, inode);
	if (r == 0)
		r = unmap_step(&op, inode, &from);
	if (r == 1 && (r = todo_put(&op, vol, inode->ino, from, &todo)) == 0)
		r = 1;
	index_end(&op);
	while (r == 1) {
		if (index_pending_bytes(vol->index) > PENDING_KICK)
			volume_commit_kick(vol);
		index_begin(vol->index, &op);
		r = unmap_step(&op, inode, &from);
		if (r == 0)
			r = todo_del(&op, todo);
		index_end(&op);
	}
	return r;
}

static int shrink(struct inode *inode, uint64_t size)
{
	uint32_t chunk_size = inode->vol->super.chunk_size;
	uint64_t from = (size + chunk_size - 1) / chunk_size;
	struct dirty_cost cost = { 0 };
	int r;

	inode->attr.size = size;
	pthread_mutex_lock(&inode->data_mutex);
	if (inode->stored_size > size)
		inode->stored_size = size;
	pthread_mutex_unlock(&inode->data_mutex);
	r = from <= UINT32_MAX ? chunks_unmap(inode, (uint32_t)from) : record_store(inode);
	pthread_mutex_lock(&inode->data_mutex);
	if (inode->dirty) {
		dirty_truncate(inode->dirty, size, &cost);
		flusher_cut(inode->dirty);
	}
	pthread_mutex_unlock(&inode->data_mutex);
	flusher_release(inode->vol, &cost);
	return r;
}

static int grow(struct inode *inode, uint64_t size)
{
	struct dirty_cost cost = { 0 };
	struct dirty_file *df;
	uint32_t no = (uint32_t)(inode->attr.size / inode->vol->super.chunk_size);
	int r, cut = file_chunk_overhangs(inode);

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
	inode->attr.size = size;
	return record_store(inode);
}

int file_truncate_locked(struct inode *inode, uint64_t size)
{
	if (inode->vol->readonly)
		return -EROFS;
	if (size > file_size_max(inode->vol))
		return -EFBIG;
	inode->attr.mtime = inode->attr.ctime = volume_now();
	if (size < inode->attr.size)
		return shrink(inode, size);
	if (size > inode->attr.size)
		return grow(inode, size);
	return record_store(inode);
}
