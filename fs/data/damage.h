/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged extents: remembered in the index, told once each, listed with the files that they belong to.
 */
#ifndef FIRN_FS_DAMAGE_H
#define FIRN_FS_DAMAGE_H

#include "fs/extent/extent.h"

int damage_create(struct volume *vol); /* sets vol->damage */
void damage_destroy(struct volume *vol);

/*
 * A chunk could not be read: tells the volume's `damaged` (fs/volume/volume.h), once, as long as there are not too many. Outside operations.
 */
void damage_tell(struct volume *vol, uint64_t ino, uint32_t chunk);

/* Remembers that an extent that is no member can (not) be read, if it lies where e says still. 1: this is new. */
int damage_mark(struct volume *vol, const struct extent *e, bool damaged);

/* All chunks whose extents are remembered as damaged: fn is called for each file, paths as path_find. */
int damage_list(struct volume *vol, int (*fn)(void *arg, uint64_t ino, const char *path), void *arg);

#endif
