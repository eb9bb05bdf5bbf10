/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between files: whole chunks share their extents, what is left at both ends is copied byte by byte.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/data/chunk.h"
#include "fs/data/file_chunk.h"
#include "fs/names/dir_change.h"

/* One call copies no more: the caller asks again, and is not kept waiting without an end. */
#define SHARE_MAX (UINT64_C(1) << 30)
#define BYTES_MAX (UINT64_C(64) << 20)
#define BYTES_STEP (1u << 20)
/* Chunks shared in one operation. */
#define SHARE_BATCH 256u

struct copy {
	struct inode *in, *out;
	uint64_t from, to; /* where to go on */
	uint64_t left;
};

static void copy_advance(struct copy *c, uint64_t n)
{
	c->from += n;
	c->to += n;
	c->left -= n;
}

/* The kernel knows of written data, and so of a size, that has not reached us: what we lack is zero. */
static int bytes_read(struct inode *in, uint8_t *buf, size_t len, uint64_t at)
{
	ssize_t n = file_read(in, buf, len, at);

	if (n < 0)
		return (int)n;
	memset(buf + n, 0, len - (size_t)n);
	return 0;
}

static int bytes_copy(struct copy *c, uint64_t len)
{
	size_t cap = len < BYTES_STEP ? (size_t)len : BYTES_STEP;
	uint8_t *buf = cap ? malloc(cap) : NULL;
	int r = buf || cap == 0 ? 0 : -ENOMEM;

	while (r == 0 && len > 0) {
		size_t n = len < cap ? (size_t)len : cap;
		ssize_t written;

		r = bytes_read(c->in, buf, n, c->from);
		if (r)
			break;
		written = file_write(c->out, buf, n, c->to, false);
		if (written < 0) {
			r = (int)written;
			break;
		}
		copy_advance(c, n);
		len -= n;
	}
	free(buf);
	return r;
}

static bool chunk_is_dirty(struct inode *inode, uint32_t no)
{
	bool dirty;

	pthread_mutex_lock(&inode->data_mutex);
	dirty = inode->dirty && dirty_find(inode->dirty, no);
	pthread_mutex_unlock(&inode->data_mutex);
	return dirty;
}

/* One chunk, both files locked, inside an operation. 1: it cannot be shared. */
static int chunk_copy(struct index_op *op, struct copy *c, uint32_t in_no, uint32_t out_no)
{
	struct volume *vol = c->in->vol;
	struct extent e;
	uint64_t id;
	int r;

	if (chunk_is_dirty(c->in, in_no))
		return 1;
	r = chunk_lookup(op, c->in->ino, in_no, &id);
	if (r)
		return r == -EUCLEAN ? -EIO : r;
	if (id == 0)
		return chunk_map(op, vol, c->out->ino, out_no, NULL, &c->out->attr.blocks);
	r = extent_get(op, id, &e);
	if (r == 0)
		r = chunk_share(op, vol, c->out->ino, out_no, &e, &c->out->attr.blocks);
	if (r == -EMLINK)
		return 1;
	return r == -ENOENT || r == -EUCLEAN ? -EIO : r;
}

/* How much of what is left may be shared now, in bytes: whole chunks, and a last part that ends both files. */
static uint64_t shareable(const struct copy *c)
{
	uint64_t chunk_size = c->in->vol->super.chunk_size, len = c->left;

	if (c->from + len != c->in->attr.size || c->to + len < c->out->attr.size)
		len -= len % chunk_size;
	return len < SHARE_BATCH * chunk_size ? len : SHARE_BATCH * chunk_size;
}

/* After chunks were mapped: size, times and blocks into the record, layers over them dropped. */
static int share_store(struct index_op *op, struct inode *out, uint64_t from, uint64_t end)
{
	uint32_t chunk_size = out->vol->super.chunk_size;
	struct dirty_cost cost = { 0 };
	uint64_t size = out->attr.size;
	int r;

	if (end > size)
		out->attr.size = end;
	out->attr.mtime = out->attr.ctime = volume_now();
	pthread_mutex_lock(&out->data_mutex);
	if (out->dirty) {
		dirty_drop(out->dirty, (uint32_t)(from / chunk_size), (uint32_t)((end - 1) / chunk_size), &cost);
		flusher_cut(out->dirty, false);
	}
	if (end > out->stored_size)
		out->stored_size = end;
	out->stored_blocks = out->attr.blocks;
	pthread_mutex_unlock(&out->data_mutex);
	flusher_release(out->vol, &cost);
	r = inode_store(op, out);
	if (r && end > size) {
		out->attr.size = size;
		out->tail_clean = false;
	}
	return r;
}

/* Shares a batch of chunks; *n bytes were. Both files are locked. */
static int batch_share(struct copy *c, uint64_t *n)
{
	uint32_t chunk_size = c->in->vol->super.chunk_size;
	uint64_t len = shareable(c), done = 0;
	struct index_op op;
	int r = 0, err = 0;

	if (len > 0 && c->out->attr.size < c->to)
		r = file_truncate_locked(c->out, c->to);
	if (r || len == 0)
		return r;
	index_begin(c->in->vol->index, &op);
	while (r == 0 && done < len) {
		r = chunk_copy(&op, c, (uint32_t)((c->from + done) / chunk_size),
			       (uint32_t)((c->to + done) / chunk_size));
		if (r == 0)
			done += len - done < chunk_size ? len - done : chunk_size;
	}
	if (done > 0)
		err = share_store(&op, c->out, c->to, c->to + done);
	index_end(&op);
	*n = err ? 0 : done;
	return r < 0 ? r : err;
}

/* Shares as much as can be. *stuck: the next chunk can't, and must be copied. */
static int chunks_share(struct copy *c, bool *stuck)
{
	struct inode *set[2] = { c->in, c->out };
	uint64_t n;
	int r;

	do {
		n = 0;
		r = dir_change_admit(c->in->vol, true);
		if (r)
			return r;
		inode_lock_many(set, 2);
		r = batch_share(c, &n);
		inode_unlock_many(set, 2);
		copy_advance(c, n);
	} while (r == 0 && n > 0);
	*stuck = r == 0 && c->left >= c->in->vol->super.chunk_size;
	return r;
}

/* Both offsets lie alike in their chunks. */
static int aligned_copy(struct copy *c)
{
	uint64_t chunk_size = c->in->vol->super.chunk_size, bytes = 0, head = c->from % chunk_size;
	bool stuck = true;
	int r = 0;

	head = head ? chunk_size - head : 0;
	r = bytes_copy(c, head < c->left ? head : c->left);
	if (r == 0 && c->left > 0)
		(void)file_flush(c->in); /* what stays dirty is copied */
	while (r == 0 && c->left > 0 && stuck && bytes < BYTES_MAX) {
		r = chunks_share(c, &stuck);
		if (r == 0 && stuck) {
			r = bytes_copy(c, chunk_size);
			bytes += chunk_size;
		}
	}
	return r == 0 && !stuck ? bytes_copy(c, c->left) : r;
}

static int copy_check(struct inode *in, uint64_t from, struct inode *out, uint64_t to, uint64_t len)
{
	uint64_t max = file_size_max(in->vol);

	if (S_ISDIR(in->type) || S_ISDIR(out->type))
		return -EISDIR;
	if (!S_ISREG(in->type) || !S_ISREG(out->type))
		return -EINVAL;
	if (out->vol->readonly)
		return -EROFS;
	if (from > max || len > max - from || to > max || len > max - to)
		return -EFBIG;
	return in == out && from < to + len && to < from + len ? -EINVAL : 0;
}

ssize_t file_copy(struct inode *in, uint64_t from, struct inode *out, uint64_t to, size_t len)
{
	uint64_t chunk_size = in->vol->super.chunk_size;
	struct copy c = { .in = in, .out = out, .from = from, .to = to, .left = len };
	int r;

	if (c.left > SHARE_MAX)
		c.left = SHARE_MAX;
	r = copy_check(in, from, out, to, c.left);
	if (r || c.left == 0)
		return r;
	if (from % chunk_size == to % chunk_size)
		r = aligned_copy(&c);
	else
		r = bytes_copy(&c, c.left < BYTES_MAX ? c.left : BYTES_MAX);
	return c.from > from ? (ssize_t)(c.from - from) : r;
}
