/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One change of the namespace: names, inodes and orphans together in one index operation, undone whole when a
 * step fails.
 *
 *   dir_change_begin; dirent_find ...; dir_change_touch(inode), change inode->attr; dir_change_name(...);
 *   dir_change_end
 *
 * The inodes are locked exclusively by the caller (but a fresh one). Steps after a failed one do nothing;
 * dir_change_end returns its error.
 */
#ifndef FIRN_FS_DIR_CHANGE_H
#define FIRN_FS_DIR_CHANGE_H

#include "fs/names/dirent.h"
#include "fs/names/inode.h"

#define NLINK_MAX (UINT32_MAX - 1)

struct dir_change {
	struct index_op op;
	struct volume *vol;
	struct inode *fresh; /* made by this change, or NULL */
	int64_t now;
	int err;             /* 0 or the first error: a caller may set it to give up */
	bool stored;         /* the inodes are written */
	unsigned inode_count, name_count;
	struct {
		struct inode *inode;
		struct inode_attr before;
	} inodes[4];
	struct {
		uint64_t dir;
		const char *name;
		struct dirent_slot before; /* its ino 0: was not there */
	} names[2];
};

/* -ENOSPC when the disk may be too full for a commit of what is pending. */
int dir_change_room(struct volume *vol);

/*
 * Before any lock: -EROFS; waits for a commit when too much is pending, and returns its error. grows: the
 * change adds records, and is refused with -ENOSPC where there is no room. What removes or alters is let in
 * on a full disk, in commits so small that they fit.
 */
int dir_change_admit(struct volume *vol, bool grows);

void dir_change_begin(struct dir_change *c, struct volume *vol);

/*
 * The caller is about to change inode->attr; its record is written at the end, and an orphan record when it
 * has lost its last name.
 */
void dir_change_touch(struct dir_change *c, struct inode *inode);

/* An entry was added to (+1), removed from (-1) or exchanged in (0) a directory: size and times. */
void dir_change_entries(struct dir_change *c, struct inode *dir, int delta);

/* Takes an inode of inode_new into the change; on failure it is discarded. */
void dir_change_fresh(struct dir_change *c, struct inode *inode);

/* Makes name in dir (slot as dirent_find filled it) mean ino; ino 0: removes it. */
void dir_change_name(struct dir_change *c, struct inode *dir, const char *name,
		     const struct dirent_slot *slot, uint64_t ino, uint8_t type);

/* Writes the inodes touched so far, before something that has an undo of its own; dir_change_end then writes
 * no more. */
void dir_change_store(struct dir_change *c);

int dir_change_end(struct dir_change *c);

/* 0, -ENOTEMPTY. With the directory locked. */
int dir_is_empty(struct index_op *op, uint64_t dir);

#endif
