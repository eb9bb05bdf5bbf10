/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for extents whose place is lost: any whole record of an extent will do, for its plain bytes never change. Recompaction and
 * cleaning leave such records behind until their segments go.
 */
#include <errno.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "fs/check/check_pass.h"

struct search {
	struct check *ck;
	uint64_t *seen; /* sequence numbers of what was found, by place in ck->extents */
};

static bool fits(struct check *ck, const struct check_extent *x, const struct record *r)
{
	const struct check_model *m = r->model ? check_model(ck, r->model) : NULL;

	return r->plain > 0 && r->plain <= ck->vol->super.chunk_size && r->stored > 0 && r->stored <= r->plain &&
	       (x->e.plain == 0 || x->e.plain == r->plain) && r->codec < CODEC_COUNT &&
	       (r->model == 0 || (m && m->whole));
}

static int record_consider(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct search *s = arg;
	struct check_extent *x;
	uint64_t *sequence;

	(void)bytes;
	if (r->kind != RECORD_EXTENT && r->kind != RECORD_GROUP)
		return 0;
	x = check_extent(s->ck, r->id);
	if (!x || !x->bad || x->e.is_group != (r->kind == RECORD_GROUP) || !fits(s->ck, x, r))
		return 0;
	sequence = s->seen + (x - (struct check_extent *)s->ck->extents.items);
	if (*sequence >= r->sequence)
		return 0;
	*sequence = r->sequence;
	x->where = (struct extent){
		.id = r->id, .pos = *pos, .plain = r->plain, .codec = r->codec, .level = r->level, .model = r->model,
		.is_group = r->kind == RECORD_GROUP,
	};
	if (s->ck->max_sequence < r->sequence)
		s->ck->max_sequence = r->sequence;
	return 0;
}

int check_find(struct check *ck)
{
	struct search s = { .ck = ck };
	uint32_t *numbers;
	uint64_t bad;
	size_t n;
	int r;

	s.seen = calloc(ck->extents.n + 1, sizeof *s.seen);
	if (!s.seen)
		return -ENOMEM;
	r = segment_list(ck->vol->segments, &numbers, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = segment_scan(ck->vol->segments, numbers[i], record_consider, &s, &bad);
		if (r == 0 && ck->opt->progress && ck->opt->progress(ck->opt->arg, &ck->progress))
			r = -EINTR;
	}
	free(numbers);
	free(s.seen);
	return r;
}
