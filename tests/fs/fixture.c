/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store for tests: made under $TMPDIR or /tmp, removed with everything in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/extent/extent_map.h"
#include "fs/extent/scan.h"
#include "fs/names/dir.h"
#include "fs/store/volume_open.h"
#include "tests/fs/fixture.h"

void fixture_open(struct fixture *f)
{
	struct volume_error err;
	int r = volume_open(f->path, &f->opt, &f->vol, &err);

	if (r)
		fail_msg("volume_open: %d %s", r, err.text);
}

void fixture_close(struct fixture *f)
{
	struct volume *vol = f->vol;

	f->vol = NULL;
	assert_int_equal(volume_close(vol), 0);
}

void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

void fixture_init(struct fixture *f, uint32_t chunk_size)
{
	const char *tmp = getenv("TMPDIR");
	struct volume_error err;

	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "%s/firn-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/store", f->dir);
	volume_options_init(&f->opt);
	f->opt.offline = true; /* commits when the test says so */
	assert_int_equal(volume_create(f->path, chunk_size, "test", getuid(), getgid(), &err), 0);
	fixture_open(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fixture_fini(struct fixture *f)
{
	(void)volume_close(f->vol);
	assert_int_equal(nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static struct inode *root(struct fixture *f)
{
	struct inode *inode;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &inode), 0);
	return inode;
}

struct inode *fixture_make(struct fixture *f, const char *name)
{
	struct dir_new what = { .mode = S_IFREG | 0644, .uid = getuid(), .gid = getgid() };
	struct inode *dir = root(f), *inode;

	assert_int_equal(dir_make(dir, name, &what, &inode), 0);
	inode_put(dir, 1);
	return inode;
}

struct inode *fixture_find(struct fixture *f, const char *name)
{
	struct inode *dir = root(f), *inode;

	assert_int_equal(dir_lookup(dir, name, &inode), 0);
	inode_put(dir, 1);
	return inode;
}

void fixture_unlink(struct fixture *f, const char *name)
{
	struct inode *dir = root(f);

	assert_int_equal(dir_unlink(dir, name), 0);
	inode_put(dir, 1);
}

void fixture_check(struct inode *inode, const uint8_t *bytes, size_t len)
{
	uint8_t *got = malloc(len + 1);
	struct stat st;

	assert_non_null(got);
	inode_stat(inode, &st);
	assert_int_equal(st.st_size, len);
	assert_int_equal(file_read(inode, got, len + 1, 0), len);
	assert_memory_equal(got, bytes, len);
	free(got);
}

struct age {
	struct volume *vol;
	uint64_t id;
	uint32_t hours;
};

static int age_one(void *arg, const struct index_record *r)
{
	const struct age *age = arg;
	struct extent e;
	struct index_op op;

	if (age->id != 0 && be64_get(r->key) != age->id)
		return 0;
	assert_int_equal(extent_decode(be64_get(r->key), r->value, r->len, &e), 0);
	e.touched -= age->hours;
	index_begin(age->vol->index, &op);
	assert_int_equal(extent_store(&op, &e), 0);
	index_end(&op);
	return 0;
}

void fixture_age(struct fixture *f, uint64_t id, uint32_t hours)
{
	struct age age = { .vol = f->vol, .id = id, .hours = hours };

	assert_int_equal(scan_table(f->vol, TABLE_EXTENT, age_one, &age), 0);
}
