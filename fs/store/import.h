/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies a tree from outside into a volume: contents, owners, modes, times, hard links, symlinks, device
 * nodes, xattrs, holes.
 */
#ifndef FIRN_FS_IMPORT_H
#define FIRN_FS_IMPORT_H

#include "fs/store/volume_open.h"
#include "fs/volume/volume.h"

struct import_progress {
	uint64_t files, bytes;
	double seconds;
};

struct import_options {
	int (*progress)(void *arg, const struct import_progress *p); /* non-zero: stop, -EINTR */
	void *arg;
};

/* err->text names the path that failed. Does not cross into the store itself. */
int import_tree(struct volume *vol, const char *dir, const struct import_options *opt,
		struct import_progress *done, struct volume_error *err);

#endif
