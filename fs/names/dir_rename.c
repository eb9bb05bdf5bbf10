/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names moved: rename, over others, between directories, and exchanged.
 */
#include <errno.h>
#include <stdio.h>

#include "fs/data/file.h"
#include "fs/names/dir.h"
#include "fs/names/dir_change.h"

/* No path is deeper in a sound store; a cycle of parents in a damaged one ends here. */
#define DEPTH_MAX (1u << 20)

struct rename {
	struct inode *from, *to; /* directories            */
	struct inode *src, *dst; /* dst NULL: name is free */
	const char *name, *newname;
	unsigned flags;
};

/*
 * Whether dir is `inode` or lies below it: -EINVAL. Under the rename mutex, which keeps every parent pointer
 * as it is.
 */
static int subtree_check(const struct inode *inode, struct inode *dir)
{
	struct volume *vol = dir->vol;
	uint64_t ino = dir->ino;

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		struct inode *step;
		int r;

		if (ino == inode->ino)
			return -EINVAL;
		if (ino == INO_ROOT)
			return 0;
		r = inode_get(vol, ino, &step);
		if (r)
			return r;
		pthread_rwlock_rdlock(&step->lock);
		ino = step->attr.parent;
		pthread_rwlock_unlock(&step->lock);
		inode_put(step, 1);
	}
	return -EUCLEAN;
}

/* What can be told before locking; 1: nothing to do. */
static int kinds_check(const struct rename *rn)
{
	bool exchange = rn->flags & RENAME_EXCHANGE;
	int r = 0;

	if (rn->dst && (rn->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!rn->dst && exchange)
		return -ENOENT;
	if (rn->src == rn->dst)
		return 1;
	if (S_ISDIR(rn->src->type))
		r = subtree_check(rn->src, rn->to);
	if (r == 0 && exchange && S_ISDIR(rn->dst->type))
		r = subtree_check(rn->dst, rn->from);
	if (r || !rn->dst || exchange)
		return r;
	if (S_ISDIR(rn->src->type) && !S_ISDIR(rn->dst->type))
		return -ENOTDIR;
	if (!S_ISDIR(rn->src->type) && S_ISDIR(rn->dst->type))
		return -EISDIR;
	return 0;
}

/* Whether `to` may have one more subdirectory, if `gone` (NULL: nothing) goes from it. */
static int links_check(const struct inode *to, const struct inode *inode, const struct inode *gone)
{
	bool more = S_ISDIR(inode->type) && !(gone && S_ISDIR(gone->type));

	return more && to->attr.nlink >= NLINK_MAX ? -EMLINK : 0;
}

/* An inode goes to another directory: its parent pointer and the link that its ".." is. */
static void move_parent(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(inode->type))
		return;
	from->attr.nlink--;
	to->attr.nlink++;
	inode->attr.parent = to->ino;
}

static void exchange_locked(struct dir_change *c, const struct rename *rn, const struct dirent_slot *src,
			    const struct dirent_slot *dst)
{
	dir_change_name(c, rn->from, rn->name, src, dst->ino, dst->type);
	dir_change_name(c, rn->to, rn->newname, dst, src->ino, src->type);
	dir_change_entries(c, rn->from, 0);
	dir_change_entries(c, rn->to, 0);
	dir_change_touch(c, rn->src);
	dir_change_touch(c, rn->dst);
	move_parent(rn->src, rn->from, rn->to);
	move_parent(rn->dst, rn->to, rn->from);
	rn->src->attr.ctime = rn->dst->attr.ctime = c->now;
}

static void replace_locked(struct dir_change *c, const struct rename *rn, const struct dirent_slot *src,
			   const struct dirent_slot *dst)
{
	dir_change_name(c, rn->from, rn->name, src, 0, 0);
	dir_change_name(c, rn->to, rn->newname, dst, src->ino, src->type);
	dir_change_entries(c, rn->from, -1);
	dir_change_entries(c, rn->to, rn->dst ? 0 : 1);
	dir_change_touch(c, rn->src);
	move_parent(rn->src, rn->from, rn->to);
	rn->src->attr.ctime = c->now;
	if (!rn->dst)
		return;
	dir_change_touch(c, rn->dst);
	rn->dst->attr.ctime = c->now;
	if (S_ISDIR(rn->dst->type)) {
		rn->dst->attr.nlink = 0;
		rn->to->attr.nlink--;
	} else {
		rn->dst->attr.nlink--;
	}
}

/* All locked. c->err -EAGAIN: a name means another inode by now. */
static void rename_locked(struct dir_change *c, const struct rename *rn)
{
	struct dirent_slot src, dst;
	int r;

	if (rn->to->attr.nlink == 0) {
		c->err = -ENOENT;
		return;
	}
	c->err = dirent_find(&c->op, c->vol, rn->from->ino, rn->name, &src);
	if (c->err)
		return;
	r = dirent_find(&c->op, c->vol, rn->to->ino, rn->newname, &dst);
	if (r && r != -ENOENT)
		c->err = r;
	else if (src.ino != rn->src->ino || dst.ino != (rn->dst ? rn->dst->ino : 0))
		c->err = -EAGAIN;
	else if (rn->dst && S_ISDIR(rn->dst->type) && !(rn->flags & RENAME_EXCHANGE))
		c->err = dir_is_empty(&c->op, rn->dst->ino);
	if (c->err == 0 && rn->from != rn->to)
		c->err = links_check(rn->to, rn->src, rn->dst);
	if (c->err == 0 && rn->from != rn->to && (rn->flags & RENAME_EXCHANGE))
		c->err = links_check(rn->from, rn->dst, rn->src);
	if (c->err)
		return;
	if (rn->flags & RENAME_EXCHANGE)
		exchange_locked(c, rn, &src, &dst);
	else
		replace_locked(c, rn, &src, &dst);
}

static int names_lookup(struct rename *rn)
{
	int r = dir_lookup(rn->from, rn->name, &rn->src);

	if (r)
		return r;
	r = dir_lookup(rn->to, rn->newname, &rn->dst);
	if (r == 0 || r == -ENOENT)
		return 0;
	inode_put(rn->src, 1);
	rn->src = NULL;
	return r;
}

static void names_put(struct rename *rn)
{
	inode_put(rn->src, 1);
	if (rn->dst)
		inode_put(rn->dst, 1);
}

/* The references that came with *rn stay the caller's to drop. */
static int rename_try(struct rename *rn)
{
	struct inode *set[4] = { rn->from, rn->to, rn->src, rn->dst };
	struct dir_change c;
	int r = kinds_check(rn);

	if (r)
		return r > 0 ? 0 : r;
	inode_lock_many(set, 4);
	dir_change_begin(&c, rn->from->vol);
	rename_locked(&c, rn);
	r = dir_change_end(&c);
	inode_unlock_many(set, 4);
	return r;
}

/*
 * What replaces a file has its data in the segments before the name moves, so that the commit that carries
 * the new name carries the data too. Outside the rename mutex: this encodes.
 */
static int source_flush(struct rename *rn)
{
	int r = names_lookup(rn);

	if (r)
		return r;
	if (rn->dst && S_ISREG(rn->src->type) && rn->src != rn->dst)
		r = file_flush(rn->src);
	names_put(rn);
	return r;
}

int dir_rename(struct inode *from, const char *name, struct inode *to, const char *newname, unsigned flags)
{
	struct rename rn = { .from = from, .to = to, .name = name, .newname = newname, .flags = flags };
	struct volume *vol = from->vol;
	int r = dirent_check(name);

	if (r == 0)
		r = dirent_check(newname);
	if (r == 0 && ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
		       flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		r = -EINVAL;
	if (r == 0)
		r = dir_change_admit(vol, false);
	if (r == 0)
		r = source_flush(&rn);
	if (r)
		return r;
	do {
		pthread_mutex_lock(&vol->rename_mutex);
		r = names_lookup(&rn);
		if (r == 0)
			r = rename_try(&rn);
		pthread_mutex_unlock(&vol->rename_mutex);
		if (rn.src)
			names_put(&rn);
	} while (r == -EAGAIN);
	return r;
}
