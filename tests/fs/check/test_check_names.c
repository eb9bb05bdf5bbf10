/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every problem of inodes, names, attributes and the tree, and orphans and to-dos: made, reported, mended, gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "fs/names/dirent.h"
#include "tests/fs/checked.h"

static void no_root(struct checked *c)
{
	checked_del_inode(c, INO_ROOT);
}

static void root_damaged(struct checked *c)
{
	checked_put_number(c, TABLE_INODE, INO_ROOT, 8, "short", 5);
}

static void inode_key(struct checked *c)
{
	checked_put_number(c, TABLE_INODE, 7, 5, "x", 1);
}

static void inode_damaged(struct checked *c)
{
	checked_put_number(c, TABLE_INODE, c->files[BIG].ino, 8, "short", 5);
}

static void dir_damaged(struct checked *c)
{
	checked_put_number(c, TABLE_INODE, c->d, 8, "short", 5);
}

static void inode_dropped(struct checked *c)
{
	checked_put_number(c, TABLE_INODE, 999, 8, "short", 5);
}

static void orphan_key(struct checked *c)
{
	checked_put_number(c, TABLE_ORPHAN, 7, 5, NULL, 0);
}

static void orphan_gone(struct checked *c)
{
	checked_put_number(c, TABLE_ORPHAN, 999, 8, NULL, 0);
}

static void orphan_named(struct checked *c)
{
	checked_put_number(c, TABLE_ORPHAN, c->files[BIG].ino, 8, NULL, 0);
}

/* Takes the entry of /other away, and leaves the inode with `nlink`. */
static void orphan_make(struct checked *c, uint32_t nlink)
{
	uint8_t key[16], value[310];
	struct inode_attr attr;

	checked_open(c);
	checked_inode_get(c, c->files[OTHER].ino, &attr);
	attr.nlink = nlink;
	checked_inode_put(c, c->files[OTHER].ino, &attr);
	checked_entry(c, INO_ROOT, "other", key, value);
	checked_del(c, TABLE_DIRENT, key, 16);
	checked_close(c);
	checked_put_number(c, TABLE_ORPHAN, c->files[OTHER].ino, 8, NULL, 0);
}

static void orphan_links(struct checked *c)
{
	orphan_make(c, 1);
}

static void orphan(struct checked *c)
{
	orphan_make(c, 0);
}

static void todo_damaged(struct checked *c)
{
	checked_put_number(c, TABLE_TODO, 1, 8, "\x09", 1);
}

static void todo(struct checked *c)
{
	const struct todo_disk disk = {
		.op = TODO_FREE_CHUNKS, .from = le32_put(100), .ino = le64_put(c->files[BIG].ino),
	};

	checked_put_number(c, TABLE_TODO, 1, 8, &disk, sizeof disk);
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

static void shrink(struct inode_attr *a)
{
	a->size = 100;
}

/* As a truncation leaves it that a crash stopped: the record says what is mapped still. */
static void todo_pending(struct checked *c)
{
	const struct todo_disk disk = {
		.op = TODO_FREE_CHUNKS, .from = le32_put(1), .ino = le64_put(c->files[BIG].ino),
	};

	inode_edit(c, c->files[BIG].ino, shrink);
	checked_put_number(c, TABLE_TODO, 1, 8, &disk, sizeof disk);
}

/* Changes the entry `name` of dir: to another key or value; a length of 0 removes it. */
static void entry_edit(struct checked *c, uint64_t dir, const char *name, void (*edit)(uint8_t *key, uint8_t *value, size_t *len))
{
	uint8_t key[16], was[16], value[310];
	size_t len;

	checked_open(c);
	len = checked_entry(c, dir, name, key, value);
	memcpy(was, key, sizeof was);
	edit(key, value, &len);
	if (memcmp(key, was, sizeof was) != 0 || len == 0)
		checked_del(c, TABLE_DIRENT, was, 16);
	if (len)
		checked_put(c, TABLE_DIRENT, key, 16, value, len);
	checked_close(c);
}

static void cut_name(uint8_t *key, uint8_t *value, size_t *len)
{
	(void)key;
	(void)value;
	*len = 2; /* type and inode */
}

static void entry_damaged(struct checked *c)
{
	entry_edit(c, c->d, "small", cut_name);
}

static void dir_gone(struct checked *c)
{
	checked_del_inode(c, c->d);
}

static void entry_not_dir(struct checked *c)
{
	uint8_t key[16], value[310];
	size_t len;

	checked_open(c);
	len = checked_entry(c, c->d, "small", key, value);
	be64_put(key, c->files[BIG].ino);
	checked_put(c, TABLE_DIRENT, key, 16, value, len);
	checked_close(c);
}

static void to_nothing(uint8_t *key, uint8_t *value, size_t *len)
{
	static const uint8_t ino[] = {0x9f, 0x8d, 0x06}; /* 99999 */

	(void)key;
	memmove(value + 1 + sizeof ino, value + 2, *len - 2);
	memcpy(value + 1, ino, sizeof ino);
	*len += sizeof ino - 1;
}

static void entry_gone(struct checked *c)
{
	entry_edit(c, c->d, "small", to_nothing);
}

static void entry_inode(struct checked *c)
{
	checked_del_inode(c, c->files[SMALL].ino);
}

static void set_type(uint8_t *key, uint8_t *value, size_t *len)
{
	(void)key;
	(void)len;
	value[0] = 4; /* DT_DIR */
}

static void entry_type(struct checked *c)
{
	entry_edit(c, c->d, "small", set_type);
}

static void misfile(uint8_t *key, uint8_t *value, size_t *len)
{
	(void)value;
	(void)len;
	key[12] ^= 0x40;
}

static void entry_hash(struct checked *c)
{
	entry_edit(c, c->d, "small", misfile);
}

/* An entry that is in the wrong place and names nothing is removed, and nothing is put where it should have been. */
static void misfile_nothing(uint8_t *key, uint8_t *value, size_t *len)
{
	misfile(key, value, len);
	to_nothing(key, value, len);
}

static void entry_hash_gone(struct checked *c)
{
	entry_edit(c, c->d, "small", misfile_nothing);
}

static void entry_twice(struct checked *c)
{
	uint8_t key[16], value[310];
	size_t len;

	checked_open(c);
	len = checked_entry(c, c->d, "small", key, value);
	key[15]++;
	checked_put(c, TABLE_DIRENT, key, 16, value, len);
	checked_close(c);
}

/* A directory gets one more name, which is the right one for its hash. */
static void name_add(struct checked *c, uint64_t dir, const char *name, uint64_t ino)
{
	struct dirent_slot slot = { .ino = ino, .type = 4 };
	struct volume bare = { 0 };
	struct dirent_slot there;
	bool readonly;

	assert_int_equal(super_load(&c->op, &bare.super, &readonly), 0);
	assert_int_equal(dirent_find(&c->op, &bare, dir, name, &there), -ENOENT);
	slot.cookie = there.cookie;
	assert_int_equal(dirent_put(&c->op, dir, name, &slot), 0);
}

static void second_name(struct checked *c)
{
	checked_open(c);
	name_add(c, INO_ROOT, "again", c->e);
	checked_close(c);
}

static void xattr_key(struct checked *c)
{
	checked_put_number(c, TABLE_XATTR, c->files[BIG].ino, 8, "x", 1);
}

static size_t attribute(uint8_t key[64], uint64_t ino, const char *name, uint8_t piece)
{
	uint8_t *p = be64_put(key, ino);

	memcpy(p, name, strlen(name) + 1);
	p[strlen(name) + 1] = piece;
	return 8 + strlen(name) + 2;
}

static void xattr_put_raw(struct checked *c, uint64_t ino, const char *name, uint8_t piece, const char *value)
{
	uint8_t key[64];

	checked_open(c);
	checked_put(c, TABLE_XATTR, key, attribute(key, ino, name, piece), value, strlen(value));
	checked_close(c);
}

static void xattr_no_inode(struct checked *c)
{
	xattr_put_raw(c, 999, "user.x", 0, "value");
}

static void xattr_pieces(struct checked *c)
{
	uint8_t key[64];

	checked_open(c);
	checked_del(c, TABLE_XATTR, key, attribute(key, c->files[SMALL].ino, "user.long", 1));
	checked_close(c);
}

static void xattr_tail(struct checked *c)
{
	xattr_put_raw(c, c->files[SMALL].ino, "user.short", 1, "more");
}

static void symlink_target(struct checked *c)
{
	uint8_t key[64];

	checked_open(c);
	checked_del(c, TABLE_XATTR, key, attribute(key, c->link, "", 0));
	checked_close(c);
}

static void size_3(struct inode_attr *a)
{
	a->size = 3;
}

static void symlink_size(struct checked *c)
{
	inode_edit(c, c->link, size_3);
}

static void dir_loop(struct checked *c)
{
	uint8_t key[16], value[310];

	checked_open(c);
	checked_entry(c, INO_ROOT, "d", key, value);
	checked_del(c, TABLE_DIRENT, key, 16);
	name_add(c, c->e, "d", c->d);
	checked_close(c);
}

static void drop(uint8_t *key, uint8_t *value, size_t *len)
{
	(void)key;
	(void)value;
	*len = 0;
}

static void nameless(struct checked *c)
{
	entry_edit(c, c->d, "small", drop);
}

static void nameless_dir(struct checked *c)
{
	entry_edit(c, INO_ROOT, "d", drop);
}

static void entry_no_dir(struct checked *c)
{
	nameless_dir(c);
	dir_gone(c);
}

static void parent_99(struct inode_attr *a)
{
	a->parent = 99;
}

static void dir_parent(struct checked *c)
{
	inode_edit(c, c->e, parent_99);
}

static void size_99(struct inode_attr *a)
{
	a->size = 99;
}

static void dir_size(struct checked *c)
{
	inode_edit(c, c->d, size_99);
}

static void links_99(struct inode_attr *a)
{
	a->nlink = 99;
}

static void links(struct checked *c)
{
	inode_edit(c, c->files[BIG].ino, links_99);
}

static const struct checked_damage damages[] = {
	{ CHECK_NO_ROOT, no_root, "" },
	{ CHECK_NO_ROOT, root_damaged, "" },
	{ CHECK_INODE_KEY, inode_key, "" },
	{ CHECK_INODE_DAMAGED, inode_damaged, "" },
	{ CHECK_INODE_DAMAGED, dir_damaged, "" },
	{ CHECK_INODE_DROPPED, inode_dropped, "" },
	{ CHECK_ORPHAN_KEY, orphan_key, "" },
	{ CHECK_ORPHAN_GONE, orphan_gone, "" },
	{ CHECK_ORPHAN_NAMED, orphan_named, "" },
	{ CHECK_ORPHAN_LINKS, orphan_links, "other" },
	{ CHECK_ORPHAN, orphan, "other" },
	{ CHECK_TODO_DAMAGED, todo_damaged, "" },
	{ CHECK_TODO, todo, "" },
	{ CHECK_TODO, todo_pending, "big" },
	{ CHECK_ENTRY_DAMAGED, entry_damaged, "small" },
	{ CHECK_ENTRY_NO_DIR, entry_no_dir, "small" },
	{ CHECK_ENTRY_NOT_DIR, entry_not_dir, "" },
	{ CHECK_ENTRY_GONE, entry_gone, "small" },
	{ CHECK_ENTRY_INODE, entry_inode, "" },
	{ CHECK_ENTRY_INODE, dir_gone, "" },
	{ CHECK_ENTRY_TYPE, entry_type, "" },
	{ CHECK_ENTRY_HASH, entry_hash, "" },
	{ CHECK_ENTRY_HASH, entry_hash_gone, "small" },
	{ CHECK_ENTRY_TWICE, entry_twice, "" },
	{ CHECK_DIR_SECOND_NAME, second_name, "" },
	{ CHECK_XATTR_KEY, xattr_key, "" },
	{ CHECK_XATTR_NO_INODE, xattr_no_inode, "" },
	{ CHECK_XATTR_PIECES, xattr_pieces, "" },
	{ CHECK_XATTR_PIECES, xattr_tail, "" },
	{ CHECK_SYMLINK_TARGET, symlink_target, "" },
	{ CHECK_SYMLINK_SIZE, symlink_size, "" },
	{ CHECK_DIR_LOOP, dir_loop, "small" },
	{ CHECK_NAMELESS, nameless, "small" },
	{ CHECK_NAMELESS, nameless_dir, "small" },
	{ CHECK_DIR_PARENT, dir_parent, "" },
	{ CHECK_DIR_SIZE, dir_size, "" },
	{ CHECK_LINKS, links, "" },
};

static void test_damages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
		checked_damage(&damages[i]);
}

/* What a crash leaves of a file that was being freed, its chunks gone and its record not yet, is no problem. */
static void test_orphan_half_freed(void **state)
{
	struct checked_run run = { .safe_only = false };
	struct inode_attr attr;
	struct checked c;

	(void)state;
	checked_init(&c);
	orphan_make(&c, 0);
	checked_open(&c);
	checked_inode_get(&c, c.files[OTHER].ino, &attr);
	attr.blocks += CHECKED_CHUNK;
	checked_inode_put(&c, c.files[OTHER].ino, &attr);
	checked_close(&c);
	assert_int_equal(checked_run(&c, false, &run), 0);
	assert_int_equal(run.found[CHECK_ORPHAN], 1);
	assert_int_equal(run.found[CHECK_INODE_BLOCKS], 0);
	checked_read(&c, "other");
	checked_fini(&c);
}

/* No problem of the table is without a damage that makes it. */
static void test_table(void **state)
{
	bool covered[CHECK_CODES] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
		covered[damages[i].code] = true;
	for (int i = 0; i < CHECK_CODES; i++)
		if (((i >= CHECK_NO_ROOT && i <= CHECK_SYMLINK_SIZE) || (i >= CHECK_DIR_LOOP && i <= CHECK_LINKS)) && !covered[i])
			fail_msg("no damage makes %s", check_table[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_orphan_half_freed),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
