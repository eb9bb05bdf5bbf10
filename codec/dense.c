/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker's state of the level dense: made once, put back for every chunk to what chunks start
 * from.
 *
 * The tables are tens of times larger than what a small chunk touches, so the lines touched are
 * listed and only these are copied back, unless the list ran over or the tables came from another
 * model.
 */
#include "codec/dense_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *aligned(size_t n)
{
	return aligned_alloc(64, (n + 63) / 64 * 64);
}

int dense_create(struct dense **out)
{
	struct dense *d = aligned(sizeof *d);

	*out = NULL;
	if (!d)
		return -ENOMEM;
	memset(d, 0, sizeof *d);
	d->touch = malloc(DENSE_TOUCHED_MAX * sizeof *d->touch);
	d->tables = aligned(sizeof *d->tables);
	if (!d->touch || !d->tables) {
		dense_destroy(d);
		return -ENOMEM;
	}
	bit_history_init(&d->history);
	for (int32_t i = 0; i < DENSE_AGES; i++)
		d->reciprocal[i] = 65536 * 2 / (2 * i + 3);
	*out = d;
	return 0;
}

void dense_destroy(struct dense *d)
{
	if (!d)
		return;
	free(d->touch);
	free(d->tables);
	free(d);
}

void dense_begin(struct dense *d, const struct dense_start *start)
{
	d->learned = start->learned;
	if (d->serial != start->serial || d->touched > DENSE_TOUCHED_MAX) {
		*d->tables = *start->tables;
		d->serial = start->serial;
	} else {
		struct dense_line *to = d->tables->line;
		const struct dense_line *from = start->tables->line;

		for (uint32_t i = 0; i < d->touched; i++)
			to[d->touch[i]] = from[d->touch[i]];
	}
	d->touched = 0;
}
