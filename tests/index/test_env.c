/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of LMDB: missing, foreign, cut and damaged ones are refused, whole ones never; nothing crashes. */
#include "index/index.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/index/store.h"

#define FILE_NAME "index.mdb"

static int try_open(const struct store *s, bool readonly)
{
	struct index *ix;
	int rc = index_open(s->fd, s->path, false, readonly, &ix);

	if (rc)
		assert_null(ix);
	index_close(ix);
	return rc;
}

/* Puts and deletes n records of two tables in one commit. */
static int churn(struct index *ix, uint64_t *rng, unsigned n)
{
	uint8_t key[12], value[INDEX_VALUE_MAX];
	struct index_op op;
	size_t len;
	unsigned i;
	int rc = 0;

	memset(value, 'v', sizeof value);
	index_begin(ix, &op);
	for (i = 0; !rc && i < n; i++) {
		be32_put(be64_put(key, rng_next(rng) % 64), (uint32_t) (rng_next(rng) % 64));
		len = rng_next(rng) % 100 ? rng_next(rng) % 200 : sizeof value;
		if (rng_next(rng) % 3 == 0)
			rc = index_del(&op, TABLE_CHUNK + i % 2, key, sizeof key);
		else
			rc = index_put(&op, TABLE_CHUNK + i % 2, key, sizeof key, value, len);
	}
	index_end(&op);
	if (!rc)
		rc = index_freeze(ix, NULL, NULL);
	return rc < 0 ? rc : index_commit(ix);
}

static void make_index(const struct store *s, unsigned commits)
{
	uint64_t rng = 77;
	struct index *ix;
	unsigned i;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	for (i = 0; i < commits; i++)
		assert_int_equal(churn(ix, &rng, 400), 0);
	index_close(ix);
}

static void test_missing_and_existing(void **state)
{
	struct store *s = *state;
	struct index *ix;
	struct stat st;

	assert_int_equal(try_open(s, false), -ENOENT);
	assert_int_equal(try_open(s, true), -ENOENT);
	assert_int_equal(faccessat(s->fd, FILE_NAME, F_OK, 0), -1);
	make_index(s, 1);
	assert_int_equal(fstatat(s->fd, FILE_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), -EEXIST);
	assert_int_equal(try_open(s, false), 0);
}

static void test_readonly(void **state)
{
	struct store *s = *state;
	struct index_op op;
	struct index *ix;

	make_index(s, 2);
	assert_int_equal(index_open(s->fd, s->path, false, true, &ix), 0);
	index_begin(ix, &op);
	assert_int_equal(index_put(&op, TABLE_META, "k", 1, "v", 1), -EROFS);
	assert_int_equal(index_del(&op, TABLE_META, "k", 1), -EROFS);
	index_end(&op);
	assert_int_equal(index_freeze(ix, NULL, NULL), 0);
	assert_int_equal(index_commit(ix), 0);
	index_close(ix);
}

static void test_arguments(void **state)
{
	uint8_t big[INDEX_VALUE_MAX + 1] = {0};
	struct store *s = *state;
	struct index_scan *scan;
	struct index_op op;
	struct index *ix;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	index_begin(ix, &op);
	assert_int_equal(index_put(&op, TABLE_META, "", 0, "v", 1), -EINVAL);
	assert_int_equal(index_put(&op, TABLE_META, big, INDEX_KEY_MAX + 1, "v", 1), -EINVAL);
	assert_int_equal(index_put(&op, TABLE_META, "k", 1, big, sizeof big), -EINVAL);
	assert_int_equal(index_put(&op, TABLE_COUNT, "k", 1, "v", 1), -EINVAL);
	assert_int_equal(index_get(&op, TABLE_META, "k", 0, big, 1), -EINVAL);
	assert_int_equal(index_del(&op, TABLE_META, "k", 0), -EINVAL);
	assert_int_equal(index_scan_open(&op, TABLE_COUNT, NULL, 0, NULL, 0, &scan), -EINVAL);
	assert_int_equal(index_scan_open(&op, TABLE_META, big, INDEX_KEY_MAX + 1, NULL, 0, &scan), -EINVAL);
	assert_int_equal(index_put(&op, TABLE_META, big, INDEX_KEY_MAX, big, INDEX_VALUE_MAX), 0);
	index_end(&op);
	assert_int_equal(index_freeze(ix, NULL, NULL), 1);
	assert_int_equal(index_commit(ix), 0);
	index_begin(ix, &op);
	assert_int_equal(index_get(&op, TABLE_META, big, INDEX_KEY_MAX, big, sizeof big), INDEX_VALUE_MAX);
	index_end(&op);
	index_close(ix);
}

static void test_foreign_files(void **state)
{
	struct store *s = *state;
	uint8_t garbage[20000];
	uint64_t rng = 5;
	size_t i;

	for (i = 0; i < sizeof garbage; i++)
		garbage[i] = (uint8_t) rng_next(&rng);
	store_poke(s, FILE_NAME, 0, garbage, 0);
	assert_int_equal(try_open(s, false), -EUCLEAN);
	store_poke(s, FILE_NAME, 0, garbage, 10);
	assert_int_equal(try_open(s, false), -EUCLEAN);
	store_poke(s, FILE_NAME, 0, garbage, sizeof garbage);
	assert_int_equal(try_open(s, false), -EUCLEAN);
	assert_int_equal(try_open(s, true), -EUCLEAN);
	memset(garbage, 0, sizeof garbage);
	store_poke(s, FILE_NAME, 0, garbage, sizeof garbage);
	assert_int_equal(try_open(s, false), -EUCLEAN);
	assert_int_equal(unlinkat(s->fd, FILE_NAME, 0), 0);
	assert_int_equal(mkdirat(s->fd, FILE_NAME, 0700), 0);
	assert_int_equal(try_open(s, false), -EUCLEAN);
}

/* Every length a crash of another program could leave: page by page, and within the last page. */
static void test_truncated(void **state)
{
	static uint8_t copy[1 << 20];
	struct store *s = *state;
	uint64_t size, len, refused = 0;
	int rc;

	make_index(s, 3);
	size = store_size(s, FILE_NAME);
	assert_true(size <= sizeof copy);
	store_peek(s, FILE_NAME, 0, copy, size);
	for (len = size; len > 4096; len -= 2048) {
		store_truncate(s, FILE_NAME, len - 2048);
		rc = try_open(s, true);
		assert_true(rc == 0 || rc == -EUCLEAN); /* what was cut may have been free pages */
		refused += rc != 0;
	}
	assert_true(refused * 2048 > size / 2);
	store_poke(s, FILE_NAME, 0, copy, size);
	assert_int_equal(try_open(s, false), 0);
}

/* Reads all that an index says it has; errors are fine, crashes are not. */
static void read_all(struct index *ix)
{
	static struct index_record r;
	struct index_scan *scan;
	struct index_op op;
	int t;

	index_begin(ix, &op);
	for (t = 0; t < TABLE_COUNT; t++) {
		if (index_scan_open(&op, (enum table) t, NULL, 0, NULL, 0, &scan))
			continue;
		while (index_scan_next(scan, &r) == 1)
			;
		index_scan_close(scan);
	}
	index_end(&op);
}

/* Flips bits, mostly where pages and nodes have their structure, and uses what still opens, writing too. */
static void test_damaged(void **state)
{
	static uint8_t good[1 << 20];
	struct store *s = *state;
	uint64_t rng = 4711, size, page, offset;
	unsigned i, refused = 0;
	struct index *ix;
	int rc;

	make_index(s, 4);
	size = store_size(s, FILE_NAME);
	assert_true(size <= sizeof good);
	store_peek(s, FILE_NAME, 0, good, size);
	for (i = 0; i < 1500; i++) {
		page = rng_next(&rng) % (size / 4096);
		offset = rng_next(&rng) % (i % 3 == 0 ? 4096 : i % 3 == 1 ? 24 : 160);
		store_flip(s, FILE_NAME, page * 4096 + offset);
		rc = index_open(s->fd, s->path, false, i % 4 != 0, &ix);
		assert_true(rc == 0 || rc == -EUCLEAN);
		refused += rc != 0;
		if (rc == 0) {
			read_all(ix);
			if (i % 4 == 0)
				churn(ix, &rng, 200);
			index_close(ix);
		}
		if (rc == 0 && i % 4 == 0) {
			store_truncate(s, FILE_NAME, size);
			store_poke(s, FILE_NAME, 0, good, size);
		} else {
			store_poke(s, FILE_NAME, page * 4096, good + page * 4096, 4096);
		}
	}
	assert_in_range(refused, 150,
			1500); /* half of the pages are free, and most bytes of the others data */
	assert_int_equal(try_open(s, false), 0);
}

/* The check before LMDB must never refuse what LMDB wrote. */
static void test_whole_files_open(void **state)
{
	struct store *s = *state;
	uint64_t rng = 99;
	struct index *ix;
	unsigned i;

	make_index(s, 1);
	for (i = 0; i < 150; i++) {
		assert_int_equal(index_open(s->fd, s->path, false, false, &ix), 0);
		assert_int_equal(churn(ix, &rng, i % 10 == 0 ? 4000 : (unsigned) (rng_next(&rng) % 300)), 0);
		index_close(ix);
	}
	assert_int_equal(try_open(s, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missing_and_existing, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_readonly, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_arguments, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_foreign_files, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_truncated, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_damaged, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_whole_files_open, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
