/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a file: bytes go to dirty layers; nothing is read unless a chunk is written in two places that do
 * not touch.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "fs/data/commit.h"
#include "fs/data/file_chunk.h"
#include "fs/extent/space.h"
#include "fs/names/attr.h"

uint64_t file_size_max(const struct volume *vol)
{
	uint64_t max = (uint64_t)vol->super.chunk_size << 32;

	return max < INT64_MAX ? max : INT64_MAX;
}

int file_chunk_overhangs(struct inode *inode)
{
	uint32_t chunk_size = inode->vol->super.chunk_size, tail = (uint32_t)(inode->attr.size % chunk_size);
	uint32_t no = (uint32_t)(inode->attr.size / chunk_size), stored;
	bool pinned;
	int r;

	if (tail == 0)
		return 0;
	pthread_mutex_lock(&inode->data_mutex);
	pinned = inode->dirty && dirty_find(inode->dirty, no);
	pthread_mutex_unlock(&inode->data_mutex);
	if (pinned)
		return 1;
	r = stored_length(inode->vol, inode->ino, no, &stored);
	return r ? r : stored > tail;
}

int file_chunk_cut(struct inode *inode, struct dirty_file *df, struct dirty_cost *cost)
{
	struct layer *layer;
	int r;

	pthread_mutex_lock(&inode->data_mutex);
	r = dirty_prepare(df, (uint32_t)(inode->attr.size / inode->vol->super.chunk_size), 0, 0,
			  inode->attr.size, &layer, cost);
	pthread_mutex_unlock(&inode->data_mutex);
	return r;
}

struct write {
	struct inode *inode;
	struct dirty_file *df;
	const uint8_t *bytes;
	uint64_t offset, end;
	uint32_t first, last; /* chunks */
	struct dirty_cost cost;
};

/* The part of the write that falls into chunk no. */
static void part_of(const struct write *w, uint32_t no, uint32_t *lo, uint32_t *hi)
{
	uint64_t chunk_size = w->inode->vol->super.chunk_size, start = no * chunk_size;

	*lo = w->offset > start ? (uint32_t)(w->offset - start) : 0;
	*hi = w->end < start + chunk_size ? (uint32_t)(w->end - start) : (uint32_t)chunk_size;
}

/*
 * Everything that can fail for one chunk: memory, and the bytes between what the upper layer covers already
 * and the new ones.
 */
static int chunk_prepare(struct write *w, uint32_t no)
{
	struct layer *l;
	uint32_t lo, hi;
	int r;

	part_of(w, no, &lo, &hi);
	pthread_mutex_lock(&w->inode->data_mutex);
	r = dirty_prepare(w->df, no, lo, hi, w->inode->attr.size, &l, &w->cost);
	pthread_mutex_unlock(&w->inode->data_mutex);
	if (r || l->lo == l->hi)
		return r;
	if (lo > l->hi) {
		r = file_chunk_read(w->inode, no, l->hi, lo - l->hi, layer_at(l, l->hi), true);
		if (r == 0)
			l->hi = lo;
	} else if (hi < l->lo) {
		r = file_chunk_read(w->inode, no, hi, l->lo - hi, layer_at(l, hi), true);
		if (r == 0)
			l->lo = hi;
	}
	return r;
}

static void chunk_copy(struct write *w, uint32_t no)
{
	uint64_t start = (uint64_t)no * w->inode->vol->super.chunk_size;
	struct layer *l;
	uint32_t lo, hi;

	part_of(w, no, &lo, &hi);
	pthread_mutex_lock(&w->inode->data_mutex);
	l = &dirty_find(w->df, no)->cur;
	pthread_mutex_unlock(&w->inode->data_mutex);
	memcpy(layer_at(l, lo), w->bytes + (start + lo - w->offset), hi - lo);
	if (l->lo == l->hi) {
		l->lo = lo;
		l->hi = hi;
	} else {
		l->lo = lo < l->lo ? lo : l->lo;
		l->hi = hi > l->hi ? hi : l->hi;
	}
}

static void attr_touch(struct inode *inode, uint64_t end, bool kill_priv)
{
	if (end > inode->attr.size)
		inode->attr.size = end;
	inode->attr.mtime = inode->attr.ctime = volume_now();
	if (kill_priv)
		inode->attr.mode = attr_mode_killed(inode->attr.mode, false);
}

/* First all that can fail, then the bytes. */
static int write_run(struct write *w, bool kill_priv)
{
	struct inode *inode = w->inode;
	uint32_t end_chunk = (uint32_t)(inode->attr.size / inode->vol->super.chunk_size), first = w->first;
	int r = w->end > inode->attr.size ? file_tail_unmap(inode) : 0, cut = 0;

	if (r)
		return r;
	if (w->offset > inode->attr.size && end_chunk < w->first)
		cut = file_chunk_overhangs(inode);
	if (cut < 0)
		return cut;
	if (cut)
		first = end_chunk;
	r = flusher_write_begin(inode, first, w->last, &w->df);
	if (r)
		return r;
	if (cut)
		r = file_chunk_cut(inode, w->df, &w->cost);
	for (uint64_t no = w->first; r == 0 && no <= w->last; no++)
		r = chunk_prepare(w, (uint32_t)no);
	for (uint64_t no = w->first; r == 0 && no <= w->last; no++)
		chunk_copy(w, (uint32_t)no);
	if (r == 0)
		attr_touch(inode, w->end, kill_priv);
	flusher_write_end(w->df, &w->cost);
	return r;
}

int file_write_locked(struct inode *inode, const void *buf, size_t len, uint64_t offset, bool kill_priv)
{
	uint32_t chunk_size = inode->vol->super.chunk_size;
	struct write w = { .inode = inode, .bytes = buf, .offset = offset, .end = offset + len };

	w.first = (uint32_t)(offset / chunk_size);
	w.last = (uint32_t)((w.end - 1) / chunk_size);
	return write_run(&w, kill_priv);
}

/* A full disk is asked again after a commit has removed what is garbage. */
int file_room_wait(struct volume *vol, uint64_t chunks)
{
	uint64_t need = chunks * (vol->super.chunk_size + CHUNK_OVERHEAD);
	int r = space_check(vol, need);

	if (r == -ENOSPC) {
		(void)volume_commit(vol);
		r = space_check(vol, need);
	}
	return r ? r : flusher_wait_room(vol);
}

ssize_t file_write(struct inode *inode, const void *buf, size_t len, uint64_t offset, bool kill_priv)
{
	struct volume *vol = inode->vol;
	uint32_t chunk_size = vol->super.chunk_size;
	int r;

	if (len == 0)
		return 0;
	if (vol->readonly)
		return -EROFS;
	if (len > SSIZE_MAX || offset > file_size_max(vol) || len > file_size_max(vol) - offset)
		return -EFBIG;
	r = file_room_wait(vol, (offset + len - 1) / chunk_size - offset / chunk_size + 1);
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	r = file_write_locked(inode, buf, len, offset, kill_priv);
	pthread_rwlock_unlock(&inode->lock);
	return r ? r : (ssize_t)len;
}
