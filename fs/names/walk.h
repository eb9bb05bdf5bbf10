/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All names below one, in an order that depends on nothing but them: for what writes a store's contents out.
 */
#ifndef FIRN_FS_WALK_H
#define FIRN_FS_WALK_H

#include "fs/names/inode.h"

struct walk {
	/* A name and what it stands for, directories before what they hold. Not 0: the walk ends with that. */
	int (*entry)(void *arg, const char *path, struct inode *inode);
	/* What path stands for, or the rest of that directory, cannot be read: error is a -errno. Likewise. */
	int (*lost)(void *arg, const char *path, int error);
	void *arg;
};

/*
 * Visits top under the name path, and, of a directory, each name below it as PATH/NAME, sorted by bytes. For stores that
 * nobody changes meanwhile. 0, what a function returned, or -ENOMEM.
 */
int walk_tree(struct inode *top, const char *path, const struct walk *walk);

#endif
