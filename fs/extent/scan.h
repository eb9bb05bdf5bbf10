/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over whole tables of the index in short operations, so that work of any length may be done per record.
 */
#ifndef FIRN_FS_SCAN_H
#define FIRN_FS_SCAN_H

#include "fs/extent/extent.h"
#include "fs/volume/volume.h"

/*
 * Calls fn outside any operation, with a copy, for each record in key order; records put or deleted during the walk may or may not be seen. A return other
 * than 0 ends the walk and is returned.
 */
int scan_table(struct volume *vol, enum table table, int (*fn)(void *arg, const struct index_record *r), void *arg);

/* Likewise for extents, decoded, groups and their members among them. Records that cannot be one are passed over: fsck's matter. */
int scan_extents(struct volume *vol, int (*fn)(void *arg, const struct extent *e), void *arg);

#endif
