/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which small pieces of data to pack together: greedy, over an inverted index of sampled substrings.
 */
#include "fs/tiers/similar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLED 16u       /* one substring in so many is a feature ... */
#define FEATURES_MAX 256u /* ... and those with the smallest hashes of a piece that has more */
#define UNSURE 8u         /* features that a piece is thought to have besides: a few common ones are no proof */

/* That a piece has a feature; sorted by feature they are the inverted index. */
struct posting {
	uint32_t feature, piece;
};

struct similar {
	struct piece *pieces;
	size_t n;
	struct posting *postings;
	size_t n_postings, room;
	uint32_t *first; /* by piece: where its features begin in `features` */
	uint32_t *features; /* of all pieces: where the run of postings with that feature begins */
	uint32_t *known; /* by begin of a run: number of the last group that has the feature, plus 1 */
	uint32_t *score; /* by piece: its features that the group has */
	size_t *left;    /* pieces in no group yet */
	size_t n_left;
};

static int compare(const void *a, const void *b)
{
	const struct posting *x = a, *y = b;

	if (x->feature != y->feature)
		return x->feature < y->feature ? -1 : 1;
	return x->piece < y->piece ? -1 : x->piece > y->piece;
}

/* Adds the features of a piece, each once. */
static int piece_sample(struct similar *s, uint32_t piece)
{
	const struct piece *p = &s->pieces[piece];
	size_t begin = s->n_postings, end = begin;
	uint64_t v;

	if (s->room - begin < p->len) {
		size_t room = 2 * s->room + p->len;
		struct posting *grown = realloc(s->postings, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		s->postings = grown;
		s->room = room;
	}
	for (uint32_t i = 0; i + sizeof v <= p->len; i++) {
		uint32_t h;

		memcpy(&v, p->bytes + i, sizeof v);
		h = (uint32_t)(v * 0x9e3779b97f4a7c15u >> 32);
		if (h % SAMPLED == 0)
			s->postings[end++] = (struct posting){h, piece};
	}
	if (end > begin)
		qsort(s->postings + begin, end - begin, sizeof *s->postings, compare);
	for (size_t i = begin; i < end && s->n_postings - begin < FEATURES_MAX; i++) {
		if (s->n_postings == begin || s->postings[i].feature != s->postings[s->n_postings - 1].feature)
			s->postings[s->n_postings++] = s->postings[i];
	}
	return 0;
}

/* Where the run of postings that begins at i ends. */
static size_t run_end(const struct similar *s, size_t i)
{
	size_t end = i + 1;

	while (end < s->n_postings && s->postings[end].feature == s->postings[i].feature)
		end++;
	return end;
}

/* Sorts the postings by feature and tells each piece where its runs begin. */
static int runs_make(struct similar *s)
{
	uint32_t *at = calloc(s->n + 1, sizeof *at);

	s->features = malloc((s->n_postings + 1) * sizeof *s->features);
	s->known = calloc(s->n_postings + 1, sizeof *s->known);
	if (!at || !s->features || !s->known) {
		free(at);
		return -ENOMEM;
	}
	memcpy(at, s->first, s->n * sizeof *at);
	if (s->n_postings > 0)
		qsort(s->postings, s->n_postings, sizeof *s->postings, compare);
	for (size_t i = 0, end; i < s->n_postings; i = end) {
		end = run_end(s, i);
		for (size_t k = i; k < end; k++)
			s->features[at[s->postings[k].piece]++] = (uint32_t)i;
	}
	free(at);
	return 0;
}

static int similar_init(struct similar *s)
{
	int rc = 0;

	s->first = calloc(s->n + 1, sizeof *s->first);
	s->score = calloc(s->n + 1, sizeof *s->score);
	s->left = malloc((s->n + 1) * sizeof *s->left);
	if (!s->first || !s->score || !s->left)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		s->first[i] = (uint32_t)s->n_postings;
		s->left[s->n_left++] = i;
		rc = piece_sample(s, (uint32_t)i);
	}
	s->first[s->n] = (uint32_t)s->n_postings;
	return rc ? rc : runs_make(s);
}

static void similar_fini(struct similar *s)
{
	free(s->postings);
	free(s->first);
	free(s->features);
	free(s->known);
	free(s->score);
	free(s->left);
}

/* The group has this piece's features now. What half of all pieces have tells nothing and is passed over. */
static void features_learn(struct similar *s, size_t piece, uint32_t group)
{
	if (s->n_postings == 0)
		return;
	for (uint32_t f = s->first[piece]; f < s->first[piece + 1]; f++) {
		size_t run = s->features[f], end;

		if (s->known[run] == group + 1)
			continue;
		s->known[run] = group + 1;
		end = run_end(s, run);
		if (end - run > s->n / 2 + 1)
			continue;
		for (size_t k = run; k < end; k++)
			s->score[s->postings[k].piece]++;
	}
}

/* The piece left that fits and is most like the group, the first of equals; index into left, or n_left. */
static size_t next_find(const struct similar *s, uint32_t room)
{
	uint64_t best_score = 0, best_of = 1;
	size_t best = s->n_left;

	for (size_t i = 0; i < s->n_left; i++) {
		size_t piece = s->left[i];
		uint64_t score = s->score[piece], of = s->first[piece + 1] - s->first[piece] + UNSURE;

		if (s->pieces[piece].len > room || (best < s->n_left && score * best_of <= best_score * of))
			continue;
		best = i;
		best_score = score;
		best_of = of;
	}
	return best;
}

/* Takes pieces for one group; returns how many. */
static size_t group_fill(struct similar *s, uint32_t group, uint32_t room, size_t members_max, size_t *order)
{
	size_t n = 0;

	memset(s->score, 0, s->n * sizeof *s->score);
	for (size_t i = 0; i < s->n_left && n < members_max; i = next_find(s, room)) {
		size_t piece = s->left[i];

		memmove(s->left + i, s->left + i + 1, (--s->n_left - i) * sizeof *s->left);
		s->pieces[piece].group = group;
		room -= s->pieces[piece].len;
		order[n++] = piece;
		features_learn(s, piece, group);
	}
	return n;
}

int similar_divide(struct piece *pieces, size_t n, uint32_t group_bytes, size_t members_max, size_t *order, size_t *groups)
{
	struct similar s = {.pieces = pieces, .n = n};
	int rc = similar_init(&s);
	size_t done = 0;

	*groups = 0;
	while (rc == 0 && s.n_left > 0)
		done += group_fill(&s, (uint32_t)(*groups)++, group_bytes, members_max, order + done);
	similar_fini(&s);
	return rc;
}
