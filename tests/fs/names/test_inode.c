/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inode objects: records, references, loading by many at once, and the end of what is unlinked but in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/names/xattr.h"
#include "tests/fs/names.h"

static const struct inode_attr sample = {
	.mode = S_IFBLK | 06751,
	.uid = UINT32_MAX,
	.gid = 7,
	.nlink = 3,
	.rdev = 8u << 20 | 17,
	.generation = 9,
	.size = UINT64_C(1) << 40,
	.blocks = 12345,
	.atime = -1,
	.mtime = INT64_MIN,
	.ctime = INT64_MAX,
	.btime = 5,
	.parent = 42,
};

static void test_record(void **state)
{
	struct inode_attr back;
	struct inode_disk disk, bad;
	size_t len = inode_encode(&disk, &sample);

	(void)state;
	memset(&back, 0xff, sizeof back);
	assert_int_equal(inode_decode(&disk, len, &back), 0);
	assert_memory_equal(&back, &sample, sizeof back);
	for (size_t n = 0; n < INODE_DISK_MIN; n++)
		assert_int_equal(inode_decode(&disk, n, &back), -EUCLEAN);
	/* Nothing may follow the last number, and each has its shortest form. */
	disk.numbers[len - INODE_DISK_MIN] = 0;
	assert_int_equal(inode_decode(&disk, len + 1, &back), -EUCLEAN);
	disk.numbers[len - INODE_DISK_MIN - 1] |= 128;
	assert_int_equal(inode_decode(&disk, len + 1, &back), -EUCLEAN);
	assert_int_equal(inode_decode(&disk, len, &back), -EUCLEAN);
	inode_encode(&disk, &sample);
	disk.mode = le16_put(0644);
	assert_int_equal(inode_decode(&disk, len, &back), -EUCLEAN);
	assert_true(inode_parse(&disk, len, &back));
	assert_int_equal(back.uid, sample.uid);
	/* No byte of it can be changed or left out so that more is read than is there. */
	inode_encode(&disk, &sample);
	for (size_t at = 0; at < len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bad = disk;
			((uint8_t *)&bad)[at] ^= (uint8_t)(1u << bit);
			for (size_t n = INODE_DISK_MIN; n <= len; n++)
				(void)inode_decode(&bad, n, &back);
		}
	}
}

static void test_record_limits(void **state)
{
	static const struct inode_attr largest = {
		.mode = S_IFDIR | 07777, .uid = UINT32_MAX, .gid = UINT32_MAX, .nlink = UINT32_MAX, .rdev = UINT32_MAX,
		.generation = UINT32_MAX, .size = INT64_MAX, .blocks = 0, .atime = INT64_MAX, .mtime = INT64_MAX,
		.ctime = INT64_MIN, .btime = INT64_MIN, .parent = UINT64_MAX,
	};
	struct inode_attr attr = largest, back;
	struct inode_disk disk;
	size_t len;

	(void)state;
	memset(&back, 0xff, sizeof back);
	len = inode_encode(&disk, &largest);
	assert_true(len <= sizeof disk);
	assert_int_equal(inode_decode(&disk, len, &back), 0);
	assert_memory_equal(&back, &largest, sizeof back);
	attr.size = (uint64_t)INT64_MAX + 1;
	assert_int_equal(inode_decode(&disk, inode_encode(&disk, &attr), &back), -EUCLEAN);
	attr.size = 0;
	attr.blocks = (uint64_t)INT64_MAX + 1;
	assert_int_equal(inode_decode(&disk, inode_encode(&disk, &attr), &back), -EUCLEAN);
}

/* What man/firn.5 says, byte for byte; a file that was just written takes 21 bytes. */
static void test_record_golden(void **state)
{
	static const uint8_t golden[] = {
		0xa4, 0x81, 0x00, 0xba, 0x6b, 0x05, 0x55, 0x96, 0xd3, 0x18, /* mode 0100644; born 1788938768903551488 */
		0xe8, 0x07, 0xe8, 0x07, 0x01,                               /* 1000, 1000, one link */
		0xac, 0x02,                                                 /* 300 bytes */
		0x80, 0x82, 0xf4, 0x03, 0x00, 0x00,                         /* written 4 ms later, never read */
	};
	const int64_t born = INT64_C(0x18d39655056bba00);
	const struct inode_attr written = {
		.mode = S_IFREG | 0644, .uid = 1000, .gid = 1000, .nlink = 1, .size = 300, .blocks = 300,
		.btime = born, .atime = born, .mtime = born + 4096128, .ctime = born + 4096128,
	};
	struct inode_attr back;
	struct inode_disk disk;

	(void)state;
	memset(&back, 0xff, sizeof back);
	assert_int_equal(inode_decode(golden, sizeof golden, &back), 0);
	assert_memory_equal(&back, &written, sizeof back);
	/* Zeros at the end are left out. */
	assert_int_equal(inode_encode(&disk, &written), sizeof golden - 2);
	assert_memory_equal(&disk, golden, sizeof golden - 2);
}

static void test_times_before_1970(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "old");
	struct stat st;

	file->attr.mtime = -1;
	inode_stat(file, &st);
	assert_int_equal(st.st_mtim.tv_sec, -1);
	assert_int_equal(st.st_mtim.tv_nsec, 999999999);
	inode_put(file, 1);
}

static void test_references(void **state)
{
	struct names *n = *state;
	struct inode *a = names_file(n->root, "a"), *b, *none;
	uint64_t ino = a->ino;

	assert_int_equal(inode_get(n->vol, ino, &b), 0);
	assert_ptr_equal(a, b);
	inode_ref(a);
	inode_put(a, 2);
	assert_int_equal(b->refs, 1);
	inode_put(b, 1);
	assert_int_equal(inode_get(n->vol, ino, &b), 0);
	assert_int_equal(b->attr.uid, 1);
	inode_put(b, 1);
	assert_int_equal(inode_get(n->vol, 0, &none), -ENOENT);
	assert_null(none);
	assert_int_equal(inode_get(n->vol, ino + 1000, &none), -ENOENT);
}

static void test_damaged_record(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "damaged");
	uint64_t ino = file->ino;
	struct index_op op;
	uint8_t key[8];

	inode_put(file, 1);
	be64_put(key, ino);
	index_begin(n->vol->index, &op);
	assert_int_equal(index_put(&op, TABLE_INODE, key, sizeof key, "short", 5), 0);
	index_end(&op);
	assert_int_equal(inode_get(n->vol, ino, &file), -EUCLEAN);
	assert_int_equal(dir_lookup(n->root, "damaged", &file), -EUCLEAN);
	assert_null(file);
}

#define CROWD 4
#define CROWD_FILES 200

struct crowd {
	struct volume *vol;
	uint64_t first;
	int failed;
};

static void *crowd_run(void *arg)
{
	struct crowd *c = arg;
	uint64_t seed = 88172645463325252u ^ (uint64_t)(uintptr_t)&seed;

	for (int i = 0; i < 20000; i++) {
		uint64_t ino = c->first + rng_next(&seed) % CROWD_FILES;
		struct inode *a, *b;

		if (inode_get(c->vol, ino, &a) || inode_get(c->vol, ino, &b) || a != b || a->ino != ino ||
		    a->type != S_IFREG) {
			c->failed = 1;
			break;
		}
		inode_put(a, 1);
		inode_put(b, 1);
	}
	return NULL;
}

static void test_crowd(void **state)
{
	struct names *n = *state;
	struct crowd crowd[CROWD];
	pthread_t threads[CROWD];
	uint64_t first = 0;

	for (int i = 0; i < CROWD_FILES; i++) {
		struct inode *file;
		char name[16];

		snprintf(name, sizeof name, "%d", i);
		file = names_file(n->root, name);
		if (i == 0)
			first = file->ino;
		inode_put(file, 1);
	}
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){ .vol = n->vol, .first = first };
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &crowd[i]), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crowd[i].failed, 0);
	}
}

static uint64_t inodes_counted(struct volume *vol)
{
	uint64_t count;

	pthread_mutex_lock(&vol->counters_mutex);
	count = vol->counters.inodes;
	pthread_mutex_unlock(&vol->counters_mutex);
	return count;
}

/* A file of several chunks with an attribute, as many records as an inode can have. */
static struct inode *rich_file(struct names *n, const char *name)
{
	struct inode *file = names_file(n->root, name);
	char bytes[3 * CHUNK_SIZE_MIN + 5];

	memset(bytes, 'r', sizeof bytes);
	assert_int_equal(file_write(file, bytes, sizeof bytes, 0, false), sizeof bytes);
	assert_int_equal(xattr_set(file, "user.big", bytes, 5000, 0), 0);
	return file;
}

static void test_unlinked_in_use(void **state)
{
	struct names *n = *state;
	struct inode *file = rich_file(n, "open"), *none;
	uint64_t before = inodes_counted(n->vol), ino = file->ino;
	char byte;

	assert_int_equal(file_flush(file), 0);
	assert_int_equal(names_records(n->vol, TABLE_CHUNK, ino), 4);
	assert_int_equal(dir_unlink(n->root, "open"), 0);
	assert_int_equal(names_nlink(file), 0);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, ino), 1);
	assert_int_equal(file_read(file, &byte, 1, 2 * CHUNK_SIZE_MIN), 1);
	assert_int_equal(byte, 'r');
	assert_int_equal(file_write(file, "more", 4, 0, false), 4);
	inode_put(file, 1);
	/* A commit lets go of what was dirty, once no worker has it in hand. */
	for (int i = 0; i < 1000 && inode_get(n->vol, ino, &none) == 0; i++) {
		inode_put(none, 1);
		assert_int_equal(volume_commit(n->vol), 0);
	}
	assert_int_equal(inode_get(n->vol, ino, &none), -ENOENT);
	for (enum table t = TABLE_INODE; t <= TABLE_CHUNK; t++)
		assert_int_equal(names_records(n->vol, t, ino), 0);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_EXTENT, 0), 0);
	assert_int_equal(inodes_counted(n->vol), before - 1);
}

/* In a process of its own that ends without closing anything. */
static void crash_with_orphan(struct names *n)
{
	struct inode *file;

	names_open(n, NULL);
	file = rich_file(n, "orphan");
	if (volume_commit(n->vol) || dir_unlink(n->root, "orphan") || volume_commit(n->vol) ||
	    names_records(n->vol, TABLE_ORPHAN, file->ino) != 1)
		_exit(1);
	_exit(0);
}

static void test_orphan_after_crash(void **state)
{
	struct names *n = *state;
	uint64_t before = inodes_counted(n->vol);
	int status;
	pid_t pid;

	names_close(n);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		crash_with_orphan(n);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	names_open(n, NULL);
	assert_int_equal(names_records(n->vol, TABLE_ORPHAN, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_CHUNK, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_EXTENT, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_XATTR, 0), 0);
	assert_int_equal(names_records(n->vol, TABLE_INODE, 0), 1);
	assert_int_equal(inodes_counted(n->vol), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_limits),
		cmocka_unit_test(test_record_golden),
		cmocka_unit_test_setup_teardown(test_times_before_1970, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_references, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_record, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_crowd, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_unlinked_in_use, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_orphan_after_crash, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
