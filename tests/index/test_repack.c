/* SPDX-License-Identifier: BSD-2-Clause */
/* The index written anew holds the same records in fewer pages, and goes on being used; when it can't be written the old one stays. */
#include "index/index.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/index/store.h"

#define KEYS 6000u

static struct index *open_index(struct store *s, bool create)
{
	struct index *ix;

	assert_int_equal(index_open(s->fd, s->path, create, false, &ix), 0);
	return ix;
}

static void commit(struct index *ix)
{
	assert_true(index_freeze(ix, NULL, NULL) >= 0);
	assert_int_equal(index_commit(ix), 0);
}

/* What key i has after round v: nothing, or a value whose length depends on both. */
static size_t value_of(unsigned i, unsigned v, uint8_t value[64])
{
	uint64_t rng = i * 1000u + v + 1;
	size_t len = rng_next(&rng) % 3 == 0 ? 0 : 1 + rng_next(&rng) % 63;

	memset(value, (int)(i + v), len);
	return len;
}

static void round_put(struct index *ix, unsigned v)
{
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t key[8], value[64];
		struct index_op op;
		size_t len = value_of(i, v, value);

		be64_put(key, i * 7919u % KEYS); /* not in order */
		index_begin(ix, &op);
		assert_int_equal(len ? index_put(&op, TABLE_DIRENT, key, 8, value, len) : index_del(&op, TABLE_DIRENT, key, 8), 0);
		if (i % 10 == 0)
			assert_int_equal(index_put(&op, TABLE_META, key, 8, NULL, 0), 0);
		index_end(&op);
	}
	commit(ix);
}

static void check(struct index *ix, unsigned v)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	unsigned n = 0, expect = 0;

	index_begin(ix, &op);
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t key[8], value[64], got[64];
		size_t len = value_of(i, v, value);

		be64_put(key, i * 7919u % KEYS);
		assert_int_equal(index_get(&op, TABLE_DIRENT, key, 8, got, sizeof got), len ? (int)len : -ENOENT);
		assert_memory_equal(got, value, len);
		assert_int_equal(index_get(&op, TABLE_META, key, 8, got, sizeof got), i % 10 ? -ENOENT : 0);
		expect += len > 0;
	}
	assert_int_equal(index_scan_open(&op, TABLE_DIRENT, NULL, 0, NULL, 0, &scan), 0);
	while (index_scan_next(scan, &rec) == 1)
		n++;
	index_scan_close(scan);
	index_end(&op);
	assert_int_equal(n, expect);
}

static uint64_t used(struct index *ix)
{
	struct index_stat st;

	assert_int_equal(index_stat(ix, &st), 0);
	return st.file_bytes;
}

static void test_repack(void **state)
{
	struct store *s = *state;
	struct index *ix = open_index(s, true);
	uint64_t before;
	int fd;

	for (unsigned v = 0; v < 5; v++)
		round_put(ix, v);
	check(ix, 4);
	before = used(ix);
	fd = openat(s->fd, "index.mdb.new", O_WRONLY | O_CREAT, 0600); /* a crash left it */
	assert_true(fd >= 0 && write(fd, "rubbish", 7) == 7);
	close(fd);
	assert_int_equal(index_repack(ix, s->fd), 0);
	assert_true(used(ix) < before * 2 / 3);
	check(ix, 4);
	before = used(ix);
	assert_int_equal(index_repack(ix, s->fd), 0);
	assert_int_equal(used(ix), before);
	assert_int_equal(faccessat(s->fd, "index.mdb.new", F_OK, 0), -1);
	assert_int_equal(faccessat(s->fd, "index.mdb.new-lock", F_OK, 0), -1);
	round_put(ix, 5);
	check(ix, 5);
	index_close(ix);
	ix = open_index(s, false);
	check(ix, 5);
	assert_int_equal(index_repack(ix, s->fd), 0);
	index_close(ix);
	ix = open_index(s, false);
	check(ix, 5);
	index_close(ix);
}

static void test_busy(void **state)
{
	struct store *s = *state;
	struct index *ix = open_index(s, true);
	struct index_op op;

	assert_int_equal(index_repack(ix, s->fd), 0); /* empty */
	round_put(ix, 1);
	index_begin(ix, &op);
	assert_int_equal(index_put(&op, TABLE_INODE, "k", 1, "v", 1), 0);
	index_end(&op);
	assert_int_equal(index_repack(ix, s->fd), -EBUSY);
	assert_int_equal(index_freeze(ix, NULL, NULL), 1);
	assert_int_equal(index_repack(ix, s->fd), -EBUSY);
	assert_int_equal(index_commit(ix), 0);
	assert_int_equal(index_repack(ix, s->fd), 0);
	check(ix, 1);
	index_close(ix);
	assert_int_equal(index_open(s->fd, s->path, false, true, &ix), 0);
	assert_int_equal(index_repack(ix, s->fd), -EROFS);
	index_close(ix);
}

/* No file may grow beyond a few pages: the copy fails, the index is what it was. */
static void test_no_room(void **state)
{
	struct store *s = *state;
	struct index *ix = open_index(s, true);
	struct rlimit old, small;
	int rc;

	round_put(ix, 3);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){16384, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = index_repack(ix, s->fd);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_true(rc == -EFBIG || rc == -EIO);
	assert_int_equal(faccessat(s->fd, "index.mdb.new", F_OK, 0), -1);
	check(ix, 3);
	round_put(ix, 4);
	check(ix, 4);
	index_close(ix);
	ix = open_index(s, false);
	check(ix, 4);
	index_close(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_repack, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_busy, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_no_room, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
