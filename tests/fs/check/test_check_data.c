/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every problem of superblock, counters, chunks, extents and segments: made, reported, mended, gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/names/dirent.h"
#include "fs/store/volume_open.h"
#include "tests/fs/checked.h"

static bool disk_full;

int __real_segments_space(struct segments *ss, struct segments_space *out);
int __wrap_segments_space(struct segments *ss, struct segments_space *out);
int __wrap_segments_space(struct segments *ss, struct segments_space *out)
{
	int r = __real_segments_space(ss, out);

	if (disk_full)
		out->available = 0;
	return r;
}

static void no_index(struct checked *c)
{
	assert_int_equal(unlinkat(c->dirfd, "index.mdb", 0), 0);
}

static void index_garbage(struct checked *c)
{
	int fd = openat(c->dirfd, "index.mdb", O_RDWR | O_CLOEXEC);
	char page[4096];

	memset(page, 0xa5, sizeof page);
	for (int i = 2; i < 12; i++)
		assert_int_equal(pwrite(fd, page, sizeof page, i * 4096), sizeof page);
	close(fd);
}

static void super_damage(struct checked *c)
{
	uint8_t value[136];

	checked_open(c);
	checked_get(c, TABLE_META, "super", 5, value, sizeof value);
	value[58] ^= 1; /* the label */
	checked_put(c, TABLE_META, "super", 5, value, sizeof value);
	checked_close(c);
}

static void super_gone(struct checked *c)
{
	checked_open(c);
	checked_del(c, TABLE_META, "super", 5);
	checked_close(c);
}

static void meta_damaged(struct checked *c)
{
	checked_open(c);
	assert_int_equal(index_put_damaged(&c->op, TABLE_META, "scrub", 5, "anything", 8), 0);
	checked_close(c);
}

static void counters_gone(struct checked *c)
{
	checked_open(c);
	checked_del(c, TABLE_META, "counters", 8);
	checked_close(c);
}

static void counters_edit(struct checked *c, void (*edit)(struct counters_disk *d))
{
	struct counters_disk d;

	checked_open(c);
	checked_get(c, TABLE_META, "counters", 8, &d, sizeof d);
	edit(&d);
	checked_put(c, TABLE_META, "counters", 8, &d, sizeof d);
	checked_close(c);
}

static void low(struct counters_disk *d)
{
	d->next_ino = d->next_extent = d->next_sequence = le64_put(2);
	d->next_segment = d->next_model = le32_put(1);
}

static void counters_low(struct checked *c)
{
	counters_edit(c, low);
}

static void inodes_wrong(struct counters_disk *d)
{
	d->inodes = le64_put(3);
}

static void inode_count(struct checked *c)
{
	counters_edit(c, inodes_wrong);
}

static void plain_wrong(struct counters_disk *d)
{
	d->plain_bytes = le64_put(1);
}

static void plain_count(struct checked *c)
{
	counters_edit(c, plain_wrong);
}

static void inode_edit(struct checked *c, uint64_t ino, void (*edit)(struct inode_attr *a))
{
	struct inode_attr attr;

	checked_open(c);
	checked_inode_get(c, ino, &attr);
	edit(&attr);
	checked_inode_put(c, ino, &attr);
	checked_close(c);
}

static void chunk_put(struct checked *c, uint64_t ino, uint32_t no, const void *value, size_t len)
{
	uint8_t key[12];

	be32_put(be64_put(key, ino), no);
	checked_open(c);
	checked_put(c, TABLE_CHUNK, key, sizeof key, value, len);
	checked_close(c);
}

static void chunk_key(struct checked *c)
{
	checked_put_number(c, TABLE_CHUNK, c->files[BIG].ino, 8, "x", 1);
}

static void chunk_value(struct checked *c)
{
	chunk_put(c, c->files[BIG].ino, 1, "x", 1);
}

static void chunk_no_inode(struct checked *c)
{
	uint8_t key[16], value[300];

	checked_open(c);
	checked_entry(c, INO_ROOT, "other", key, value);
	checked_del(c, TABLE_DIRENT, key, 16);
	checked_close(c);
	checked_del_inode(c, c->files[OTHER].ino);
}

static void chunk_share(struct checked *c, uint64_t ino, uint32_t no)
{
	struct extent e;
	le64_t id;

	checked_open(c);
	checked_extent_get(c, c->files[OTHER].ino, 0, &e);
	e.refs = 2;
	checked_extent_put(c, &e);
	checked_close(c);
	id = le64_put(e.id);
	chunk_put(c, ino, no, &id, sizeof id);
}

static void chunk_not_file(struct checked *c)
{
	chunk_share(c, c->link, 0);
}

static void chunk_beyond(struct checked *c)
{
	chunk_share(c, c->files[SMALL].ino, 77);
}

/* The size in the record as if bits had flipped: the holes beside it stay. */
static void shorten(struct inode_attr *a)
{
	uint64_t holes = a->size - a->blocks;

	a->size = 10;
	a->blocks = a->size - holes;
}

static void inode_size(struct checked *c)
{
	inode_edit(c, c->files[BIG].ino, shorten);
}

static void more_blocks(struct inode_attr *a)
{
	a->blocks += 512;
}

static void inode_blocks(struct checked *c)
{
	inode_edit(c, c->files[BIG].ino, more_blocks);
}

static void model_key(struct checked *c)
{
	checked_put_number(c, TABLE_MODEL, c->models[1], 4, "short", 5);
}

static void segment_far(struct checked *c)
{
	const struct segment_stat_disk d = { .total = le64_put(99), .live = le64_put(51), .records = le32_put(1), .sealed = 1 };

	checked_put_number(c, TABLE_SEGMENT, 0x3e000001, 4, &d, sizeof d);
}

static void extent_edit(struct checked *c, void (*edit)(struct extent *e))
{
	struct extent e;

	checked_open(c);
	checked_extent_get(c, c->files[BIG].ino, 1, &e);
	edit(&e);
	checked_extent_put(c, &e);
	checked_close(c);
}

static void extent_key(struct checked *c)
{
	checked_put_number(c, TABLE_EXTENT, 7, 5, "x", 1);
}

static void move_away(struct extent *e)
{
	e->pos.offset += 1;
}

static void extent_found(struct checked *c)
{
	extent_edit(c, move_away);
}

static void extent_record_gone(struct checked *c)
{
	struct extent e;
	uint8_t key[8];

	checked_open(c);
	checked_extent_get(c, c->files[BIG].ino, 1, &e);
	be64_put(key, e.id);
	checked_del(c, TABLE_EXTENT, key, 8);
	checked_close(c);
}

static void extent_lost(struct checked *c)
{
	struct extent e;

	checked_open(c);
	checked_extent_get(c, c->files[BIG].ino, 1, &e);
	checked_close(c);
	checked_flip_segment(c, e.pos.segment, e.pos.offset + 1);
}

static void extent_lost_whole(struct checked *c)
{
	extent_lost(c);
	extent_record_gone(c);
}

static void mark(struct extent *e)
{
	e->damaged = true;
}

static void extent_known(struct checked *c)
{
	extent_edit(c, mark);
}

static void extent_unused(struct checked *c)
{
	struct extent e;

	checked_open(c);
	checked_extent_get(c, c->files[BIG].ino, 1, &e);
	e.id = 500;
	checked_extent_put(c, &e);
	checked_close(c);
}

static void more_refs(struct extent *e)
{
	e->refs = 9;
}

static void extent_refs(struct checked *c)
{
	extent_edit(c, more_refs);
}

static void segment_dir(struct checked *c)
{
	assert_int_equal(renameat(c->dirfd, "seg", AT_FDCWD, c->dir), -1);
	assert_int_equal(renameat(c->dirfd, "seg", c->dirfd, "../moved"), 0);
}

static void segment_gone(struct checked *c)
{
	struct extent e;
	char name[32];

	checked_open(c);
	checked_extent_get(c, c->files[BIG].ino, 1, &e);
	checked_close(c);
	snprintf(name, sizeof name, "seg/%08x.seg", e.pos.segment);
	assert_int_equal(unlinkat(c->dirfd, name, 0), 0);
}

static void segment_edit(struct checked *c, uint32_t segment, void (*edit)(struct segment_stat_disk *d))
{
	struct segment_stat_disk d;
	uint8_t key[4];

	be32_put(key, segment);
	checked_open(c);
	checked_get(c, TABLE_SEGMENT, key, 4, &d, sizeof d);
	edit(&d);
	checked_put(c, TABLE_SEGMENT, key, 4, &d, sizeof d);
	checked_close(c);
}

static void segment_key(struct checked *c)
{
	checked_put_number(c, TABLE_SEGMENT, 1, 4, "x", 1);
}

static void segment_file(struct checked *c)
{
	const struct segment_stat_disk d = { .total = le64_put(99), .live = le64_put(51), .records = le32_put(1) };

	checked_put_number(c, TABLE_SEGMENT, 2000, 4, &d, sizeof d);
}

static void longer(struct segment_stat_disk *d)
{
	d->total = le64_put(le64_get(d->total) + 5000);
}

static void segment_short(struct checked *c)
{
	segment_edit(c, 1, longer);
}

static void segment_header(struct checked *c)
{
	checked_flip_segment(c, 1, 30);
}

static void shorter(struct segment_stat_disk *d)
{
	d->total = le64_put(60);
}

static void segment_total(struct checked *c)
{
	segment_edit(c, 1, shorter);
}

static void less_live(struct segment_stat_disk *d)
{
	d->live = le64_put(1);
	d->records = le32_put(0);
}

static void segment_live(struct checked *c)
{
	segment_edit(c, 1, less_live);
}

static void next_todo_2(struct counters_disk *d)
{
	d->next_todo = le64_put(2);
}

static void hundred(struct counters_disk *d)
{
	d->next_segment = le32_put(100);
}

static void segment_strange(struct checked *c)
{
	int fd = openat(c->dirfd, "seg/00000030.seg", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	counters_edit(c, hundred);
}

static void no_room(struct checked *c)
{
	(void)c;
	disk_full = true;
}

static const struct checked_damage damages[] = {
	{ CHECK_NO_INDEX, no_index, "big small sparse other" },
	{ CHECK_INDEX_DAMAGED, index_garbage, "big small sparse other" },
	{ CHECK_SUPER, super_damage, "" },
	{ CHECK_SUPER, super_gone, "" },
	{ CHECK_META_DAMAGED, meta_damaged, "" },
	{ CHECK_COUNTERS_MISSING, counters_gone, "" },
	{ CHECK_COUNTER_LOW, counters_low, "" },
	{ CHECK_INODE_COUNT, inode_count, "" },
	{ CHECK_PLAIN_COUNT, plain_count, "" },
	{ CHECK_CHUNK_KEY, chunk_key, "" },
	{ CHECK_CHUNK_VALUE, chunk_value, "big" },
	{ CHECK_CHUNK_NO_INODE, chunk_no_inode, "other" },
	{ CHECK_CHUNK_NOT_FILE, chunk_not_file, "" },
	{ CHECK_CHUNK_BEYOND, chunk_beyond, "" },
	{ CHECK_INODE_SIZE, inode_size, "" },
	{ CHECK_INODE_BLOCKS, inode_blocks, "" },
	{ CHECK_EXTENT_KEY, extent_key, "" },
	{ CHECK_EXTENT_FOUND, extent_found, "" },
	{ CHECK_EXTENT_FOUND, extent_record_gone, "" },
	{ CHECK_EXTENT_LOST, extent_lost, "big" },
	{ CHECK_EXTENT_LOST, extent_lost_whole, "big" },
	{ CHECK_EXTENT_LOST, segment_gone, "big small sparse other" },
	{ CHECK_EXTENT_KNOWN, extent_known, "" },
	{ CHECK_EXTENT_UNUSED, extent_unused, "" },
	{ CHECK_EXTENT_REFS, extent_refs, "" },
	{ CHECK_SEGMENT_DIR, segment_dir, "big small sparse other" },
	{ CHECK_SEGMENT_KEY, segment_key, "" },
	{ CHECK_SEGMENT_KEY, segment_far, "" },
	{ CHECK_SEGMENT_FILE, segment_file, "" },
	{ CHECK_SEGMENT_SHORT, segment_short, "" },
	{ CHECK_SEGMENT_HEADER, segment_header, "" },
	{ CHECK_SEGMENT_TOTAL, segment_total, "" },
	{ CHECK_SEGMENT_LIVE, segment_live, "" },
	{ CHECK_SEGMENT_STRANGE, segment_strange, "" },
	{ CHECK_NO_ROOM, no_room, "" },
};

static void test_damages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		checked_damage(&damages[i]);
		disk_full = false;
	}
}

/* No problem of the table is without a damage that makes it. */
static void test_table(void **state)
{
	bool covered[CHECK_CODES] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
		covered[damages[i].code] = true;
	for (int i = 0; i < CHECK_CODES; i++)
		if (!((i >= CHECK_NO_ROOT && i <= CHECK_SYMLINK_SIZE) || (i >= CHECK_DIR_LOOP && i <= CHECK_LINKS) ||
		      (i >= CHECK_MODEL_KEY && i <= CHECK_MODEL_ACTIVE)) && !covered[i])
			fail_msg("no damage makes %s", check_table[i].name);
}

static int mount(struct checked *c, bool readonly)
{
	struct volume_error err = { "" };
	struct volume_options opt;
	struct volume *vol;
	int r;

	volume_options_init(&opt);
	opt.offline = true;
	opt.readonly = readonly;
	r = volume_open(c->path, &opt, &vol, &err);
	assert_true(r == 0 || strstr(err.text, "fsck.firn"));
	return r ? r : volume_close(vol);
}

/* Numbers that would be given out twice, and segments taken for garbage: a mount that could write is refused, and removes nothing. */
static void test_low_counters_are_not_believed(void **state)
{
	struct checked c;
	uint64_t before;

	(void)state;
	checked_init(&c);
	counters_low(&c);
	before = checked_hash(&c);
	assert_int_equal(mount(&c, false), -EUCLEAN);
	assert_int_equal(mount(&c, true), 0);
	assert_true(checked_hash(&c) == before);
	checked_fini(&c);
}

/* A record that only fsck can mend does not keep the rest from being used. */
static void test_damaged_records_do_not_hinder_a_mount(void **state)
{
	void (*const damage[])(struct checked *c) = { chunk_value, chunk_key, extent_key, model_key };
	struct checked c;

	(void)state;
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		checked_init(&c);
		damage[i](&c);
		checked_put_number(&c, TABLE_TODO, 1, 8, "\x09", 1);
		checked_put_number(&c, TABLE_ORPHAN, 7, 5, NULL, 0);
		counters_edit(&c, next_todo_2);
		assert_int_equal(mount(&c, false), 0);
		checked_read(&c, "big");
		checked_fini(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_low_counters_are_not_believed),
		cmocka_unit_test(test_damaged_records_do_not_hinder_a_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
