/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: what is refused, what is inherited, what rename does to times and data, and operations from many
 * threads.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/data/file.h"
#include "fs/names/dirent.h"
#include "tests/fs/names.h"

static void test_bad_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b" };
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f"), *none;
	struct dir_new what = { .mode = S_IFREG };
	char name[NAME_LEN_MAX + 2];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(dir_make(n->root, bad[i], &what, &none), -EINVAL);
		assert_int_equal(dir_link(file, n->root, bad[i]), -EINVAL);
		assert_int_equal(dir_unlink(n->root, bad[i]), -EINVAL);
		assert_int_equal(dir_rename(n->root, "f", n->root, bad[i], 0), -EINVAL);
	}
	memset(name, 'x', sizeof name);
	name[NAME_LEN_MAX + 1] = '\0';
	assert_int_equal(dir_make(n->root, name, &what, &none), -ENAMETOOLONG);
	assert_int_equal(dir_lookup(n->root, name, &none), -ENAMETOOLONG);
	name[NAME_LEN_MAX] = '\0';
	inode_put(names_file(n->root, name), 1);
	assert_int_not_equal(names_ino(n->root, name), 0);
	assert_int_equal(dir_make(file, "x", &what, &none), -ENOTDIR);
	assert_int_equal(dir_lookup(file, "x", &none), -ENOTDIR);
	what.mode = 0644;
	assert_int_equal(dir_make(n->root, "typeless", &what, &none), -EINVAL);
	inode_put(file, 1);
}

static void test_dots(void **state)
{
	struct names *n = *state;
	struct inode *dir = names_dir(n->root, "d"), *sub = names_dir(dir, "s");

	assert_int_equal(names_ino(n->root, "."), INO_ROOT);
	assert_int_equal(names_ino(n->root, ".."), INO_ROOT);
	assert_int_equal(names_ino(sub, ".."), dir->ino);
	assert_int_equal(dir_rename(dir, "s", n->root, "t", 0), 0);
	assert_int_equal(names_ino(sub, ".."), INO_ROOT);
	assert_int_equal(names_nlink(dir), 2);
	assert_int_equal(names_nlink(n->root), 4);
	inode_put(sub, 1);
	inode_put(dir, 1);
}

static void test_removed_directory(void **state)
{
	struct names *n = *state;
	struct inode *dir = names_dir(n->root, "d"), *file = names_file(n->root, "f"), *none;
	struct dir_new what = { .mode = S_IFREG };

	assert_int_equal(dir_rmdir(n->root, "d"), 0);
	assert_int_equal(dir_make(dir, "x", &what, &none), -ENOENT);
	assert_int_equal(dir_link(file, dir, "x"), -ENOENT);
	assert_int_equal(dir_rename(n->root, "f", dir, "x", 0), -ENOENT);
	assert_int_equal(dir_unlink(n->root, "f"), 0);
	assert_int_equal(dir_link(file, n->root, "again"), -ENOENT);
	inode_put(file, 1);
	inode_put(dir, 1);
	assert_int_equal(names_records(n->vol, TABLE_INODE, 0), 1);
}

static void test_set_group_id(void **state)
{
	struct names *n = *state;
	struct inode *dir = names_dir(n->root, "d"), *file, *sub;

	dir->attr.mode |= S_ISGID;
	dir->attr.gid = 99;
	file = names_file(dir, "f");
	sub = names_dir(dir, "s");
	assert_int_equal(file->attr.gid, 99);
	assert_int_equal(file->attr.mode, S_IFREG | 0644);
	assert_int_equal(sub->attr.gid, 99);
	assert_int_equal(sub->attr.mode, S_IFDIR | S_ISGID | 0755);
	inode_put(sub, 1);
	inode_put(file, 1);
	inode_put(dir, 1);
}

static void test_times(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "f"), *dir = names_dir(n->root, "d");

	n->root->attr.mtime = n->root->attr.ctime = file->attr.ctime = dir->attr.mtime = 1;
	file->attr.mtime = 5;
	assert_int_equal(dir_rename(n->root, "f", dir, "g", 0), 0);
	assert_true(n->root->attr.mtime > 1 && n->root->attr.ctime > 1);
	assert_true(dir->attr.mtime > 1 && file->attr.ctime > 1);
	assert_int_equal(file->attr.mtime, 5);
	n->root->attr.mtime = file->attr.ctime = 1;
	assert_int_equal(dir_link(file, n->root, "h"), 0);
	assert_true(n->root->attr.mtime > 1 && file->attr.ctime > 1);
	dir->attr.mtime = file->attr.ctime = 1;
	assert_int_equal(dir_unlink(dir, "g"), 0);
	assert_true(dir->attr.mtime > 1 && file->attr.ctime > 1);
	inode_put(dir, 1);
	inode_put(file, 1);
}

/*
 * The record of what replaces a file tells its full size at once: its data has been appended before the name
 * moved.
 */
static void test_rename_over_flushes(void **state)
{
	struct names *n = *state;
	struct inode *old = names_file(n->root, "f"), *new = names_file(n->root, "f.new");
	uint8_t key[8], bytes[sizeof(struct inode_disk)];
	struct inode_attr attr;
	struct index_op op;
	int len;

	assert_int_equal(file_write(new, "contents", 8, 0, false), 8);
	assert_int_equal(dir_rename(n->root, "f.new", n->root, "f", 0), 0);
	be64_put(key, new->ino);
	index_begin(n->vol->index, &op);
	len = index_get(&op, TABLE_INODE, key, sizeof key, bytes, sizeof bytes);
	index_end(&op);
	assert_true(len > 0);
	assert_int_equal(inode_decode(bytes, (size_t)len, &attr), 0);
	assert_int_equal(attr.size, 8);
	assert_int_equal(names_records(n->vol, TABLE_CHUNK, new->ino), 1);
	inode_put(old, 1);
	inode_put(new, 1);
}

static uint64_t hash_one(uint64_t seed, const char *name, size_t len)
{
	(void)seed;
	(void)name;
	(void)len;
	return UINT64_MAX;
}

static void test_slots_run_out(void **state)
{
	uint64_t (*hash)(uint64_t, const char *, size_t) = dirent_hash;
	struct names *n = *state;
	struct dir_new what = { .mode = S_IFREG };
	struct inode *none;
	char name[16];

	dirent_hash = hash_one;
	for (int i = 0; i < 255; i++) {
		snprintf(name, sizeof name, "%d", i);
		inode_put(names_file(n->root, name), 1);
	}
	assert_int_equal(dir_make(n->root, "255", &what, &none), -ENOSPC);
	assert_int_equal(names_ino(n->root, "255"), 0);
	assert_int_equal(n->root->attr.size, 255);
	assert_int_equal(dir_unlink(n->root, "100"), 0);
	inode_put(names_file(n->root, "255"), 1);
	assert_int_equal(names_ino(n->root, "100"), 0);
	assert_int_not_equal(names_ino(n->root, "255"), 0);
	assert_int_not_equal(names_ino(n->root, "254"), 0);
	assert_int_equal(names_records(n->vol, TABLE_INODE, 0), 256);
	dirent_hash = hash;
}

#define WORKERS 4

struct worker {
	struct names *n;
	struct inode *dirs[3];
	uint64_t seed;
};

/* Anything may fail for a reason of the others' making; what must hold is checked when all have ended. */
static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct dir_new file = { .mode = S_IFREG | 0600 }, dir = { .mode = S_IFDIR | 0700 };

	for (int i = 0; i < 3000; i++) {
		struct inode *a = w->dirs[rng_next(&w->seed) % 3], *b = w->dirs[rng_next(&w->seed) % 3],
			     *made = NULL;
		char x[2] = {(char)('a' + rng_next(&w->seed) % 6)},
		     y[2] = {(char)('a' + rng_next(&w->seed) % 6)};

		switch (rng_next(&w->seed) % 8) {
		case 0:
			dir_make(a, x, &file, &made);
			break;
		case 1:
			dir_make(a, x, &dir, &made);
			break;
		case 2:
			dir_unlink(a, x);
			break;
		case 3:
			dir_rmdir(a, x);
			break;
		case 4:
			if (dir_lookup(a, x, &made) == 0)
				dir_link(made, b, y);
			break;
		default:
			dir_rename(a, x, b, y, rng_next(&w->seed) % 3);
		}
		if (made)
			inode_put(made, 1);
	}
	return NULL;
}

struct tally {
	struct names *n;
	uint64_t entries, subdirs;
	uint64_t inos[64];
};

static int tally_add(void *arg, const struct dir_entry *entry)
{
	struct tally *t = arg;

	if (entry->name[0] == '.')
		return 0;
	assert_true(t->entries < 64);
	t->inos[t->entries++] = entry->ino;
	t->subdirs += S_ISDIR(DTTOIF(entry->type));
	return 0;
}

static void test_threads(void **state)
{
	struct names *n = *state;
	struct worker w[WORKERS];
	pthread_t threads[WORKERS];
	struct inode *dirs[3] = { n->root, names_dir(n->root, "D"), names_dir(n->root, "E") };
	uint64_t links = 0, names = 0;

	for (int i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){.n = n, .dirs = {dirs[0], dirs[1], dirs[2]}, .seed = (uint64_t)i + 5};
		assert_int_equal(pthread_create(&threads[i], NULL, worker_run, &w[i]), 0);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3; i++) {
		struct tally t = { .n = n };

		assert_int_equal(dir_read(dirs[i], 0, tally_add, &t), 0);
		assert_int_equal(dirs[i]->attr.size, t.entries);
		assert_int_equal(names_nlink(dirs[i]), 2 + t.subdirs);
		for (uint64_t j = 0; j < t.entries; j++) {
			struct inode *inode;

			assert_int_equal(inode_get(n->vol, t.inos[j], &inode), 0);
			assert_int_equal(inode->refs,
					 S_ISDIR(inode->type) && (inode == dirs[1] || inode == dirs[2]) ? 2
													: 1);
			inode_put(inode, 1);
		}
		names += t.entries;
	}
	/* As many names as the files' link counts say, and no record without a name. */
	for (int i = 0; i < 3; i++) {
		struct tally t = { .n = n };

		dir_read(dirs[i], 0, tally_add, &t);
		for (uint64_t j = 0; j < t.entries; j++) {
			struct inode *inode;
			uint64_t seen = 0;

			assert_int_equal(inode_get(n->vol, t.inos[j], &inode), 0);
			for (int k = 0; k < 3; k++) {
				struct tally u = { .n = n };

				dir_read(dirs[k], 0, tally_add, &u);
				for (uint64_t l = 0; l < u.entries; l++)
					seen += u.inos[l] == t.inos[j];
			}
			if (S_ISREG(inode->type))
				assert_int_equal(names_nlink(inode), seen);
			else
				assert_int_equal(seen, 1);
			links++;
			inode_put(inode, 1);
		}
	}
	assert_int_equal(links, names);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_DIRENT, 0), names);
	inode_put(dirs[2], 1);
	inode_put(dirs[1], 1);
}

/* A file without a name: gone with its last user, or after a crash, unless it gets a name. */
static void test_tmpfile(void **state)
{
	struct names *n = *state;
	struct dir_new what = { .mode = S_IFREG | 0666, .umask = 022, .uid = 1, .gid = 2 };
	struct inode *file, *again;

	assert_int_equal(dir_tmpfile(n->root, &what, &file), 0);
	assert_int_equal(file->attr.nlink, 0);
	assert_int_equal(file->attr.mode, S_IFREG | 0644);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, file->ino), 1);
	inode_put(file, 1);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_INODE, 0), 1);
	assert_int_equal(dir_tmpfile(n->root, &what, &file), 0);
	assert_int_equal(dir_link(file, n->root, "name"), 0);
	assert_int_equal(file->attr.nlink, 1);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, 0), 0);
	assert_int_equal(dir_unlink(n->root, "name"), 0);
	assert_int_equal(dir_link(file, n->root, "name"), -ENOENT); /* it had its chance */
	inode_put(file, 1);
	assert_int_equal(dir_tmpfile(n->root, &what, &file), 0);
	assert_int_equal(dir_link(file, n->root, "kept"), 0);
	inode_put(file, 1);
	names_reopen(n);
	assert_int_equal(dir_lookup(n->root, "kept", &again), 0);
	inode_put(again, 1);
	what.mode = S_IFDIR | 0755;
	assert_int_equal(dir_tmpfile(n->root, &what, &file), -EINVAL);
}

/* As many links as 32 bits count, less one, and no more. */
static void test_link_limit(void **state)
{
	struct names *n = *state;
	struct dir_new what = { .mode = S_IFDIR | 0755 };
	struct inode *file = names_file(n->root, "f"), *dir = names_dir(n->root, "d"), *sub;

	file->attr.nlink = UINT32_MAX - 2;
	assert_int_equal(dir_link(file, n->root, "g"), 0);
	assert_int_equal(dir_link(file, n->root, "h"), -EMLINK);
	assert_int_equal(names_ino(n->root, "h"), 0);
	dir->attr.nlink = UINT32_MAX - 1;
	assert_int_equal(dir_make(dir, "sub", &what, &sub), -EMLINK);
	sub = names_dir(n->root, "sub");
	assert_int_equal(dir_rename(n->root, "sub", dir, "sub", 0), -EMLINK);
	file->attr.nlink = 1;
	dir->attr.nlink = 2;
	inode_put(sub, 1);
	inode_put(dir, 1);
	inode_put(file, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad_names, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_dots, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_removed_directory, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_set_group_id, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_times, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_rename_over_flushes, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_slots_run_out, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_tmpfile, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_link_limit, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_threads, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
