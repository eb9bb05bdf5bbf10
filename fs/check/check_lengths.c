/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second pass over the chunk table, when every extent's length is known: references, chunks beyond a file's end, bytes of data.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"

struct walk {
	struct check *ck;
	uint64_t ino;
	uint32_t last; /* chunk of ino */
};

static uint64_t end_of(const struct check *ck, uint64_t size)
{
	uint32_t chunk = ck->vol->super.chunk_size;

	return size / chunk + (size % chunk != 0);
}

static bool is_todo(const struct check *ck, uint64_t ino)
{
	const struct check_todo *t = ck->todos.items;

	for (size_t i = 0; i < ck->todos.n; i++)
		if (t[i].ino == ino)
			return true;
	return false;
}

/* A crash may have left it half-way: its chunks go before its record does, which says nothing of them then. */
static bool being_freed(const struct check_inode *i)
{
	return i->orphan && i->names == 0;
}

static int chunk_drop(struct check *ck, struct check_inode *i, const struct index_record *rec)
{
	struct check_problem p = {
		.code = CHECK_CHUNK_BEYOND, .ino = i->ino, .chunk = be32_get(rec->key + 8), .expected = i->size,
	};
	struct check_extent *x;
	le64_t id;
	int r = check_found(ck, &p);

	if (r != 1)
		return r;
	memcpy(&id, rec->value, sizeof id);
	x = rec->len == sizeof id ? check_extent(ck, le64_get(id)) : NULL;
	if (x) {
		x->found--;
		i->mapped -= x->e.plain;
	}
	return check_del(ck, TABLE_CHUNK, rec->key, rec->key_len);
}

/* The first record of ino from chunk `from` on: 1, 0. */
static int chunk_after(struct check *ck, uint64_t ino, uint64_t from, struct index_record *rec)
{
	struct index_scan *scan;
	struct index_op op;
	uint8_t key[12];
	int r;

	if (from > UINT32_MAX)
		return 0;
	be32_put(be64_put(key, ino), (uint32_t)from);
	index_begin(ck->vol->index, &op);
	r = index_scan_open(&op, TABLE_CHUNK, key, 8, key, sizeof key, &scan);
	if (r == 0) {
		r = index_scan_next(scan, rec);
		index_scan_close(scan);
	}
	index_end(&op);
	return r;
}

/* Size and holes say together how many bytes of chunks there are: so a damaged size shows, and which it was. */
static int beyond_check(struct check *ck, struct check_inode *i, uint32_t last)
{
	uint64_t holes = i->size - i->blocks, size = holes + i->mapped;
	struct check_problem p = { .code = CHECK_INODE_SIZE, .ino = i->ino, .found = i->size, .expected = size };
	struct index_record rec;
	uint64_t no = end_of(ck, i->size);
	int r;

	if (size <= INT64_MAX && size > i->size && end_of(ck, size) == (uint64_t)last + 1) {
		r = check_found(ck, &p);
		if (r != 1)
			return r;
		i->size = size;
		i->blocks = i->mapped;
		return check_inode_fix(ck, i);
	}
	while ((r = chunk_after(ck, i->ino, no, &rec)) == 1) {
		if (rec.key_len != 12)
			break;
		r = chunk_drop(ck, i, &rec);
		if (r < 0)
			return r;
		no = (uint64_t)be32_get(rec.key + 8) + 1;
	}
	return r < 0 ? r : 0;
}

static int file_end(struct walk *w)
{
	struct check_inode *i = check_inode(w->ck, w->ino);

	if (!i || w->last < end_of(w->ck, i->size) || is_todo(w->ck, w->ino) || being_freed(i))
		return 0;
	return beyond_check(w->ck, i, w->last);
}

static int chunk_count(void *arg, const struct index_record *rec)
{
	struct walk *w = arg;
	struct check_extent *x;
	struct check_inode *i;
	le64_t id;
	int r;

	if (rec->key_len != 12 || rec->len != sizeof id)
		return 0; /* left as it is */
	memcpy(&id, rec->value, sizeof id);
	i = check_inode(w->ck, be64_get(rec->key));
	x = check_extent(w->ck, le64_get(id));
	if (!i || !x || !S_ISREG(i->mode))
		return 0;
	if (i->ino != w->ino) {
		r = file_end(w);
		if (r)
			return r;
		w->ino = i->ino;
	}
	w->last = be32_get(rec->key + 8);
	x->found++;
	i->mapped += x->e.plain;
	return 0;
}

static int blocks_check(struct check *ck, struct check_inode *i)
{
	struct check_problem p = {
		.code = CHECK_INODE_BLOCKS, .ino = i->ino, .found = i->blocks, .expected = i->mapped,
	};
	int r = i->fresh || i->blocks == i->mapped || being_freed(i) ? 1 : check_found(ck, &p);

	if (r == 1)
		i->blocks = i->mapped;
	return r < 0 ? r : 0;
}

int check_lengths(struct check *ck)
{
	struct walk w = { .ck = ck };
	struct check_inode *list = ck->inodes.items;
	int r = scan_table(ck->vol, TABLE_CHUNK, chunk_count, &w);

	if (r == 0 && w.ino)
		r = file_end(&w);
	for (size_t n = 0; r == 0 && n < ck->inodes.n; n++) {
		uint64_t blocks = list[n].blocks;

		r = blocks_check(ck, &list[n]);
		if (r == 0 && (blocks != list[n].blocks || list[n].fresh))
			r = check_inode_fix(ck, &list[n]);
	}
	return r;
}
