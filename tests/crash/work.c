/* SPDX-License-Identifier: BSD-2-Clause */
/* Short forms of what a workload does to a volume. */
#include "tests/crash/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "fs/names/dir.h"
#include "fs/names/xattr.h"
#include "fs/store/volume_open.h"
#include "index/super.h"
#include "tests/codec/bytes.h"
#include "tests/crash/record.h"
#include "tests/crash/tree.h"
#include "tests/crash/verify.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "workload failed: %s\n", what);
	abort();
}

/* Small segments, and nothing random, so that a log can be made again. */
static void super_patch(const char *store)
{
	int dirfd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct index_op op;
	struct index *ix = NULL;
	struct super sb;
	bool readonly;
	int r;

	must(dirfd >= 0 && index_open(dirfd, store, false, false, &ix) == 0, "opening the index");
	index_begin(ix, &op);
	r = super_load(&op, &sb, &readonly);
	sb.segment_size = WORK_SEGMENT;
	sb.hash_seed = 1;
	memset(sb.uuid, 1, sizeof sb.uuid);
	if (r == 0)
		r = super_store(&op, &sb);
	index_end(&op);
	must(r == 0 && index_freeze(ix, NULL, NULL) == 1 && index_commit(ix) == 0, "patching the superblock");
	index_close(ix);
	close(dirfd);
}

void work_create(struct work *w)
{
	struct volume_error err;

	must(volume_create(w->store, WORK_CHUNK, "crash", 0, 0, &err) == 0, "volume_create");
	super_patch(w->store);
}

void work_open(struct work *w)
{
	struct volume_error err = { "" };
	struct volume_options opt;

	verify_options(&opt);
	must(volume_open(w->store, &opt, &w->vol, &err) == 0, "volume_open");
}

static void tree_get(struct work *w, struct tree *tree)
{
	must(tree_read(w->vol, false, tree) == 0, tree->problem);
}

/* Marks the tree; of files with data that is not flushed only what `flushed` (a file, or 0: all) is about to flush. */
static void tree_mark(enum log_type type, const struct tree *tree, uint64_t flushed)
{
	record_mark(type, tree->names);
	for (size_t i = 0; i < tree->n; i++) {
		const struct tree_file *f = &tree->files[i];

		if (flushed == 0 || f->ino == flushed || !f->dirty)
			record_mark_file(type, f->ino, f->hash);
		else if (type == LOG_MAYBE)
			record_mark_file(LOG_VAGUE, f->ino, 0);
	}
}

void work_maybe(struct work *w)
{
	struct tree tree;

	tree_get(w, &tree);
	tree_mark(LOG_MAYBE, &tree, 0);
}

void work_durable(struct work *w)
{
	struct tree tree;

	tree_get(w, &tree);
	tree_mark(LOG_DURABLE, &tree, 0);
}

int work_commit(struct work *w)
{
	int r;

	work_maybe(w);
	r = volume_commit(w->vol);
	if (r == 0)
		work_durable(w);
	return r;
}

int work_close(struct work *w)
{
	struct tree tree;
	int r;

	tree_get(w, &tree);
	tree_mark(LOG_MAYBE, &tree, 0);
	r = volume_close(w->vol);
	w->vol = NULL;
	if (r == 0)
		tree_mark(LOG_DURABLE, &tree, 0);
	return r;
}

int work_fsync(struct work *w, const char *path)
{
	struct inode *inode = work_find(w, path);
	struct tree tree;
	int r;

	if (!inode)
		return -ENOENT;
	tree_get(w, &tree);
	tree_mark(LOG_MAYBE, &tree, inode->ino);
	r = file_sync(inode);
	if (r == 0)
		tree_mark(LOG_DURABLE, &tree, inode->ino);
	inode_put(inode, 1);
	return r;
}

/* The directory that a path ends in; *last its last component. */
static int parent_of(struct work *w, const char *path, struct inode **out, const char **last)
{
	struct inode *dir, *next;
	const char *slash;
	int r = inode_get(w->vol, INO_ROOT, &dir);

	*out = NULL;
	while (r == 0 && (slash = strchr(path, '/'))) {
		char name[NAME_LEN_MAX + 1];

		snprintf(name, sizeof name, "%.*s", (int)(slash - path), path);
		r = dir_lookup(dir, name, &next);
		inode_put(dir, 1);
		dir = next;
		path = slash + 1;
	}
	if (r)
		return r;
	*out = dir;
	*last = path;
	return 0;
}

int work_lookup(struct work *w, const char *path, struct inode **out)
{
	struct inode *dir;
	const char *name;
	int r = parent_of(w, path, &dir, &name);

	*out = NULL;
	if (r)
		return r;
	r = dir_lookup(dir, name, out);
	inode_put(dir, 1);
	if (r)
		*out = NULL;
	return r;
}

struct inode *work_find(struct work *w, const char *path)
{
	struct inode *inode;

	(void)work_lookup(w, path, &inode);
	return inode;
}

int work_make(struct work *w, const char *path, uint32_t mode)
{
	struct dir_new what = { .mode = mode, .uid = 1, .gid = 2 };
	struct inode *dir, *inode;
	const char *name;
	int r;

	r = parent_of(w, path, &dir, &name);
	if (r)
		return r;
	r = dir_make(dir, name, &what, &inode);
	if (r == 0)
		inode_put(inode, 1);
	inode_put(dir, 1);
	return r;
}

/* Takes the bytes, which it frees. */
static int put_bytes(struct work *w, const char *path, uint64_t offset, uint8_t *bytes, size_t len)
{
	struct inode *inode = work_find(w, path);
	ssize_t n = -ENOENT;

	if (!inode && work_make(w, path, S_IFREG | 0644) == 0)
		inode = work_find(w, path);
	if (inode) {
		n = file_write(inode, bytes, len, offset, false);
		inode_put(inode, 1);
	}
	free(bytes);
	return n == (ssize_t)len ? 0 : n < 0 ? (int)n : -EIO;
}

int work_write(struct work *w, const char *path, uint64_t offset, size_t len)
{
	uint8_t *bytes = malloc(len + 8);
	uint64_t seed = replay_random(&w->random);

	must(bytes != NULL, "malloc");
	for (size_t i = 0; i < len; i += 8) { /* half of it compresses */
		uint64_t x = i / 512 % 2 ? seed : replay_random(&seed);

		memcpy(bytes + i, &x, 8);
	}
	return put_bytes(w, path, offset, bytes, len);
}

int work_write_text(struct work *w, const char *path, size_t len, uint64_t seed)
{
	uint8_t *bytes = malloc(len);

	must(bytes != NULL, "malloc");
	bytes_text(bytes, len, seed);
	return put_bytes(w, path, 0, bytes, len);
}

static int set(struct work *w, const char *path, unsigned mask, const struct inode_attr *to)
{
	struct inode *inode;
	int r = work_lookup(w, path, &inode);

	if (r)
		return r;
	r = attr_set(inode, mask, to);
	inode_put(inode, 1);
	return r;
}

int work_truncate(struct work *w, const char *path, uint64_t size)
{
	return set(w, path, ATTR_SIZE, &(struct inode_attr){ .size = size });
}

int work_chmod(struct work *w, const char *path, uint32_t mode)
{
	return set(w, path, ATTR_MODE, &(struct inode_attr){ .mode = mode });
}

int work_flush(struct work *w, const char *path)
{
	struct inode *inode = work_find(w, path);
	int r;

	if (!inode)
		return -ENOENT;
	r = file_flush(inode);
	inode_put(inode, 1);
	return r;
}

static int name_do(struct work *w, const char *path, int (*fn)(struct inode *dir, const char *name))
{
	struct inode *dir;
	const char *name;
	int r = parent_of(w, path, &dir, &name);

	if (r)
		return r;
	r = fn(dir, name);
	inode_put(dir, 1);
	return r;
}

int work_unlink(struct work *w, const char *path)
{
	return name_do(w, path, dir_unlink);
}

int work_rmdir(struct work *w, const char *path)
{
	return name_do(w, path, dir_rmdir);
}

int work_rename(struct work *w, const char *from, const char *to)
{
	struct inode *a, *b = NULL;
	const char *old, *new;
	int r = parent_of(w, from, &a, &old);

	if (r == 0)
		r = parent_of(w, to, &b, &new);
	if (r == 0)
		r = dir_rename(a, old, b, new, 0);
	if (a)
		inode_put(a, 1);
	if (b)
		inode_put(b, 1);
	return r;
}

int work_link(struct work *w, const char *from, const char *to)
{
	struct inode *inode, *dir = NULL;
	const char *name;
	int r = work_lookup(w, from, &inode);

	if (r == 0)
		r = parent_of(w, to, &dir, &name);
	if (r == 0)
		r = dir_link(inode, dir, name);
	if (inode)
		inode_put(inode, 1);
	if (dir)
		inode_put(dir, 1);
	return r;
}

int work_symlink(struct work *w, const char *path, const char *target)
{
	struct inode *dir, *inode;
	const char *name;
	int r;

	r = parent_of(w, path, &dir, &name);
	if (r)
		return r;
	r = dir_symlink(dir, name, target, 1, 2, &inode);
	if (r == 0)
		inode_put(inode, 1);
	inode_put(dir, 1);
	return r;
}

int work_xattr(struct work *w, const char *path, size_t len)
{
	struct inode *inode = work_find(w, path);
	uint8_t *value = malloc(len + 1);
	int r;

	must(value != NULL, "malloc");
	memset(value, (int)(replay_random(&w->random) & 255), len + 1);
	r = inode ? xattr_set(inode, "user.test", value, len, 0) : -ENOENT;
	if (inode)
		inode_put(inode, 1);
	free(value);
	return r;
}
