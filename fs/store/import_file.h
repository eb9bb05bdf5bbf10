/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of import: its state, and what one inode's copy takes over.
 */
#ifndef FIRN_FS_IMPORT_FILE_H
#define FIRN_FS_IMPORT_FILE_H

#include <time.h>

#include "fs/names/inode.h"
#include "fs/store/import.h"
#include "fs/store/volume_open.h"

#define IMPORT_BUFFER (1u << 20)

struct import {
	struct volume *vol;
	const struct import_options *opt;
	struct import_progress done;
	struct volume_error
		*err; /* its text is the path of the directory being copied, at last of what failed */
	bool failed;
	bool owner;               /* owners are kept: only root may give files away */
	dev_t store_dev;
	ino_t store_ino;
	void *links;              /* a tree of search.h */
	uint8_t *buf;             /* IMPORT_BUFFER bytes */
	struct timespec start;
};

/*
 * Opens an entry without following or blocking: regular files and directories for reading, others as a path.
 * -errno.
 */
int import_open(int dirfd, const char *name, mode_t mode);

/* Copies the contents of a regular file, holes left out. */
int import_data(struct import *im, int fd, struct inode *inode);

/* Owner, mode, attributes, and times last. */
int import_attributes(struct import *im, int fd, const struct stat *st, struct inode *inode);

/* Calls the progress function; -EINTR when it wants to stop. */
int import_tell(struct import *im);

#endif
