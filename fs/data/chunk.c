/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunk table: lookups, changes and walks over (inode, chunk number) -> extent.
 */
#include "fs/data/chunk.h"

#include <errno.h>

#define CHUNK_KEY 12

static void key_put(uint8_t key[CHUNK_KEY], uint64_t ino, uint32_t no)
{
	be32_put(be64_put(key, ino), no);
}

int chunk_lookup(struct index_op *op, uint64_t ino, uint32_t no, uint64_t *id)
{
	uint8_t key[CHUNK_KEY];
	le64_t value;
	int n;

	*id = 0;
	key_put(key, ino, no);
	n = index_get(op, TABLE_CHUNK, key, sizeof key, &value, sizeof value);
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return n == -ERANGE ? -EUCLEAN : n;
	if (n != sizeof value || le64_get(value) == 0)
		return -EUCLEAN;
	*id = le64_get(value);
	return 0;
}

/*
 * The new extent's record goes first and the old one's last: whatever fails between leaves no chunk without
 * its extent.
 */
static int extent_set(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t no,
		      const struct extent *e, bool shared, uint64_t *blocks)
{
	uint8_t key[CHUNK_KEY];
	struct extent old = { 0 };
	uint64_t old_id;
	le64_t value;
	int r;

	r = chunk_lookup(op, ino, no, &old_id);
	if (r == 0 && old_id)
		r = extent_get(op, old_id, &old);
	if (r == -ENOENT || r == -EUCLEAN)
		r = 0; /* a damaged index: the write mends it */
	if (r == 0 && e)
		r = shared ? extent_ref(op, vol, e->id) : extent_put(op, vol, e);
	if (r)
		return r;
	key_put(key, ino, no);
	value = le64_put(e ? e->id : 0);
	r = e ? index_put(op, TABLE_CHUNK, key, sizeof key, &value, sizeof value)
	      : index_del(op, TABLE_CHUNK, key, sizeof key);
	if (r) {
		if (e)
			extent_unref(op, vol, e->id);
		return r;
	}
	*blocks += e ? e->plain : 0;
	*blocks -= old.plain < *blocks ? old.plain : *blocks;
	return old.id ? extent_unref(op, vol, old.id) : 0;
}

int chunk_map(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t no, const struct extent *e,
	      uint64_t *blocks)
{
	return extent_set(op, vol, ino, no, e, false, blocks);
}

int chunk_share(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t no, const struct extent *e,
		uint64_t *blocks)
{
	return extent_set(op, vol, ino, no, e, true, blocks);
}

#define UNMAP_STEP 128u

struct mapped {
	uint32_t no;
	uint64_t id;
};

/* Up to UNMAP_STEP mapped chunks from `from` on. */
static int mapped_list(struct index_op *op, uint64_t ino, uint32_t from, unsigned max,
		       struct mapped list[UNMAP_STEP],
		       unsigned *n)
{
	struct index_record rec;
	struct index_scan *scan;
	uint8_t key[CHUNK_KEY];
	int r;

	*n = 0;
	key_put(key, ino, from);
	r = index_scan_open(op, TABLE_CHUNK, key, 8, key, sizeof key, &scan);
	if (r)
		return r;
	while (*n < max && (r = index_scan_next(scan, &rec)) == 1) {
		le64_t value = le64_put(0); /* what is damaged names no extent, but can be unmapped */

		if (rec.key_len != CHUNK_KEY)
			continue;
		if (rec.len == sizeof value)
			memcpy(&value, rec.value, sizeof value);
		list[*n].no = be32_get(rec.key + 8);
		list[*n].id = le64_get(value);
		++*n;
	}
	index_scan_close(scan);
	return r < 0 ? r : 0;
}

static int unmap_one(struct index_op *op, struct volume *vol, uint64_t ino, const struct mapped *m,
		     uint64_t *blocks)
{
	uint8_t key[CHUNK_KEY];
	struct extent e;
	int r = extent_get(op, m->id, &e);

	if (r && r != -ENOENT && r != -EUCLEAN)
		return r;
	key_put(key, ino, m->no);
	if (index_del(op, TABLE_CHUNK, key, sizeof key))
		return -ENOMEM;
	if (r)
		return 0; /* the extent's record is damaged: there is nothing to count out */
	*blocks -= e.plain < *blocks ? e.plain : *blocks;
	r = extent_unref(op, vol, m->id);
	return r == -EUCLEAN ? 0 : r;
}

int chunk_unmap(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t *from, uint32_t last,
		unsigned max, uint64_t *blocks)
{
	struct mapped list[UNMAP_STEP];

	while (max > 0) {
		unsigned want = max < UNMAP_STEP ? max : UNMAP_STEP, n;
		int r = mapped_list(op, ino, *from, want, list, &n);

		if (r)
			return r;
		for (unsigned i = 0; i < n; i++) {
			if (list[i].no > last)
				return 0;
			r = unmap_one(op, vol, ino, &list[i], blocks);
			if (r)
				return r;
		}
		if (n < want || list[n - 1].no >= last)
			return 0;
		*from = list[n - 1].no + 1;
		max -= n;
	}
	return 1;
}

int chunk_next(struct index_op *op, uint64_t ino, uint32_t from, uint32_t *no)
{
	struct mapped list[UNMAP_STEP];
	unsigned n;
	int r = mapped_list(op, ino, from, 1, list, &n);

	if (r || n == 0)
		return r;
	*no = list[0].no;
	return 1;
}

int chunk_next_hole(struct index_op *op, uint64_t ino, uint32_t from, uint32_t max, uint32_t *no)
{
	struct mapped list[UNMAP_STEP];

	*no = from;
	while (max > 0) {
		unsigned n, want = max < UNMAP_STEP ? max : UNMAP_STEP;
		int r = mapped_list(op, ino, *no, want, list, &n);

		if (r)
			return r;
		for (unsigned i = 0; i < n; i++) {
			if (list[i].no != *no)
				return 1;
			if (*no == UINT32_MAX)
				return 0;
			++*no;
		}
		if (n < want)
			return 1;
		max -= n;
	}
	return 0;
}
