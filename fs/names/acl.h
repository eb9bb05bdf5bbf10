/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX ACLs: kept as extended attributes in the form that the kernel passes, in step with the mode, and
 * inherited. The kernel checks permissions with them.
 */
#ifndef FIRN_FS_ACL_H
#define FIRN_FS_ACL_H

#include "fs/names/dir_change.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

/* The kernel shows no longer ones. */
#define ACL_MAX 4096u

bool acl_is_name(const char *name);

/*
 * Sets (len 0: removes) an ACL. That of access sets the mode's permissions too, and is not kept when it says
 * no more than those. clear_sgid: the caller is not allowed to leave that bit set. -EINVAL malformed, -EACCES
 * a default one for other than a directory, -EOPNOTSUPP of a symlink.
 */
int acl_set(struct inode *inode, const char *name, const void *value, size_t len, bool clear_sgid);

/* Inside a change, after the mode of an inode was changed: the ACL of access follows. */
void acl_follow_mode(struct dir_change *c, struct inode *inode);

/* What a new inode gets from its directory. */
struct acl_inherited {
	uint32_t mode;             /* permissions, after ACL or umask    */
	size_t access_len, default_len; /* 0: none                       */
	uint8_t access[ACL_MAX], defaults[ACL_MAX];
};

/* Inside a change, with the directory locked. mode: with its type, as asked for, umask not applied. */
int acl_inherit(struct dir_change *c, struct inode *dir, uint32_t mode, uint32_t umask,
		struct acl_inherited *out);

/* Inside the same change: stores what was inherited for a fresh inode. */
void acl_give(struct dir_change *c, struct inode *fresh, const struct acl_inherited *acl);

#endif
