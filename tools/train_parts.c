/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disjoint parts of a training sample: validation, calibration, the model's dictionary, and what is trained on.
 */
#include "tools/train_parts.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNKS_MIN 8
#define VALID_MAX (3u << 20)
#define CALIBRATION_MAX (2u << 20)

/* The chunks from `first` on that make up about `bytes`, at least one. */
static struct train_part parts_cut(const struct sample *s, size_t first, uint64_t bytes)
{
	struct train_part p = {.chunks = s->chunks + first};

	while (first + p.n < s->n && (p.n == 0 || p.bytes + p.chunks[p.n].len <= bytes))
		p.bytes += p.chunks[p.n++].len;
	return p;
}

static uint64_t parts_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int parts_split(const struct sample *s, struct train_parts *out)
{
	*out = (struct train_parts){0};
	if (s->n < CHUNKS_MIN)
		return -ENODATA;
	out->valid = parts_cut(s, 0, parts_least(s->bytes / 20, VALID_MAX));
	out->calibration = parts_cut(s, out->valid.n, parts_least(s->bytes / 30, CALIBRATION_MAX));
	out->train = parts_cut(s, out->valid.n + out->calibration.n, UINT64_MAX);
	out->dict.chunks = out->train.chunks;
	return out->train.n > 0 ? 0 : -ENODATA;
}

int parts_pick_dict(struct train_parts *parts, size_t budget)
{
	struct train_part *t = &parts->train, *d = &parts->dict;
	bool *picked;
	size_t n = t->n;
	int rc;

	if (budget == 0)
		return 0;
	picked = calloc(n, sizeof *picked);
	if (!picked)
		return -ENOMEM;
	rc = train_pick_dict(t->chunks, n, budget, picked);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct train_chunk *to = &d->chunks[d->n], chunk = d->chunks[i];

		if (!picked[i])
			continue;
		d->chunks[i] = *to; /* everything from *to to i - 1 was not picked */
		*to = chunk;
		d->n++;
		d->bytes += chunk.len;
	}
	free(picked);
	t->chunks = d->chunks + d->n;
	t->n = n - d->n;
	t->bytes -= d->bytes;
	return rc < 0 || t->n > 0 ? rc : -ENODATA;
}
