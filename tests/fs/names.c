/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open volume in a fresh store for one test of the namespace, and short forms that fail the test when they
 * fail.
 */
#include "tests/fs/names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/store/volume_open.h"

void names_open(struct names *n, const struct volume_options *opt)
{
	struct volume_error err = { "" };
	struct volume_options own;
	int r;

	volume_options_init(&own);
	own.offline = true;
	own.workers = 2;
	own.role = "test";
	r = volume_open(n->store->path, opt ? opt : &own, &n->vol, &err);
	if (r)
		fail_msg("volume_open: %d %s", r, err.text);
	assert_int_equal(inode_get(n->vol, INO_ROOT, &n->root), 0);
}

void names_close(struct names *n)
{
	inode_put(n->root, 1);
	assert_int_equal(volume_close(n->vol), 0);
	n->vol = NULL;
}

void names_reopen(struct names *n)
{
	names_close(n);
	names_open(n, NULL);
}

int names_setup(void **state)
{
	struct names *n = calloc(1, sizeof *n);
	struct volume_error err = { "" };
	void *store;

	assert_non_null(n);
	assert_int_equal(store_setup(&store), 0);
	n->store = store;
	assert_int_equal(volume_create(n->store->path, CHUNK_SIZE_MIN, NULL, 0, 0, &err), 0);
	names_open(n, NULL);
	*state = n;
	return 0;
}

int names_teardown(void **state)
{
	struct names *n = *state;
	void *store = n->store;

	if (n->vol)
		names_close(n);
	free(n);
	return store_teardown(&store);
}

struct inode *names_file(struct inode *parent, const char *name)
{
	struct dir_new what = { .mode = S_IFREG | 0644, .uid = 1, .gid = 2 };
	struct inode *inode;

	assert_int_equal(dir_make(parent, name, &what, &inode), 0);
	return inode;
}

struct inode *names_dir(struct inode *parent, const char *name)
{
	struct dir_new what = { .mode = S_IFDIR | 0755, .uid = 1, .gid = 2 };
	struct inode *inode;

	assert_int_equal(dir_make(parent, name, &what, &inode), 0);
	return inode;
}

uint64_t names_ino(struct inode *parent, const char *name)
{
	struct inode *inode;
	uint64_t ino;
	int r = dir_lookup(parent, name, &inode);

	if (r == -ENOENT)
		return 0;
	assert_int_equal(r, 0);
	ino = inode->ino;
	inode_put(inode, 1);
	return ino;
}

uint32_t names_nlink(struct inode *inode)
{
	struct stat st;

	inode_stat(inode, &st);
	return (uint32_t)st.st_nlink;
}

size_t names_records(struct volume *vol, enum table table, uint64_t ino)
{
	struct index_record *rec = malloc(sizeof *rec);
	struct index_scan *scan;
	struct index_op op;
	uint8_t prefix[8];
	size_t count = 0;
	int r;

	assert_non_null(rec);
	be64_put(prefix, ino);
	index_begin(vol->index, &op);
	assert_int_equal(index_scan_open(&op, table, prefix, ino ? sizeof prefix : 0, NULL, 0, &scan), 0);
	while ((r = index_scan_next(scan, rec)) == 1)
		count++;
	index_scan_close(scan);
	index_end(&op);
	free(rec);
	assert_int_equal(r, 0);
	return count;
}
