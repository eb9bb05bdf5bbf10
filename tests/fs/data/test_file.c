/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files against a model in memory: random writes, reads, truncations, syncs and reopens with tiny chunks,
 * caches and dirty limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "tests/fs/fixture.h"

#define MODEL_MAX (600u << 10)

struct model {
	struct inode *inode;
	uint8_t *bytes; /* MODEL_MAX; zero beyond size */
	size_t size;
	uint64_t seed;
};

static uint32_t rnd(struct model *m, uint32_t below)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (uint32_t)(m->seed >> 20) % below;
}

static void model_init(struct model *m, struct inode *inode, uint64_t seed)
{
	*m = (struct model){ .inode = inode, .seed = seed * 0x9e3779b97f4a7c15u + 1 };
	m->bytes = calloc(1, MODEL_MAX);
	assert_non_null(m->bytes);
}

/* Bytes of different kinds: zero, repetitive, random. */
static void model_fill(struct model *m, uint8_t *p, size_t n)
{
	uint32_t kind = rnd(m, 4), step = rnd(m, 7);

	for (size_t i = 0; i < n; i++)
		p[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)rnd(m, 256)
			: (uint8_t)("firn neve ice"[(i * (step + 1)) % 13]);
}

static int model_write(struct model *m)
{
	uint32_t max = rnd(m, 8) == 0 ? 300000 : rnd(m, 3) ? 5000 : 64;
	size_t off = rnd(m, MODEL_MAX - max), len = 1 + rnd(m, max);

	if (rnd(m, 3) == 0 && m->size < MODEL_MAX - max)
		off = m->size;
	model_fill(m, m->bytes + off, len);
	if (off + len > m->size)
		m->size = off + len;
	return file_write(m->inode, m->bytes + off, len, off, false) == (ssize_t)len ? 0 : -1;
}

static int model_truncate(struct model *m)
{
	size_t size = rnd(m, 2) ? rnd(m, MODEL_MAX) : m->size ? rnd(m, (uint32_t)m->size) : 0;
	int r;

	if (rnd(m, 10) == 0)
		size = 0;
	if (size < m->size)
		memset(m->bytes + size, 0, m->size - size);
	m->size = size;
	pthread_rwlock_wrlock(&m->inode->lock);
	r = file_truncate_locked(m->inode, size);
	pthread_rwlock_unlock(&m->inode->lock);
	return r;
}

static int model_read(struct model *m, uint8_t *buf)
{
	size_t off = rnd(m, MODEL_MAX), len = rnd(m, rnd(m, 2) ? 200000 : 3000);
	size_t want = off >= m->size ? 0 : len < m->size - off ? len : m->size - off;
	ssize_t n = file_read(m->inode, buf, len, off);

	return n == (ssize_t)want && memcmp(buf, m->bytes + off, want) == 0 ? 0 : -1;
}

/* One random step; 0 when the file did as the model says. */
static int model_step(struct model *m, uint8_t *buf)
{
	uint32_t what = rnd(m, 100);

	if (what < 45)
		return model_write(m);
	if (what < 80)
		return model_read(m, buf);
	if (what < 90)
		return model_truncate(m);
	if (what < 97)
		return file_flush(m->inode);
	return rnd(m, 4) ? 0 : file_sync(m->inode);
}

static void model_check(struct model *m)
{
	fixture_check(m->inode, m->bytes, m->size);
}

static void run_random(uint32_t chunk_size, uint64_t cache_bytes, unsigned steps)
{
	struct fixture f;
	struct model m;
	uint8_t *buf = malloc(MODEL_MAX);

	fixture_init(&f, chunk_size);
	f.opt.cache_bytes = cache_bytes;
	f.opt.dirty_bytes = 1;
	fixture_reopen(&f);
	model_init(&m, fixture_make(&f, "file"), chunk_size + cache_bytes);
	for (unsigned i = 0; i < steps; i++) {
		if (model_step(&m, buf))
			fail_msg("step %u", i);
		if (i % 250 == 249) {
			model_check(&m);
			inode_put(m.inode, 1);
			fixture_reopen(&f);
			m.inode = fixture_find(&f, "file");
			model_check(&m);
		}
	}
	model_check(&m);
	inode_put(m.inode, 1);
	free(m.bytes);
	free(buf);
	fixture_fini(&f);
}

static void test_random_small_chunks(void **state)
{
	(void)state;
	run_random(4096, 64 << 10, 1500);
}

static void test_random_large_chunks(void **state)
{
	(void)state;
	run_random(128 << 10, 0, 1500);
}

#define THREADS 4

static void *thread_run(void *arg)
{
	struct model *m = arg;
	uint8_t *buf = malloc(MODEL_MAX);
	uintptr_t failed = 0;

	for (unsigned i = 0; i < 400 && !failed; i++)
		failed = model_step(m, buf) ? i + 1 : 0;
	free(buf);
	return (void *)failed;
}

static void test_threads_on_files(void **state)
{
	struct fixture f;
	struct model m[THREADS];
	pthread_t threads[THREADS];
	char name[16];

	(void)state;
	fixture_init(&f, 16 << 10);
	f.opt.cache_bytes = 256 << 10;
	f.opt.dirty_bytes = 1;
	f.opt.workers = 4;
	fixture_reopen(&f);
	for (unsigned i = 0; i < THREADS; i++) {
		snprintf(name, sizeof name, "file%u", i);
		model_init(&m[i], fixture_make(&f, name), i + 1);
		assert_int_equal(pthread_create(&threads[i], NULL, thread_run, &m[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
		inode_put(m[i].inode, 1);
	}
	fixture_reopen(&f);
	for (unsigned i = 0; i < THREADS; i++) {
		snprintf(name, sizeof name, "file%u", i);
		m[i].inode = fixture_find(&f, name);
		model_check(&m[i]);
		inode_put(m[i].inode, 1);
		free(m[i].bytes);
	}
	fixture_fini(&f);
}

static void test_beyond_4_gib(void **state)
{
	static const uint64_t at[] = { 0, (4ull << 30) - 3, (4ull << 30) + 70000, 5ull << 40 };
	struct fixture f;
	struct inode *inode;
	uint8_t buf[64];

	(void)state;
	fixture_init(&f, 4096);
	inode = fixture_make(&f, "sparse");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(file_write(inode, "0123456789", 10, at[i], false), 10);
	inode_put(inode, 1);
	fixture_reopen(&f);
	inode = fixture_find(&f, "sparse");
	assert_int_equal(inode->attr.size, at[3] + 10);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(file_read(inode, buf, 10, at[i]), 10);
		assert_memory_equal(buf, "0123456789", 10);
		assert_int_equal(file_seek(inode, at[i], false), at[i]);
	}
	assert_int_equal(file_seek(inode, 4096, false), (4ull << 30) - 4096);
	assert_int_equal(file_seek(inode, 0, true), 4096);
	assert_int_equal(file_seek(inode, at[3], true), at[3] + 10);
	assert_int_equal(file_seek(inode, at[3] + 10, true), -ENXIO);
	assert_int_equal(file_write(inode, "x", 1, (4096ull << 32) - 1, false), 1);
	assert_int_equal(file_write(inode, "x", 1, 4096ull << 32, false), -EFBIG);
	inode_put(inode, 1);
	fixture_fini(&f);
}

static void test_zero_chunks_are_holes(void **state)
{
	struct fixture f;
	struct inode *inode;
	struct extent_totals totals;
	uint8_t *buf = calloc(1, 1 << 20);

	(void)state;
	fixture_init(&f, 128 << 10);
	inode = fixture_make(&f, "zero");
	assert_int_equal(file_write(inode, buf, 1 << 20, 0, false), 1 << 20);
	assert_int_equal(file_sync(inode), 0);
	extent_totals(f.vol, &totals);
	assert_int_equal(totals.plain_bytes, 0);
	assert_int_equal(inode->attr.blocks, 0);
	assert_int_equal(file_seek(inode, 0, false), -ENXIO);
	fixture_check(inode, buf, 1 << 20);
	buf[300000] = 1;
	assert_int_equal(file_write(inode, buf + 300000, 1, 300000, false), 1);
	assert_int_equal(file_sync(inode), 0);
	assert_int_equal(file_seek(inode, 0, false), 256 << 10);
	fixture_check(inode, buf, 1 << 20);
	inode_put(inode, 1);
	free(buf);
	fixture_fini(&f);
}

/*
 * One file, several writers and readers: blocks are written and read whole, so each block read holds one
 * writer's stamp throughout.
 */
#define BLOCK 6000u
#define BLOCKS 40u

struct shared {
	struct inode *inode;
	unsigned id;
	atomic_uint *failed;
};

static void *shared_run(void *arg)
{
	struct shared *s = arg;
	struct model rng = { .seed = s->id + 77 };
	uint8_t block[BLOCK];

	for (unsigned i = 0; i < 600; i++) {
		uint64_t at = (uint64_t)rnd(&rng, BLOCKS) * BLOCK;
		uint32_t what = rnd(&rng, 100);

		if (what < 45) {
			memset(block, (int)(1 + rnd(&rng, 255)), BLOCK);
			if (file_write(s->inode, block, BLOCK, at, false) != BLOCK)
				++*s->failed;
		} else if (what < 90) {
			ssize_t n = file_read(s->inode, block, BLOCK, at);

			if (n < 0 || n % BLOCK || (n > 0 && memcmp(block, block + 1, BLOCK - 1)))
				++*s->failed;
		} else if (what < 94) {
			pthread_rwlock_wrlock(&s->inode->lock);
			*s->failed += file_truncate_locked(s->inode, at) != 0;
			pthread_rwlock_unlock(&s->inode->lock);
		} else {
			*s->failed += (what < 98 ? file_flush(s->inode) : file_sync(s->inode)) != 0;
		}
	}
	return NULL;
}

static void test_threads_on_one_file(void **state)
{
	struct fixture f;
	pthread_t threads[THREADS];
	struct shared shared[THREADS];
	atomic_uint failed = 0;
	struct inode *inode;
	uint8_t block[BLOCK];
	ssize_t n;

	(void)state;
	fixture_init(&f, 4096);
	f.opt.cache_bytes = 128 << 10;
	f.opt.workers = 3;
	fixture_reopen(&f);
	inode = fixture_make(&f, "file");
	for (unsigned i = 0; i < THREADS; i++) {
		shared[i] = (struct shared){ inode, i, &failed };
		assert_int_equal(pthread_create(&threads[i], NULL, shared_run, &shared[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(failed, 0);
	inode_put(inode, 1);
	fixture_reopen(&f);
	inode = fixture_find(&f, "file");
	for (uint64_t at = 0; (n = file_read(inode, block, BLOCK, at)) > 0; at += BLOCK) {
		assert_int_equal(n, BLOCK);
		assert_memory_equal(block, block + 1, BLOCK - 1);
	}
	assert_int_equal(n, 0);
	inode_put(inode, 1);
	fixture_fini(&f);
}

static uint64_t chunk_records(struct fixture *f)
{
	struct index_stat st;

	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(index_stat(f->vol->index, &st), 0);
	return st.records[TABLE_CHUNK];
}

/* More chunks than one operation unmaps. */
static void test_large_truncation(void **state)
{
	struct fixture f;
	struct inode *inode;
	size_t len = 6000u * 4096u;
	uint8_t *bytes = malloc(len), *zeros = calloc(1, len);
	struct extent_totals totals;

	(void)state;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i >> 12 | 1);
	fixture_init(&f, 4096);
	inode = fixture_make(&f, "large");
	assert_int_equal(file_write(inode, bytes, len, 0, false), len);
	assert_int_equal(chunk_records(&f), 6000);
	assert_int_equal(inode->attr.blocks, len);
	pthread_rwlock_wrlock(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, 5000), 0);
	assert_int_equal(file_truncate_locked(inode, len), 0);
	pthread_rwlock_unlock(&inode->lock);
	memcpy(zeros, bytes, 5000);
	fixture_check(inode, zeros, len);
	assert_int_equal(chunk_records(&f), 2);
	assert_int_equal(inode->attr.blocks, 5000);
	extent_totals(f.vol, &totals);
	assert_int_equal(totals.plain_bytes, 5000);
	inode_put(inode, 1);
	fixture_reopen(&f);
	inode = fixture_find(&f, "large");
	fixture_check(inode, zeros, len);
	inode_put(inode, 1);
	free(bytes);
	free(zeros);
	fixture_fini(&f);
}

static bool is_dirty(struct inode *inode)
{
	bool dirty;

	pthread_mutex_lock(&inode->data_mutex);
	dirty = inode->dirty != NULL;
	pthread_mutex_unlock(&inode->data_mutex);
	return dirty;
}

/* An fsync brings out its own file, whole, and leaves the others' data to the timer. */
static void test_sync_of_one_file(void **state)
{
	struct fixture f;
	struct inode *synced, *other;
	uint8_t bytes[50000];
	uint64_t commits;

	(void)state;
	memset(bytes, 's', sizeof bytes);
	fixture_init(&f, 4096);
	f.opt.commit_seconds = 0;
	fixture_reopen(&f);
	synced = fixture_make(&f, "synced");
	other = fixture_make(&f, "other");
	assert_int_equal(file_write(synced, bytes, sizeof bytes, 0, false), sizeof bytes);
	assert_int_equal(file_write(other, bytes, sizeof bytes, 0, false), sizeof bytes);
	commits = f.vol->counters.commits;
	assert_int_equal(file_sync(synced), 0);
	assert_true(f.vol->counters.commits > commits);
	assert_false(is_dirty(synced));
	assert_true(is_dirty(other));
	assert_int_equal(volume_commit(f.vol), 0);
	assert_false(is_dirty(other));
	fixture_check(other, bytes, sizeof bytes);
	inode_put(synced, 1);
	inode_put(other, 1);
	fixture_fini(&f);
}

/* An unlinked file lives as long as somebody has it open; its dirty data is not even written. */
static void test_unlinked_while_open(void **state)
{
	struct fixture f;
	struct inode *inode;
	uint8_t bytes[50000];
	struct extent_totals totals;

	(void)state;
	memset(bytes, 'u', sizeof bytes);
	fixture_init(&f, 4096);
	inode = fixture_make(&f, "file");
	assert_int_equal(file_write(inode, bytes, 20000, 0, false), 20000);
	assert_int_equal(file_sync(inode), 0);
	fixture_unlink(&f, "file");
	assert_int_equal(file_write(inode, bytes, sizeof bytes, 0, false), sizeof bytes);
	assert_int_equal(volume_commit(f.vol), 0);
	fixture_check(inode, bytes, sizeof bytes);
	extent_totals(f.vol, &totals);
	assert_int_equal(totals.plain_bytes, 20000);
	assert_int_equal(file_sync(inode), 0);
	extent_totals(f.vol, &totals);
	assert_int_equal(totals.plain_bytes, sizeof bytes);
	assert_int_equal(file_write(inode, bytes, sizeof bytes, 3, false), sizeof bytes);
	inode_put(inode, 1);
	assert_int_equal(volume_commit(f.vol), 0);
	assert_int_equal(chunk_records(&f), 0);
	extent_totals(f.vol, &totals);
	assert_int_equal(totals.plain_bytes, 0);
	assert_int_equal(f.vol->counters.inodes, 1);
	fixture_fini(&f);
}

static void test_times_and_modes(void **state)
{
	struct fixture f;
	struct inode *inode;
	int64_t mtime;

	(void)state;
	fixture_init(&f, 4096);
	inode = fixture_make(&f, "file");
	pthread_rwlock_wrlock(&inode->lock);
	inode->attr.mode |= S_ISUID | S_ISGID | S_IXGRP;
	inode->attr.mtime = 0;
	pthread_rwlock_unlock(&inode->lock);
	assert_int_equal(file_write(inode, "abc", 3, 0, true), 3);
	assert_int_equal(inode->attr.mode & 07777, 0654);
	mtime = inode->attr.mtime;
	assert_true(mtime > 0 && inode->attr.ctime == mtime);
	inode_put(inode, 1);
	fixture_reopen(&f);
	inode = fixture_find(&f, "file");
	assert_int_equal(inode->attr.mtime, mtime);
	assert_int_equal(inode->attr.mode & 07777, 0654);
	assert_int_equal(inode->attr.blocks, 3);
	inode_put(inode, 1);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_small_chunks),
		cmocka_unit_test(test_random_large_chunks),
		cmocka_unit_test(test_threads_on_files),
		cmocka_unit_test(test_threads_on_one_file),
		cmocka_unit_test(test_beyond_4_gib),
		cmocka_unit_test(test_large_truncation),
		cmocka_unit_test(test_sync_of_one_file),
		cmocka_unit_test(test_unlinked_while_open),
		cmocka_unit_test(test_times_and_modes),
		cmocka_unit_test(test_zero_chunks_are_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
