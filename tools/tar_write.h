/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One inode of a store as an entry of a pax archive.
 */
#ifndef FIRN_TOOLS_TAR_WRITE_H
#define FIRN_TOOLS_TAR_WRITE_H

#include "fs/names/inode.h"
#include "tools/tar_report.h"

struct archive;

struct tar_writer {
	struct archive *archive;
	const struct tar_report *report;
	struct tar_counts *counts;
	uint8_t *buf;         /* of file contents, or names and values of attributes */
	const uint8_t *zeros; /* what holes are written as, which the archive leaves out */
};

/* Begins an archive on a descriptor, which stays the caller's. -errno; close it in any case. */
int tar_write_open(struct tar_writer *t, int fd);
/* Ends it: -errno of what could not be written. */
int tar_write_close(struct tar_writer *t);

/*
 * Writes an inode under a name; link: as one more name of that. What cannot be read is told, and left out or, once a file has begun, zeros.
 * -errno only when the archive cannot be written on, or the report stops it.
 */
int tar_write_inode(struct tar_writer *t, const char *path, struct inode *inode, const char *link);

/* Tells of a name that something is missing of it. 0. */
int tar_write_problem(struct tar_writer *t, const char *path, int error);

#endif
