/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the names of an archive lie in a store: always below one directory of it, and never by way of a symlink.
 */
#ifndef FIRN_TOOLS_TAR_PLACE_H
#define FIRN_TOOLS_TAR_PLACE_H

#include "fs/names/inode.h"

struct tar_place {
	struct inode *base; /* referenced */
	/* The last directory, for the next name is likely to lie in it, too. NULL: none */
	struct inode *dir;
	char *dir_name;
};

/* Below the directory name of a store's root. Like tar_place_find. */
int tar_place_open(struct volume *vol, const char *name, struct tar_place *p, const char **why);
void tar_place_close(struct tar_place *p);

/*
 * The directory that name lies in, referenced, and the last part of name (freed by the caller), "" for base itself. make: missing directories
 * on the way are made, as the caller's. -errno, and *why in words, NULL when errno says all.
 */
int tar_place_find(struct tar_place *p, const char *name, bool make, struct inode **dir, char **last, const char **why);

/* The inode of a name that is there. */
int tar_place_get(struct tar_place *p, const char *name, struct inode **out, const char **why);

/* A directory was removed: the last one may be it. */
void tar_place_forget(struct tar_place *p);

#endif
