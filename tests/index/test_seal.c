/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals: a record that is not what was put is never taken for one that is, wherever index.mdb was damaged. */
#include "index/seal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "index/index.h"
#include "tests/index/store.h"

#define RECORDS 300u
#define FLIPS 3000u

/* Record i: of one of three tables, with a value of 0 to 99 bytes. */
static enum table record_make(unsigned i, uint8_t key[12], size_t *key_len, uint8_t value[100], size_t *len)
{
	static const enum table tables[] = {TABLE_INODE, TABLE_CHUNK, TABLE_ORPHAN};
	uint64_t random = i + 1;

	be32_put(be64_put(key, i / 3 + 1), i);
	*key_len = i % 3 == 1 ? 12 : 8;
	*len = i % 3 == 2 ? 0 : i % 100;
	for (size_t n = 0; n < *len; n++)
		value[n] = (uint8_t) rng_next(&random);
	return tables[i % 3];
}

static void put_all(struct index *ix)
{
	uint8_t key[12], value[100];
	size_t key_len, len;
	struct index_op op;

	index_begin(ix, &op);
	for (unsigned i = 0; i < RECORDS; i++) {
		enum table table = record_make(i, key, &key_len, value, &len);

		assert_int_equal(index_put(&op, table, key, key_len, value, len), 0);
	}
	index_end(&op);
	assert_int_equal(index_freeze(ix, NULL, NULL), 1);
	assert_int_equal(index_commit(ix), 0);
}

/* How many of the records are as they were; one that can be read and is not fails the test. */
static unsigned count_whole(struct index *ix)
{
	uint8_t key[12], value[100], back[INDEX_VALUE_MAX];
	size_t key_len, len;
	struct index_op op;
	unsigned whole = 0;

	index_begin(ix, &op);
	for (unsigned i = 0; i < RECORDS; i++) {
		enum table table = record_make(i, key, &key_len, value, &len);
		int r = index_get(&op, table, key, key_len, back, sizeof back);

		assert_true(r == -ENOENT || r == -EUCLEAN || r == (int) len);
		if (r >= 0) {
			assert_memory_equal(back, value, len);
			whole++;
		}
	}
	index_end(&op);
	return whole;
}

/* Every whole record that a scan shows was put: there are no others. */
static void check_scan(struct index *ix, enum table table)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	int r;

	index_begin(ix, &op);
	assert_int_equal(index_scan_open(&op, table, NULL, 0, NULL, 0, &scan), 0);
	while ((r = index_scan_next(scan, &rec)) == 1) {
		uint8_t key[12], value[100];
		size_t key_len, len;
		unsigned i = 0;

		while (i < RECORDS && !(record_make(i, key, &key_len, value, &len) == table && key_len == rec.key_len &&
					memcmp(key, rec.key, key_len) == 0))
			i++;
		if (rec.damaged)
			assert_int_equal(rec.len, 0);
		else
			assert_true(i < RECORDS && len == rec.len && memcmp(value, rec.value, len) == 0);
	}
	assert_int_equal(r, 0);
	index_scan_close(scan);
	index_end(&op);
}

static void test_flipped_bits(void **state)
{
	struct store *s = *state;
	unsigned refused = 0, noticed = 0, harmless = 0;
	uint64_t random = 5, size;
	struct index *ix;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	put_all(ix);
	index_close(ix);
	size = store_size(s, "index.mdb");
	for (unsigned n = 0; n < FLIPS; n++) {
		uint64_t at = rng_next(&random) % size;
		uint8_t was, is;
		int r;

		store_peek(s, "index.mdb", at, &was, 1);
		is = was ^ (uint8_t) (1u << rng_next(&random) % 8);
		store_poke(s, "index.mdb", at, &is, 1);
		r = index_open(s->fd, s->path, false, true, &ix);
		if (r == 0) {
			unsigned whole = count_whole(ix);

			check_scan(ix, TABLE_INODE);
			check_scan(ix, TABLE_CHUNK);
			check_scan(ix, TABLE_ORPHAN);
			assert_true(whole == RECORDS || index_damaged(ix) > 0);
			*(index_damaged(ix) ? &noticed : &harmless) += 1;
			index_close(ix);
		} else {
			assert_int_equal(r, -EUCLEAN);
			refused++;
		}
		store_poke(s, "index.mdb", at, &was, 1);
	}
	assert_true(refused > 0 && noticed > FLIPS / 20 && harmless > 0);
}

static void test_put_damaged(void **state)
{
	struct store *s = *state;
	const uint8_t key[] = {1, 2, 3};
	uint8_t back[8];
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	struct index *ix;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	index_begin(ix, &op);
	assert_int_equal(index_put_damaged(&op, TABLE_INODE, key, sizeof key, "abc", 3), 0);
	for (int committed = 0; committed < 2; committed++) {
		assert_int_equal(index_get(&op, TABLE_INODE, key, sizeof key, back, sizeof back), -EUCLEAN);
		assert_int_equal(index_scan_open(&op, TABLE_INODE, NULL, 0, NULL, 0, &scan), 0);
		assert_int_equal(index_scan_next(scan, &rec), 1);
		assert_true(rec.damaged && rec.len == 0 && rec.damaged_len == 3 && rec.key_len == sizeof key);
		assert_memory_equal(rec.value, "abc", 3);
		index_scan_close(scan);
		index_end(&op);
		assert_int_equal(index_freeze(ix, NULL, NULL), committed ? 0 : 1);
		assert_int_equal(index_commit(ix), 0);
		index_begin(ix, &op);
	}
	assert_int_equal(index_put(&op, TABLE_INODE, key, sizeof key, "abc", 3), 0);
	assert_int_equal(index_get(&op, TABLE_INODE, key, sizeof key, back, sizeof back), 3);
	index_end(&op);
	index_close(ix);
}

/* The seal tells table, key and value apart. */
static void test_seal_covers_all(void **state)
{
	const uint16_t seal = seal_make(TABLE_INODE, "key", 3, "value", 5);

	(void) state;
	assert_int_equal(seal, seal_make(TABLE_INODE, "key", 3, "value", 5));
	assert_int_not_equal(seal, seal_make(TABLE_CHUNK, "key", 3, "value", 5));
	assert_int_not_equal(seal, seal_make(TABLE_INODE, "kez", 3, "value", 5));
	assert_int_not_equal(seal, seal_make(TABLE_INODE, "key", 3, "valuf", 5));
	assert_int_not_equal(seal, seal_make(TABLE_INODE, "key", 3, "value", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flipped_bits, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_put_damaged, store_setup, store_teardown),
		cmocka_unit_test(test_seal_covers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
