/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names removed: unlink and rmdir.
 */
#include <errno.h>

#include "fs/names/dir.h"
#include "fs/names/dir_change.h"

int dir_is_empty(struct index_op *op, uint64_t dir)
{
	struct index_record rec;
	struct index_scan *scan;
	uint8_t prefix[8];
	int r;

	be64_put(prefix, dir);
	r = index_scan_open(op, TABLE_DIRENT, prefix, sizeof prefix, NULL, 0, &scan);
	if (r)
		return r;
	r = index_scan_next(scan, &rec);
	index_scan_close(scan);
	return r == 1 ? -ENOTEMPTY : r;
}

/* Both locked. c->err -EAGAIN: the name means another inode by now. */
static void remove_locked(struct dir_change *c, struct inode *parent, struct inode *child, const char *name)
{
	struct dirent_slot slot;

	c->err = dirent_find(&c->op, c->vol, parent->ino, name, &slot);
	if (c->err == 0 && slot.ino != child->ino)
		c->err = -EAGAIN;
	if (c->err == 0 && S_ISDIR(child->type))
		c->err = dir_is_empty(&c->op, child->ino);
	if (c->err)
		return;
	dir_change_name(c, parent, name, &slot, 0, 0);
	dir_change_entries(c, parent, -1);
	dir_change_touch(c, child);
	child->attr.ctime = c->now;
	if (S_ISDIR(child->type)) {
		child->attr.nlink = 0;
		parent->attr.nlink--;
	} else {
		child->attr.nlink--;
	}
}

static int remove_child(struct inode *parent, struct inode *child, const char *name, bool directory)
{
	struct inode *set[2] = { parent, child };
	struct dir_change c;
	int r;

	if (directory && !S_ISDIR(child->type))
		return -ENOTDIR;
	if (!directory && S_ISDIR(child->type))
		return -EISDIR;
	inode_lock_many(set, 2);
	dir_change_begin(&c, parent->vol);
	remove_locked(&c, parent, child, name);
	r = dir_change_end(&c);
	inode_unlock_many(set, 2);
	return r;
}

static int remove_name(struct inode *parent, const char *name, bool directory)
{
	struct inode *child;
	int r = dirent_check(name);

	if (r == 0)
		r = dir_change_admit(parent->vol, false);
	if (r)
		return r;
	do {
		r = dir_lookup(parent, name, &child);
		if (r == 0) {
			r = remove_child(parent, child, name, directory);
			inode_put(child, 1);
		}
	} while (r == -EAGAIN);
	return r;
}

int dir_unlink(struct inode *parent, const char *name)
{
	return remove_name(parent, name, false);
}

int dir_rmdir(struct inode *parent, const char *name)
{
	return remove_name(parent, name, true);
}
