/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes in pieces: key (inode, name, NUL, piece number), values cut every XATTR_PIECE bytes;
 * the last piece is short.
 */
#include "fs/names/xattr.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "fs/names/dir_change.h"
#include "fs/names/tier.h"

#define PIECES_MAX (XATTR_VALUE_MAX / XATTR_PIECE)
#define LIST_MAX 65536u
#define KEY_MAX (8 + XATTR_NAME_MAX_LEN + 2)

/* Writes the key of a piece and returns its length. */
static size_t piece_key(uint8_t key[KEY_MAX], uint64_t ino, const char *name, unsigned piece)
{
	size_t len = strlen(name);
	uint8_t *p = be64_put(key, ino);

	memcpy(p, name, len + 1);
	p[len + 1] = (uint8_t)piece;
	return 8 + len + 2;
}

/* Deletes pieces from `piece` on, as far as there are any. */
static int pieces_del(struct index_op *op, uint64_t ino, const char *name, unsigned piece)
{
	uint8_t key[KEY_MAX], value[XATTR_PIECE];

	for (; piece < PIECES_MAX; piece++) {
		size_t key_len = piece_key(key, ino, name, piece);
		int r = index_get(op, TABLE_XATTR, key, key_len, value, sizeof value);

		if (r == -ENOENT)
			return 0;
		if (r >= 0 || r == -ERANGE)
			r = index_del(op, TABLE_XATTR, key, key_len);
		if (r)
			return r;
	}
	return 0;
}

int xattr_put_value(struct index_op *op, uint64_t ino, const char *name, const void *value, size_t len)
{
	uint8_t key[KEY_MAX];
	unsigned piece = 0;
	size_t done = 0;

	do {
		size_t n = len - done < XATTR_PIECE ? len - done : XATTR_PIECE;
		size_t key_len = piece_key(key, ino, name, piece++);
		int r = index_put(op, TABLE_XATTR, key, key_len, n ? (const uint8_t *)value + done : NULL, n);

		if (r)
			return r;
		done += n;
	} while (done < len);
	return pieces_del(op, ino, name, piece);
}

int xattr_get_value(struct index_op *op, uint64_t ino, const char *name, void *value, size_t cap)
{
	uint8_t key[KEY_MAX], piece[XATTR_PIECE];
	size_t len = 0;

	for (unsigned i = 0; i < PIECES_MAX; i++) {
		size_t key_len = piece_key(key, ino, name, i);
		int n = index_get(op, TABLE_XATTR, key, key_len, piece, sizeof piece);

		if (n == -ENOENT && i == 0)
			return -ENODATA;
		if (n == -ENOENT)
			break;
		if (n < 0)
			return n == -ERANGE ? -EUCLEAN : n;
		if (len < cap)
			memcpy((uint8_t *)value + len, piece, (size_t)n < cap - len ? (size_t)n : cap - len);
		len += (size_t)n;
		if ((size_t)n < XATTR_PIECE)
			break;
	}
	return (int)len;
}

int xattr_get(struct inode *inode, const char *name, void *value, size_t cap)
{
	struct index_op op;
	int r;

	if (strnlen(name, XATTR_NAME_MAX_LEN + 1) > XATTR_NAME_MAX_LEN)
		return -ERANGE;
	pthread_rwlock_rdlock(&inode->lock);
	index_begin(inode->vol->index, &op);
	r = xattr_get_value(&op, inode->ino, name, value, cap);
	index_end(&op);
	pthread_rwlock_unlock(&inode->lock);
	return r > 0 && cap > 0 && (size_t)r > cap ? -ERANGE : r;
}

/*
 * Visits the name of each attribute (not the symlink target, whose name is empty); returns the length of the
 * list.
 */
static int names_list(struct index_op *op, uint64_t ino, char *list, size_t cap)
{
	struct index_record rec;
	struct index_scan *scan;
	uint8_t prefix[8];
	size_t len = 0;
	int r;

	be64_put(prefix, ino);
	r = index_scan_open(op, TABLE_XATTR, prefix, sizeof prefix, NULL, 0, &scan);
	if (r)
		return r;
	while ((r = index_scan_next(scan, &rec)) == 1) {
		size_t n = rec.key_len - 9; /* the name and its NUL */

		if (rec.damaged || rec.key_len < 10 || rec.key[rec.key_len - 2] != '\0') {
			r = -EUCLEAN;
			break;
		}
		if (rec.key[rec.key_len - 1] != 0 || n == 1)
			continue;
		if (list && len + n <= cap)
			memcpy(list + len, rec.key + 8, n);
		len += n;
		if (len > INT32_MAX - XATTR_NAME_MAX_LEN) {
			r = -EUCLEAN;
			break;
		}
	}
	index_scan_close(scan);
	return r ? r : (int)len;
}

int xattr_list(struct inode *inode, char *list, size_t cap)
{
	struct index_op op;
	int r;

	pthread_rwlock_rdlock(&inode->lock);
	index_begin(inode->vol->index, &op);
	r = names_list(&op, inode->ino, list, cap);
	index_end(&op);
	pthread_rwlock_unlock(&inode->lock);
	return r > 0 && cap > 0 && (size_t)r > cap ? -ERANGE : r;
}

/* Whether a value may be set, of which the old one has this length or -ENODATA: against flags and the bound
 * on names. */
static int set_check(struct index_op *op, uint64_t ino, const char *name, int old_len, int flags)
{
	int r;

	if (old_len < 0 && old_len != -ENODATA)
		return old_len;
	if (old_len >= 0)
		return flags & XATTR_CREATE ? -EEXIST : 0;
	if (flags & XATTR_REPLACE)
		return -ENODATA;
	r = names_list(op, ino, NULL, 0);
	if (r < 0)
		return r;
	return (size_t)r + strlen(name) + 1 > LIST_MAX ? -ENOSPC : 0;
}

/* A value of many pieces is set whole or, when a write fails, is the old one again. */
static int value_replace(struct dir_change *c, uint64_t ino, const char *name, const void *value, size_t len,
			 int old_len)
{
	uint8_t *old = old_len > 0 ? malloc((size_t)old_len) : NULL;
	int r = old || old_len <= 0 ? 0 : -ENOMEM;

	if (old)
		r = xattr_get_value(&c->op, ino, name, old, (size_t)old_len);
	if (r >= 0) {
		dir_change_store(c);
		r = c->err;
		if (r == 0)
			r = value ? xattr_put_value(&c->op, ino, name, value, len)
				  : pieces_del(&c->op, ino, name, 0);
		if (r && old_len >= 0)
			xattr_put_value(&c->op, ino, name, old, (size_t)old_len);
		else if (r)
			pieces_del(&c->op, ino, name, 0);
	}
	free(old);
	return r;
}

void xattr_change(struct dir_change *c, struct inode *inode, const char *name, const void *value, size_t len,
		  int flags)
{
	int old_len;

	if (c->err)
		return;
	old_len = xattr_get_value(&c->op, inode->ino, name, NULL, 0);
	if (value)
		c->err = set_check(&c->op, inode->ino, name, old_len, flags);
	else
		c->err = old_len < 0 && old_len != -ENODATA ? old_len : 0;
	if (c->err)
		return;
	dir_change_touch(c, inode);
	inode->attr.ctime = c->now;
	inode->inherits = 0;
	if (value || old_len >= 0)
		c->err = value_replace(c, inode->ino, name, value, len, old_len);
}

static int name_check(const char *name)
{
	size_t len = strnlen(name, XATTR_NAME_MAX_LEN + 1);

	return len == 0 || len > XATTR_NAME_MAX_LEN ? -ERANGE : 0;
}

int xattr_set(struct inode *inode, const char *name, const void *value, size_t len, int flags)
{
	struct tier_policy policy;
	struct dir_change c;
	int r = name_check(name);

	if (r)
		return r;
	if (len > XATTR_VALUE_MAX)
		return -E2BIG;
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (strcmp(name, TIER_XATTR) == 0 && tier_parse(value, len, &policy) != 0)
		return -EINVAL;
	r = dir_change_admit(inode->vol, true);
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	dir_change_begin(&c, inode->vol);
	xattr_change(&c, inode, name, value ? value : "", len, flags);
	r = dir_change_end(&c);
	pthread_rwlock_unlock(&inode->lock);
	return r;
}

int xattr_remove(struct inode *inode, const char *name)
{
	struct dir_change c;
	int r = name_check(name);

	if (r == 0)
		r = dir_change_admit(inode->vol, false);
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	dir_change_begin(&c, inode->vol);
	r = xattr_get_value(&c.op, inode->ino, name, NULL, 0);
	c.err = r < 0 ? r : 0;
	xattr_change(&c, inode, name, NULL, 0, 0);
	r = dir_change_end(&c);
	pthread_rwlock_unlock(&inode->lock);
	return r;
}

int xattr_drop_all(struct index_op *op, uint64_t ino)
{
	struct index_record rec;
	struct index_scan *scan;
	uint8_t prefix[8];
	int r, end = 0;

	be64_put(prefix, ino);
	r = index_scan_open(op, TABLE_XATTR, prefix, sizeof prefix, NULL, 0, &scan);
	if (r)
		return r;
	while (end == 0 && (r = index_scan_next(scan, &rec)) == 1)
		end = index_del(op, TABLE_XATTR, rec.key, rec.key_len);
	index_scan_close(scan);
	return end ? end : r;
}
