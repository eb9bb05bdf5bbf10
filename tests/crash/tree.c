/* SPDX-License-Identifier: BSD-2-Clause */
/* A walk over everything that a volume shows. */
#include "tests/crash/tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/data/file.h"
#include "fs/names/dir.h"
#include "fs/names/xattr.h"

#define BLOCK 65536u
#define DEPTH_MAX 32
#define SIZE_MAX_READ (64 << 20) /* no file of a test is longer; a damaged size may say terabytes of nothing */

struct list {
	struct dir_entry *at;
	size_t n, cap;
};

struct walk {
	struct volume *vol;
	struct tree *tree;
	bool damaged;
	uint8_t *block;
	uint64_t *seen;
	size_t n_seen, cap_seen;
};

static int list_add(void *arg, const struct dir_entry *entry)
{
	struct list *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->at = realloc(l->at, l->cap * sizeof *l->at);
		if (!l->at)
			abort();
	}
	l->at[l->n++] = *entry;
	return 0;
}

static bool first_time(struct walk *w, uint64_t ino)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (w->seen[i] == ino)
			return false;
	if (w->n_seen == w->cap_seen) {
		w->cap_seen = w->cap_seen ? 2 * w->cap_seen : 64;
		w->seen = realloc(w->seen, w->cap_seen * sizeof *w->seen);
		if (!w->seen)
			abort();
	}
	w->seen[w->n_seen++] = ino;
	return true;
}

static uint64_t times_hash(const struct stat *st, uint64_t seed)
{
	uint64_t fields[] = {
		(uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
		(uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec,
	};

	return XXH3_64bits_withSeed(fields, sizeof fields, seed);
}

/* A hash of the bytes. */
static int bytes_read(struct walk *w, struct inode *inode, const struct stat *st, uint64_t *hash)
{
	size_t step = w->damaged ? w->vol->super.chunk_size : BLOCK;
	uint64_t at = 0;
	ssize_t n;

	if (step > BLOCK)
		return -EOVERFLOW;
	while ((n = file_read(inode, w->block, step, at)) != 0) {
		if (n == -EIO && w->damaged) {
			memset(w->block, 0xda, step);
			n = (ssize_t)step;
		}
		if (n < 0)
			return (int)n;
		*hash = XXH3_64bits_withSeed(w->block, (size_t)n, *hash);
		at += (uint64_t)n;
	}
	return at == (uint64_t)st->st_size || w->damaged ? 0 : -EUCLEAN;
}

/* A regular file's contents are listed by inode; a second name adds nothing. */
static int content_read(struct walk *w, struct inode *inode, const struct stat *st)
{
	struct tree_file *f = &w->tree->files[w->tree->n];
	uint64_t hash = 0;
	int r;

	for (size_t i = 0; i < w->tree->n; i++)
		if (w->tree->files[i].ino == inode->ino)
			return 0;
	if (w->tree->n == TREE_FILES || st->st_size > SIZE_MAX_READ)
		return -EOVERFLOW;
	r = bytes_read(w, inode, st, &hash);
	pthread_mutex_lock(&inode->data_mutex);
	f->dirty = inode->dirty != NULL;
	pthread_mutex_unlock(&inode->data_mutex);
	f->ino = inode->ino;
	f->bytes = hash;
	f->hash = times_hash(st, hash);
	w->tree->n++;
	return r;
}

/* What a repair keeps of a name. */
static int kept_add(struct walk *w, const struct inode *inode, const char *path)
{
	struct stat st;
	uint64_t fields[2] = { 0 };

	inode_stat((struct inode *)inode, &st);
	fields[0] = st.st_mode & S_IFMT;
	for (size_t i = 0; i < w->tree->n; i++)
		if (w->tree->files[i].ino == inode->ino)
			fields[1] = w->tree->files[i].bytes + (uint64_t)st.st_size;
	if (w->tree->n_kept == sizeof w->tree->kept / sizeof *w->tree->kept)
		return -EOVERFLOW;
	w->tree->kept[w->tree->n_kept++] = XXH3_64bits_withSeed(path, strlen(path), XXH3_64bits(fields, sizeof fields));
	return 0;
}

static int xattr_hash(struct walk *w, struct inode *inode, uint64_t *hash)
{
	char names[4096];
	int len = xattr_list(inode, names, sizeof names);
	uint64_t sum = 0;

	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		int n = xattr_get(inode, name, w->block, BLOCK);

		if (n < 0)
			return n;
		sum += XXH3_64bits_withSeed(w->block, (size_t)n, XXH3_64bits(name, strlen(name)));
	}
	*hash += sum;
	return len < 0 ? len : 0;
}

static int inode_hash(struct walk *w, struct inode *inode, uint64_t *hash)
{
	struct stat st;
	int r = xattr_hash(w, inode, hash);

	inode_stat(inode, &st);
	if (r == 0 && S_ISREG(st.st_mode))
		r = content_read(w, inode, &st);
	else
		*hash = times_hash(&st, *hash);
	if (r == 0 && S_ISLNK(st.st_mode)) {
		r = dir_readlink(inode, (char *)w->block, BLOCK);
		if (r >= 0)
			*hash = XXH3_64bits_withSeed(w->block, (size_t)r, *hash);
		r = r < 0 ? r : 0;
	}
	uint64_t fields[] = { st.st_mode, st.st_nlink, st.st_uid, st.st_gid, st.st_rdev, st.st_ino };
	*hash = XXH3_64bits_withSeed(fields, sizeof fields, *hash);
	return r;
}

static int dir_walk(struct walk *w, struct inode *dir, const char *path, int depth);

static int entry_walk(struct walk *w, struct inode *dir, const char *path, const struct dir_entry *e, int depth)
{
	struct inode *inode;
	uint64_t hash = 0;
	char sub[1024];
	int r = dir_lookup(dir, e->name, &inode);

	snprintf(sub, sizeof sub, "%s/%s", path, e->name);
	if (r) {
		snprintf(w->tree->problem, sizeof w->tree->problem, "%.200s: lookup: error %d", sub, r);
		return r;
	}
	r = inode->ino == e->ino ? inode_hash(w, inode, &hash) : -EUCLEAN;
	if (r == 0)
		r = kept_add(w, inode, sub);
	if (r)
		snprintf(w->tree->problem, sizeof w->tree->problem, "%.200s: error %d", sub, r);
	w->tree->inodes += first_time(w, inode->ino);
	w->tree->names += XXH3_64bits_withSeed(sub, strlen(sub), hash);
	if (r == 0 && e->type == DT_DIR)
		r = dir_walk(w, inode, sub, depth + 1);
	inode_put(inode, 1);
	return r;
}

static int dir_walk(struct walk *w, struct inode *dir, const char *path, int depth)
{
	struct list l = { 0 };
	int r = depth > DEPTH_MAX ? -ELOOP : dir_read(dir, 0, list_add, &l);

	if (r)
		snprintf(w->tree->problem, sizeof w->tree->problem, "%.200s/: error %d", path, r);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (strcmp(l.at[i].name, ".") != 0 && strcmp(l.at[i].name, "..") != 0)
			r = entry_walk(w, dir, path, &l.at[i], depth);
	free(l.at);
	return r;
}

int tree_read(struct volume *vol, bool damaged, struct tree *out)
{
	struct walk w = { .vol = vol, .tree = out, .damaged = damaged, .block = malloc(BLOCK) };
	struct inode *root;
	int r = inode_get(vol, INO_ROOT, &root);

	memset(out, 0, sizeof *out);
	if (!w.block)
		abort();
	if (r == 0) {
		out->inodes = 1;
		r = inode_hash(&w, root, &out->names);
		if (r)
			snprintf(out->problem, sizeof out->problem, "root: error %d", r);
		else
			r = dir_walk(&w, root, "", 0);
		inode_put(root, 1);
	} else {
		snprintf(out->problem, sizeof out->problem, "root: error %d", r);
	}
	free(w.seen);
	free(w.block);
	return r;
}
