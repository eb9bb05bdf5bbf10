/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges punched, allocated, sought and copied between two files, against a model in memory; and what a
 * truncation leaves whose work on the index fails.
 *
 * Linked with --wrap: index_del and index_put fail when a test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fs/data/chunk.h"
#include "fs/data/file_chunk.h"
#include "tests/fs/fixture.h"

static int del_countdown = -1, put_countdown = -1; /* the call that fails, and all after it */

static bool fails(int *countdown)
{
	if (*countdown > 0)
		--*countdown;
	return *countdown == 0;
}

int __real_index_del(struct index_op *op, enum table table, const void *key, size_t key_len);
int __wrap_index_del(struct index_op *op, enum table table, const void *key, size_t key_len);
int __wrap_index_del(struct index_op *op, enum table table, const void *key, size_t key_len)
{
	return fails(&del_countdown) ? -ENOMEM : __real_index_del(op, table, key, key_len);
}

int __real_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len);
int __wrap_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len);
int __wrap_index_put(struct index_op *op, enum table table, const void *key, size_t key_len,
		     const void *value, size_t len)
{
	return fails(&put_countdown) ? -ENOMEM : __real_index_put(op, table, key, key_len, value, len);
}

#define FILES 2
#define MODEL_MAX (200u << 10)

struct model {
	struct fixture f;
	struct inode *inode[FILES];
	uint8_t *bytes[FILES]; /* zero beyond size */
	size_t size[FILES];
	uint64_t seed;
	uint32_t chunk_size;
};

static uint32_t rnd(struct model *m, uint32_t below)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (uint32_t)(m->seed >> 20) % below;
}

/* An offset or a length, often on the border of a chunk. */
static size_t rnd_at(struct model *m, size_t below)
{
	size_t at = rnd(m, (uint32_t)below);

	return rnd(m, 2) ? at : at / m->chunk_size * m->chunk_size;
}

static void model_open(struct model *m)
{
	static const char *const names[FILES] = { "a", "b" };

	for (unsigned i = 0; i < FILES; i++)
		m->inode[i] = m->bytes[i] ? fixture_find(&m->f, names[i]) : fixture_make(&m->f, names[i]);
	for (unsigned i = 0; i < FILES && !m->bytes[i]; i++) {
		m->bytes[i] = calloc(1, MODEL_MAX);
		assert_non_null(m->bytes[i]);
	}
}

static void model_init(struct model *m, uint32_t chunk_size)
{
	*m = (struct model){ .seed = chunk_size * 0x9e3779b97f4a7c15u + 1, .chunk_size = chunk_size };
	fixture_init(&m->f, chunk_size);
	m->f.opt.cache_bytes = 8 * chunk_size;
	m->f.opt.dirty_bytes = 64 << 10;
	fixture_reopen(&m->f);
	model_open(m);
}

static void model_close(struct model *m)
{
	for (unsigned i = 0; i < FILES; i++)
		inode_put(m->inode[i], 1);
}

static void model_fini(struct model *m)
{
	model_close(m);
	for (unsigned i = 0; i < FILES; i++)
		free(m->bytes[i]);
	fixture_fini(&m->f);
}

static void model_check(struct model *m)
{
	for (unsigned i = 0; i < FILES; i++)
		fixture_check(m->inode[i], m->bytes[i], m->size[i]);
}

static void grown(struct model *m, unsigned i, size_t end)
{
	if (end > m->size[i])
		m->size[i] = end;
}

static void model_write(struct model *m, unsigned i)
{
	size_t at = rnd_at(m, MODEL_MAX - 20000), len = 1 + rnd(m, rnd(m, 4) ? 20000 : 50);
	uint8_t stamp = (uint8_t)rnd(m, 256);

	for (size_t k = 0; k < len; k++)
		m->bytes[i][at + k] = (uint8_t)(rnd(m, 8) + stamp);
	grown(m, i, at + len);
	assert_int_equal(file_write(m->inode[i], m->bytes[i] + at, len, at, false), len);
}

static int truncate_to(struct inode *inode, uint64_t size)
{
	int r;

	pthread_rwlock_wrlock(&inode->lock);
	r = file_truncate_locked(inode, size);
	pthread_rwlock_unlock(&inode->lock);
	return r;
}

static void model_truncate(struct model *m, unsigned i)
{
	size_t size = rnd_at(m, MODEL_MAX);

	if (size < m->size[i])
		memset(m->bytes[i] + size, 0, m->size[i] - size);
	m->size[i] = size;
	assert_int_equal(truncate_to(m->inode[i], size), 0);
}

static void model_punch(struct model *m, unsigned i)
{
	size_t at = rnd_at(m, MODEL_MAX - 1), len = 1 + rnd_at(m, MODEL_MAX - at);
	bool grow = rnd(m, 3) == 0;

	if (rnd(m, 3) == 0 && at < m->size[i])
		len = m->size[i] - at;
	memset(m->bytes[i] + at, 0, len);
	if (grow)
		grown(m, i, at + len);
	assert_int_equal(file_punch(m->inode[i], at, len, grow), 0);
}

static void model_copy(struct model *m, unsigned i)
{
	unsigned from_file = rnd(m, FILES);
	size_t from = rnd_at(m, MODEL_MAX / 2), to = rnd_at(m, MODEL_MAX / 2), len = 1 + rnd_at(m, MODEL_MAX / 2);
	ssize_t n;

	if (rnd(m, 2))
		to = to / m->chunk_size * m->chunk_size + from % m->chunk_size;
	if (from >= m->size[from_file])
		return;
	if (rnd(m, 3) == 0 || len > m->size[from_file] - from)
		len = m->size[from_file] - from;
	if (len > MODEL_MAX - to)
		len = MODEL_MAX - to;
	n = file_copy(m->inode[from_file], from, m->inode[i], to, len);
	if (from_file == i && from < to + len && to < from + len) {
		assert_int_equal(n, -EINVAL);
		return;
	}
	assert_int_equal(n, len);
	memmove(m->bytes[i] + to, m->bytes[from_file] + from, len);
	grown(m, i, to + len);
}

/* What is called a hole is zero, and what lies between holes is found as data. */
static void model_seek(struct model *m, unsigned i)
{
	uint64_t at = 0, size = m->size[i];

	while (at < size) {
		int64_t data = file_seek(m->inode[i], at, false), hole;
		uint64_t end = data < 0 ? size : (uint64_t)data;

		assert_true(data >= (int64_t)at || data == -ENXIO);
		for (uint64_t k = at; k < end; k++)
			assert_int_equal(m->bytes[i][k], 0);
		if (data < 0)
			break;
		hole = file_seek(m->inode[i], end, true);
		assert_true(hole > data && hole <= (int64_t)size);
		at = (uint64_t)hole;
	}
	assert_int_equal(file_seek(m->inode[i], size, true), -ENXIO);
	assert_int_equal(file_seek(m->inode[i], size, false), -ENXIO);
}

static void model_step(struct model *m)
{
	unsigned i = rnd(m, FILES);
	uint32_t what = rnd(m, 100);

	if (what < 40)
		model_write(m, i);
	else if (what < 50)
		model_truncate(m, i);
	else if (what < 65)
		model_punch(m, i);
	else if (what < 82)
		model_copy(m, i);
	else if (what < 90)
		model_seek(m, i);
	else if (what < 97)
		assert_int_equal(file_flush(m->inode[i]), 0);
	else
		assert_int_equal(file_sync(m->inode[i]), 0);
}

static void run_random(uint32_t chunk_size, unsigned steps)
{
	struct model *m = malloc(sizeof *m);

	assert_non_null(m);
	model_init(m, chunk_size);
	for (unsigned i = 0; i < steps; i++) {
		model_step(m);
		if (i % 10 == 9)
			model_check(m);
		if (i % 200 == 199) {
			model_close(m);
			fixture_reopen(&m->f);
			model_open(m);
			model_check(m);
		}
	}
	model_check(m);
	model_fini(m);
	free(m);
}

static void test_random_small_chunks(void **state)
{
	(void)state;
	run_random(4096, 1500);
}

static void test_random_large_chunks(void **state)
{
	(void)state;
	run_random(64 << 10, 1500);
}

static uint32_t refs_of(struct inode *inode, uint32_t no)
{
	struct index_op op;
	struct extent e = { 0 };
	uint64_t id;

	index_begin(inode->vol->index, &op);
	assert_int_equal(chunk_lookup(&op, inode->ino, no, &id), 0);
	if (id)
		assert_int_equal(extent_get(&op, id, &e), 0);
	index_end(&op);
	return e.refs;
}

#define CHUNK 4096u
#define LEN (10 * CHUNK + 100)

static uint8_t bytes[LEN];

static struct inode *file_of_noise(struct fixture *f, const char *name)
{
	struct inode *inode = fixture_make(f, name);
	uint32_t x = 7;

	for (size_t i = 0; i < LEN; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
	assert_int_equal(file_write(inode, bytes, LEN, 0, false), LEN);
	return inode;
}

/* A whole copy shares every extent, the last one too; writing to one file leaves the other alone. */
static void test_copy_shares(void **state)
{
	struct fixture f;
	struct inode *a, *b;
	struct extent_totals before, after;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	b = fixture_make(&f, "b");
	assert_int_equal(file_sync(a), 0);
	extent_totals(f.vol, &before);
	assert_int_equal(file_copy(a, 0, b, 0, LEN), LEN);
	assert_int_equal(file_sync(b), 0);
	extent_totals(f.vol, &after);
	assert_int_equal(after.segment_bytes, before.segment_bytes);
	assert_int_equal(b->attr.blocks, a->attr.blocks);
	for (uint32_t i = 0; i <= 10; i++)
		assert_int_equal(refs_of(b, i), 2);
	assert_int_equal(file_write(b, "x", 1, 5, false), 1);
	assert_int_equal(file_sync(b), 0);
	assert_int_equal(refs_of(a, 0), 1);
	fixture_check(a, bytes, LEN);
	fixture_unlink(&f, "a");
	inode_put(a, 1);
	inode_put(b, 1);
	fixture_reopen(&f);
	b = fixture_find(&f, "b");
	assert_int_equal(refs_of(b, 1), 1);
	bytes[5] = 'x';
	fixture_check(b, bytes, LEN);
	inode_put(b, 1);
	fixture_fini(&f);
}

/* Bytes that the source's last extent has behind the end of the source stay hidden in a longer target. */
static void test_copy_of_a_cut_tail(void **state)
{
	struct fixture f;
	struct inode *a, *b;
	uint8_t want[3 * CHUNK] = { 0 };

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	b = fixture_make(&f, "b");
	assert_int_equal(file_sync(a), 0);
	assert_int_equal(truncate_to(a, CHUNK + 10), 0);
	assert_int_equal(file_copy(a, 0, b, 0, CHUNK + 10), CHUNK + 10);
	assert_int_equal(refs_of(b, 1), 2);
	assert_int_equal(truncate_to(b, sizeof want), 0);
	memcpy(want, bytes, CHUNK + 10);
	fixture_check(b, want, sizeof want);
	memset(want, 0, sizeof want);
	memcpy(want + CHUNK, bytes, CHUNK + 10);
	assert_int_equal(truncate_to(b, 0), 0);
	assert_int_equal(truncate_to(b, sizeof want), 0);
	assert_int_equal(file_copy(a, 0, b, CHUNK, CHUNK + 10), CHUNK + 10);
	fixture_check(b, want, sizeof want);
	assert_int_equal(file_copy(a, CHUNK + 10, b, 100, 50), 50); /* nothing of it has reached us: zero */
	fixture_check(b, want, sizeof want);
	inode_put(a, 1);
	inode_put(b, 1);
	fixture_fini(&f);
}

static void test_copy_refuses(void **state)
{
	struct fixture f;
	struct inode *a, *dir;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(inode_get(f.vol, INO_ROOT, &dir), 0);
	assert_int_equal(file_copy(a, 0, dir, 0, 5), -EISDIR);
	assert_int_equal(file_copy(a, 0, a, 4, 5), -EINVAL);
	assert_int_equal(file_copy(a, 0, a, 5, 5), 5);
	assert_int_equal(file_copy(a, 0, a, ((uint64_t)CHUNK << 32) - 1, 5), -EFBIG);
	assert_int_equal(file_copy(a, 0, a, 0, 0), 0);
	inode_put(dir, 1);
	inode_put(a, 1);
	fixture_fini(&f);
}

static void test_punch_frees(void **state)
{
	struct fixture f;
	struct inode *a;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(file_sync(a), 0);
	assert_int_equal(a->attr.blocks, LEN);
	assert_int_equal(file_punch(a, CHUNK, 2 * CHUNK, false), 0);
	assert_int_equal(a->attr.blocks, LEN - 2 * CHUNK);
	assert_int_equal(file_seek(a, 0, true), CHUNK);
	assert_int_equal(file_seek(a, CHUNK, false), 3 * CHUNK);
	assert_int_equal(file_punch(a, 9 * CHUNK, 100 * CHUNK, false), 0);
	assert_int_equal(a->attr.blocks, 7 * CHUNK);
	assert_int_equal(a->attr.size, LEN);
	assert_int_equal(file_punch(a, 0, 0, false), -EINVAL);
	assert_int_equal(file_punch(a, LEN, 10, false), 0);
	assert_int_equal(a->attr.size, LEN);
	assert_int_equal(file_punch(a, LEN, 10, true), 0);
	assert_int_equal(a->attr.size, LEN + 10);
	inode_put(a, 1);
	fixture_fini(&f);
}

static blkcnt_t blocks_of(struct inode *inode, bool dirty)
{
	struct stat st;

	assert_int_equal(inode_stat(inode, &st), dirty);
	return st.st_blocks;
}

/* Dirty data takes space too, as much as it may need; written over, it takes no more. */
static void test_blocks_of_dirty_data(void **state)
{
	struct fixture f;
	struct inode *a;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(blocks_of(a, true), (LEN + 511) / 512);
	assert_int_equal(file_write(a, "x", 1, 20 * CHUNK, false), 1);
	assert_int_equal(blocks_of(a, true), (LEN + 1 + 511) / 512);
	assert_int_equal(file_sync(a), 0);
	assert_int_equal(blocks_of(a, false), (LEN + 1 + 511) / 512);
	assert_int_equal(file_write(a, bytes, LEN, 0, false), LEN);
	assert_true(blocks_of(a, true) <= (20 * CHUNK + 1 + 511) / 512);
	inode_put(a, 1);
	fixture_fini(&f);
}

static void test_allocate(void **state)
{
	struct fixture f;
	struct inode *a;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(file_allocate(a, 0, 5, true), 0);
	assert_int_equal(a->attr.size, LEN);
	assert_int_equal(file_allocate(a, LEN, 5, false), 0);
	assert_int_equal(a->attr.size, LEN);
	assert_int_equal(file_allocate(a, LEN, 5, true), 0);
	assert_int_equal(a->attr.size, LEN + 5);
	assert_int_equal(file_allocate(a, 0, (uint64_t)1 << 43, true), -ENOSPC);
	assert_int_equal(file_allocate(a, 0, (uint64_t)1 << 50, true), -EFBIG);
	assert_int_equal(a->attr.size, LEN + 5);
	inode_put(a, 1);
	fixture_fini(&f);
}

/* Records that can't be unmapped: the file is short all the same, and what it grows by is zero. */
static void test_truncation_without_memory(void **state)
{
	static const uint8_t zeros[LEN];
	struct fixture f;
	struct inode *a;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(file_sync(a), 0);
	del_countdown = 3;
	assert_int_equal(truncate_to(a, 0), 0);
	assert_int_equal(truncate_to(a, LEN), -ENOMEM);
	assert_int_equal(file_write(a, "x", 1, 2 * CHUNK, false), -ENOMEM);
	assert_int_equal(a->attr.size, 0);
	del_countdown = -1;
	assert_int_equal(file_sync(a), 0);
	inode_put(a, 1);
	fixture_reopen(&f);
	a = fixture_find(&f, "a");
	assert_int_equal(truncate_to(a, LEN), 0);
	fixture_check(a, zeros, LEN);
	assert_int_equal(a->attr.blocks, 0);
	inode_put(a, 1);
	fixture_fini(&f);
}

/* The size can't be stored: nothing has changed. */
static void test_truncation_refused(void **state)
{
	struct fixture f;
	struct inode *a;
	struct inode_attr before;

	(void)state;
	fixture_init(&f, CHUNK);
	a = file_of_noise(&f, "a");
	assert_int_equal(file_sync(a), 0);
	before = a->attr;
	put_countdown = 1;
	assert_int_equal(truncate_to(a, 100), -ENOMEM);
	assert_int_equal(truncate_to(a, 2 * LEN), -ENOMEM);
	put_countdown = -1;
	fixture_check(a, bytes, LEN);
	assert_int_equal(a->attr.mtime, before.mtime);
	inode_put(a, 1);
	fixture_reopen(&f);
	a = fixture_find(&f, "a");
	fixture_check(a, bytes, LEN);
	inode_put(a, 1);
	fixture_fini(&f);
}

#define THREADS 4

struct party {
	struct inode *a, *b;
	unsigned id;
};

/* Copies, punches and writes of whole chunks with one byte value each: no chunk is ever of two kinds. */
static void *party_run(void *arg)
{
	struct party *p = arg;
	struct model m = { .seed = p->id + 5 };
	uint8_t chunk[CHUNK];
	uintptr_t failed = 0;

	for (unsigned i = 0; i < 500 && !failed; i++) {
		struct inode *x = rnd(&m, 2) ? p->a : p->b, *y = x == p->a ? p->b : p->a;
		uint64_t at = (uint64_t)rnd(&m, 8) * CHUNK, to = (uint64_t)rnd(&m, 8) * CHUNK;
		uint32_t what = rnd(&m, 100);
		ssize_t n;

		if (what < 40) {
			memset(chunk, (int)rnd(&m, 256), CHUNK);
			failed = file_write(x, chunk, CHUNK, at, false) != CHUNK;
		} else if (what < 60) {
			n = file_copy(x, at, y, to, 2 * CHUNK);
			failed = n != 2 * CHUNK;
		} else if (what < 70) {
			failed = file_punch(x, at, CHUNK, true) != 0;
		} else if (what < 95) {
			n = file_read(x, chunk, CHUNK, at);
			failed = n != 0 && (n != CHUNK || memcmp(chunk, chunk + 1, CHUNK - 1) != 0);
		} else {
			failed = file_flush(x) != 0;
		}
		failed = failed ? what + 1 : 0;
	}
	return (void *)failed;
}

static void test_threads(void **state)
{
	struct fixture f;
	pthread_t threads[THREADS];
	struct party party[THREADS];
	struct inode *a, *b;

	(void)state;
	fixture_init(&f, CHUNK);
	a = fixture_make(&f, "a");
	b = fixture_make(&f, "b");
	for (unsigned i = 0; i < THREADS; i++) {
		party[i] = (struct party){ a, b, i };
		assert_int_equal(pthread_create(&threads[i], NULL, party_run, &party[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	inode_put(a, 1);
	inode_put(b, 1);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_small_chunks),
		cmocka_unit_test(test_random_large_chunks),
		cmocka_unit_test(test_copy_shares),
		cmocka_unit_test(test_copy_of_a_cut_tail),
		cmocka_unit_test(test_copy_refuses),
		cmocka_unit_test(test_punch_frees),
		cmocka_unit_test(test_allocate),
		cmocka_unit_test(test_blocks_of_dirty_data),
		cmocka_unit_test(test_truncation_without_memory),
		cmocka_unit_test(test_truncation_refused),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
