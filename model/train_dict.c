/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which chunks make the dictionary: lazy greedy maximum coverage over sampled 12-byte strings.
 *
 * A string's hash alone decides whether it is sampled (1 in 32, or fewer for large inputs), so that equal content is sampled alike
 * wherever it lies. A sampled string is worth one for each other chunk that contains it: there a dictionary match could begin at
 * its first occurrence. A chunk's gain is the sum over its strings that no chosen chunk contains; greedy takes the chunk with most gain per
 * byte that fits. Gains only shrink as chunks are chosen, so a heap of stale gains suffices: what is still on top after being
 * recomputed is the best.
 */
#include "model/train.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/form.h"

#define GRAM 12u
#define SAMPLE_LOG2_MIN 5u
#define GRAMS_TARGET (1u << 20)

struct gram {
	uint64_t hash; /* 0: free slot */
	uint32_t last; /* chunk that had it last, + 1 */
	uint32_t gain; /* chunks that have it, less one; 0 once covered */
};

struct candidate {
	double density; /* gain per byte, perhaps stale */
	size_t chunk;
};

struct picker {
	const struct train_chunk *chunks;
	size_t n;
	unsigned sample_shift;
	struct gram *grams; /* open addressing */
	size_t mask;
	uint32_t *slots;  /* distinct sampled grams of all chunks, chunk after chunk */
	size_t *first;    /* [n + 1] of each chunk in slots */
	struct candidate *heap;
	size_t heap_n;
};

static uint64_t gram_hash(const uint8_t *p)
{
	uint64_t a, z;
	uint32_t b;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, p + sizeof(a), sizeof(b));
	z = a * 0x9e3779b97f4a7c15u ^ (b + 0x7f4a7c15u) * 0xc2b2ae3d27d4eb4fu;
	z = (z ^ z >> 29) * 0xbf58476d1ce4e5b9u;
	return z ^ z >> 32;
}

static bool gram_sampled(const struct picker *p, uint64_t hash)
{
	return hash >> p->sample_shift == 0 && hash != 0;
}

static size_t picker_count(const struct picker *p)
{
	size_t count = 0;

	for (size_t c = 0; c < p->n; c++)
		for (size_t i = 0; i + GRAM <= p->chunks[c].len; i++)
			count += gram_sampled(p, gram_hash(p->chunks[c].bytes + i));
	return count;
}

static struct gram *picker_find(struct picker *p, uint64_t hash)
{
	size_t i = hash * 0x9e3779b97f4a7c15u >> 32 & p->mask;

	while (p->grams[i].hash && p->grams[i].hash != hash)
		i = (i + 1) & p->mask;
	return &p->grams[i];
}

/* Lists every chunk's distinct sampled grams and counts for each the chunks that have it. */
static void picker_index(struct picker *p)
{
	size_t used = 0;

	for (size_t c = 0; c < p->n; c++) {
		p->first[c] = used;
		for (size_t i = 0; i + GRAM <= p->chunks[c].len; i++) {
			uint64_t hash = gram_hash(p->chunks[c].bytes + i);
			struct gram *g;

			if (!gram_sampled(p, hash))
				continue;
			g = picker_find(p, hash);
			if (g->last == c + 1)
				continue;
			g->gain += g->hash != 0;
			g->hash = hash;
			g->last = (uint32_t)(c + 1);
			p->slots[used++] = (uint32_t)(g - p->grams);
		}
	}
	p->first[p->n] = used;
}

static double picker_density(const struct picker *p, size_t c)
{
	uint64_t gain = 0;

	for (size_t i = p->first[c]; i < p->first[c + 1]; i++)
		gain += p->grams[p->slots[i]].gain;
	return gain ? (double)gain / p->chunks[c].len : 0;
}

static bool candidate_before(const struct candidate *a, const struct candidate *b)
{
	return a->density > b->density || (a->density == b->density && a->chunk < b->chunk);
}

static void heap_sink(struct picker *p, size_t i)
{
	struct candidate moved = p->heap[i];

	for (size_t child; (child = 2 * i + 1) < p->heap_n; i = child) {
		if (child + 1 < p->heap_n && candidate_before(&p->heap[child + 1], &p->heap[child]))
			child++;
		if (!candidate_before(&p->heap[child], &moved))
			break;
		p->heap[i] = p->heap[child];
	}
	p->heap[i] = moved;
}

static void heap_drop_top(struct picker *p)
{
	p->heap[0] = p->heap[--p->heap_n];
	if (p->heap_n)
		heap_sink(p, 0);
}

static void picker_choose(struct picker *p, size_t budget, bool *picked)
{
	for (size_t c = 0; c < p->n; c++) {
		struct candidate x = {picker_density(p, c), c};

		if (x.density > 0)
			p->heap[p->heap_n++] = x;
	}
	for (size_t i = p->heap_n / 2; i-- > 0;)
		heap_sink(p, i);
	while (p->heap_n) {
		size_t c = p->heap[0].chunk;
		double density = picker_density(p, c);

		if (p->chunks[c].len > budget || density <= 0) {
			heap_drop_top(p);
			continue;
		}
		if (density < p->heap[0].density) {
			p->heap[0].density = density;
			heap_sink(p, 0);
			continue;
		}
		picked[c] = true;
		budget -= p->chunks[c].len;
		for (size_t i = p->first[c]; i < p->first[c + 1]; i++)
			p->grams[p->slots[i]].gain = 0;
		heap_drop_top(p);
	}
}

int train_pick_dict(const struct train_chunk *chunks, size_t n, size_t budget, bool *picked)
{
	struct picker p = {.chunks = chunks, .n = n};
	size_t total = 0, count, capacity = 64;
	unsigned sample_log2 = SAMPLE_LOG2_MIN;
	int rc = -ENOMEM;

	if (n >= UINT32_MAX)
		return -EINVAL;
	for (size_t c = 0; c < n; c++) {
		picked[c] = false;
		total += chunks[c].len;
	}
	while (total >> sample_log2 > GRAMS_TARGET)
		sample_log2++;
	p.sample_shift = 64 - sample_log2;
	count = picker_count(&p);
	while (capacity < 2 * count)
		capacity *= 2;
	if (capacity > UINT32_MAX)
		return -EINVAL;
	p.mask = capacity - 1;
	p.grams = calloc(capacity, sizeof(*p.grams));
	p.slots = calloc(count + 1, sizeof(*p.slots));
	p.first = calloc(n + 1, sizeof(*p.first));
	p.heap = calloc(n + 1, sizeof(*p.heap));
	if (!p.grams || !p.slots || !p.first || !p.heap)
		goto free_picker;
	picker_index(&p);
	picker_choose(&p, budget, picked);
	rc = 0;
free_picker:
	free(p.grams);
	free(p.slots);
	free(p.first);
	free(p.heap);
	return rc;
}

int train_join_dict(struct model *m, const struct train_chunk *chunks, size_t n)
{
	uint32_t at = 0;

	for (size_t i = 0; i < n; i++) {
		struct form form;

		if (chunks[i].len > m->shape.dict_len - at)
			return -EINVAL;
		form_find(&form, chunks[i].bytes, chunks[i].len);
		memcpy(m->dict + at, chunks[i].bytes, chunks[i].len);
		form_apply(&form, m->dict + at, chunks[i].len);
		at += chunks[i].len;
	}
	return model_index_dict(m);
}
