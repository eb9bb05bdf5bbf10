/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking a store whose small extents are members of groups: clean as recompaction leaves it, mended when a group's record is damaged, and
 * made again from the segments alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/extent/extent_map.h"
#include "fs/names/dir.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/checked.h"

#define FILES 12u
#define LEN 300u

static void volume_get(struct checked *c, struct volume **vol)
{
	struct volume_error err = { "" };
	struct volume_options opt;

	volume_options_init(&opt);
	opt.offline = true;
	assert_int_equal(volume_open(c->path, &opt, vol, &err), 0);
}

static void bytes_of(unsigned i, uint8_t *bytes)
{
	bytes_text(bytes, LEN, 700 + i);
}

/* The dictionaries of the fixture are no dictionaries. */
static void models_retire(struct checked *c)
{
	struct model_disk d;
	uint8_t key[4];

	checked_open(c);
	be32_put(key, c->models[1]);
	checked_get(c, TABLE_MODEL, key, 4, &d, sizeof d);
	d.state = 2;
	checked_put(c, TABLE_MODEL, key, 4, &d, sizeof d);
	checked_close(c);
}

/* Many small files, packed; returns the inode of the first one. */
static uint64_t setup(struct checked *c)
{
	const struct dir_new what = { .mode = 0100644 };
	struct compact_options opt;
	struct compact_result result;
	struct inode *root, *inode;
	struct volume *vol;
	uint8_t bytes[LEN];
	uint64_t first = 0;

	checked_init(c);
	models_retire(c);
	volume_get(c, &vol);
	assert_int_equal(inode_get(vol, INO_ROOT, &root), 0);
	for (unsigned i = 0; i < FILES; i++) {
		char name[16];

		snprintf(name, sizeof name, "s%u", i);
		bytes_of(i, bytes);
		assert_int_equal(dir_make(root, name, &what, &inode), 0);
		assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
		first = first ? first : inode->ino;
		inode_put(inode, 1);
	}
	inode_put(root, 1);
	assert_int_equal(volume_commit(vol), 0);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	assert_int_equal(compact_run(vol, &opt, &result), 0);
	assert_int_equal(volume_close(vol), 0);
	return first;
}

/* How many of the files in a directory read as one of those written; no other bytes may be read. */
static unsigned whole(struct checked *c, const char *dir, unsigned *unreadable)
{
	uint8_t want[LEN], got[LEN];
	struct inode *root, *in, *inode;
	struct volume *vol;
	unsigned n = 0;
	char name[24];

	*unreadable = 0;
	volume_get(c, &vol);
	assert_int_equal(inode_get(vol, INO_ROOT, &root), 0);
	assert_int_equal(dir_lookup(root, dir, &in), 0);
	for (uint64_t i = 0; i < 100; i++) {
		snprintf(name, sizeof name, strcmp(dir, ".") ? "#%u" : "s%u", (unsigned)i);
		if (dir_lookup(in, name, &inode))
			continue;
		ssize_t len = inode->attr.size == LEN ? file_read(inode, got, LEN, 0) : 0;

		*unreadable += len == -EIO;
		for (unsigned k = 0; k < FILES && len == LEN; k++) {
			bytes_of(k, want);
			n += memcmp(want, got, LEN) == 0;
		}
		inode_put(inode, 1);
	}
	inode_put(in, 1);
	inode_put(root, 1);
	assert_int_equal(volume_close(vol), 0);
	return n;
}

static void check_clean(struct checked *c)
{
	struct checked_run run = { .safe_only = false };

	assert_int_equal(checked_run(c, false, &run), 0);
	assert_int_equal(run.res.problems, 0);
}

/* Reported at least so many times, then mended. */
static void mend(struct checked *c, enum check_code code, unsigned times)
{
	struct checked_run run = { .safe_only = false };

	assert_int_equal(checked_run(c, false, &run), 0);
	assert_true(run.found[code] >= times);
	assert_int_equal(checked_run(c, true, &run), 0);
	check_clean(c);
}

static unsigned member_get(struct checked *c, uint64_t ino, struct extent *e)
{
	struct extent other;
	unsigned members = 0;

	checked_open(c);
	checked_extent_get(c, ino, 0, e);
	for (unsigned i = 0; i < FILES; i++) {
		checked_extent_get(c, ino + i, 0, &other);
		members += other.group == e->group;
	}
	checked_close(c);
	assert_true(e->group && members > 1);
	return members;
}

static void test_group_lost(void **state)
{
	struct checked c;
	uint64_t ino = setup(&c);
	unsigned unreadable, members;
	struct extent e;

	(void)state;
	check_clean(&c);
	assert_int_equal(whole(&c, ".", &unreadable), FILES);
	members = member_get(&c, ino, &e);
	checked_flip_segment(&c, e.pos.segment, e.pos.offset + 1);
	mend(&c, CHECK_EXTENT_LOST, members);
	assert_int_equal(whole(&c, ".", &unreadable), FILES - members);
	assert_int_equal(unreadable, members);
	checked_read(&c, "big other");
	checked_fini(&c);
}

static void test_group_record_missing(void **state)
{
	struct checked c;
	uint64_t ino = setup(&c);
	unsigned unreadable;
	struct extent e;
	uint8_t key[8];

	(void)state;
	member_get(&c, ino, &e);
	be64_put(key, e.group);
	checked_open(&c);
	checked_del(&c, TABLE_EXTENT, key, 8);
	checked_close(&c);
	mend(&c, CHECK_EXTENT_FOUND, 1);
	assert_int_equal(whole(&c, ".", &unreadable), FILES);
	checked_read(&c, "");
	checked_fini(&c);
}

static void test_group_share_wrong(void **state)
{
	struct checked c;
	uint64_t ino = setup(&c);
	struct extent_disk disk;
	unsigned unreadable;
	struct extent e, group;
	uint8_t key[8];
	size_t n;

	(void)state;
	member_get(&c, ino, &e);
	be64_put(key, e.group);
	checked_open(&c);
	n = checked_get(&c, TABLE_EXTENT, key, 8, &disk, sizeof disk);
	assert_int_equal(extent_decode(e.group, &disk, n, &group), 0);
	group.refs = LEN + 5;
	checked_put(&c, TABLE_EXTENT, key, 8, &disk, extent_encode(&disk, &group));
	checked_close(&c);
	mend(&c, CHECK_EXTENT_REFS, 1);
	assert_int_equal(whole(&c, ".", &unreadable), FILES);
	checked_read(&c, "");
	checked_fini(&c);
}

static void test_rebuilt(void **state)
{
	struct checked c;
	unsigned unreadable;

	(void)state;
	setup(&c);
	assert_int_equal(unlinkat(c.dirfd, "index.mdb", 0), 0);
	mend(&c, CHECK_NO_INDEX, 1);
	assert_int_equal(whole(&c, "lost+found", &unreadable), FILES);
	assert_int_equal(unreadable, 0);
	checked_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_lost),
		cmocka_unit_test(test_group_record_missing),
		cmocka_unit_test(test_group_share_wrong),
		cmocka_unit_test(test_rebuilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
