/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an entry of an archive says of an inode besides its contents.
 */
#ifndef FIRN_TOOLS_TAR_ATTR_H
#define FIRN_TOOLS_TAR_ATTR_H

#include "tools/tar_read.h"

/* Owner, mode, times, ACLs and extended attributes. What of the last two is not taken is told. fresh: just made, and given what its directory hands on. */
int tar_attr_set(struct tar_reader *t, struct archive_entry *entry, struct inode *inode, bool fresh);

/* The times of an entry, as attr_set takes them: which of them it has. */
unsigned tar_attr_times(struct archive_entry *entry, struct inode_attr *to);

#endif
