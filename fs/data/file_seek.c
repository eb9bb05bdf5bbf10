/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding data and holes: a chunk is data when it is dirty or mapped.
 */
#include <errno.h>

#include "fs/data/chunk.h"
#include "fs/data/file_chunk.h"

/* Chunks looked at in one operation. */
#define SEEK_MAX 4096u

/* First dirty chunk with bytes at or after no; false: none. */
static bool dirty_data_next(struct inode *inode, uint32_t no, uint32_t *found)
{
	struct dirty_chunk *c = NULL;

	pthread_mutex_lock(&inode->data_mutex);
	if (inode->dirty) {
		while ((c = dirty_next(inode->dirty, no)) && c->cur.lo == c->cur.hi &&
		       (c->cancelled || c->pin.lo == c->pin.hi)) {
			if (c->no == UINT32_MAX) {
				c = NULL;
				break;
			}
			no = c->no + 1;
		}
	}
	if (c)
		*found = c->no;
	pthread_mutex_unlock(&inode->data_mutex);
	return c != NULL;
}

/* 1 and *no, or 0 when there is no data from `from` on. */
static int data_next(struct inode *inode, uint32_t from, uint32_t *no)
{
	uint32_t dirty, mapped;
	bool found = dirty_data_next(inode, from, &dirty);
	struct index_op op;
	int r;

	index_begin(inode->vol->index, &op);
	r = chunk_next(&op, inode->ino, from, &mapped);
	index_end(&op);
	if (r < 0 || (r == 0 && !found))
		return r;
	*no = r == 1 && (!found || mapped < dirty) ? mapped : dirty;
	return 1;
}

/* First chunk from `from` on, below end, that is neither dirty nor mapped. */
static int hole_next(struct inode *inode, uint32_t from, uint32_t end, uint32_t *no)
{
	struct index_op op;
	uint32_t dirty;
	int r;

	while (from < end) {
		index_begin(inode->vol->index, &op);
		r = chunk_next_hole(&op, inode->ino, from, SEEK_MAX, &from);
		index_end(&op);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (!dirty_data_next(inode, from, &dirty) || dirty != from)
			break;
		from++;
	}
	*no = from < end ? from : end;
	return 0;
}

static int64_t seek_locked(struct inode *inode, uint64_t offset, bool hole)
{
	uint64_t chunk_size = inode->vol->super.chunk_size, size = inode->attr.size, at;
	uint32_t no = 0;
	int r;

	if (offset >= size)
		return -ENXIO;
	if (hole)
		r = hole_next(inode, (uint32_t)(offset / chunk_size),
			      (uint32_t)((size + chunk_size - 1) / chunk_size), &no);
	else
		r = data_next(inode, (uint32_t)(offset / chunk_size), &no);
	if (r < 0)
		return r;
	at = no * chunk_size;
	if (at < offset)
		at = offset;
	if (!hole && (r == 0 || at >= size))
		return -ENXIO;
	return (int64_t)(at < size ? at : size);
}

int64_t file_seek(struct inode *inode, uint64_t offset, bool hole)
{
	int64_t at;

	pthread_rwlock_rdlock(&inode->lock);
	at = seek_locked(inode, offset, hole);
	pthread_rwlock_unlock(&inode->lock);
	return at;
}
