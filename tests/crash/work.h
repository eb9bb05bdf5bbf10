/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What workloads are made of: a small store, its volume, short forms of the operations, and commits that put into the log which tree
 * may be found, and which must be.
 */
#ifndef FIRN_TESTS_CRASH_WORK_H
#define FIRN_TESTS_CRASH_WORK_H

#include "fs/names/inode.h"

#define WORK_CHUNK 4096u
#define WORK_SEGMENT 65536u

struct work {
	char store[512];
	char scratch[512];
	uint64_t random;
	struct volume *vol; /* NULL while closed */
};

/* An empty store with small chunks and segments, always the same one but for the times. Aborts when it can't be made. */
void work_create(struct work *w);
void work_open(struct work *w);
int work_close(struct work *w); /* with marks, as work_commit */

/* The tree as it is becomes one that may be found; when the commit succeeds, the only one. */
int work_commit(struct work *w);
int work_fsync(struct work *w, const char *path);
void work_durable(struct work *w); /* for what was made durable otherwise */
void work_maybe(struct work *w);

/* 0 or -errno. Paths are relative to the root. */
int work_lookup(struct work *w, const char *path, struct inode **out);
struct inode *work_find(struct work *w, const char *path); /* NULL; the caller puts it */
int work_make(struct work *w, const char *path, uint32_t mode);
int work_write(struct work *w, const char *path, uint64_t offset, size_t len); /* bytes unlike any before; makes the file */
int work_write_text(struct work *w, const char *path, size_t len, uint64_t seed);
int work_truncate(struct work *w, const char *path, uint64_t size);
int work_chmod(struct work *w, const char *path, uint32_t mode);
int work_flush(struct work *w, const char *path);
int work_rename(struct work *w, const char *from, const char *to);
int work_link(struct work *w, const char *from, const char *to);
int work_symlink(struct work *w, const char *path, const char *target);
int work_unlink(struct work *w, const char *path);
int work_rmdir(struct work *w, const char *path);
int work_xattr(struct work *w, const char *path, size_t len);

#endif
