/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes of an inode, and the symlink target, which is kept as the attribute with the empty
 * name.
 */
#ifndef FIRN_FS_XATTR_H
#define FIRN_FS_XATTR_H

#include "fs/names/inode.h"

/*
 * flags: XATTR_CREATE, XATTR_REPLACE. -EEXIST, -ENODATA, -ERANGE (name), -E2BIG (value over 64 KiB), -ENOSPC
 * (names over 64 KiB in all), -EINVAL (user.firn.tier that is no policy, fs/names/tier.h).
 */
int xattr_set(struct inode *inode, const char *name, const void *value, size_t len, int flags);
/* Length of the value; copied when cap > 0 (-ERANGE when too small). -ENODATA. */
int xattr_get(struct inode *inode, const char *name, void *value, size_t cap);
/* Length of the list of NUL-terminated names; copied when cap > 0. */
int xattr_list(struct inode *inode, char *list, size_t cap);
int xattr_remove(struct inode *inode, const char *name);

/*
 * Inside a change, with the inode locked: sets a value, or removes it (NULL), together with the attributes as
 * they are; the value is whole again when that fails. What is not there to be removed is no error.
 */
struct dir_change;
void xattr_change(struct dir_change *c, struct inode *inode, const char *name, const void *value, size_t len,
		  int flags);

/*
 * Inside an operation: one value as it is (length, or -ENODATA; copies what fits), the pieces of one value, and
 * all of an inode's when it goes.
 */
int xattr_get_value(struct index_op *op, uint64_t ino, const char *name, void *value, size_t cap);
int xattr_put_value(struct index_op *op, uint64_t ino, const char *name, const void *value, size_t len);
int xattr_drop_all(struct index_op *op, uint64_t ino);

#endif
