/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open volume in a fresh store for one test of the namespace, and short forms that fail the test when they
 * fail.
 */
#ifndef FIRN_TESTS_FS_NAMES_H
#define FIRN_TESTS_FS_NAMES_H

#include "fs/names/dir.h"
#include "tests/index/store.h"

struct names {
	struct store *store;
	struct volume *vol;
	struct inode *root;
};

int names_setup(void **state); /* *state: a struct names */
int names_teardown(void **state);

void names_open(struct names *n, const struct volume_options *opt); /* NULL: as a tool opens it */
void names_close(struct names *n);
void names_reopen(struct names *n);

struct inode *names_file(struct inode *parent, const char *name); /* an empty regular file, 0644 */
struct inode *names_dir(struct inode *parent, const char *name);  /* 0755 */
uint64_t names_ino(struct inode *parent, const char *name);       /* 0: there is none */
uint32_t names_nlink(struct inode *inode);

/* How many records a table has whose key begins with this inode number; ino 0: all. */
size_t names_records(struct volume *vol, enum table table, uint64_t ino);

#endif
