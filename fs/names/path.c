/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths of inodes: one walk finds an entry that names each, then the directories above are asked for their names one by one.
 */
#include "fs/names/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/scan.h"
#include "fs/names/dirent.h"
#include "fs/names/inode.h"

#define DEPTH_MAX 1024
#define PATH_LEN_MAX 4096

struct named {
	uint64_t dir; /* 0: no name found */
	char *name;
};

struct naming {
	const uint64_t *inos;
	size_t n;
	struct named *list;
};

static int entry_note(void *arg, const struct index_record *rec)
{
	struct naming *f = arg;
	char name[NAME_LEN_MAX + 1];
	struct dirent_slot slot;
	size_t lo = 0, hi = f->n;

	if (rec->key_len != DIRENT_KEY || dirent_decode(rec->value, rec->len, &slot, name))
		return 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->inos[mid] < slot.ino)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->n || f->inos[lo] != slot.ino || f->list[lo].dir)
		return 0;
	f->list[lo].name = strdup(name);
	if (!f->list[lo].name)
		return -ENOMEM;
	f->list[lo].dir = be64_get(rec->key);
	return 0;
}

static int parent_get(struct index_op *op, uint64_t dir, uint64_t *parent)
{
	struct inode_disk disk;
	struct inode_attr attr;
	uint8_t key[8];
	int r;

	be64_put(key, dir);
	r = index_get(op, TABLE_INODE, key, sizeof key, &disk, sizeof disk);
	r = r < 0 ? r : inode_decode(&disk, (size_t)r, &attr);
	if (r == 0)
		*parent = attr.parent;
	return r;
}

int path_parent(struct volume *vol, uint64_t dir, uint64_t *parent)
{
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = parent_get(&op, dir, parent);
	index_end(&op);
	return r;
}

/* The name of a directory in its parent: 1; 0 none. */
static int dir_name(struct volume *vol, uint64_t ino, uint64_t *parent, char name[NAME_LEN_MAX + 1])
{
	struct dirent_slot slot;
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t key[8];
	bool found = false;
	int r;

	index_begin(vol->index, &op);
	r = parent_get(&op, ino, parent);
	if (r == 0) {
		be64_put(key, *parent);
		r = index_scan_open(&op, TABLE_DIRENT, key, sizeof key, NULL, 0, &scan);
	}
	if (r == 0) {
		while (!found && index_scan_next(scan, &rec) == 1)
			found = dirent_decode(rec.value, rec.len, &slot, name) == 0 && slot.ino == ino;
		index_scan_close(scan);
	}
	index_end(&op);
	return found;
}

/* Fills buf from its end; returns where the path begins, its end when there is none. */
static char *path_build(struct volume *vol, const struct named *leaf, char buf[PATH_LEN_MAX])
{
	char name[NAME_LEN_MAX + 1], *end = buf + PATH_LEN_MAX - 1, *at = end;
	const char *part = leaf->name;
	uint64_t dir = leaf->dir, parent;

	*end = '\0';
	for (int depth = 0; dir != 0 && depth < DEPTH_MAX; depth++) {
		size_t len = strlen(part);

		if (len + 1 > (size_t)(at - buf))
			break;
		at -= len;
		memcpy(at, part, len);
		*--at = '/';
		if (dir == INO_ROOT)
			return at;
		if (!dir_name(vol, dir, &parent, name))
			break;
		part = name;
		dir = parent;
	}
	return end;
}

int path_find(struct volume *vol, const uint64_t *inos, size_t n, int (*fn)(void *arg, uint64_t ino, const char *path),
	      void *arg)
{
	struct naming f = { .inos = inos, .n = n, .list = calloc(n + 1, sizeof *f.list) };
	char *buf = malloc(PATH_LEN_MAX);
	int r = f.list && buf ? 0 : -ENOMEM;

	if (r == 0)
		r = scan_table(vol, TABLE_DIRENT, entry_note, &f);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = fn(arg, inos[i], f.list[i].dir ? path_build(vol, &f.list[i], buf) : inos[i] == INO_ROOT ? "/" : "");
	for (size_t i = 0; f.list && i < n; i++)
		free(f.list[i].name);
	free(f.list);
	free(buf);
	return r;
}
