/* SPDX-License-Identifier: BSD-2-Clause */
/* The memtable: order, replacement, tombstones, and readers beside a writer. */
#include "index/memtable.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/index/store.h"

#define KEYS 20000

static atomic_size_t total;

static void test_put_get_replace_delete(void **state)
{
	struct memtable_entry e;
	struct memtable *mt;

	(void) state;
	assert_int_equal(memtable_create(&total, &mt), 0);
	assert_true(memtable_empty(mt));
	assert_false(memtable_get(mt, TABLE_INODE, "a", 1, &e));
	assert_int_equal(memtable_put(mt, TABLE_INODE, "a", 1, "one", 3), 0);
	assert_true(memtable_get(mt, TABLE_INODE, "a", 1, &e));
	assert_false(e.tombstone);
	assert_int_equal(e.len, 3);
	assert_memory_equal(e.value, "one", 3);
	assert_false(memtable_get(mt, TABLE_DIRENT, "a", 1, &e));
	assert_false(memtable_get(mt, TABLE_INODE, "aa", 2, &e));
	assert_int_equal(memtable_put(mt, TABLE_INODE, "a", 1, NULL, 0), 0);
	assert_true(memtable_get(mt, TABLE_INODE, "a", 1, &e));
	assert_false(e.tombstone);
	assert_int_equal(e.len, 0);
	assert_int_equal(memtable_del(mt, TABLE_INODE, "a", 1), 0);
	assert_true(memtable_get(mt, TABLE_INODE, "a", 1, &e));
	assert_true(e.tombstone);
	assert_false(memtable_empty(mt));
	assert_true(memtable_bytes(mt) > 0);
	assert_int_equal(atomic_load(&total), memtable_bytes(mt));
	memtable_destroy(mt);
	assert_int_equal(atomic_load(&total), 0);
}

static void check_order(struct memtable *mt, size_t expected)
{
	const struct memtable_node *n = memtable_head(mt);
	uint32_t number, last = 0;
	struct memtable_entry e;
	size_t count = 0;

	while ((n = memtable_next(n))) {
		memtable_entry(n, &e);
		assert_int_equal(e.key_len, 4);
		number = be32_get(e.key);
		assert_true(count == 0 || number > last);
		assert_int_equal(be32_get(e.value), number * 3);
		last = number;
		count++;
	}
	assert_int_equal(count, expected);
}

static void test_order_and_seek(void **state)
{
	const struct memtable_node *n;
	struct memtable_entry e;
	struct memtable *mt;
	uint8_t key[4], value[4];
	uint32_t i, x;

	(void) state;
	assert_int_equal(memtable_create(&total, &mt), 0);
	for (i = 0; i < KEYS; i++) {
		x = (i * 7919u) % KEYS * 2 + 2; /* 7919 does not divide 20000: every even number once */
		be32_put(key, x);
		be32_put(value, x * 3);
		assert_int_equal(memtable_put(mt, TABLE_CHUNK, key, 4, value, 4), 0);
	}
	check_order(mt, KEYS);
	for (x = 0; x <= KEYS * 2; x++) {
		be32_put(key, x);
		n = memtable_next(memtable_before(mt, TABLE_CHUNK, key, 4));
		assert_non_null(n);
		memtable_entry(n, &e);
		assert_int_equal(be32_get(e.key), x < 2 ? 2 : (x + 1) / 2 * 2);
	}
	be32_put(key, KEYS * 2 + 1);
	assert_null(memtable_next(memtable_before(mt, TABLE_CHUNK, key, 4)));
	memtable_destroy(mt);
}

struct shared {
	struct memtable *mt;
	atomic_uint written; /* keys below it are there */
	atomic_bool failed;
};

static void *write_keys(void *arg)
{
	struct shared *s = arg;
	uint8_t key[4], value[4];
	uint32_t i;

	for (i = 0; i < KEYS; i++) {
		be32_put(key, i * 7919u % KEYS);
		be32_put(value, i * 7919u % KEYS * 3);
		if (memtable_put(s->mt, TABLE_CHUNK, key, 4, value, 4))
			atomic_store(&s->failed, true);
		atomic_store(&s->written, i + 1);
	}
	return NULL;
}

static void *read_keys(void *arg)
{
	struct shared *s = arg;
	uint64_t rng = (uintptr_t) &rng | 1;
	struct memtable_entry e;
	uint8_t key[4];
	uint32_t n, x;

	while ((n = atomic_load(&s->written)) < KEYS) {
		if (n == 0)
			continue;
		x = (uint32_t) (rng_next(&rng) % n) * 7919u % KEYS;
		be32_put(key, x);
		if (!memtable_get(s->mt, TABLE_CHUNK, key, 4, &e) || be32_get(e.value) != x * 3)
			atomic_store(&s->failed, true);
	}
	return NULL;
}

static void test_readers_beside_writer(void **state)
{
	pthread_t threads[3];
	struct shared s = {0};
	int i;

	(void) state;
	assert_int_equal(memtable_create(&total, &s.mt), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i == 0 ? write_keys : read_keys, &s), 0);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_false(atomic_load(&s.failed));
	check_order(s.mt, KEYS);
	memtable_destroy(s.mt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_replace_delete),
		cmocka_unit_test(test_order_and_seek),
		cmocka_unit_test(test_readers_beside_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
