/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of a directory take, divided by subdirectory, type, tier or age.
 */
#ifndef FIRN_FS_STAT_BY_H
#define FIRN_FS_STAT_BY_H

#include "fs/volume/volume.h"

enum stat_by {
	STAT_BY_DIR,  /* the directory's entries; "." for its own files              */
	STAT_BY_TYPE, /* what follows the last dot of the name, with it              */
	STAT_BY_TIER, /* hot, warm, cold                                             */
	STAT_BY_AGE,  /* since a chunk was last written, or noticed to be read       */
	STAT_BY_COUNT
};

/* The largest rows; what is left is in a last one, named "(others)". */
#define STAT_ROWS_MAX 96u

struct stat_row {
	char name[64];        /* cut when it is longer                                         */
	uint64_t files;       /* with chunks in this row; by directory and type: all           */
	uint64_t plain;       /* bytes of chunks                                               */
	uint64_t stored;      /* record bytes; what several chunks share is divided among them */
	uint64_t warm, cold;  /* plain bytes in these tiers                                    */
	uint64_t cold_stored; /* what those cold take                                          */
};

/*
 * Rows of the directory dir and all below it, largest first; by tier hot first, by age the youngest. Walks names and chunks in short operations; takes some
 * 16 bytes of memory per file. A file with several names counts where one of them is. -ENOTDIR: dir is none.
 */
int stat_by(struct volume *vol, enum stat_by by, uint64_t dir, struct stat_row rows[STAT_ROWS_MAX], uint32_t *n);

#endif
