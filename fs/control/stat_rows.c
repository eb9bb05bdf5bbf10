/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a statistic, found by name.
 */
#include "fs/control/stat_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/stat.h"

#define OTHERS "(others)"

static size_t rows_hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return (h >> 16 ^ h) % (sizeof((struct stat_rows *)0)->buckets / sizeof(int32_t));
}

static int rows_grow(struct stat_rows *rows)
{
	size_t room = rows->room ? 2 * rows->room : 64;
	void *list = realloc(rows->list, room * sizeof *rows->list), *last;

	if (!list)
		return -ENOMEM;
	rows->list = list;
	last = realloc(rows->last, room * sizeof *rows->last);
	if (!last)
		return -ENOMEM;
	rows->last = last;
	rows->room = room;
	return 0;
}

int32_t rows_find(struct stat_rows *rows, const char *name)
{
	size_t bucket = rows_hash(name);
	int32_t row = rows->buckets[bucket] - 1;

	while (row >= 0 && strcmp(rows->last[row].name, name) != 0)
		row = rows->last[row].next;
	if (row >= 0)
		return row;
	if ((size_t)rows->n == rows->room && rows_grow(rows) < 0)
		return -ENOMEM;
	row = rows->n;
	rows->list[row] = (struct stat_row){0};
	snprintf(rows->list[row].name, sizeof rows->list[row].name, "%s", name);
	rows->last[row] = (struct row_last){.name = strdup(name), .next = rows->buckets[bucket] - 1};
	if (!rows->last[row].name)
		return -ENOMEM;
	rows->n++;
	rows->buckets[bucket] = row + 1;
	return row;
}

void rows_add(struct stat_rows *rows, int32_t row, uint64_t ino, const struct extent *e, bool count_files)
{
	struct stat_row *to = &rows->list[row];
	uint64_t stored = (e->stored + (e->group ? 0 : sizeof(struct record_disk))) / (e->refs ? e->refs : 1);

	to->plain += e->plain;
	to->stored += stored;
	if (stat_tier(e) == STAT_WARM)
		to->warm += e->plain;
	if (stat_tier(e) == STAT_COLD) {
		to->cold += e->plain;
		to->cold_stored += stored;
	}
	if (count_files && rows->last[row].ino != ino)
		to->files++;
	rows->last[row].ino = ino;
}

static int rows_compare(const void *a, const void *b)
{
	const struct stat_row *x = a, *y = b;

	if (x->plain != y->plain)
		return x->plain > y->plain ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void rows_merge(struct stat_row *to, const struct stat_row *row)
{
	to->files += row->files;
	to->plain += row->plain;
	to->stored += row->stored;
	to->warm += row->warm;
	to->cold += row->cold;
	to->cold_stored += row->cold_stored;
}

uint32_t rows_take(const struct stat_rows *rows, bool by_size, struct stat_row out[STAT_ROWS_MAX])
{
	uint32_t n = 0;

	if (by_size && rows->n > 0)
		qsort(rows->list, (size_t)rows->n, sizeof *rows->list, rows_compare);
	for (int32_t i = 0; i < rows->n; i++) {
		if (rows->list[i].files == 0)
			continue;
		if (n == STAT_ROWS_MAX) {
			rows_merge(&out[n - 1], &rows->list[i]);
			snprintf(out[n - 1].name, sizeof out[n - 1].name, OTHERS);
		} else {
			out[n++] = rows->list[i];
		}
	}
	return n;
}

void rows_fini(struct stat_rows *rows)
{
	for (int32_t i = 0; i < rows->n; i++)
		free(rows->last[i].name);
	free(rows->last);
	free(rows->list);
	*rows = (struct stat_rows){0};
}
