/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing attributes: mode, owner, size and times, as setattr of the VFS asks for them.
 */
#ifndef FIRN_FS_ATTR_H
#define FIRN_FS_ATTR_H

#include "fs/names/inode.h"

enum {
	ATTR_MODE = 1,
	ATTR_UID = 2,
	ATTR_GID = 4,
	ATTR_SIZE = 8,
	ATTR_ATIME = 16,
	ATTR_MTIME = 32,
	ATTR_CTIME = 64,
	/* No values: take set-user-id and set-group-id away, as a write does; the second by who is outside of the group. */
	ATTR_KILL_PRIV = 128,
	ATTR_KILL_SGID = 256,
};

/*
 * A mode after a write or a change of owner by whom it does not trust: set-group-id without group execution stays, but for an
 * outsider of the group.
 */
uint32_t attr_mode_killed(uint32_t mode, bool outsider);

/* Applies the members of `to` that mask names. ctime becomes now unless ATTR_CTIME. Size: file_truncate. */
int attr_set(struct inode *inode, unsigned mask, const struct inode_attr *to);

/* The inode's contents were read: moves atime as the mount's policy says. */
void attr_accessed(struct inode *inode);

#endif
