/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The passes over inode records, orphans and to-dos.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"
#include "fs/names/dirent.h"

struct damaged {
	uint64_t ino;
	size_t len;
	struct inode_disk disk;
};

struct loading {
	struct check *ck;
	struct check_array damaged;
};

/* A damaged record has a place in the table until it is known what becomes of it. */
static int damaged_note(struct loading *l, uint64_t ino, const struct index_record *rec)
{
	struct damaged *d = check_array_add(&l->damaged, sizeof *d, l->damaged.n);
	const struct inode_attr none = { 0 };

	if (!d || !check_inode_add(l->ck, ino, &none))
		return -ENOMEM;
	d->ino = ino;
	d->len = rec->damaged ? rec->damaged_len : rec->len;
	if (d->len > sizeof d->disk)
		d->len = 0;
	memcpy(&d->disk, rec->value, d->len);
	return 0;
}

static int inode_load(void *arg, const struct index_record *rec)
{
	struct loading *l = arg;
	struct check_problem p = { .code = CHECK_INODE_KEY };
	uint64_t ino = rec->key_len == 8 ? be64_get(rec->key) : 0;
	struct inode_attr attr;
	int r = check_step(l->ck);

	if (r)
		return r;
	if (ino == 0) {
		r = check_found(l->ck, &p);
		return r == 1 ? check_del(l->ck, TABLE_INODE, rec->key, rec->key_len) : r;
	}
	if (inode_decode(rec->value, rec->len, &attr) || (ino == INO_ROOT && !S_ISDIR(attr.mode)))
		return damaged_note(l, ino, rec);
	return check_inode_add(l->ck, ino, &attr) ? 0 : -ENOMEM;
}

/* What names each inode: for a directory the entry that its parent has, if there is one. */
static int name_load(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct dirent_slot slot;
	struct check_inode *i;
	uint64_t dir;

	if (rec->key_len != DIRENT_KEY || dirent_decode(rec->value, rec->len, &slot, NULL))
		return 0;
	dir = be64_get(rec->key);
	i = check_inode(ck, slot.ino);
	if (i && slot.ino != INO_ROOT && (i->dir == 0 || (dir == i->parent && i->dir != i->parent))) {
		i->dir = dir;
		i->cookie = be64_get(rec->key + 8);
	}
	return 0;
}

static void inode_remove(struct check *ck, uint64_t ino)
{
	struct check_inode *i = check_inode(ck, ino), *list = ck->inodes.items;
	size_t at = (size_t)(i - list);

	memmove(i, i + 1, (ck->inodes.n - at - 1) * sizeof *i);
	ck->inodes.n--;
}

static int damaged_mend(struct check *ck, const struct damaged *d)
{
	struct check_problem p = { .code = CHECK_INODE_DAMAGED, .ino = d->ino };
	struct check_inode *i = check_inode(ck, d->ino);
	struct index_record rec;
	struct inode_attr attr;
	struct inode_disk disk;
	int r = check_guess(ck, d->ino, d->len ? &d->disk : NULL, d->len, &attr);

	if (d->ino == INO_ROOT && r >= 0) {
		p.code = CHECK_NO_ROOT;
		attr.mode = S_IFDIR | 0755;
		attr.nlink = 2;
		attr.size = 0;
		attr.parent = INO_ROOT;
	} else if (r == 0) {
		p.code = CHECK_INODE_DROPPED;
	}
	r = r < 0 ? r : check_found(ck, &p);
	be64_put(rec.key, d->ino);
	if (r != 1 || p.code == CHECK_INODE_DROPPED) {
		inode_remove(ck, d->ino);
		return r == 1 ? check_del(ck, TABLE_INODE, rec.key, 8) : r;
	}
	i->mode = attr.mode;
	i->nlink = attr.nlink;
	i->size = attr.size;
	i->parent = attr.parent;
	i->fresh = true;
	rec.key_len = 8;
	rec.damaged = false;
	rec.len = d->len;
	memcpy(rec.value, &d->disk, d->len);
	r = check_aside_record(ck, TABLE_INODE, &rec);
	return r ? r : check_put(ck, TABLE_INODE, rec.key, 8, &disk, inode_encode(&disk, &attr));
}

static int root_check(struct check *ck)
{
	struct check_problem p = { .code = CHECK_NO_ROOT, .ino = INO_ROOT };
	struct check_inode *root;
	int r;

	if (check_inode(ck, INO_ROOT))
		return 0;
	r = check_found(ck, &p);
	if (r != 1)
		return r < 0 ? r : -EUCLEAN;
	r = check_inode_make(ck, INO_ROOT, S_IFDIR | 0755, &root);
	if (r == 1) {
		root->mode = S_IFDIR | 0755;
		root->parent = INO_ROOT;
	}
	return r < 0 ? r : 0;
}

int check_inodes(struct check *ck)
{
	struct loading l = { .ck = ck };
	const struct damaged *d;
	int r = scan_table(ck->vol, TABLE_INODE, inode_load, &l);

	if (r == 0)
		r = scan_table(ck->vol, TABLE_DIRENT, name_load, ck);
	d = l.damaged.items;
	for (size_t i = 0; r == 0 && i < l.damaged.n; i++)
		r = damaged_mend(ck, &d[i]);
	free(l.damaged.items);
	return r ? r : root_check(ck);
}

static int orphan_check(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_ORPHAN };
	struct check_inode *i = NULL;
	int r = check_step(ck);

	if (r)
		return r;
	if (rec->key_len != 8 || rec->damaged) {
		p.code = CHECK_ORPHAN_KEY;
	} else {
		p.ino = p.found = be64_get(rec->key);
		i = check_inode(ck, p.ino);
		if (!i)
			p.code = CHECK_ORPHAN_GONE;
	}
	if (i)
		i->orphan = true;
	r = check_found(ck, &p);
	return r == 1 ? check_del(ck, TABLE_ORPHAN, rec->key, rec->key_len) : r;
}

static int todo_check(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_TODO_DAMAGED };
	struct check_todo *todo;
	struct todo_disk disk;
	int r;

	if (rec->key_len == 8)
		p.found = be64_get(rec->key);
	if (ck->max_todo < p.found)
		ck->max_todo = p.found;
	if (rec->key_len == 8 && rec->len == sizeof disk && rec->value[0] == TODO_FREE_CHUNKS) {
		memcpy(&disk, rec->value, sizeof disk);
		todo = check_array_add(&ck->todos, sizeof *todo, ck->todos.n);
		if (!todo)
			return -ENOMEM;
		todo->ino = le64_get(disk.ino);
		todo->from = le32_get(disk.from);
		p.code = CHECK_TODO;
		p.found = todo->ino;
	}
	r = check_found(ck, &p);
	return r == 1 ? check_del(ck, TABLE_TODO, rec->key, rec->key_len) : r;
}

int check_todos(struct check *ck)
{
	int r = scan_table(ck->vol, TABLE_ORPHAN, orphan_check, ck);

	return r ? r : scan_table(ck->vol, TABLE_TODO, todo_check, ck);
}
