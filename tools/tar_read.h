/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One entry of an archive into a store.
 */
#ifndef FIRN_TOOLS_TAR_READ_H
#define FIRN_TOOLS_TAR_READ_H

#include <time.h>

#include "tools/tar_place.h"
#include "tools/tar_report.h"

struct archive;
struct archive_entry;
struct dir_times;

struct tar_reader {
	struct archive *archive;
	const struct tar_report *report;
	struct tar_counts *counts;
	struct tar_place place;
	bool owner;             /* owners are kept: only root may give files away       */
	bool ended;             /* nothing more comes, or the store takes nothing more  */
	struct dir_times *dirs; /* times of directories, which what comes below changes */
	size_t dirs_n, dirs_cap;
};

/* 0, also when the entry was told to be a problem; -errno: go no further. */
int tar_read_entry(struct tar_reader *t, struct archive_entry *entry);

/* After the last: directories get their times. */
int tar_read_finish(struct tar_reader *t);

/* Tells of a problem with a name: why in words, or a -errno when that is NULL. */
void tar_read_problem(struct tar_reader *t, const char *path, const char *why, int error);

/* -EINTR when the report wants to stop. */
int tar_read_tell(struct tar_reader *t);

#endif
