/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks that are full, fail or lie: errors reach the caller, what was acknowledged stays, and things go on
 * once the disk is well again.
 *
 * Linked with --wrap: the functions below stand before those of index/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/space.h"
#include "fs/store/volume_open.h"
#include "index/disk.h"
#include "tests/fs/fixture.h"

static atomic_int append_error, sync_error, commit_error;
static atomic_ullong space_left = UINT64_MAX;

int __real_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset);
int __wrap_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset);
int __wrap_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset)
{
	if (append_error)
		return append_error;
	for (int i = 0; i < n && space_left != UINT64_MAX; i++)
		space_left -= iov[i].iov_len;
	return __real_disk_append(fd, iov, n, offset);
}

int __real_disk_sync(int fd);
int __wrap_disk_sync(int fd);
int __wrap_disk_sync(int fd)
{
	return sync_error ? sync_error : __real_disk_sync(fd);
}

int __real_index_commit(struct index *ix);
int __wrap_index_commit(struct index *ix);
int __wrap_index_commit(struct index *ix)
{
	return commit_error ? commit_error : __real_index_commit(ix);
}

int __real_segments_space(struct segments *ss, struct segments_space *out);
int __wrap_segments_space(struct segments *ss, struct segments_space *out);
int __wrap_segments_space(struct segments *ss, struct segments_space *out)
{
	int r = __real_segments_space(ss, out);

	if (space_left != UINT64_MAX) {
		out->total = 0;
		out->free = out->available = space_left;
	}
	return r;
}

/* A segment is begun, as a worker does, in the middle of a commit's count of them. */
static struct segments *begin_segment;

uint32_t __real_segments_next(struct segments *ss);
uint32_t __wrap_segments_next(struct segments *ss);
uint32_t __wrap_segments_next(struct segments *ss)
{
	struct record r = { .kind = RECORD_EXTENT, .plain = 1 };
	uint32_t next = __real_segments_next(ss);
	struct segment_pos pos;

	if (begin_segment != ss)
		return next;
	begin_segment = NULL;
	segment_seal_all(ss);
	assert_int_equal(segment_append(ss, STREAM_HOT, &r, "x", 1, &pos), 0);
	assert_int_equal(pos.segment, next);
	return next;
}

#define LEN 200000u

static uint8_t bytes[LEN], others[LEN];

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof *f);
	uint32_t x = 1;

	for (size_t i = 0; i < LEN; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
		others[i] = (uint8_t)(i / 3);
	}
	append_error = sync_error = commit_error = 0;
	space_left = UINT64_MAX;
	fixture_init(f, 16 << 10);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	append_error = sync_error = commit_error = 0;
	fixture_fini(*state);
	free(*state);
	return 0;
}

static struct inode *written(struct fixture *f, const char *name, const uint8_t *what)
{
	struct inode *inode = fixture_make(f, name);

	assert_int_equal(file_write(inode, what, LEN, 0, false), LEN);
	return inode;
}

static void test_failed_append_keeps_the_data(void **state)
{
	static const int errors[] = { -ENOSPC, -EIO };
	struct fixture *f = *state;
	struct inode *inode = written(f, "file", bytes);

	for (unsigned i = 0; i < 2; i++) {
		append_error = errors[i];
		assert_int_equal(file_sync(inode), errors[i]);
		fixture_check(inode, bytes, LEN);
		assert_int_equal(volume_commit(f->vol), errors[i]);
		append_error = 0;
		assert_int_equal(file_sync(inode), 0);
		assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	}
	inode_put(inode, 1);
	fixture_reopen(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, bytes, LEN);
	inode_put(inode, 1);
}

/* One file's trouble is no other file's error. */
static void test_other_files_are_synced(void **state)
{
	struct fixture *f = *state;
	struct inode *bad = written(f, "bad", bytes), *good = written(f, "good", others);

	assert_int_equal(file_flush(good), 0);
	append_error = -EIO;
	assert_int_equal(file_sync(good), 0);
	assert_int_equal(file_sync(bad), -EIO);
	append_error = 0;
	inode_put(bad, 1);
	inode_put(good, 1);
}

/*
 * Dirty memory is full and cannot be flushed: the writer gets the error, and no write that was acknowledged
 * is lost.
 */
static void test_writers_do_not_hang(void **state)
{
	struct fixture *f = *state;
	struct inode *inode;
	uint64_t at = 0;
	ssize_t n;

	f->opt.dirty_bytes = 1 << 20;
	fixture_reopen(f);
	inode = fixture_make(f, "file");
	append_error = -ENOSPC;
	while ((n = file_write(inode, bytes, LEN, at, false)) == LEN && at < 100 * LEN)
		at += LEN;
	assert_int_equal(n, -ENOSPC);
	append_error = 0;
	assert_true(file_sync(inode) <= 0);
	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(inode->attr.size, at);
	inode_put(inode, 1);
	fixture_reopen(f);
	inode = fixture_find(f, "file");
	for (uint64_t off = 0; off < at; off += LEN) {
		uint8_t *got = malloc(LEN);

		assert_int_equal(file_read(inode, got, LEN, off), LEN);
		assert_memory_equal(got, bytes, LEN);
		free(got);
	}
	inode_put(inode, 1);
}

/* The last answer of the disk counts for a second: this one is forgotten at once. */
static void set_space_left(struct fixture *f, uint64_t left)
{
	space_left = left;
	f->vol->space->asked = 0;
}

static void test_full_disk_is_known_at_write(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = fixture_make(f, "file"), *gone = written(f, "gone", others);

	assert_int_equal(file_sync(gone), 0);
	set_space_left(f, 3 * LEN / 2);
	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	assert_int_equal(file_write(inode, bytes, LEN, LEN, false), -ENOSPC);
	fixture_check(inode, bytes, LEN);
	fixture_unlink(f, "gone");
	inode_put(gone, 1);
	assert_int_equal(volume_commit(f->vol), 0);
	set_space_left(f, UINT64_MAX);
	assert_int_equal(file_write(inode, bytes, LEN, LEN, false), LEN);
	inode_put(inode, 1);
}

static void test_commit_is_tried_again(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = written(f, "file", bytes);

	commit_error = -ENOSPC;
	assert_int_equal(file_sync(inode), -ENOSPC);
	assert_int_equal(file_write(inode, others, 5000, 5000, false), 5000);
	assert_int_equal(volume_commit(f->vol), -ENOSPC);
	fixture_check(fixture_find(f, "file"), (memcpy(bytes + 5000, others, 5000), bytes), LEN);
	commit_error = 0;
	assert_int_equal(file_sync(inode), 0);
	inode_put(inode, 2);
	fixture_reopen(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, bytes, LEN);
	inode_put(inode, 1);
}

/* Nothing that points to bytes whose sync failed becomes durable. */
static void test_failed_sync_holds_commits_back(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = written(f, "file", others);

	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	sync_error = -EIO;
	assert_int_equal(file_sync(inode), -EIO);
	assert_int_equal(file_sync(inode), -EIO);
	fixture_check(inode, bytes, LEN);
	inode_put(inode, 1);
	assert_int_equal(volume_close(f->vol), -EIO);
	sync_error = 0;
	fixture_open(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, others, LEN);
	inode_put(inode, 1);
}

/* Once the disk is well again the bytes are written again, and nothing is lost. */
static void test_failed_sync_is_made_up_for(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = written(f, "file", others);

	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	sync_error = -EIO;
	assert_int_equal(file_sync(inode), -EIO);
	inode_put(written(f, "more", others), 1);
	assert_int_equal(volume_commit(f->vol), -EIO);
	sync_error = 0;
	assert_int_equal(file_sync(inode), 0);
	inode_put(inode, 1);
	fixture_reopen(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, bytes, LEN);
	inode_put(inode, 1);
	inode = fixture_find(f, "more");
	fixture_check(inode, others, LEN);
	inode_put(inode, 1);
}

/* Flips a bit in the frame of the chunk that holds byte `offset`. */
static void damage(struct fixture *f, uint64_t segment_offset)
{
	char path[400];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof path, "%s/seg/00000001.seg", f->path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, (off_t)segment_offset), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)segment_offset), 1);
	close(fd);
}

static void test_damage_costs_its_chunk_only(void **state)
{
	struct fixture *f = *state;
	struct inode *inode;
	uint8_t got[16 << 10];
	unsigned bad = 0;

	f->opt.workers = 1;
	fixture_reopen(f);
	inode = written(f, "file", bytes);
	assert_int_equal(file_sync(inode), 0);
	inode_put(inode, 1);
	fixture_reopen(f);
	damage(f, 50000);
	inode = fixture_find(f, "file");
	for (uint64_t at = 0; at < LEN; at += sizeof got) {
		size_t want = LEN - at < sizeof got ? LEN - at : sizeof got;
		ssize_t n = file_read(inode, got, want, at);

		if (n == -EIO) {
			bad++;
			continue;
		}
		assert_int_equal(n, want);
		assert_memory_equal(got, bytes + at, want);
	}
	assert_int_equal(bad, 1);
	assert_int_equal(file_read(inode, got, sizeof got, 49152), -EIO);
	/* Part of a chunk whose rest is lost cannot be written, all of it can. */
	assert_int_equal(file_write(inode, others, 10, 49152 + 100, false), 10);
	assert_int_equal(file_sync(inode), -EIO);
	assert_int_equal(file_write(inode, others, 16 << 10, 49152, false), 16 << 10);
	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(file_read(inode, got, sizeof got, 49152), sizeof got);
	assert_memory_equal(got, others, sizeof got);
	inode_put(inode, 1);
}

static void test_overwriting_frees_segments(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = written(f, "file", bytes);
	struct extent_totals before, after;
	char path[400];

	assert_int_equal(file_sync(inode), 0);
	segment_seal_all(f->vol->segments);
	extent_totals(f->vol, &before);
	assert_int_equal(file_write(inode, others, LEN, 0, false), LEN);
	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	extent_totals(f->vol, &after);
	assert_int_equal(before.plain_bytes, LEN);
	assert_int_equal(after.plain_bytes, LEN);
	assert_true(after.live_bytes < before.live_bytes);
	assert_int_equal(after.segments, 1);
	snprintf(path, sizeof path, "%s/seg/00000001.seg", f->path);
	assert_int_equal(access(path, F_OK), -1);
	inode_put(inode, 1);
	fixture_reopen(f);
	inode = fixture_find(f, "file");
	fixture_check(inode, others, LEN);
	inode_put(inode, 1);
}

static bool punch_works(struct fixture *f)
{
	char path[400];
	bool works;
	int fd;

	snprintf(path, sizeof path, "%s/probe", f->dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	works = pwrite(fd, bytes, 8192, 0) == 8192 && disk_punch(fd, 0, 4096) == 0;
	close(fd);
	return works;
}

/*
 * What is deleted gives its blocks back although its neighbours in the segment live on, and they are as they
 * were.
 */
static void test_deleting_gives_space_back(void **state)
{
	struct fixture *f = *state;
	struct inode *inode[4];
	char name[8] = "file0";
	uint64_t size, before, after;

	if (!punch_works(f))
		skip();
	for (unsigned i = 0; i < 4; i++, name[4]++) {
		inode[i] = written(f, name, bytes);
		assert_int_equal(file_sync(inode[i]), 0);
	}
	assert_int_equal(segment_size(f->vol->segments, 1, &size, &before), 0);
	fixture_unlink(f, "file1");
	inode_put(inode[1], 1);
	commit_error = -ENOSPC;
	assert_int_equal(volume_commit(f->vol), -ENOSPC);
	assert_int_equal(segment_size(f->vol->segments, 1, &size, &after), 0);
	assert_int_equal(after, before); /* not as long as a crash could bring the file back */
	commit_error = 0;
	assert_int_equal(file_write(inode[2], others, LEN, 0, false), LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(segment_size(f->vol->segments, 1, &size, &after), 0);
	assert_true(after + LEN < before);
	for (unsigned i = 0; i < 4; i++)
		if (i != 1)
			inode_put(inode[i], 1);
	fixture_reopen(f);
	for (unsigned i = 0; i < 4; i++) {
		name[4] = (char)('0' + i);
		if (i == 1)
			continue;
		inode[i] = fixture_find(f, name);
		fixture_check(inode[i], i == 2 ? others : bytes, LEN);
		inode_put(inode[i], 1);
	}
}

static void test_segment_begun_during_a_commit(void **state)
{
	struct fixture *f = *state;
	char path[400];
	uint32_t begun;
	int status;
	pid_t pid;

	begun = segments_next(f->vol->segments) + 1;
	snprintf(path, sizeof path, "%s/seg/%08x.seg", f->path, begun);
	fixture_close(f);
	pid = fork();
	if (pid == 0) {
		fixture_open(f);
		inode_put(written(f, "file", bytes), 1);
		if (volume_commit(f->vol))
			_exit(1);
		fixture_make(f, "another");
		begin_segment = f->vol->segments;
		if (volume_commit(f->vol))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(path, F_OK), 0);
	fixture_open(f);
	assert_int_equal(access(path, F_OK), -1); /* nothing refers to it: it was garbage of the crash */
	fixture_check(fixture_find(f, "file"), bytes, LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_failed_append_keeps_the_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files_are_synced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writers_do_not_hang, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_is_known_at_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_commit_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_sync_holds_commits_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_sync_is_made_up_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_costs_its_chunk_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overwriting_frees_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleting_gives_space_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_segment_begun_during_a_commit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
