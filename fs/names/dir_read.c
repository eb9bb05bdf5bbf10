/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories listed: entries in the order of their cookies.
 */
#include <dirent.h>
#include <errno.h>

#include "fs/names/dir.h"
#include "fs/names/dirent.h"

#define COOKIE_DOT 1u
#define COOKIE_DOTDOT 2u

/* "." and "..": 0 to go on with the names, else what fn returned. */
static int dots_read(struct inode *dir, uint64_t cookie, int (*fn)(void *arg, const struct dir_entry *entry),
		     void *arg)
{
	struct dir_entry entry = { .ino = dir->ino, .cookie = COOKIE_DOT, .type = DT_DIR, .name = "." };
	int r = 0;

	if (cookie < COOKIE_DOT)
		r = fn(arg, &entry);
	if (r == 0 && cookie < COOKIE_DOTDOT) {
		entry.ino = dir->attr.parent;
		entry.cookie = COOKIE_DOTDOT;
		entry.name[1] = '.';
		entry.name[2] = '\0';
		r = fn(arg, &entry);
	}
	return r;
}

static int entry_decode(const struct index_record *rec, struct dir_entry *entry)
{
	struct dirent_slot slot;
	int r;

	if (rec->key_len != DIRENT_KEY)
		return -EUCLEAN;
	r = dirent_decode(rec->value, rec->len, &slot, entry->name);
	entry->ino = slot.ino;
	entry->type = slot.type;
	entry->cookie = be64_get(rec->key + 8);
	return r;
}

static int names_read(struct index_op *op, struct inode *dir, uint64_t cookie,
		      int (*fn)(void *arg, const struct dir_entry *entry), void *arg)
{
	uint8_t from[DIRENT_KEY];
	struct index_record rec;
	struct dir_entry entry;
	struct index_scan *scan;
	int r;

	dirent_key(from, dir->ino, cookie + 1);
	r = index_scan_open(op, TABLE_DIRENT, from, 8, from, sizeof from, &scan);
	if (r)
		return r;
	while ((r = index_scan_next(scan, &rec)) == 1) {
		r = entry_decode(&rec, &entry);
		if (r == 0)
			r = fn(arg, &entry);
		if (r)
			break;
	}
	index_scan_close(scan);
	return r;
}

int dir_read(struct inode *dir, uint64_t cookie, int (*fn)(void *arg, const struct dir_entry *entry),
	     void *arg)
{
	struct index_op op;
	int r;

	if (!S_ISDIR(dir->type))
		return -ENOTDIR;
	if (cookie == UINT64_MAX)
		return 0;
	pthread_rwlock_rdlock(&dir->lock);
	index_begin(dir->vol->index, &op);
	r = dots_read(dir, cookie, fn, arg);
	if (r == 0)
		r = names_read(&op, dir, cookie, fn, arg);
	index_end(&op);
	pthread_rwlock_unlock(&dir->lock);
	return r > 0 ? 0 : r;
}
