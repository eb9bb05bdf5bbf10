/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From inodes back to paths, by a walk over all names: for messages about damage, not for reading files.
 */
#ifndef FIRN_FS_PATH_H
#define FIRN_FS_PATH_H

#include "fs/volume/volume.h"

/* The directory that a directory lies in. -ENOENT, -EUCLEAN: no such inode, or a damaged one. */
int path_parent(struct volume *vol, uint64_t dir, uint64_t *parent);

/* Directories nested deeper than this are taken to have no way up: damage could have made a ring of them. */
#define PATH_DEPTH_MAX 4096u

/*
 * Calls fn with a path of each of n inodes, ascending, from the root of the mount; "" for one that has none. Stops when fn returns something
 * else than 0, and returns that.
 */
int path_find(struct volume *vol, const uint64_t *inos, size_t n, int (*fn)(void *arg, uint64_t ino, const char *path),
	      void *arg);

#endif
