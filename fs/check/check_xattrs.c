/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over extended attributes and targets of symlinks: each value in whole pieces, of an inode that is there.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/check/check_pass.h"

#define PIECES_MAX (XATTR_VALUE_MAX / XATTR_PIECE)
static const char lost_target[] = "(lost)";

/* The attribute that the walk is in. */
struct value {
	struct check *ck;
	uint64_t ino;  /* 0: none */
	char name[XATTR_NAME_MAX_LEN + 1];
	unsigned next; /* piece */
	uint64_t len;
	bool ended;    /* by a short piece */
	bool broken;
};

static size_t piece_key(const struct value *v, unsigned piece, uint8_t key[INDEX_KEY_MAX])
{
	size_t len = strlen(v->name);
	uint8_t *p = be64_put(key, v->ino);

	memcpy(p, v->name, len + 1);
	p[len + 1] = (uint8_t)piece;
	return 8 + len + 2;
}

static int value_remove(const struct value *v)
{
	uint8_t key[INDEX_KEY_MAX];
	int r = 0;

	for (unsigned piece = 0; r == 0 && piece < 256; piece++)
		r = check_del(v->ck, TABLE_XATTR, key, piece_key(v, piece, key));
	return r;
}

static int target_end(struct value *v, struct check_inode *i)
{
	struct check_problem p = {
		.code = CHECK_SYMLINK_SIZE, .ino = v->ino, .found = i->size, .expected = v->len,
	};
	int r;

	i->target = true;
	if (i->size == v->len)
		return 0;
	r = i->fresh ? 1 : check_found(v->ck, &p);
	if (r != 1)
		return r;
	i->size = v->len;
	return check_inode_fix(v->ck, i);
}

/* All pieces of a value were seen. */
static int value_end(struct value *v)
{
	struct check_problem p = { .name = v->name };
	struct check_inode *i = check_inode(v->ck, v->ino);
	int r = 0;

	if (v->ino == 0)
		return 0;
	if (!i) {
		p.code = CHECK_XATTR_NO_INODE;
		p.found = v->ino;
		r = check_found(v->ck, &p);
	} else if (v->broken || (v->name[0] == '\0' && (!S_ISLNK(i->mode) || v->len > SYMLINK_MAX_LEN || v->len == 0))) {
		p.code = CHECK_XATTR_PIECES;
		p.ino = v->ino;
		r = check_found(v->ck, &p);
	} else if (v->name[0] == '\0') {
		return target_end(v, i);
	}
	return r == 1 ? value_remove(v) : r;
}

static bool key_split(const struct index_record *rec, uint64_t *ino, const char **name, unsigned *piece)
{
	if (rec->key_len < 10 || rec->key_len > 8 + XATTR_NAME_MAX_LEN + 2)
		return false;
	*ino = be64_get(rec->key);
	*name = (const char *)rec->key + 8;
	*piece = rec->key[rec->key_len - 1];
	return *ino != 0 && strnlen(*name, rec->key_len - 8) == rec->key_len - 10;
}

static int piece_check(void *arg, const struct index_record *rec)
{
	struct value *v = arg;
	struct check_problem p = { .code = CHECK_XATTR_KEY };
	const char *name;
	unsigned piece;
	uint64_t ino;
	int r = check_step(v->ck);

	if (r)
		return r;
	if (!key_split(rec, &ino, &name, &piece)) {
		r = check_found(v->ck, &p);
		return r == 1 ? check_del(v->ck, TABLE_XATTR, rec->key, rec->key_len) : r;
	}
	if (ino != v->ino || strcmp(name, v->name) != 0) {
		r = value_end(v);
		if (r)
			return r;
		*v = (struct value){ .ck = v->ck, .ino = ino };
		memcpy(v->name, name, strlen(name) + 1);
	}
	if (rec->damaged || piece != v->next || v->ended || piece >= PIECES_MAX || rec->len > XATTR_PIECE)
		v->broken = true;
	v->next = piece + 1;
	v->len += rec->len;
	v->ended = rec->len < XATTR_PIECE;
	return 0;
}

static int targets_check(struct check *ck)
{
	struct check_inode *list = ck->inodes.items;
	int r = 0;

	for (size_t n = 0; r >= 0 && n < ck->inodes.n; n++) {
		struct check_problem p = { .code = CHECK_SYMLINK_TARGET, .ino = list[n].ino };
		struct value v = { .ck = ck, .ino = list[n].ino };
		uint8_t key[INDEX_KEY_MAX];

		if (!S_ISLNK(list[n].mode) || list[n].target)
			continue;
		r = check_found(ck, &p);
		if (r != 1)
			continue;
		list[n].size = sizeof lost_target - 1;
		r = check_put(ck, TABLE_XATTR, key, piece_key(&v, 0, key), lost_target, sizeof lost_target - 1);
		if (r == 0)
			r = check_inode_fix(ck, &list[n]);
	}
	return r < 0 ? r : 0;
}

int check_xattrs(struct check *ck)
{
	struct value v = { .ck = ck };
	int r = scan_table(ck->vol, TABLE_XATTR, piece_check, &v);

	if (r == 0)
		r = value_end(&v);
	return r ? r : targets_check(ck);
}
