/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a statistic, found by name.
 */
#ifndef FIRN_FS_STAT_ROWS_H
#define FIRN_FS_STAT_ROWS_H

#include "fs/control/stat_by.h"
#include "fs/extent/extent.h"

struct stat_rows {
	struct stat_row *list;
	struct row_last {
		uint64_t ino;  /* the last file counted in the row */
		char *name;    /* whole                            */
		int32_t next;  /* in its bucket, -1 the last       */
	} *last;
	int32_t n;
	size_t room;
	int32_t buckets[256]; /* 1 + the first row, 0: none */
};

/* The row of that name, made when there is none. -ENOMEM. */
int32_t rows_find(struct stat_rows *rows, const char *name);

/* Adds a chunk of file ino; count_files: counts the file when it is new in the row (chunks come file by file). */
void rows_add(struct stat_rows *rows, int32_t row, uint64_t ino, const struct extent *e, bool count_files);

/* The rows with files, by size or in the order in which they were made; returns how many. */
uint32_t rows_take(const struct stat_rows *rows, bool by_size, struct stat_row out[STAT_ROWS_MAX]);

void rows_fini(struct stat_rows *rows);

#endif
