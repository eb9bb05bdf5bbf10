/* SPDX-License-Identifier: BSD-2-Clause */
/* The index against a plain array: random operations, commits between, reopening; its errors; growth of the
 * map. */
#include "index/index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/index/store.h"

#define SLOTS 400
#define VALUE_MAX 300

/* The model: what every record is, for keys of one byte table and a number whose length varies. */
struct slot {
	int len; /* -1: none */
	uint8_t value[VALUE_MAX];
};

struct model {
	struct slot slots[3][SLOTS];
};

static const enum table tables[3] = {TABLE_INODE, TABLE_DIRENT, TABLE_TODO};

/* Keys share prefixes: a group byte, then the number's digits in base 7, as many as it has; the order is that
 * of memcmp. */
static size_t make_key(int slot, uint8_t *key)
{
	size_t len = 1;
	int n = slot / 4;

	key[0] = (uint8_t) (slot % 4);
	do {
		key[len++] = (uint8_t) (n % 7);
		n /= 7;
	} while (n > 0);
	key[len] = (uint8_t) slot; /* the digits alone are ambiguous: trailing zeros */
	return len + 1;
}

static int compare_slots(const void *a, const void *b)
{
	uint8_t x[16], y[16];
	size_t xl = make_key(*(const int *) a, x), yl = make_key(*(const int *) b, y);
	int c = memcmp(x, y, xl < yl ? xl : yl);

	return c ? c : (int) xl - (int) yl;
}

static void sorted_slots(int order[SLOTS])
{
	int i;

	for (i = 0; i < SLOTS; i++)
		order[i] = i;
	qsort(order, SLOTS, sizeof *order, compare_slots);
}

static void check_get(struct index_op *op, const struct model *m, int t, int slot)
{
	const struct slot *s = &m->slots[t][slot];
	uint8_t key[16], buf[VALUE_MAX];
	size_t key_len = make_key(slot, key);

	assert_int_equal(index_get(op, tables[t], key, key_len, buf, sizeof buf),
			 s->len < 0 ? -ENOENT : s->len);
	if (s->len > 0) {
		assert_memory_equal(buf, s->value, (size_t) s->len);
		assert_int_equal(index_get(op, tables[t], key, key_len, buf, (size_t) s->len - 1), -ERANGE);
	}
}

/* Scans group `group` (-1: all) from the key of slot `from` (-1: the start) and compares with the model. */
static void check_scan(struct index_op *op, const struct model *m, int t, int group, int from)
{
	static int order[SLOTS];
	static struct index_record r;
	struct index_scan *scan;
	uint8_t key[16], prefix = (uint8_t) group, from_key[16];
	size_t key_len, from_len = from < 0 ? 0 : make_key(from, from_key);
	int i;

	sorted_slots(order);
	assert_int_equal(index_scan_open(op, tables[t], &prefix, group < 0 ? 0 : 1,
					 from < 0 ? NULL : from_key, from_len, &scan),
			 0);
	for (i = 0; i < SLOTS; i++) {
		if (m->slots[t][order[i]].len < 0 || (group >= 0 && order[i] % 4 != group) ||
		    (from >= 0 && compare_slots(&order[i], &from) < 0))
			continue;
		assert_int_equal(index_scan_next(scan, &r), 1);
		key_len = make_key(order[i], key);
		assert_int_equal(r.key_len, key_len);
		assert_memory_equal(r.key, key, key_len);
		assert_int_equal(r.len, m->slots[t][order[i]].len);
		assert_memory_equal(r.value, m->slots[t][order[i]].value, r.len);
	}
	assert_int_equal(index_scan_next(scan, &r), 0);
	assert_int_equal(index_scan_next(scan, &r), 0);
	index_scan_close(scan);
}

static void check_all(struct index *ix, const struct model *m)
{
	struct index_op op;
	int t, i;

	index_begin(ix, &op);
	for (t = 0; t < 3; t++) {
		for (i = 0; i < SLOTS; i++)
			check_get(&op, m, t, i);
		check_scan(&op, m, t, -1, -1);
	}
	index_end(&op);
}

static void change(struct index_op *op, struct model *m, uint64_t *rng)
{
	int t = (int) (rng_next(rng) % 3), slot = (int) (rng_next(rng) % SLOTS), i;
	struct slot *s = &m->slots[t][slot];
	uint8_t key[16];
	size_t key_len = make_key(slot, key);

	if (rng_next(rng) % 5 < 2) {
		s->len = -1;
		assert_int_equal(index_del(op, tables[t], key, key_len), 0);
		return;
	}
	s->len = (int) (rng_next(rng) % (VALUE_MAX + 1));
	for (i = 0; i < s->len; i++)
		s->value[i] = (uint8_t) rng_next(rng);
	assert_int_equal(index_put(op, tables[t], key, key_len, s->value, (size_t) s->len), 0);
}

static void random_step(struct index *ix, struct model *m, uint64_t *rng, bool *frozen)
{
	uint64_t what = rng_next(rng) % 100;
	struct index_op op;
	int i;

	if (what < 4) {
		i = index_freeze(ix, NULL, NULL);
		if (*frozen)
			assert_int_equal(i, -EBUSY);
		else
			assert_true(i >= 0);
		*frozen = i != 0;
	} else if (what < 8) {
		assert_int_equal(index_commit(ix), 0);
		*frozen = false;
	} else {
		index_begin(ix, &op);
		for (i = 0; i < 10; i++) {
			change(&op, m, rng);
			check_get(&op, m, (int) (rng_next(rng) % 3), (int) (rng_next(rng) % SLOTS));
		}
		if (what < 30)
			check_scan(&op, m, (int) (rng_next(rng) % 3), (int) (rng_next(rng) % 5) - 1,
				   (int) (rng_next(rng) % (SLOTS + 1)) - 1);
		index_end(&op);
	}
}

static void commit_all(struct index *ix)
{
	int rc;

	do {
		rc = index_commit(ix);
		assert_int_equal(rc, 0);
		rc = index_freeze(ix, NULL, NULL);
		assert_true(rc >= 0);
	} while (rc > 0);
}

static void test_random_operations(void **state)
{
	static struct model m;
	struct store *s = *state;
	uint64_t rng = 88172645463325252u;
	struct index *ix;
	bool frozen = false;
	int round, step, t, i;

	for (t = 0; t < 3; t++)
		for (i = 0; i < SLOTS; i++)
			m.slots[t][i].len = -1;
	assert_int_equal(index_open(s->fd, s->path, true, false, &ix), 0);
	for (round = 0; round < 5; round++) {
		for (step = 0; step < 600; step++)
			random_step(ix, &m, &rng, &frozen);
		check_all(ix, &m);
		commit_all(ix);
		check_all(ix, &m);
		index_close(ix);
		assert_int_equal(index_open(s->fd, s->path, false, round == 4, &ix), 0);
		check_all(ix, &m);
		frozen = false;
	}
	index_close(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_operations, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
