/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over the tree as a whole: every directory hangs from the root, every inode has a name or is an orphan, and what inodes say
 * of links, parents and entries is what there is.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"
#include "fs/names/dirent.h"

#define LOST_FOUND "lost+found"

static int name_put(struct check *ck, uint64_t dir, struct check_inode *i, const char *name, struct dirent_slot *slot)
{
	struct index_op op;
	int r = 0;

	slot->ino = i->ino;
	slot->type = (uint8_t)IFTODT(i->mode);
	if (ck->opt->repair) {
		index_begin(ck->vol->index, &op);
		r = dirent_put(&op, dir, name, slot);
		index_end(&op);
		ck->res->changed = true;
	}
	i->dir = dir;
	i->cookie = slot->cookie;
	i->names++;
	return r;
}

static void entry_add(struct check *ck, uint64_t dir, uint32_t mode)
{
	struct check_inode *d = check_inode(ck, dir);

	d->entries++;
	d->subdirs += S_ISDIR(mode);
}

static int name_find(struct check *ck, uint64_t dir, const char *name, struct dirent_slot *slot)
{
	struct index_op op;
	int r;

	index_begin(ck->vol->index, &op);
	r = dirent_find(&op, ck->vol, dir, name, slot);
	index_end(&op);
	return r;
}

/* Finds or makes the directory for what has no name. */
static int lost_found(struct check *ck)
{
	struct check_inode *i;
	struct dirent_slot slot;
	char name[32] = LOST_FOUND;
	uint64_t ino = ck->max_ino + 1;
	int r = name_find(ck, INO_ROOT, name, &slot);

	for (int n = 1; r == 0; n++) {
		i = check_inode(ck, slot.ino);
		if (i && S_ISDIR(i->mode) && i->dir == INO_ROOT) {
			ck->lost_found = slot.ino;
			return 0;
		}
		snprintf(name, sizeof name, LOST_FOUND ".%d", n);
		r = name_find(ck, INO_ROOT, name, &slot);
	}
	if (r != -ENOENT)
		return r;
	if (ck->counted && ino < le64_get(ck->counters.next_ino))
		ino = le64_get(ck->counters.next_ino);
	if (ino < INO_FIRST_FREE)
		ino = INO_FIRST_FREE;
	r = check_inode_make(ck, ino, S_IFDIR | 0700, &i);
	if (r < 0)
		return r;
	ck->lost_found = ino;
	i->nlink = 2;
	i->reached = true;
	r = name_put(ck, INO_ROOT, i, name, &slot);
	entry_add(ck, INO_ROOT, S_IFDIR);
	return r;
}

int check_connect(struct check *ck, uint64_t ino)
{
	struct check_inode *i;
	struct dirent_slot slot;
	char name[48];
	int r = ck->lost_found ? 0 : lost_found(ck);

	for (int n = 0; r == 0; n++) {
		snprintf(name, sizeof name, n ? "#%" PRIu64 ".%d" : "#%" PRIu64, ino, n);
		r = name_find(ck, ck->lost_found, name, &slot);
	}
	if (r != -ENOENT)
		return r;
	i = check_inode(ck, ino);
	r = name_put(ck, ck->lost_found, i, name, &slot);
	entry_add(ck, ck->lost_found, i->mode);
	return r;
}

/* The entry that names a directory goes: it hangs from itself. */
static int loop_cut(struct check *ck, struct check_inode *i)
{
	struct check_problem p = { .code = CHECK_DIR_LOOP, .ino = i->ino };
	struct check_inode *dir = check_inode(ck, i->dir);
	uint8_t key[DIRENT_KEY];
	int r = check_found(ck, &p);

	if (r != 1)
		return r;
	dirent_key(key, i->dir, i->cookie);
	dir->entries--;
	dir->subdirs--;
	i->dir = 0;
	i->names--;
	return check_del(ck, TABLE_DIRENT, key, sizeof key);
}

/* Walks up from a directory to one that is reached, or has no name, or was walked through before: that is a loop. */
static int reach(struct check *ck, struct check_inode *from)
{
	struct check_inode *i = from;
	size_t steps = 0;

	while (i && !i->reached && i->dir && steps++ <= ck->inodes.n)
		i = check_inode(ck, i->dir);
	if (i && !i->reached && i->dir)
		return loop_cut(ck, i);
	if (i && i->reached)
		for (i = from; !i->reached; i = check_inode(ck, i->dir))
			i->reached = true;
	return 0;
}

static int nameless_check(struct check *ck, uint64_t ino)
{
	struct check_problem p = { .code = CHECK_NAMELESS, .found = ino };
	int r = check_found(ck, &p);

	return r == 1 ? check_connect(ck, ino) : r;
}

/* An orphan that has a name is none. */
static int orphan_check(struct check *ck, struct check_inode *i)
{
	struct check_problem p = { .code = CHECK_ORPHAN_NAMED, .ino = i->ino, .found = i->nlink };
	uint8_t key[8];
	int r;

	if (i->names > 0) {
		r = check_found(ck, &p);
		if (r != 1)
			return r;
		i->orphan = false;
		be64_put(key, i->ino);
		return check_del(ck, TABLE_ORPHAN, key, sizeof key);
	}
	if (i->nlink == 0)
		return 0;
	p.code = CHECK_ORPHAN_LINKS;
	r = check_found(ck, &p);
	if (r != 1)
		return r;
	i->nlink = 0;
	return check_inode_fix(ck, i);
}

/* 1: the figure is another now. */
static int figure(struct check *ck, enum check_code code, const struct check_inode *i, uint64_t recorded, uint64_t counted)
{
	struct check_problem p = { .code = code, .ino = i->ino, .found = recorded, .expected = counted };

	if (recorded == counted)
		return 0;
	return i->fresh ? 1 : check_found(ck, &p);
}

static int figures_check(struct check *ck, struct check_inode *i)
{
	bool dir = S_ISDIR(i->mode), changed = false;
	uint64_t links = dir ? 2 + i->subdirs : i->names, parent = i->ino == INO_ROOT ? INO_ROOT : i->dir;
	int r = 0;

	if (i->orphan || (i->names == 0 && i->ino != INO_ROOT))
		return 0;
	r = figure(ck, CHECK_LINKS, i, i->nlink, links);
	if (r == 1)
		i->nlink = (uint32_t)links;
	changed |= r == 1;
	if (r >= 0 && dir) {
		r = figure(ck, CHECK_DIR_SIZE, i, i->size, i->entries);
		if (r == 1)
			i->size = i->entries;
		changed |= r == 1;
	}
	if (r >= 0 && dir) {
		r = figure(ck, CHECK_DIR_PARENT, i, i->parent, parent);
		if (r == 1)
			i->parent = parent;
		changed |= r == 1;
	}
	if (r < 0)
		return r;
	if (changed && S_ISDIR(i->mode))
		i->blocks = 0;
	return changed ? check_inode_fix(ck, i) : 0;
}

static struct check_inode *at(struct check *ck, size_t n)
{
	return (struct check_inode *)ck->inodes.items + n;
}

int check_tree(struct check *ck)
{
	int r = 0;

	check_inode(ck, INO_ROOT)->reached = true;
	for (size_t n = 0; r == 0 && n < ck->inodes.n; n++) {
		r = check_step(ck);
		if (r == 0 && S_ISDIR(at(ck, n)->mode))
			r = reach(ck, at(ck, n));
		if (r == 0 && at(ck, n)->orphan)
			r = orphan_check(ck, at(ck, n));
	}
	/* Connecting adds lost+found itself behind the others. */
	for (size_t n = 0; r == 0 && n < ck->inodes.n; n++)
		if (at(ck, n)->names == 0 && !at(ck, n)->orphan && at(ck, n)->ino != INO_ROOT)
			r = nameless_check(ck, at(ck, n)->ino);
	for (size_t n = 0; r == 0 && n < ck->inodes.n; n++)
		r = figures_check(ck, at(ck, n));
	return r;
}
