/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The to-do table: put, removed, and worked off at open.
 */
#include "fs/data/todo.h"

#include <errno.h>

#include "fs/data/chunk.h"
#include "fs/data/file.h"

/* Chunks unmapped in one operation. */
#define TODO_STEP 2048u

int todo_put(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t from, uint64_t *id)
{
	struct todo_disk disk = { .op = TODO_FREE_CHUNKS, .from = le32_put(from), .ino = le64_put(ino) };
	uint8_t key[8];

	pthread_mutex_lock(&vol->counters_mutex);
	*id = vol->counters.next_todo++;
	pthread_mutex_unlock(&vol->counters_mutex);
	be64_put(key, *id);
	return index_put(op, TABLE_TODO, key, sizeof key, &disk, sizeof disk);
}

int todo_del(struct index_op *op, uint64_t id)
{
	uint8_t key[8];

	be64_put(key, id);
	return index_del(op, TABLE_TODO, key, sizeof key);
}

/* The first record that can be one from number *id on; 1 found, 0 none. Damaged ones are left to fsck. */
static int todo_next(struct volume *vol, uint64_t *id, struct todo_disk *disk)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t from[8];
	int r;

	be64_put(from, *id);
	index_begin(vol->index, &op);
	r = index_scan_open(&op, TABLE_TODO, NULL, 0, from, sizeof from, &scan);
	if (r == 0) {
		while ((r = index_scan_next(scan, &rec)) == 1 &&
		       (rec.key_len != 8 || rec.len != sizeof *disk || rec.value[0] != TODO_FREE_CHUNKS))
			;
		index_scan_close(scan);
	}
	index_end(&op);
	if (r == 1) {
		*id = be64_get(rec.key);
		memcpy(disk, rec.value, sizeof *disk);
	}
	return r;
}

/* What the file has in chunks now, after a truncation that stopped half-way had counted what it had unmapped. */
static int blocks_lower(struct index_op *op, uint64_t ino, uint64_t freed)
{
	struct inode_disk disk;
	struct inode_attr attr;
	uint8_t key[8];
	int n;

	be64_put(key, ino);
	n = index_get(op, TABLE_INODE, key, sizeof key, &disk, sizeof disk);
	if (n < 0 || inode_decode(&disk, (size_t)n, &attr))
		return n < 0 && n != -ENOENT && n != -ERANGE ? n : 0;
	attr.blocks -= freed < attr.blocks ? freed : attr.blocks;
	return index_put(op, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &attr));
}

/*
 * Moves *from behind the end of the file: a truncation that failed half-way leaves its record, and what was
 * written since is not to be unmapped. 1: nothing is.
 */
static int end_respect(struct volume *vol, uint64_t ino, uint32_t *from)
{
	struct inode_disk disk;
	struct inode_attr attr;
	struct index_op op;
	uint64_t end;
	uint8_t key[8];
	int n;

	be64_put(key, ino);
	index_begin(vol->index, &op);
	n = index_get(&op, TABLE_INODE, key, sizeof key, &disk, sizeof disk);
	index_end(&op);
	if (n == -ENOENT)
		return 0;
	if (n < 0 && n != -ERANGE)
		return n;
	if (n < 0 || inode_decode(&disk, (size_t)n, &attr))
		return 1; /* who knows how long the file is: nothing of it is touched */
	end = attr.size / vol->super.chunk_size + (attr.size % vol->super.chunk_size != 0);
	if (end > UINT32_MAX)
		return 1;
	if (*from < end)
		*from = (uint32_t)end;
	return 0;
}

/* Unmaps what is left to unmap: 1 when there is more. The inode is nobody's yet. */
static int chunks_free(struct volume *vol, uint64_t ino, uint32_t from)
{
	uint64_t before = INT64_MAX, left = before;
	struct index_op op;
	int r, err;

	index_begin(vol->index, &op);
	r = chunk_unmap(&op, vol, ino, &from, UINT32_MAX, TODO_STEP, &left);
	err = r < 0 ? r : blocks_lower(&op, ino, before - left);
	index_end(&op);
	return err ? err : r;
}

int todo_recover(struct volume *vol)
{
	struct todo_disk disk;
	struct index_op op;
	uint64_t id = 0;
	int r;

	while ((r = todo_next(vol, &id, &disk)) == 1) {
		uint32_t from = le32_get(disk.from);

		r = end_respect(vol, le64_get(disk.ino), &from);
		while (r == 0 && (r = chunks_free(vol, le64_get(disk.ino), from)) == 1)
			r = 0;
		if (r < 0)
			return r;
		index_begin(vol->index, &op);
		r = todo_del(&op, id);
		index_end(&op);
		if (r)
			return r;
	}
	return r;
}
