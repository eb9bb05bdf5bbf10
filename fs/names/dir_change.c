/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespace changes as a whole: every record of one change in one index operation, with what was there before
 * kept for undoing.
 */
#include "fs/names/dir_change.h"

#include <errno.h>

#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/space.h"
#include "fs/names/xattr.h"

/*
 * Uncommitted changes in memory: above the first the commit thread is woken, above the second callers wait.
 */
#define PENDING_KICK (16u << 20)
#define PENDING_MAX (64u << 20)

#define PENDING_FULL (32u << 10) /* the same on a full disk */

/* What a commit may need: pages are copied on write, and few of them are filled by one commit alone. */
#define COMMIT_ROOM (1u << 20)
#define COMMIT_FACTOR 4u

int dir_change_room(struct volume *vol)
{
	size_t pending = index_pending_bytes(vol->index);

	return space_check(vol, COMMIT_ROOM + COMMIT_FACTOR * (uint64_t)pending);
}

int dir_change_admit(struct volume *vol, bool grows)
{
	size_t pending;
	int room;

	if (vol->readonly)
		return -EROFS;
	room = dir_change_room(vol);
	if (room && (grows || room != -ENOSPC))
		return room;
	pending = index_pending_bytes(vol->index);
	if (pending > (room ? PENDING_FULL : PENDING_MAX))
		return commit_join(vol);
	if (pending > PENDING_KICK)
		volume_commit_kick(vol);
	return 0;
}

void dir_change_begin(struct dir_change *c, struct volume *vol)
{
	memset(c, 0, sizeof *c);
	c->vol = vol;
	c->now = volume_now();
	index_begin(vol->index, &c->op);
}

void dir_change_touch(struct dir_change *c, struct inode *inode)
{
	for (unsigned i = 0; i < c->inode_count; i++) {
		if (c->inodes[i].inode == inode)
			return;
	}
	c->inodes[c->inode_count].inode = inode;
	c->inodes[c->inode_count++].before = inode->attr;
}

void dir_change_entries(struct dir_change *c, struct inode *dir, int delta)
{
	dir_change_touch(c, dir);
	if (delta > 0)
		dir->attr.size++;
	else if (delta < 0 && dir->attr.size > 0)
		dir->attr.size--;
	dir->attr.mtime = dir->attr.ctime = c->now;
}

void dir_change_fresh(struct dir_change *c, struct inode *inode)
{
	c->fresh = inode;
	dir_change_touch(c, inode);
}

void dir_change_name(struct dir_change *c, struct inode *dir, const char *name,
		     const struct dirent_slot *slot, uint64_t ino, uint8_t type)
{
	struct dirent_slot after = { .cookie = slot->cookie, .ino = ino, .type = type };

	if (c->err)
		return;
	c->names[c->name_count].dir = dir->ino;
	c->names[c->name_count].name = name;
	c->names[c->name_count++].before = *slot;
	c->err =
		ino ? dirent_put(&c->op, dir->ino, name, &after) : dirent_del(&c->op, dir->ino, slot->cookie);
}

/* Writes the records of inode i as it is now. */
static int inode_write(struct dir_change *c, unsigned i)
{
	struct inode *inode = c->inodes[i].inode;
	bool named = inode->attr.nlink > 0, was_named = c->inodes[i].before.nlink > 0;
	uint8_t key[8];
	int r = inode_store(&c->op, inode);

	if (r || named == was_named)
		return r;
	be64_put(key, inode->ino);
	return named ? index_del(&c->op, TABLE_ORPHAN, key, sizeof key)
		     : index_put(&c->op, TABLE_ORPHAN, key, sizeof key, NULL, 0);
}

/*
 * Puts back what was there; with no memory even for that, the error stands and so does what could not be put
 * back.
 */
static void undo(struct dir_change *c)
{
	uint8_t key[8];

	while (c->name_count-- > 0) {
		const struct dirent_slot *before = &c->names[c->name_count].before;

		if (before->ino)
			dirent_put(&c->op, c->names[c->name_count].dir, c->names[c->name_count].name, before);
		else
			dirent_del(&c->op, c->names[c->name_count].dir, before->cookie);
	}
	while (c->inode_count-- > 0) {
		struct inode *inode = c->inodes[c->inode_count].inode;

		be64_put(key, inode->ino);
		if (inode == c->fresh) {
			xattr_drop_all(&c->op, inode->ino);
			index_del(&c->op, TABLE_INODE, key, sizeof key);
			index_del(&c->op, TABLE_ORPHAN, key, sizeof key);
			continue;
		}
		inode->attr = c->inodes[c->inode_count].before;
		inode_store(&c->op, inode);
		if (inode->attr.nlink > 0)
			index_del(&c->op, TABLE_ORPHAN, key, sizeof key);
		else
			index_put(&c->op, TABLE_ORPHAN, key, sizeof key, NULL, 0);
	}
}

void dir_change_store(struct dir_change *c)
{
	for (unsigned i = 0; i < c->inode_count && c->err == 0; i++)
		c->err = inode_write(c, i);
	c->stored = true;
}

int dir_change_end(struct dir_change *c)
{
	if (!c->stored)
		dir_change_store(c);
	if (c->err && c->inode_count + c->name_count > 0) {
		undo(c);
	} else if (c->err == 0 && c->fresh) {
		pthread_mutex_lock(&c->vol->counters_mutex);
		c->vol->counters.inodes++;
		pthread_mutex_unlock(&c->vol->counters_mutex);
	}
	index_end(&c->op);
	if (c->err && c->fresh)
		inode_discard(c->fresh);
	return c->err;
}
