/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The namespace: names in directories, and every operation that changes them, each one atomic in the index.
 *
 * Parents and targets come as referenced inodes, and go out referenced. Names are NUL-terminated, 1..255
 * bytes, without '/', never "." or "..": longer ones are -ENAMETOOLONG. Permissions are the caller's business
 * (the kernel checks them). All change mtime and ctime of the parents and ctime of the target as POSIX says.
 * All take the inode locks they need.
 */
#ifndef FIRN_FS_DIR_H
#define FIRN_FS_DIR_H

#include "fs/names/inode.h"

/* What a new inode gets. */
struct dir_new {
	uint32_t mode;  /* type and permissions as asked for                              */
	uint32_t umask; /* taken away from them, unless the directory has a default ACL   */
	uint32_t uid, gid;
	uint32_t rdev;
};

/* Also takes "." and "..". -ENOENT, -ENOTDIR. */
int dir_lookup(struct inode *parent, const char *name, struct inode **out);

/*
 * Any type but a symlink: mknod, mkdir, create. A set-group-id directory hands on its gid (and, to
 * directories, the bit), one with a default ACL its ACL. -EEXIST, -EMLINK, -ENOSPC.
 */
int dir_make(struct inode *parent, const char *name, const struct dir_new *what, struct inode **out);
/* A regular file without a name, which dir_link may give it; else it goes with its last user. O_TMPFILE. */
int dir_tmpfile(struct inode *parent, const struct dir_new *what, struct inode **out);
int dir_symlink(struct inode *parent, const char *name, const char *target, uint32_t uid, uint32_t gid,
		struct inode **out);
/* Reads a symlink into buf, NUL-terminated; returns its length. -EINVAL not a symlink, -ERANGE. */
int dir_readlink(struct inode *inode, char *buf, size_t cap);
int dir_link(struct inode *inode, struct inode *parent, const char *name);
int dir_unlink(struct inode *parent, const char *name);  /* -EISDIR */
int dir_rmdir(struct inode *parent, const char *name);   /* -ENOTEMPTY, -ENOTDIR */
/*
 * flags: RENAME_NOREPLACE, RENAME_EXCHANGE of renameat2(2). Over an existing file: the source's data is
 * flushed before.
 */
int dir_rename(struct inode *from, const char *name, struct inode *to, const char *newname, unsigned flags);

struct dir_entry {
	uint64_t ino;
	uint64_t cookie;  /* pass it to go on after this entry */
	uint8_t type;     /* DT_* */
	char name[NAME_LEN_MAX + 1];
};
/*
 * Entries after `cookie` (0: from the start) in cookie order, "." (cookie 1) and ".." (cookie 2) first. fn
 * returns 0 to go on, 1 to stop before consuming the entry it was given, -errno to fail. Entries that stay
 * throughout are given exactly once. fn must not call into dir_ or inode_ functions (it runs inside an index
 * operation).
 */
int dir_read(struct inode *dir, uint64_t cookie, int (*fn)(void *arg, const struct dir_entry *entry),
	     void *arg);

#endif
