/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store with one of everything, closed, for tests that damage it through its index or its files, check it and mend it.
 */
#include "tests/fs/checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/data/chunk.h"
#include "fs/data/file.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/models.h"
#include "fs/names/dir.h"
#include "fs/names/dirent.h"
#include "fs/names/xattr.h"
#include "fs/store/volume_open.h"
#include "tests/codec/bytes.h"

static void volume_get(struct checked *c, struct volume **vol)
{
	struct volume_error err = { "" };
	struct volume_options opt;

	volume_options_init(&opt);
	opt.offline = true;
	if (volume_open(c->path, &opt, vol, &err))
		fail_msg("volume_open: %s", err.text);
}

static struct inode *dir_get(struct volume *vol, const char *name)
{
	struct inode *root, *dir;

	assert_int_equal(inode_get(vol, INO_ROOT, &root), 0);
	if (!*name)
		return root;
	if (dir_lookup(root, name, &dir))
		dir = NULL;
	inode_put(root, 1);
	return dir;
}

static uint64_t make(struct volume *vol, const char *in, const char *name, uint32_t mode)
{
	const struct dir_new what = { .mode = mode, .uid = getuid(), .gid = getgid() };
	struct inode *dir = dir_get(vol, in), *made;
	uint64_t ino;

	assert_int_equal(dir_make(dir, name, &what, &made), 0);
	ino = made->ino;
	inode_put(made, 1);
	inode_put(dir, 1);
	return ino;
}

static void file_make(struct checked *c, struct volume *vol, int i, const char *in, const char *name, size_t len)
{
	struct checked_file *f = &c->files[i];
	struct inode *inode;

	f->dir = in;
	f->name = name;
	f->len = len;
	f->bytes = malloc(len);
	assert_non_null(f->bytes);
	bytes_text(f->bytes, len, (uint64_t)i + 1);
	f->ino = make(vol, in, name, S_IFREG | 0640);
	assert_int_equal(inode_get(vol, f->ino, &inode), 0);
	if (i == SPARSE)
		memset(f->bytes + CHECKED_CHUNK, 0, 2 * CHECKED_CHUNK);
	for (size_t at = 0; at < len; at += CHECKED_CHUNK) {
		size_t n = len - at < CHECKED_CHUNK ? len - at : CHECKED_CHUNK;

		if (i != SPARSE || at == 0 || at > 2 * CHECKED_CHUNK)
			assert_int_equal(file_write(inode, f->bytes + at, n, at, false), n);
	}
	inode_put(inode, 1);
}

static void extras_make(struct checked *c, struct volume *vol)
{
	struct inode *dir = dir_get(vol, ""), *d = dir_get(vol, "d"), *inode;
	uint8_t value[2500] = { 7 }, dict[2000];

	assert_int_equal(dir_symlink(dir, "link", "d/small", getuid(), getgid(), &inode), 0);
	c->link = inode->ino;
	inode_put(inode, 1);
	assert_int_equal(inode_get(vol, c->files[BIG].ino, &inode), 0);
	assert_int_equal(dir_link(inode, d, "hard"), 0);
	inode_put(inode, 1);
	assert_int_equal(inode_get(vol, c->files[SMALL].ino, &inode), 0);
	assert_int_equal(xattr_set(inode, "user.long", value, sizeof value, 0), 0);
	assert_int_equal(xattr_set(inode, "user.short", "x", 1, 0), 0);
	inode_put(inode, 1);
	inode_put(d, 1);
	inode_put(dir, 1);
	for (unsigned i = 0; i < 2; i++) {
		bytes_text(dict, sizeof dict, 50 + i);
		assert_int_equal(models_add(vol, MODEL_ZDICT, 1, dict, sizeof dict, &c->models[i]), 0);
	}
}

void checked_init(struct checked *c)
{
	const char *tmp = getenv("TMPDIR");
	struct volume_error err = { "" };
	struct volume *vol;

	*c = (struct checked){ .dirfd = -1 };
	snprintf(c->dir, sizeof c->dir, "%s/firn-test.XXXXXX", tmp && *tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	assert_non_null(mkdtemp(c->dir));
	snprintf(c->path, sizeof c->path, "%s/store", c->dir);
	assert_int_equal(volume_create(c->path, CHECKED_CHUNK, "test", getuid(), getgid(), &err), 0);
	volume_get(c, &vol);
	c->d = make(vol, "", "d", S_IFDIR | 0755);
	c->e = make(vol, "d", "e", S_IFDIR | 0755);
	file_make(c, vol, BIG, "", "big", 2 * CHECKED_CHUNK + 1000);
	file_make(c, vol, SMALL, "d", "small", 3000);
	file_make(c, vol, SPARSE, "", "sparse", 4 * CHECKED_CHUNK);
	file_make(c, vol, OTHER, "", "other", 2000);
	extras_make(c, vol);
	assert_int_equal(volume_close(vol), 0);
	c->dirfd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(c->dirfd >= 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void checked_fini(struct checked *c)
{
	for (int i = 0; i < CHECKED_FILES; i++)
		free(c->files[i].bytes);
	close(c->dirfd);
	assert_int_equal(nftw(c->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void checked_open(struct checked *c)
{
	assert_int_equal(index_open(c->dirfd, c->path, false, false, &c->index), 0);
	index_begin(c->index, &c->op);
}

void checked_close(struct checked *c)
{
	index_end(&c->op);
	if (index_freeze(c->index, NULL, NULL) == 1)
		assert_int_equal(index_commit(c->index), 0);
	index_close(c->index);
	c->index = NULL;
}

void checked_put(struct checked *c, enum table table, const void *key, size_t key_len, const void *value, size_t len)
{
	assert_int_equal(index_put(&c->op, table, key, key_len, value, len), 0);
}

void checked_del(struct checked *c, enum table table, const void *key, size_t key_len)
{
	uint8_t value[INDEX_VALUE_MAX];

	assert_true(index_get(&c->op, table, key, key_len, value, sizeof value) >= 0);
	assert_int_equal(index_del(&c->op, table, key, key_len), 0);
}

size_t checked_get(struct checked *c, enum table table, const void *key, size_t key_len, void *buf, size_t cap)
{
	int n = index_get(&c->op, table, key, key_len, buf, cap);

	assert_true(n >= 0);
	return (size_t)n;
}

void checked_inode_get(struct checked *c, uint64_t ino, struct inode_attr *attr)
{
	struct inode_disk disk;
	uint8_t key[8];

	be64_put(key, ino);
	assert_int_equal(inode_decode(&disk, checked_get(c, TABLE_INODE, key, 8, &disk, sizeof disk), attr), 0);
}

void checked_inode_put(struct checked *c, uint64_t ino, const struct inode_attr *attr)
{
	struct inode_disk disk;
	uint8_t key[8];

	be64_put(key, ino);
	checked_put(c, TABLE_INODE, key, 8, &disk, inode_encode(&disk, attr));
}

void checked_extent_get(struct checked *c, uint64_t ino, uint32_t chunk, struct extent *e)
{
	uint64_t id;

	assert_int_equal(chunk_lookup(&c->op, ino, chunk, &id), 0);
	assert_int_equal(extent_get(&c->op, id, e), 0);
}

void checked_extent_put(struct checked *c, const struct extent *e)
{
	assert_int_equal(extent_store(&c->op, e), 0);
}

size_t checked_entry(struct checked *c, uint64_t dir, const char *name, uint8_t key[16], uint8_t value[300])
{
	struct volume bare = { 0 };
	struct dirent_slot slot;
	bool readonly;

	assert_int_equal(super_load(&c->op, &bare.super, &readonly), 0);
	assert_int_equal(dirent_find(&c->op, &bare, dir, name, &slot), 0);
	dirent_key(key, dir, slot.cookie);
	return checked_get(c, TABLE_DIRENT, key, 16, value, 300);
}

void checked_flip(struct checked *c, const char *name, uint64_t offset)
{
	int fd = openat(c->dirfd, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

void checked_flip_segment(struct checked *c, uint32_t segment, uint64_t offset)
{
	char name[32];

	snprintf(name, sizeof name, "seg/%08x.seg", segment);
	checked_flip(c, name, offset);
}

static int problem_note(void *arg, const struct check_problem *p)
{
	struct checked_run *run = arg;
	char text[600];

	run->found[p->code]++;
	check_text(p, text, sizeof text);
	assert_true(text[0] && !strchr(text, '%'));
	if (getenv("CHECK_VERBOSE"))
		print_message("  %s\n", text);
	check_action(p, text, sizeof text);
	assert_true((text[0] == '\0') == (check_table[p->code].severity == CHECK_NOTE));
	return !run->safe_only || check_table[p->code].safe;
}

int checked_run(struct checked *c, bool repair, struct checked_run *out)
{
	struct check_options opt = { .repair = repair, .problem = problem_note, .arg = out };
	struct volume_error err = { "" };

	memset(out->found, 0, sizeof out->found);
	return check_store(c->path, &opt, &out->res, &err);
}

static XXH64_hash_t tree_hash;

static int hash_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char buf[65536];
	ssize_t n;
	int fd;

	(void)st;
	if (type != FTW_F || strcmp(path + ftw->base, "lock") == 0 || strstr(path + ftw->base, "-lock"))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	tree_hash += XXH3_64bits(path, strlen(path));
	for (uint64_t at = 0; (n = read(fd, buf, sizeof buf)) > 0; at += (uint64_t)n)
		tree_hash += XXH3_64bits_withSeed(buf, (size_t)n, XXH3_64bits(path, strlen(path)) + at);
	close(fd);
	return 0;
}

uint64_t checked_hash(struct checked *c)
{
	tree_hash = 0;
	assert_int_equal(nftw(c->path, hash_one, 16, FTW_PHYS), 0);
	return tree_hash;
}

/* False when it is not whole, but then it is only gone, unreadable in part, or cut. */
static bool file_compare(struct volume *vol, const struct checked_file *f)
{
	struct inode *dir = dir_get(vol, f->dir), *inode = NULL;
	uint8_t buf[CHECKED_CHUNK];
	size_t right = 0, len = 0;
	struct stat st;

	if (dir && dir_lookup(dir, f->name, &inode) == 0) {
		inode_stat(inode, &st);
		len = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
		for (size_t at = 0; at < len && at < f->len; at += sizeof buf) {
			ssize_t n = file_read(inode, buf, sizeof buf, at);

			assert_true(n >= 0 || n == -EIO);
			if (n > 0) {
				assert_true(at + (size_t)n <= f->len);
				assert_memory_equal(buf, f->bytes + at, (size_t)n);
				right += (size_t)n;
			}
		}
		inode_put(inode, 1);
	}
	if (dir)
		inode_put(dir, 1);
	return right == f->len && len == f->len;
}

void checked_read(struct checked *c, const char *victims)
{
	struct volume *vol;

	volume_get(c, &vol);
	for (int i = 0; i < CHECKED_FILES; i++)
		if (!file_compare(vol, &c->files[i]) && !strstr(victims, c->files[i].name))
			fail_msg("%s was harmed", c->files[i].name);
	assert_int_equal(volume_close(vol), 0);
}

void checked_damage(const struct checked_damage *d)
{
	const struct check_entry *entry = &check_table[d->code];
	struct checked_run run = { .safe_only = false };
	struct checked c;
	uint64_t before;

	print_message("%s\n", entry->name);
	checked_init(&c);
	assert_int_equal(checked_run(&c, false, &run), 0);
	assert_int_equal(run.res.problems + run.res.notes, 0);
	d->make(&c);
	before = checked_hash(&c);
	assert_int_equal(checked_run(&c, false, &run), 0);
	assert_true(run.found[d->code] > 0);
	assert_true(entry->severity == CHECK_NOTE || run.res.problems > 0);
	assert_true(checked_hash(&c) == before);
	assert_int_equal(checked_run(&c, true, &run), 0);
	assert_int_equal(run.res.mended, run.res.problems);
	assert_int_equal(checked_run(&c, false, &run), 0);
	assert_int_equal(run.res.problems, 0);
	checked_read(&c, d->victims);
	assert_int_equal(checked_run(&c, false, &run), 0);
	assert_int_equal(run.res.problems, 0);
	checked_fini(&c);
}

void checked_put_number(struct checked *c, enum table table, uint64_t number, size_t key_len, const void *value, size_t len)
{
	uint8_t key[16] = { 0 };

	if (key_len == 4)
		be32_put(key, (uint32_t)number);
	else
		be64_put(key, number);
	checked_open(c);
	checked_put(c, table, key, key_len, value, len);
	checked_close(c);
}

void checked_del_inode(struct checked *c, uint64_t ino)
{
	uint8_t key[8];

	be64_put(key, ino);
	checked_open(c);
	checked_del(c, TABLE_INODE, key, 8);
	checked_close(c);
}
