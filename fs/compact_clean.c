/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment cleaning: the live records of segments that are mostly garbage are copied elsewhere, as they are, so that the segments go.
 */
#include "fs/compact_clean.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent.h"
#include "fs/scan.h"

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

	if (r->key_len != 4 || r->len != sizeof stat)
		return 0;
	memcpy(&stat, r->value, sizeof stat);
	number = be32_get(r->key);
	if (stat.stream == STREAM_MODEL || stat.stream == STREAM_MODEL2 || segment_is_open(d->vol->segments, number) ||
	    le64_get(stat.live) >= le64_get(stat.total) / 16 * d->live_max)
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
	struct move *list;
	size_t n, room;
	uint64_t live; /* bytes of the records found alive */
};

/* Whether an extent or a group still lies in this record: 1 and *e, 0, -errno. */
static int clean_lives(struct volume *vol, const struct segment_pos *pos, const struct record *r, struct extent *e)
{
	struct index_op op;
	int rc;

	if (r->kind != RECORD_EXTENT && r->kind != RECORD_GROUP)
		return 0;
	index_begin(vol->index, &op);
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
	int rc = clean_lives(c->vol, pos, r, &e);

	(void)bytes;
	if (rc == 1)
		c->live += sizeof(struct record_disk) + r->stored;
	return rc < 0 ? rc : 0;
}

/* Copies the record if an extent still lies there. */
static int clean_copy(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct copier *c = arg;
	struct record again = *r;
	struct move m;
	int rc = clean_lives(c->vol, pos, r, &m.from);

	if (rc <= 0)
		return rc;
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 256;
		struct move *grown = realloc(c->list, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		c->list = grown;
		c->room = room;
	}
	m.to = m.from;
	rc = extent_append(c->vol, STREAM_COLD, &again, bytes, r->stored, &m.to.pos);
	if (rc == 0)
		c->list[c->n++] = m;
	return rc;
}

/* Moves what was copied, if the copies are durable; rc: how copying went. */
static int clean_move(struct copier *c, int rc)
{
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
	return rc;
}

/* A segment whose garbage is within groups is left: copying them would not make it smaller. */
static int clean_segment(struct volume *vol, uint32_t number, unsigned live_max)
{
	struct copier c = {.vol = vol};
	uint64_t bad, total;
	int rc = segment_size(vol->segments, number, &total, NULL);

	if (rc == 0)
		rc = segment_scan(vol->segments, number, clean_count, &c, &bad);
	if (rc < 0 || c.live >= total / 16 * live_max)
		return rc;
	rc = segment_scan(vol->segments, number, clean_copy, &c, &bad);
	if (rc == 0)
		rc = segment_sync(vol->segments);
	rc = clean_move(&c, rc);
	free(c.list);
	return rc;
}

int clean_segments(struct volume *vol, const struct compact_options *opt, unsigned live_max, const struct compact_progress *figures)
{
	struct dirty_segments d = {.vol = vol, .live_max = live_max};
	int rc;

	rc = scan_table(vol, TABLE_SEGMENT, clean_consider, &d);
	for (size_t i = 0; rc == 0 && i < d.n; i++) {
		if (opt->progress && opt->progress(opt->arg, figures) != 0) {
			rc = -EINTR;
			break;
		}
		rc = clean_segment(vol, d.numbers[i], live_max);
		if (rc == -ENOENT)
			rc = 0; /* reaped meanwhile */
		if (rc == 0)
			rc = volume_commit(vol);
	}
	free(d.numbers);
	return rc;
}
