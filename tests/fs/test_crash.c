/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process killed at any moment: what was synced is there, whole; the rest is the state of one commit; the
 * store goes on being used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/todo.h"
#include "fs/names/dir.h"
#include "tests/fs/fixture.h"

#define FILES 6
#define LEN 90000u

/* Bytes of version v of file i: each version differs in every byte. */
static void fill(uint8_t *bytes, unsigned i, unsigned v)
{
	for (size_t k = 0; k < LEN; k++)
		bytes[k] = (uint8_t)((k / 50) * (i + 3) + v * 37 + 1);
}

/*
 * Writes version after version of every file, syncs, and tells the parent through the pipe which version of
 * which file is durable. Never returns.
 */
static void writer_run(struct fixture *f, int out)
{
	uint8_t *bytes = malloc(LEN);
	struct inode *inodes[FILES];
	char name[16];

	f->opt.offline = false;
	f->opt.commit_seconds = 1;
	fixture_open(f);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "file%u", i);
		inodes[i] = fixture_make(f, name);
	}
	for (unsigned v = 1; v < 200; v++) {
		for (unsigned i = 0; i < FILES; i++) {
			uint8_t note[2] = { (uint8_t)i, (uint8_t)v };

			fill(bytes, i, v);
			if (file_write(inodes[i], bytes, LEN, 0, false) != LEN)
				_exit(1);
			if (file_sync(inodes[i]) || write(out, note, 2) != 2)
				_exit(1);
		}
	}
	for (;;)
		pause();
}

/*
 * Every file holds the last version noted as durable, or the next one, which may have been on its way; in
 * each chunk.
 */
static void files_check(struct fixture *f, const uint8_t durable[FILES])
{
	uint32_t chunk = f->vol->super.chunk_size;
	uint8_t *got = malloc(LEN), *old = malloc(LEN), *new = malloc(LEN);
	char name[16];

	for (unsigned i = 0; i < FILES; i++) {
		struct inode *inode;

		snprintf(name, sizeof name, "file%u", i);
		inode = fixture_find(f, name);
		assert_true(durable[i] == 0 || inode->attr.size == LEN);
		assert_int_equal(file_read(inode, got, LEN, 0), inode->attr.size);
		fill(old, i, durable[i]);
		fill(new, i, durable[i] + 1u);
		for (uint32_t at = 0; at < inode->attr.size; at += chunk) {
			uint32_t n = LEN - at < chunk ? LEN - at : chunk;

			if (durable[i] == 0)
				assert_memory_equal(got + at, new + at, n);
			else if (memcmp(got + at, old + at, n))
				assert_memory_equal(got + at, new + at, n);
		}
		inode_put(inode, 1);
	}
	free(got);
	free(old);
	free(new);
}

static void crash_once(unsigned notes)
{
	struct fixture f;
	uint8_t durable[FILES] = { 0 }, note[2];
	int fds[2], status;
	pid_t pid;

	fixture_init(&f, 16 << 10);
	fixture_close(&f);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		writer_run(&f, fds[1]);
	}
	close(fds[1]);
	for (unsigned i = 0; i < notes && read(fds[0], note, 2) == 2; i++)
		durable[note[0]] = note[1];
	kill(pid, SIGKILL);
	while (read(fds[0], note, 2) == 2)
		durable[note[0]] = note[1];
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(fds[0]);
	fixture_open(&f);
	files_check(&f, durable);
	for (unsigned i = 0; i < 2; i++) {
		struct inode *inode = fixture_make(&f, i ? "after1" : "after0");

		assert_int_equal(file_write(inode, "usable", 6, 100000, false), 6);
		inode_put(inode, 1);
		fixture_reopen(&f);
	}
	files_check(&f, durable);
	fixture_fini(&f);
}

static void test_killed(void **state)
{
	(void)state;
	for (unsigned notes = 7; notes < 60; notes += 13)
		crash_once(notes);
}

/* Runs fn on an open store in a process that is then killed. */
static void in_killed_process(struct fixture *f, void (*fn)(struct fixture *f))
{
	int status;
	pid_t pid;

	fixture_close(f);
	pid = fork();
	if (pid == 0) {
		fixture_open(f);
		fn(f);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	fixture_open(f);
}

/* Synced while it was short, then grown without a sync: flushed, even, but not committed. */
static void grow_unsynced(struct fixture *f)
{
	struct inode *inode = fixture_make(f, "log");
	uint8_t bytes[20000];

	memset(bytes, 'a', sizeof bytes);
	if (file_write(inode, bytes, 1000, 0, false) != 1000 || file_sync(inode))
		_exit(1);
	if (file_write(inode, bytes, sizeof bytes, 1000, false) != sizeof bytes || file_flush(inode))
		_exit(1);
}

static void test_unsynced_growth_is_undone_whole(void **state)
{
	struct fixture f;
	struct inode *inode;
	uint8_t bytes[1000];

	(void)state;
	memset(bytes, 'a', sizeof bytes);
	fixture_init(&f, 4096);
	in_killed_process(&f, grow_unsynced);
	inode = fixture_find(&f, "log");
	fixture_check(inode, bytes, sizeof bytes);
	inode_put(inode, 1);
	fixture_fini(&f);
}

/*
 * A shrunk file whose extent reaches beyond its end: a crash later it grows, and the old bytes must not come
 * back.
 */
static void shrink_synced(struct fixture *f)
{
	struct inode *inode = fixture_make(f, "file");
	uint8_t bytes[3000];

	memset(bytes, 'x', sizeof bytes);
	if (file_write(inode, bytes, sizeof bytes, 0, false) != sizeof bytes || file_sync(inode))
		_exit(1);
	pthread_rwlock_wrlock(&inode->lock);
	if (file_truncate_locked(inode, 10))
		_exit(1);
	pthread_rwlock_unlock(&inode->lock);
	if (file_sync(inode))
		_exit(1);
}

static void test_shrunk_then_killed_then_grown(void **state)
{
	struct fixture f;
	struct inode *inode;
	uint8_t bytes[5000] = { 0 };

	(void)state;
	memset(bytes, 'x', 10);
	fixture_init(&f, 4096);
	in_killed_process(&f, shrink_synced);
	inode = fixture_find(&f, "file");
	pthread_rwlock_wrlock(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, sizeof bytes), 0);
	pthread_rwlock_unlock(&inode->lock);
	fixture_check(inode, bytes, sizeof bytes);
	inode_put(inode, 1);
	fixture_reopen(&f);
	inode = fixture_find(&f, "file");
	fixture_check(inode, bytes, sizeof bytes);
	inode_put(inode, 1);
	fixture_fini(&f);
}

/*
 * What a crash in the middle of a large truncation leaves: the size is small, chunks beyond it are still
 * mapped, and a to-do record says so.
 */
static void truncate_half(struct fixture *f)
{
	struct inode *inode = fixture_make(f, "large");
	uint8_t bytes[40960];
	struct index_op op;
	uint64_t id;

	memset(bytes, 'y', sizeof bytes);
	if (file_write(inode, bytes, sizeof bytes, 0, false) != sizeof bytes || file_flush(inode))
		_exit(1);
	index_begin(f->vol->index, &op);
	inode->attr.size = 8192;
	if (inode_store(&op, inode) || todo_put(&op, f->vol, inode->ino, 2, &id))
		_exit(1);
	index_end(&op);
	if (volume_commit(f->vol))
		_exit(1);
}

static void test_todo_is_finished_at_open(void **state)
{
	struct fixture f;
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	struct inode *inode;
	uint32_t no;

	(void)state;
	fixture_init(&f, 4096);
	in_killed_process(&f, truncate_half);
	inode = fixture_find(&f, "large");
	index_begin(f.vol->index, &op);
	assert_int_equal(chunk_next(&op, inode->ino, 1, &no), 1);
	assert_int_equal(no, 1);
	assert_int_equal(chunk_next(&op, inode->ino, 2, &no), 0);
	assert_int_equal(index_scan_open(&op, TABLE_TODO, NULL, 0, NULL, 0, &scan), 0);
	assert_int_equal(index_scan_next(scan, &rec), 0);
	index_scan_close(scan);
	index_end(&op);
	inode_put(inode, 1);
	fixture_fini(&f);
}

/* A truncation that failed half-way leaves its record behind; the file is written on. */
static void grow_over_todo(struct fixture *f)
{
	struct inode *inode = fixture_make(f, "large");
	uint8_t bytes[40000];
	struct index_op op;
	uint64_t id;

	memset(bytes, 'y', sizeof bytes);
	index_begin(f->vol->index, &op);
	if (todo_put(&op, f->vol, inode->ino, 2, &id))
		_exit(1);
	index_end(&op);
	if (file_write(inode, bytes, sizeof bytes, 0, false) != sizeof bytes || file_sync(inode))
		_exit(1);
}

static void test_todo_spares_what_came_later(void **state)
{
	struct fixture f;
	struct inode *inode;
	uint8_t bytes[40000];

	(void)state;
	memset(bytes, 'y', sizeof bytes);
	fixture_init(&f, 4096);
	in_killed_process(&f, grow_over_todo);
	inode = fixture_find(&f, "large");
	fixture_check(inode, bytes, sizeof bytes);
	inode_put(inode, 1);
	fixture_fini(&f);
}

/* Unlinked, still open, and durably so. */
static void orphan_make(struct fixture *f)
{
	struct inode *inode = fixture_make(f, "gone");
	uint8_t bytes[40000];

	memset(bytes, 'z', sizeof bytes);
	if (file_write(inode, bytes, sizeof bytes, 0, false) != sizeof bytes || file_sync(inode))
		_exit(1);
	fixture_unlink(f, "gone");
	if (volume_commit(f->vol))
		_exit(1);
}

/* What the mount after a crash cleans up is counted out for good, also when nothing else happens in that mount. */
static void test_counters_after_orphans(void **state)
{
	struct extent_totals totals;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4096);
	in_killed_process(&f, orphan_make);
	for (unsigned i = 0; i < 2; i++) {
		extent_totals(f.vol, &totals);
		assert_int_equal(totals.plain_bytes, 0);
		assert_int_equal(f.vol->counters.inodes, 1);
		fixture_reopen(&f);
	}
	fixture_fini(&f);
}

/* One file synced while others are dirty: written anew, emptied and written anew, renamed over another. */
static void sync_one_of_many(struct fixture *f)
{
	static const char *const names[] = { "synced", "grown", "replaced", "new", "old" };
	struct inode *inode[5], *root;

	for (unsigned i = 0; i < 5; i++) {
		inode[i] = fixture_make(f, names[i]);
		if (file_write(inode[i], "before", 6, 0, false) != 6)
			_exit(1);
	}
	if (volume_commit(f->vol))
		_exit(1);
	pthread_rwlock_wrlock(&inode[2]->lock);
	if (file_truncate_locked(inode[2], 0))
		_exit(1);
	pthread_rwlock_unlock(&inode[2]->lock);
	for (unsigned i = 0; i < 4; i++) {
		if (file_write(inode[i], "after!!", 7, 0, false) != 7)
			_exit(1);
	}
	if (inode_get(f->vol, INO_ROOT, &root) || dir_rename(root, "new", root, "old", 0) || file_sync(inode[0]))
		_exit(1);
}

static void check_text(struct fixture *f, const char *name, const char *text)
{
	struct inode *inode = fixture_find(f, name);

	fixture_check(inode, (const uint8_t *)text, strlen(text));
	inode_put(inode, 1);
}

static void test_sync_is_of_one_file(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 4096);
	in_killed_process(&f, sync_one_of_many);
	check_text(&f, "synced", "after!!");
	check_text(&f, "grown", "before"); /* its data was nobody's concern */
	check_text(&f, "replaced", "after!!");
	check_text(&f, "old", "after!!");
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_unsynced_growth_is_undone_whole),
		cmocka_unit_test(test_shrunk_then_killed_then_grown),
		cmocka_unit_test(test_todo_is_finished_at_open),
		cmocka_unit_test(test_todo_spares_what_came_later),
		cmocka_unit_test(test_counters_after_orphans),
		cmocka_unit_test(test_sync_is_of_one_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
