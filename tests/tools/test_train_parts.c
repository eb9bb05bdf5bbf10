/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a training sample are disjoint, together the whole, and within their budgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/codec/bytes.h"
#include "tools/train_parts.h"

#define N 120u
#define LEN 4096u

static int setup(void **state)
{
	struct sample *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->chunks = calloc(N, sizeof *s->chunks);
	assert_non_null(s->chunks);
	for (s->n = 0; s->n < N; s->n++) {
		uint8_t *bytes = malloc(LEN);

		assert_non_null(bytes);
		bytes_text(bytes, LEN, s->n % 30); /* four alike of each: worth a dictionary */
		bytes[0] = (uint8_t)s->n;          /* and its own mark */
		s->chunks[s->n] = (struct train_chunk){bytes, LEN};
		s->bytes += LEN;
	}
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	sample_free(*state);
	free(*state);
	return 0;
}

static void mark(const struct train_part *p, unsigned seen[N])
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < p->n; i++) {
		seen[p->chunks[i].bytes[0]]++;
		bytes += p->chunks[i].len;
	}
	assert_true(bytes == p->bytes);
}

static void check_disjoint(const struct train_parts *p)
{
	unsigned seen[N] = {0};

	mark(&p->valid, seen);
	mark(&p->calibration, seen);
	mark(&p->dict, seen);
	mark(&p->train, seen);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(seen[i], 1);
}

static void test_split(void **state)
{
	struct sample *s = *state;
	struct train_parts p;

	assert_int_equal(parts_split(s, &p), 0);
	check_disjoint(&p);
	assert_in_range(p.valid.bytes, s->bytes / 40, s->bytes / 20);
	assert_in_range(p.calibration.bytes, s->bytes / 60, s->bytes / 30);
	assert_int_equal(p.dict.n, 0);
}

static void test_dictionary(void **state)
{
	struct sample *s = *state;
	struct train_parts p;

	assert_int_equal(parts_split(s, &p), 0);
	assert_int_equal(parts_pick_dict(&p, 0), 0);
	assert_int_equal(p.dict.n, 0);
	assert_int_equal(parts_pick_dict(&p, 10 * LEN + 5), 0);
	assert_in_range(p.dict.n, 1, 10);
	check_disjoint(&p);
}

static void test_few(void **state)
{
	struct sample few = *(struct sample *)*state;
	struct train_parts p;

	few.n = 7;
	assert_int_equal(parts_split(&few, &p), -ENODATA);
	few.n = 8;
	few.bytes = 8 * LEN;
	assert_int_equal(parts_split(&few, &p), 0);
	assert_true(p.valid.n >= 1 && p.calibration.n >= 1 && p.train.n >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_split, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dictionary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
