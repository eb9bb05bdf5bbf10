/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over directory entries: each one whole, in a directory, filed under its name's hash, and naming an inode of its type.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"
#include "fs/names/dirent.h"

struct entry {
	uint64_t dir, cookie;
	struct dirent_slot slot;
	char name[NAME_LEN_MAX + 1];
	const struct index_record *rec;
};

struct misfiled {
	uint64_t dir, cookie;
};

struct naming {
	struct check *ck;
	struct check_array misfiled; /* moved when the walk is over, which would meet them again */
};

/* Takes an entry out of the directory; an inode that it named may get its name from the next one that does. */
static int entry_remove(struct check *ck, const struct entry *e)
{
	struct check_inode *i = check_inode(ck, e->slot.ino);

	if (i && i->dir == e->dir && i->cookie == e->cookie)
		i->dir = 0;
	return check_del(ck, TABLE_DIRENT, e->rec->key, e->rec->key_len);
}

static int problem(struct check *ck, enum check_code code, const struct entry *e, uint64_t found, uint64_t expected)
{
	struct check_problem p = {
		.code = code, .ino = e->dir, .name = e->name, .found = found, .expected = expected,
	};

	return check_found(ck, &p);
}

/* 1: the entry is in a directory, 0: it is not, and was seen to. */
static int dir_check(struct check *ck, const struct entry *e)
{
	struct check_inode *dir = check_inode(ck, e->dir);
	int r;

	if (dir && S_ISDIR(dir->mode))
		return 1;
	if (dir) {
		r = problem(ck, CHECK_ENTRY_NOT_DIR, e, 0, 0);
		return r == 1 ? entry_remove(ck, e) : r;
	}
	r = problem(ck, CHECK_ENTRY_NO_DIR, e, e->dir, 0);
	return r == 1 ? check_inode_make(ck, e->dir, S_IFDIR | 0700, &dir) : r;
}

/* Likewise for the inode that it names. */
static int inode_check(struct check *ck, const struct entry *e)
{
	struct check_inode *i = check_inode(ck, e->slot.ino);
	struct inode_attr attr;
	int r;

	if (i) {
		if (!S_ISDIR(i->mode) || (i->ino != INO_ROOT && (i->dir == 0 || (i->dir == e->dir && i->cookie == e->cookie))))
			return 1;
		r = problem(ck, CHECK_DIR_SECOND_NAME, e, e->slot.ino, 0);
		return r == 1 ? entry_remove(ck, e) : r;
	}
	r = check_guess(ck, e->slot.ino, NULL, 0, &attr);
	if (r < 0)
		return r;
	if (r == 0) {
		r = problem(ck, CHECK_ENTRY_GONE, e, e->slot.ino, 0);
		return r == 1 ? entry_remove(ck, e) : r;
	}
	r = problem(ck, CHECK_ENTRY_INODE, e, e->slot.ino, 0);
	if (r == 1)
		r = check_inode_make(ck, e->slot.ino, 0, &i);
	if (r == 1) {
		i->dir = e->dir;
		i->cookie = e->cookie;
	}
	return r;
}

static int type_check(struct check *ck, struct entry *e, const struct check_inode *i)
{
	uint8_t type = (uint8_t)IFTODT(i->mode);
	struct dirent_disk disk;
	int r;

	if (e->slot.type == type)
		return 0;
	r = problem(ck, CHECK_ENTRY_TYPE, e, e->slot.type, type);
	if (r != 1)
		return r;
	memcpy(&disk, e->rec->value, e->rec->len);
	disk.type = e->slot.type = type;
	return check_put(ck, TABLE_DIRENT, e->rec->key, e->rec->key_len, &disk, e->rec->len);
}

/* 1: it stays, there or elsewhere. */
static int place_check(struct naming *n, const struct entry *e)
{
	struct check *ck = n->ck;
	struct dirent_slot there;
	struct misfiled *m;
	struct index_op op;
	int r;

	index_begin(ck->vol->index, &op);
	r = dirent_find(&op, ck->vol, e->dir, e->name, &there);
	index_end(&op);
	if (r == 0 && there.cookie == e->cookie)
		return 1;
	if (r && r != -ENOENT && r != -ENOSPC && r != -EUCLEAN)
		return r;
	if (r == 0) {
		r = problem(ck, CHECK_ENTRY_TWICE, e, 0, 0);
		return r == 1 ? entry_remove(ck, e) : r < 0 ? r : 1;
	}
	r = problem(ck, CHECK_ENTRY_HASH, e, 0, 0);
	if (r != 1)
		return r < 0 ? r : 1;
	m = check_array_add(&n->misfiled, sizeof *m, n->misfiled.n);
	if (!m)
		return -ENOMEM;
	m->dir = e->dir;
	m->cookie = e->cookie;
	return 1;
}

static void entry_count(struct check *ck, const struct entry *e)
{
	struct check_inode *dir = check_inode(ck, e->dir), *i = check_inode(ck, e->slot.ino);

	dir->entries++;
	dir->subdirs += S_ISDIR(i->mode);
	i->names++;
	if (i->dir == 0) {
		i->dir = e->dir;
		i->cookie = e->cookie;
	}
}

static int entry_check(void *arg, const struct index_record *rec)
{
	struct naming *n = arg;
	struct check *ck = n->ck;
	struct entry e = { .rec = rec };
	int r = check_step(ck);

	if (r)
		return r;
	if (rec->key_len >= 8)
		e.dir = be64_get(rec->key);
	if (rec->key_len == DIRENT_KEY)
		e.cookie = be64_get(rec->key + 8);
	if (e.cookie < 256 || e.dir == 0 || dirent_decode(rec->value, rec->len, &e.slot, e.name) ||
	    dirent_check(e.name)) {
		r = problem(ck, CHECK_ENTRY_DAMAGED, &e, e.cookie, 0);
		return r == 1 ? entry_remove(ck, &e) : r;
	}
	r = dir_check(ck, &e);
	if (r == 1)
		r = place_check(n, &e);
	if (r == 1)
		r = inode_check(ck, &e);
	if (r != 1)
		return r;
	r = type_check(ck, &e, check_inode(ck, e.slot.ino));
	if (r == 0)
		entry_count(ck, &e);
	return r;
}

static int refile(struct check *ck, const struct misfiled *m)
{
	uint8_t key[DIRENT_KEY], value[sizeof(struct dirent_disk)];
	struct dirent_slot slot, there;
	char name[NAME_LEN_MAX + 1];
	struct check_inode *i;
	struct index_op op;
	int r;

	if (!ck->opt->repair)
		return 0;
	dirent_key(key, m->dir, m->cookie);
	index_begin(ck->vol->index, &op);
	r = index_get(&op, TABLE_DIRENT, key, sizeof key, value, sizeof value);
	if (r == -ENOENT) { /* it was removed for another reason */
		index_end(&op);
		return 0;
	}
	if (r >= 0)
		r = dirent_decode(value, (size_t)r, &slot, name);
	if (r == 0)
		r = dirent_find(&op, ck->vol, m->dir, name, &there);
	if (r == 0)
		r = -EEXIST; /* two of one name that were both elsewhere: the second one stays for the next run */
	if (r == -ENOENT) {
		slot.cookie = there.cookie;
		r = dirent_put(&op, m->dir, name, &slot);
		if (r == 0)
			r = dirent_del(&op, m->dir, m->cookie);
		i = check_inode(ck, slot.ino);
		if (i && i->dir == m->dir && i->cookie == m->cookie)
			i->cookie = there.cookie;
	}
	index_end(&op);
	ck->res->changed = true;
	return r == -EEXIST || r == -ENOSPC || r == -EUCLEAN ? 0 : r;
}

int check_names(struct check *ck)
{
	struct naming n = { .ck = ck };
	const struct misfiled *m;
	int r = scan_table(ck->vol, TABLE_DIRENT, entry_check, &n);

	m = n.misfiled.items;
	for (size_t i = 0; r == 0 && i < n.misfiled.n; i++)
		r = refile(ck, &m[i]);
	free(n.misfiled.items);
	return r;
}
