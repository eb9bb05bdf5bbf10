/* SPDX-License-Identifier: BSD-2-Clause */
/* Commits: each holds whole operations, a failed one loses nothing, the map grows, the figures add up. */
#include "index/index.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/index/store.h"

#define ACCOUNTS 64
#define START 1000u
#define THREADS 3
#define TRANSFERS 4000

struct bank {
	struct index *ix;
	pthread_mutex_t locks[ACCOUNTS];
	atomic_int running;
	atomic_bool failed;
};

static int account_get(struct index_op *op, unsigned number, uint64_t *balance)
{
	uint8_t key[4];
	le64_t value;
	int rc;

	be32_put(key, number);
	rc = index_get(op, TABLE_EXTENT, key, sizeof key, &value, sizeof value);
	if (rc != (int) sizeof value)
		return rc < 0 ? rc : -EUCLEAN;
	*balance = le64_get(value);
	return 0;
}

static int account_put(struct index_op *op, unsigned number, uint64_t balance)
{
	le64_t value = le64_put(balance);
	uint8_t key[4];

	be32_put(key, number);
	return index_put(op, TABLE_EXTENT, key, sizeof key, &value, sizeof value);
}

/* Moves `sum` from a to b and leaves a note of it, which another transfer may take away again. */
static int transfer(struct bank *bank, unsigned a, unsigned b, uint64_t sum)
{
	uint8_t note[8];
	struct index_op op;
	uint64_t x, y;
	int rc;

	be32_put(be32_put(note, a), b);
	index_begin(bank->ix, &op);
	rc = account_get(&op, a, &x);
	if (!rc)
		rc = account_get(&op, b, &y);
	if (!rc)
		rc = account_put(&op, a, x - sum);
	if (!rc)
		rc = account_put(&op, b, y + sum);
	if (!rc)
		rc = sum & 1 ? index_put(&op, TABLE_ORPHAN, note, sizeof note, NULL, 0)
			     : index_del(&op, TABLE_ORPHAN, note, sizeof note);
	index_end(&op);
	return rc;
}

static void *teller(void *arg)
{
	struct bank *bank = arg;
	uint64_t rng = (uint64_t) (uintptr_t) &rng | 1;
	unsigned a, b, t, i;

	for (i = 0; i < TRANSFERS; i++) {
		a = (unsigned) (rng_next(&rng) % ACCOUNTS);
		b = (unsigned) (rng_next(&rng) % ACCOUNTS);
		if (a == b)
			continue;
		if (a > b) {
			t = a;
			a = b;
			b = t;
		}
		pthread_mutex_lock(&bank->locks[a]);
		pthread_mutex_lock(&bank->locks[b]);
		if (transfer(bank, a, b, rng_next(&rng) % 50))
			atomic_store(&bank->failed, true);
		pthread_mutex_unlock(&bank->locks[b]);
		pthread_mutex_unlock(&bank->locks[a]);
	}
	atomic_fetch_sub(&bank->running, 1);
	return NULL;
}

/* Through a scan, which must show one moment's state of what is committed. */
static void check_sum(struct index *ix)
{
	static struct index_record r;
	struct index_scan *scan;
	struct index_op op;
	uint64_t sum = 0;
	unsigned count = 0;
	le64_t value;

	index_begin(ix, &op);
	assert_int_equal(index_scan_open(&op, TABLE_EXTENT, NULL, 0, NULL, 0, &scan), 0);
	while (index_scan_next(scan, &r) == 1) {
		assert_int_equal(r.len, sizeof value);
		memcpy(&value, r.value, sizeof value);
		sum += le64_get(value);
		assert_int_equal(be32_get(r.key), count);
		count++;
	}
	index_scan_close(scan);
	index_end(&op);
	assert_int_equal(count, ACCOUNTS);
	assert_int_equal(sum, (uint64_t) ACCOUNTS * START);
}

static int count_commit(struct index_op *op, void *arg)
{
	unsigned *commits = arg;
	le64_t value = le64_put(++*commits);

	return index_put(op, TABLE_META, "commits", 7, &value, sizeof value);
}

/* Copies index.mdb as it lies, as a crash at this moment would leave it, and opens the copy. */
static void check_copy(const struct store *s, unsigned commits)
{
	static uint8_t buf[1 << 16];
	struct store copy;
	struct index_op op;
	struct index *ix;
	le64_t value;
	uint64_t offset, size = store_size(s, "index.mdb");
	size_t n;

	store_make(&copy);
	for (offset = 0; offset < size; offset += n) {
		n = size - offset < sizeof buf ? (size_t) (size - offset) : sizeof buf;
		store_peek(s, "index.mdb", offset, buf, n);
		store_poke(&copy, "index.mdb", offset, buf, n);
	}
	assert_int_equal(index_open(copy.fd, copy.path, false, true, &ix), 0);
	check_sum(ix);
	index_begin(ix, &op);
	assert_int_equal(index_get(&op, TABLE_META, "commits", 7, &value, sizeof value), sizeof value);
	index_end(&op);
	assert_int_equal(le64_get(value), commits);
	index_close(ix);
	store_remove(&copy);
}

static void test_commits_hold_whole_operations(void **state)
{
	struct store *s = *state;
	static struct bank bank;
	pthread_t threads[THREADS];
	struct index_op op;
	unsigned i, commits = 0, copies = 0;
	int rc;

	assert_int_equal(index_open(s->fd, s->path, true, false, &bank.ix), 0);
	index_begin(bank.ix, &op);
	for (i = 0; i < ACCOUNTS; i++) {
		pthread_mutex_init(&bank.locks[i], NULL);
		assert_int_equal(account_put(&op, i, START), 0);
	}
	index_end(&op);
	atomic_store(&bank.running, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, teller, &bank), 0);
	do {
		rc = index_freeze(bank.ix, count_commit, &commits);
		assert_true(rc >= 0);
		if (rc == 0)
			continue;
		assert_int_equal(index_freeze(bank.ix, NULL, NULL), -EBUSY);
		assert_int_equal(index_commit(bank.ix), 0);
		if (++copies <= 10)
			check_copy(s, commits);
	} while (atomic_load(&bank.running) > 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(atomic_load(&bank.failed));
	assert_true(index_freeze(bank.ix, count_commit, &commits) >= 0);
	assert_int_equal(index_commit(bank.ix), 0);
	assert_int_equal(index_freeze(bank.ix, count_commit, &commits), 0);
	check_sum(bank.ix);
	check_copy(s, commits);
	index_close(bank.ix);
}

static int refuse(struct index_op *op, void *arg)
{
	(void) op;
	(void) arg;
	return -EDOM;
}

static void test_hook_cancels(void **state)
{
	struct store *s = *state;
	struct index *ix;
	struct index_op op;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	assert_int_equal(index_freeze(ix, refuse, NULL), 0); /* nothing to freeze: not asked */
	assert_int_equal(index_commit(ix), 0);
	index_begin(ix, &op);
	assert_int_equal(index_put(&op, TABLE_META, "k", 1, "v", 1), 0);
	index_end(&op);
	assert_true(index_pending_bytes(ix) > 0);
	assert_int_equal(index_freeze(ix, refuse, NULL), -EDOM);
	assert_int_equal(index_freeze(ix, NULL, NULL), 1);
	assert_int_equal(index_commit(ix), 0);
	assert_int_equal(index_pending_bytes(ix), 0);
	index_close(ix);
}

#define MANY 3000u

static void put_many(struct index *ix, uint8_t fill)
{
	uint8_t key[8], value[1000];
	struct index_op op;
	uint64_t i;

	memset(value, fill, sizeof value);
	index_begin(ix, &op);
	for (i = 0; i < MANY; i++) {
		be64_put(key, i);
		assert_int_equal(index_put(&op, TABLE_INODE, key, sizeof key, value, sizeof value), 0);
	}
	index_end(&op);
}

static void check_many(struct index *ix, uint8_t fill)
{
	uint8_t key[8], value[1000];
	struct index_op op;
	uint64_t i;

	index_begin(ix, &op);
	for (i = 0; i < MANY; i++) {
		be64_put(key, i);
		assert_int_equal(index_get(&op, TABLE_INODE, key, sizeof key, value, sizeof value),
				 sizeof value);
		assert_int_equal(value[0], fill);
		assert_int_equal(value[999], fill);
	}
	index_end(&op);
}

/* The file may not grow: the commit fails, its records stay readable, later ones come on top, and the next
 * try writes them. */
static void test_failed_commit_is_tried_again(void **state)
{
	struct store *s = *state;
	struct rlimit old, limit;
	struct index *ix;
	struct index_op op;
	int rc, i;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	put_many(ix, 1);
	assert_int_equal(index_freeze(ix, NULL, NULL), 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 2; i++) {
		rc = index_commit(ix);
		assert_true(rc == -EFBIG || rc == -EIO);
		check_many(ix, 1);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	index_begin(ix, &op);
	assert_int_equal(index_put(&op, TABLE_META, "later", 5, "x", 1), 0);
	index_end(&op);
	assert_int_equal(index_freeze(ix, NULL, NULL), -EBUSY);
	assert_int_equal(index_commit(ix), 0);
	check_many(ix, 1);
	index_close(ix);
	assert_int_equal(index_open(s->fd, s->path, false, false, &ix), 0);
	check_many(ix, 1);
	index_begin(ix, &op);
	assert_int_equal(index_get(&op, TABLE_META, "later", 5, &rc, sizeof rc), -ENOENT);
	index_end(&op);
	index_close(ix);
}

/* More than the first map holds, in several commits, with readers that took their transactions before it
 * grew. */
static void test_map_growth(void **state)
{
	uint8_t key[16], value[INDEX_VALUE_MAX], back[INDEX_VALUE_MAX];
	const unsigned rounds = 12, per_round = 20000;
	struct store *s = *state;
	struct index_stat st;
	struct index *ix;
	struct index_op op;
	unsigned i, round;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	memset(value, 7, sizeof value);
	for (round = 0; round < rounds; round++) {
		index_begin(ix, &op);
		for (i = 0; i < per_round; i++) { /* keys in no order: pages half full */
			be64_put(be64_put(key, (uint64_t) (i * 7919u % per_round)), round);
			assert_int_equal(index_put(&op, TABLE_XATTR, key, sizeof key, value, sizeof value),
					 0);
		}
		index_end(&op);
		assert_int_equal(index_freeze(ix, NULL, NULL), 1);
		assert_int_equal(index_commit(ix), 0);
		index_begin(ix, &op);
		be64_put(be64_put(key, round), 0);
		assert_int_equal(index_get(&op, TABLE_XATTR, key, sizeof key, back, sizeof back),
				 sizeof back);
		index_end(&op);
	}
	assert_int_equal(index_stat(ix, &st), 0);
	assert_true(st.file_bytes > 256u << 20);
	assert_true(st.disk_bytes > 256u << 20);
	assert_int_equal(st.records[TABLE_XATTR], rounds * per_round);
	assert_int_equal(st.records[TABLE_INODE], 0);
	index_close(ix);
	assert_int_equal(index_open(s->fd, s->path, false, false, &ix), 0);
	assert_int_equal(index_stat(ix, &st), 0);
	assert_int_equal(st.records[TABLE_XATTR], rounds * per_round);
	index_close(ix);
}

/* Records that come in key order fill their pages. */
static void test_appended_pages_are_full(void **state)
{
	struct store *s = *state;
	struct index_stat st;
	struct index_op op;
	uint8_t key[8], value[80] = {0};
	struct index *ix;
	uint64_t i, round;

	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	for (round = 0; round < 5; round++) {
		index_begin(ix, &op);
		for (i = 0; i < 10000; i++) {
			be64_put(key, round * 10000 + i);
			assert_int_equal(index_put(&op, TABLE_INODE, key, sizeof key, value, sizeof value),
					 0);
		}
		index_end(&op);
		assert_int_equal(index_freeze(ix, NULL, NULL), 1);
		assert_int_equal(index_commit(ix), 0);
	}
	assert_int_equal(index_stat(ix, &st), 0);
	assert_int_equal(st.records[TABLE_INODE], 50000);
	assert_true(st.file_bytes < 50000u * (80 + 8 + 8 + 2) * 106 / 100 + (64 << 10));
	index_close(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_commits_hold_whole_operations, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_hook_cancels, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_failed_commit_is_tried_again, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_map_growth, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_appended_pages_are_full, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
