/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the tables of a volume agree: references, counts, and the files beneath. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/extent.h"
#include "index/group.h"
#include "tests/crash/tree.h"

#define SEGMENTS 4096u
#define GROUPS 256u

struct chunks {
	uint64_t ino;
	uint64_t mapped; /* plain bytes of this inode's chunks */
};

struct check {
	struct index_op op;
	struct volume *vol;
	char *problem;
	uint64_t inodes, plain, refs, extent_refs;
	struct segment {
		uint32_t number; /* 0: none here */
		uint64_t live, records;
		bool listed;
	} segments[SEGMENTS]; /* by number, or in one of the places that follow */
	struct {
		uint64_t id;
		uint32_t members, left; /* plain bytes: of its members, and as its record says */
	} groups[GROUPS];
};

static int fail(struct check *c, const char *what, uint64_t key, uint64_t a, uint64_t b)
{
	snprintf(c->problem, 256, "%s %llu: %llu, %llu", what, (unsigned long long)key, (unsigned long long)a,
		 (unsigned long long)b);
	return -EUCLEAN;
}

/* A segment's figures, which begin at nothing. */
static struct segment *segment_of(struct check *c, uint32_t number)
{
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		struct segment *s = &c->segments[(number + i) % SEGMENTS];

		if (s->number == 0 || s->number == number) {
			s->number = number;
			return s;
		}
	}
	abort();
}

/* Calls fn for every record of a table whose key starts with prefix. */
static int each(struct check *c, enum table table, const void *prefix, size_t len,
		int (*fn)(struct check *c, const struct index_record *rec, void *arg), void *arg)
{
	struct index_record *rec = malloc(sizeof *rec);
	struct index_scan *scan;
	int r;

	if (!rec)
		abort();
	r = index_scan_open(&c->op, table, prefix, len, NULL, 0, &scan);
	if (r == 0) {
		while ((r = index_scan_next(scan, rec)) == 1 && (r = fn(c, rec, arg)) == 0)
			;
		index_scan_close(scan);
	}
	free(rec);
	return r;
}

static int chunk_check(struct check *c, const struct index_record *rec, void *arg)
{
	struct chunks *chunks = arg;
	struct extent e;
	le64_t id;
	int r;

	if (rec->key_len != 12 || rec->len != sizeof id)
		return fail(c, "chunk record of inode", be64_get(rec->key), rec->key_len, rec->len);
	memcpy(&id, rec->value, sizeof id);
	r = extent_get(&c->op, le64_get(id), &e);
	if (r)
		return fail(c, "extent that a chunk names", le64_get(id), (uint64_t)-r, be64_get(rec->key));
	chunks->mapped += e.plain;
	c->refs++;
	return 0;
}

static int inode_check(struct check *c, const struct index_record *rec, void *arg)
{
	struct chunks chunks = { .ino = be64_get(rec->key) };
	struct inode_attr attr;
	int r;

	(void)arg;
	if (rec->key_len != 8 || inode_decode(rec->value, rec->len, &attr))
		return fail(c, "inode record", chunks.ino, rec->key_len, rec->len);
	if (chunks.ino >= c->vol->counters.next_ino)
		return fail(c, "inode number not given out", chunks.ino, c->vol->counters.next_ino, 0);
	c->inodes++;
	r = each(c, TABLE_CHUNK, rec->key, 8, chunk_check, &chunks);
	if (r == 0 && chunks.mapped != attr.blocks)
		r = fail(c, "mapped bytes of inode", chunks.ino, chunks.mapped, attr.blocks);
	return r;
}

static int count_record(struct check *c, const struct index_record *rec, void *arg)
{
	(void)c;
	(void)rec;
	++*(uint64_t *)arg;
	return 0;
}

/* Adds what is known of a group; its record and its members come in any order. */
static bool group_count(struct check *c, uint64_t id, uint32_t member, uint32_t left)
{
	size_t i = 0;

	while (i < GROUPS && c->groups[i].id && c->groups[i].id != id)
		i++;
	if (i == GROUPS)
		return false;
	c->groups[i].id = id;
	c->groups[i].members += member;
	c->groups[i].left += left;
	return true;
}

static int extent_check(struct check *c, const struct index_record *rec, void *arg)
{
	uint64_t id = be64_get(rec->key);
	struct extent e;
	int r = extent_get(&c->op, id, &e);
	uint32_t live = e.is_group ? group_share(e.pos.stored, e.plain, 0, e.refs) : e.pos.stored;

	(void)arg;
	if (r || id >= extent_peek_id(c->vol))
		return fail(c, "extent", id, (uint64_t)-r, e.pos.segment);
	c->extent_refs += e.is_group ? 0 : e.refs;
	if (e.pos.segment == 0) /* there is no record: no figure counts it */
		return 0;
	c->plain += e.is_group ? 0 : e.plain;
	if (e.group || e.is_group)
		if (!group_count(c, e.group ? e.group : id, e.group ? e.plain : 0, e.is_group ? e.refs : 0))
			return fail(c, "too many groups", id, 0, 0);
	if (e.group)
		return 0;
	segment_of(c, e.pos.segment)->live += sizeof(struct record_disk) + live;
	segment_of(c, e.pos.segment)->records++;
	return 0;
}

static int groups_check(struct check *c)
{
	for (size_t i = 0; i < GROUPS && c->groups[i].id; i++)
		if (c->groups[i].members != c->groups[i].left)
			return fail(c, "members of group", c->groups[i].id, c->groups[i].members, c->groups[i].left);
	return 0;
}

static int model_check(struct check *c, const struct index_record *rec, void *arg)
{
	struct model_disk d;

	(void)arg;
	if (rec->len != sizeof d)
		return fail(c, "model record", be32_get(rec->key), rec->len, 0);
	memcpy(&d, rec->value, sizeof d);
	for (int i = 0; i <= MODEL_STRIPS; i++) {
		struct segment *s = segment_of(c, le32_get(d.strip[i].segment));

		s->live += model_strip_stored(le32_get(d.bytes));
		s->records++;
	}
	return 0;
}

static int segment_check(struct check *c, const struct index_record *rec, void *arg)
{
	struct segment_stat_disk d;
	uint32_t s = be32_get(rec->key);
	struct segment *of;
	uint64_t bytes = 0;
	int r;

	(void)arg;
	if (rec->len != sizeof d || s == 0)
		return fail(c, "segment record", s, rec->len, 0);
	memcpy(&d, rec->value, sizeof d);
	of = segment_of(c, s);
	of->listed = true;
	if (le64_get(d.live) != of->live || le32_get(d.records) != of->records)
		return fail(c, "live bytes of segment", s, le64_get(d.live), of->live);
	if (s >= segments_next(c->vol->segments))
		return fail(c, "segment not given out", s, segments_next(c->vol->segments), 0);
	r = segment_size(c->vol->segments, s, &bytes, NULL);
	if ((r && !(r == -ENOENT && le32_get(d.records) == 0)) || (r == 0 && bytes < le64_get(d.total)))
		return fail(c, "length of segment", s, bytes, le64_get(d.total));
	return 0;
}

/* Segment files are those of the table, and no record is without its segment's. */
static int segments_check(struct check *c)
{
	uint32_t *numbers;
	size_t n;
	int r = segment_list(c->vol->segments, &numbers, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!segment_of(c, numbers[i])->listed)
			r = fail(c, "segment file that no record names", numbers[i], 0, 0);
	for (uint32_t i = 0; r == 0 && i < SEGMENTS; i++)
		if (c->segments[i].records > 0 && !c->segments[i].listed)
			r = fail(c, "segment without a record", c->segments[i].number, c->segments[i].records, 0);
	free(numbers);
	return r;
}

static int totals_check(struct check *c, const struct tree *tree)
{
	struct extent_totals totals;
	uint64_t chunks = 0, left = 0;
	int r = each(c, TABLE_CHUNK, NULL, 0, count_record, &chunks);

	if (r == 0)
		r = each(c, TABLE_ORPHAN, NULL, 0, count_record, &left);
	if (r == 0)
		r = each(c, TABLE_TODO, NULL, 0, count_record, &left);
	if (r)
		return r;
	extent_totals(c->vol, &totals);
	if (left)
		return fail(c, "orphans and to-dos", 0, left, 0);
	if (c->inodes != tree->inodes || c->inodes != c->vol->counters.inodes)
		return fail(c, "inodes reached, recorded, counted:", tree->inodes, c->inodes, c->vol->counters.inodes);
	if (chunks != c->refs || c->refs != c->extent_refs)
		return fail(c, "chunks, references:", chunks, c->refs, c->extent_refs);
	if (totals.plain_bytes != c->plain)
		return fail(c, "plain bytes", 0, totals.plain_bytes, c->plain);
	return 0;
}

int tree_check(struct volume *vol, const struct tree *tree, char problem[256])
{
	struct check *c = calloc(1, sizeof *c);
	int r;

	if (!c)
		abort();
	c->vol = vol;
	c->problem = problem;
	problem[0] = '\0';
	index_begin(vol->index, &c->op);
	r = each(c, TABLE_INODE, NULL, 0, inode_check, NULL);
	if (r == 0)
		r = each(c, TABLE_EXTENT, NULL, 0, extent_check, NULL);
	if (r == 0)
		r = each(c, TABLE_MODEL, NULL, 0, model_check, NULL);
	if (r == 0)
		r = each(c, TABLE_SEGMENT, NULL, 0, segment_check, NULL);
	if (r == 0)
		r = groups_check(c);
	if (r == 0)
		r = totals_check(c, tree);
	index_end(&c->op);
	if (r == 0)
		r = segments_check(c);
	if (r && !problem[0])
		snprintf(problem, 256, "error %d", r);
	free(c);
	return r;
}
