/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment cleaning: the live records of segments that are mostly garbage are copied elsewhere, as they are, so that the segments go.
 */
#include "fs/tiers/compact_clean.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/scan.h"
#include "fs/extent/space.h"

/* Copies made before they are synced and moved to. */
#define MOVES_MAX 4096u

/*
 * Whether so much of a segment is garbage that it is worth rewriting what is alive. What was punched out already takes no space; where the file system
 * says nothing of use about that, the length counts.
 */
static bool clean_pays(uint64_t live, uint64_t length, uint64_t disk, unsigned live_max)
{
	uint64_t size = disk >= live && disk < length ? disk : length;

	return live < size / 16 * live_max;
}

struct dirty_segments {
	struct volume *vol;
	unsigned live_max;
	uint32_t *numbers;
	size_t n;
};

static int clean_consider(void *arg, const struct index_record *r)
{
	struct dirty_segments *d = arg;
	struct segment_stat_disk stat;
	uint32_t *grown, number;
	uint64_t length, disk;

	if (r->key_len != 4 || r->len != sizeof stat)
		return 0;
	memcpy(&stat, r->value, sizeof stat);
	number = be32_get(r->key);
	if (stat.stream == STREAM_MODEL || segment_is_open(d->vol->segments, number) ||
	    segment_size(d->vol->segments, number, &length, &disk) < 0 ||
	    !clean_pays(le64_get(stat.live), length, disk, d->live_max))
		return 0;
	grown = realloc(d->numbers, (d->n + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	d->numbers = grown;
	d->numbers[d->n++] = number;
	return 0;
}

struct move {
	struct extent from, to;
};

struct copier {
	struct volume *vol;
	const struct compact_options *opt;
	struct move *list; /* MOVES_MAX */
	size_t n;
	uint64_t live;     /* bytes of the records found alive */
};

/* Whether an extent or a group still lies in this record: 1 and *e, 0, -errno. */
static int clean_lives(struct copier *c, const struct segment_pos *pos, const struct record *r, struct extent *e)
{
	struct index_op op;
	int rc;

	if (c->opt->gate)
		c->opt->gate(c->opt->arg);
	if (c->opt->end && __atomic_load_n(c->opt->end, __ATOMIC_RELAXED) != 0)
		return -EINTR;
	if (r->kind != RECORD_EXTENT && r->kind != RECORD_GROUP)
		return 0;
	index_begin(c->vol->index, &op);
	rc = extent_get(&op, r->id, e);
	index_end(&op);
	if (rc == -ENOENT || rc == -EUCLEAN)
		return 0;
	if (rc < 0)
		return rc;
	return !e->group && e->is_group == (r->kind == RECORD_GROUP) && e->pos.segment == pos->segment &&
	       e->pos.offset == pos->offset;
}

static int clean_count(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct copier *c = arg;
	struct extent e;
	int rc = clean_lives(c, pos, r, &e);

	(void)bytes;
	if (rc == 1)
		c->live += sizeof(struct record_disk) + r->stored;
	return rc < 0 ? rc : 0;
}

/* Makes the copies durable and moves to them; rc < 0: only forgets them. */
static int clean_move(struct copier *c, int rc)
{
	if (rc == 0)
		rc = segment_sync(c->vol->segments);
	for (size_t i = 0; i < c->n; i++) {
		struct index_op op;
		int moved = 0;

		index_begin(c->vol->index, &op);
		if (rc == 0)
			moved = extent_move(&op, c->vol, &c->list[i].from, &c->list[i].to);
		index_end(&op);
		extent_release(c->vol, &c->list[i].to.pos);
		rc = moved < 0 ? moved : rc;
	}
	c->n = 0;
	return rc;
}

/* Copies the record if an extent still lies there. */
static int clean_copy(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct copier *c = arg;
	struct record again = *r;
	struct move m;
	int rc = clean_lives(c, pos, r, &m.from);

	if (rc <= 0)
		return rc;
	m.to = m.from;
	rc = extent_append(c->vol, STREAM_COLD, &again, bytes, r->stored, &m.to.pos);
	if (rc == 0)
		c->list[c->n++] = m;
	return rc == 0 && c->n == MOVES_MAX ? clean_move(c, 0) : rc;
}

/* Room for the copies of what is alive in a segment, once what is garbage already has come back. */
static int clean_room(struct volume *vol, uint64_t need)
{
	int rc = space_scratch(vol, need);

	if (rc == -ENOSPC) {
		rc = volume_commit(vol);
		if (rc == 0)
			rc = space_scratch(vol, need);
	}
	return rc;
}

/* A segment whose garbage is within groups is left: copying them would not make it smaller. */
static int clean_segment(struct copier *c, uint32_t number, unsigned live_max)
{
	uint64_t bad, length, disk;
	int rc = segment_size(c->vol->segments, number, &length, &disk);

	c->live = 0;
	if (rc == 0)
		rc = segment_scan(c->vol->segments, number, clean_count, c, &bad);
	if (rc < 0 || !clean_pays(c->live, length, disk, live_max))
		return rc;
	if (c->live > 0)
		rc = clean_room(c->vol, c->live);
	if (rc == 0 && c->live > 0)
		rc = segment_scan(c->vol->segments, number, clean_copy, c, &bad);
	return clean_move(c, rc);
}

static int clean_list(struct copier *c, const struct dirty_segments *d, const struct compact_progress *figures)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		if (c->opt->progress && c->opt->progress(c->opt->arg, figures) != 0)
			return -EINTR;
		rc = clean_segment(c, d->numbers[i], d->live_max);
		if (rc == -ENOENT)
			rc = 0; /* reaped meanwhile */
		if (rc == 0)
			rc = volume_commit(c->vol);
	}
	return rc;
}

int clean_segments(struct volume *vol, const struct compact_options *opt, unsigned live_max, const struct compact_progress *figures)
{
	struct dirty_segments d = {.vol = vol, .live_max = live_max};
	struct copier c = {.vol = vol, .opt = opt};
	int rc = scan_table(vol, TABLE_SEGMENT, clean_consider, &d);

	if (rc == 0 && d.n > 0) {
		c.list = malloc(MOVES_MAX * sizeof *c.list);
		rc = c.list ? clean_list(&c, &d, figures) : -ENOMEM;
	}
	free(c.list);
	free(d.numbers);
	return rc;
}
