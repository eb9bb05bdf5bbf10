/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of a file made zero: whole chunks become holes, what is left of the chunks at both ends is written
 * over; and the space that fallocate(2) asks for.
 */
#include <errno.h>

#include "fs/data/file_chunk.h"
#include "fs/extent/space.h"
#include "fs/names/dir_change.h"
#include "fs/volume/pool.h"

/* A range and the whole chunks in it: first .. end - 1. */
struct punch {
	struct inode *inode;
	uint64_t from, to;
	uint64_t first, end;
	const uint8_t *zeros; /* one chunk */
};

/* 1: all of the chunk is zero already, 0: perhaps not. */
static int chunk_is_hole(struct inode *inode, uint32_t no)
{
	uint32_t stored;
	bool dirty;
	int r;

	pthread_mutex_lock(&inode->data_mutex);
	dirty = inode->dirty && dirty_find(inode->dirty, no);
	pthread_mutex_unlock(&inode->data_mutex);
	if (dirty)
		return 0;
	r = stored_length(inode->vol, inode->ino, no, &stored);
	return r ? r : stored == 0;
}

/* Zeros inside of one chunk. */
static int edge_clear(struct punch *p, uint64_t from, uint64_t to)
{
	int r;

	if (from >= to)
		return 0;
	r = chunk_is_hole(p->inode, (uint32_t)(from / p->inode->vol->super.chunk_size));
	if (r)
		return r < 0 ? r : 0;
	return file_write_locked(p->inode, p->zeros, (size_t)(to - from), from, false);
}

/* The records go before the layers: when that fails, what was written last is still what is read. */
static int chunks_clear(struct punch *p)
{
	struct inode *inode = p->inode;
	uint32_t last = (uint32_t)(p->end - 1);
	struct dirty_cost cost = { 0 };
	int r;

	if (p->first >= p->end)
		return 0;
	r = file_unmap_range(inode, (uint32_t)p->first, last);
	if (r)
		return r;
	pthread_mutex_lock(&inode->data_mutex);
	if (inode->dirty) {
		dirty_drop(inode->dirty, (uint32_t)p->first, last, &cost);
		flusher_cut(inode->dirty, false);
	}
	pthread_mutex_unlock(&inode->data_mutex);
	flusher_release(inode->vol, &cost);
	return 0;
}

/* Inside the file; the inode lock is held exclusively, and there is room for two chunks. */
static int range_clear(struct punch *p)
{
	uint64_t chunk_size = p->inode->vol->super.chunk_size;
	int r;

	p->first = (p->from + chunk_size - 1) / chunk_size;
	/* The chunk in which the file ends counts as whole when all of it that is in the file goes. */
	p->end = p->to == p->inode->attr.size ? (p->to + chunk_size - 1) / chunk_size : p->to / chunk_size;
	p->inode->attr.mtime = p->inode->attr.ctime = volume_now();
	if (p->first > p->end || p->first * chunk_size >= p->to)
		return edge_clear(p, p->from, p->to);
	r = edge_clear(p, p->from, p->first * chunk_size);
	if (r == 0)
		r = edge_clear(p, p->end * chunk_size, p->to);
	return r ? r : chunks_clear(p);
}

static int punch_locked(struct punch *p, bool grow)
{
	struct inode *inode = p->inode;
	uint64_t to = p->to;
	int r = 0;

	if (p->to > inode->attr.size)
		p->to = inode->attr.size;
	if (p->from < p->to)
		r = range_clear(p);
	if (r)
		return r;
	return file_truncate_locked(inode, grow && to > inode->attr.size ? to : inode->attr.size);
}

static int range_check(struct inode *inode, uint64_t offset, uint64_t len)
{
	if (!S_ISREG(inode->type))
		return S_ISDIR(inode->type) ? -EISDIR : -ENODEV;
	if (len == 0)
		return -EINVAL;
	if (inode->vol->readonly)
		return -EROFS;
	if (offset > file_size_max(inode->vol) || len > file_size_max(inode->vol) - offset)
		return -EFBIG;
	return dir_change_admit(inode->vol, false);
}

int file_punch(struct inode *inode, uint64_t offset, uint64_t len, bool grow)
{
	struct volume *vol = inode->vol;
	struct punch p = { .inode = inode, .from = offset, .to = offset + len };
	int r = range_check(inode, offset, len);
	uint8_t *zeros;

	if (r == 0 && (offset % vol->super.chunk_size || p.to % vol->super.chunk_size))
		r = flusher_wait_room(vol);
	if (r)
		return r;
	zeros = pool_get(vol->pool);
	if (!zeros)
		return -ENOMEM;
	memset(zeros, 0, vol->super.chunk_size);
	p.zeros = zeros;
	pthread_rwlock_wrlock(&inode->lock);
	r = punch_locked(&p, grow);
	pthread_rwlock_unlock(&inode->lock);
	pool_put(vol->pool, zeros);
	return r;
}

/* What the range may need that the file does not have yet: its holes are not looked for one by one. */
static uint64_t space_missing(struct inode *inode, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len, missing;

	pthread_rwlock_rdlock(&inode->lock);
	if (end < inode->attr.size)
		end = inode->attr.size;
	missing = end > inode->attr.blocks ? end - inode->attr.blocks : 0;
	pthread_rwlock_unlock(&inode->lock);
	return missing < len ? missing : len;
}

int file_allocate(struct inode *inode, uint64_t offset, uint64_t len, bool grow)
{
	struct volume *vol = inode->vol;
	int r = range_check(inode, offset, len);

	if (r == 0)
		r = space_check(vol, space_missing(inode, offset, len));
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	/* To the size that it has: that moves the times. */
	r = file_truncate_locked(inode, grow && inode->attr.size < offset + len ? offset + len : inode->attr.size);
	pthread_rwlock_unlock(&inode->lock);
	return r;
}
