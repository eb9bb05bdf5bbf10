/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first pass over the chunk table: valid records of regular files; which extents are needed, and by whom.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"
#include "fs/extent/extent_map.h"

/* The extent of a chunk: found, or noted as one to look for. */
static int extent_own(struct check *ck, uint64_t id, uint64_t ino, uint32_t no)
{
	struct check_extent *x = check_extent(ck, id);

	if (!x) {
		x = check_extent_add(ck, id);
		if (!x)
			return -ENOMEM;
		x->bad = true;
	}
	if (x->ino == 0) {
		x->ino = ino;
		x->chunk = no;
	}
	return 0;
}

/* A record that does not say its extent gets a number that none has, for an extent that is known to be lost. */
static int value_mend(struct check *ck, const struct index_record *rec, uint64_t ino, uint32_t no)
{
	struct check_problem p = { .code = CHECK_CHUNK_VALUE, .ino = ino, .chunk = no };
	int r = check_found(ck, &p);
	uint64_t id = ck->max_extent + 1;
	le64_t value;

	if (r != 1)
		return r;
	if (ck->counted && id < le64_get(ck->counters.next_extent))
		id = le64_get(ck->counters.next_extent);
	value = le64_put(id);
	r = check_aside_record(ck, TABLE_CHUNK, rec);
	if (r == 0)
		r = check_put(ck, TABLE_CHUNK, rec->key, rec->key_len, &value, sizeof value);
	return r ? r : extent_own(ck, id, ino, no);
}

/* 1: there is a file that the chunk belongs to. */
static int owner_check(struct check *ck, const struct index_record *rec, uint64_t ino, uint32_t no)
{
	struct check_inode *i = check_inode(ck, ino);
	struct check_problem p = { .code = CHECK_CHUNK_NO_INODE, .found = ino };
	int r;

	if (i && S_ISREG(i->mode))
		return 1;
	if (!i) {
		r = check_found(ck, &p);
		return r == 1 ? check_inode_make(ck, ino, S_IFREG | 0600, &i) : r;
	}
	p = (struct check_problem){ .code = CHECK_CHUNK_NOT_FILE, .ino = ino, .chunk = no };
	r = check_found(ck, &p);
	return r == 1 ? check_del(ck, TABLE_CHUNK, rec->key, rec->key_len) : r;
}

static int chunk_check(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_CHUNK_KEY };
	uint64_t ino = rec->key_len == 12 ? be64_get(rec->key) : 0;
	le64_t id = { { 0 } };
	uint32_t no;
	int r = check_step(ck);

	if (r)
		return r;
	if (ino == 0) {
		r = check_found(ck, &p);
		return r == 1 ? check_del(ck, TABLE_CHUNK, rec->key, rec->key_len) : r;
	}
	no = be32_get(rec->key + 8);
	r = owner_check(ck, rec, ino, no);
	if (r != 1)
		return r;
	if (rec->len == sizeof id)
		memcpy(&id, rec->value, sizeof id);
	if (le64_get(id) == 0)
		return value_mend(ck, rec, ino, no);
	return extent_own(ck, le64_get(id), ino, no);
}

static int extent_load(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_EXTENT_KEY };
	uint64_t id = rec->key_len == 8 ? be64_get(rec->key) : 0;
	struct check_extent *x;
	int r;

	if (id == 0) {
		r = check_found(ck, &p);
		return r == 1 ? check_del(ck, TABLE_EXTENT, rec->key, rec->key_len) : r;
	}
	x = check_extent_add(ck, id);
	if (!x)
		return -ENOMEM;
	x->recorded = true;
	if (extent_decode(id, rec->value, rec->len, &x->e) || x->e.plain > ck->vol->super.chunk_size) {
		x->e = (struct extent){ .id = id };
		x->bad = true;
	}
	return 0;
}

int check_chunks(struct check *ck)
{
	int r = scan_table(ck->vol, TABLE_EXTENT, extent_load, ck);

	return r ? r : scan_table(ck->vol, TABLE_CHUNK, chunk_check, ck);
}
