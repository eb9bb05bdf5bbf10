/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files against a model in memory: random writes, reads, truncations, syncs and reopens with tiny chunks, caches and dirty limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/extent.h"
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
		p[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)rnd(m, 256) : (uint8_t)("firn neve ice"[(i * (step + 1)) % 13]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_small_chunks),
		cmocka_unit_test(test_random_large_chunks),
		cmocka_unit_test(test_threads_on_files),
		cmocka_unit_test(test_beyond_4_gib),
		cmocka_unit_test(test_zero_chunks_are_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
