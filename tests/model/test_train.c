/* SPDX-License-Identifier: BSD-2-Clause */
/* Training as a whole: it learns, it is reproducible with any number of threads, it can be stopped; and the proposed shapes. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/context.h"
#include "model/train.h"

#define CHUNK 8192u
#define CHUNKS 64u
#define VALID 8u

/*
 * A source of 16 letters: with probability 3/4 the next is a fixed random function of the last two, else any. So its bytes are uniform
 * (order 0: about 4 bits), and its entropy is that of one letter of probability 3/4 + 1/64 beside 15 of 1/64.
 */
static const double entropy = 1.7012;

struct fixture {
	uint8_t bytes[CHUNKS + VALID][CHUNK];
	struct train_chunk chunks[CHUNKS + VALID];
};

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	uint8_t next[16][16];
	unsigned a = 0, b = 0;

	if (!f)
		return -1;
	srand(11);
	for (unsigned i = 0; i < 256; i++)
		next[i / 16][i % 16] = (uint8_t)((i / 16 + (unsigned)(rand() >> 8)) % 16);
	for (unsigned c = 0; c < CHUNKS + VALID; c++) {
		for (unsigned i = 0; i < CHUNK; i++) {
			unsigned letter = rand() >> 9 & 3 ? next[a][b] : rand() >> 9 & 15;

			a = b;
			b = letter;
			f->bytes[c][i] = (uint8_t)('a' + letter);
		}
		f->chunks[c] = (struct train_chunk){f->bytes[c], CHUNK};
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct model *small_model(void)
{
	const struct model_shape shape = {
		.contexts = 3,
		.hidden = 32,
		.context_ids = {CTX_O1, CTX_O2, CTX_MATCH6},
		.rows_log2 = {8, 10, 10},
	};
	struct model *m;

	assert_int_equal(model_create(&shape, &m), 0);
	return m;
}

static void train(struct fixture *f, size_t n, const struct train_options *opt, struct model **m,
		  struct train_progress *p)
{
	*m = small_model();
	assert_int_equal(train_model(*m, f->chunks, n, f->chunks + CHUNKS, VALID, opt, p), 0);
}

static bool model_equal(const struct model *a, const struct model *b)
{
	for (unsigned k = 0; k < a->shape.contexts; k++)
		if (memcmp(a->embed[k], b->embed[k], (size_t)a->shape.hidden << a->shape.rows_log2[k]))
			return false;
	return !memcmp(a->bias, b->bias, sizeof(a->bias)) &&
	       !memcmp(a->out, b->out, MODEL_NODES * a->shape.hidden * sizeof(*a->out)) &&
	       !memcmp(a->out_bias, b->out_bias, sizeof(a->out_bias));
}

static void test_learns(void **state)
{
	struct fixture *f = *state;
	struct train_options opt = {.seed = 1};
	struct train_progress p;
	struct model *untrained = small_model(), *m;
	double bits;

	assert_int_equal(train_evaluate(untrained, f->chunks + CHUNKS, VALID, 0, 0, &bits), 0);
	assert_true(fabs(bits - 8) < 1e-6); /* all zero: every bit is even */
	train(f, CHUNKS, &opt, &m, &p);
	assert_int_equal(p.done_bytes, CHUNKS * CHUNK);
	assert_true(p.validation > 0.97 * entropy);
	assert_true(p.validation < 1.10 * entropy);
	assert_true(p.loss > p.validation && p.loss < 3); /* an average that lags behind */
	assert_int_equal(train_evaluate(m, f->chunks + CHUNKS, VALID, 0, 2, &bits), 0);
	assert_true(bits == p.validation);
	model_destroy(untrained);
	model_destroy(m);
}

static void test_reproducible(void **state)
{
	struct fixture *f = *state;
	struct train_progress p[4];
	struct model *m[4];

	for (int i = 0; i < 4; i++) {
		struct train_options opt = {.seed = i == 3 ? 2 : 1, .threads = i == 3 ? 1 : i + 1};

		/* an odd number of chunks, so that lanes run dry at different times */
		train(f, 37, &opt, &m[i], &p[i]);
	}
	assert_true(model_equal(m[0], m[1]));
	assert_true(model_equal(m[0], m[2]));
	assert_false(model_equal(m[0], m[3]));
	assert_true(p[0].validation == p[1].validation && p[0].loss == p[2].loss);
	for (int i = 0; i < 4; i++)
		model_destroy(m[i]);
}

static void test_no_data(void **state)
{
	struct fixture *f = *state;
	const struct train_chunk empty[2] = {{f->bytes[0], 0}, {f->bytes[1], 0}};
	struct train_options opt = {.seed = 1};
	struct model *m = small_model();
	double bits;

	assert_int_equal(train_model(m, NULL, 0, f->chunks, 1, &opt, NULL), -EINVAL);
	assert_int_equal(train_model(m, empty, 2, f->chunks, 1, &opt, NULL), -EINVAL);
	assert_int_equal(train_evaluate(m, NULL, 0, 0, 1, &bits), -EINVAL);
	assert_int_equal(train_evaluate(m, empty, 2, 0, 1, &bits), -EINVAL);
	/* nothing to validate on is no error */
	assert_int_equal(train_model(m, f->chunks, 1, NULL, 0, &opt, NULL), 0);
	model_destroy(m);
}

/* What little the model is worth, it must be small for; validation tells what that costs. */
static void test_worth(void **state)
{
	struct fixture *f = *state;
	const uint64_t worth[3] = {0, 16 * CHUNKS * CHUNK, CHUNKS * CHUNK};
	size_t len[3];
	double valid[3];

	for (int i = 0; i < 3; i++) {
		struct train_options opt = {.seed = 1, .worth_bytes = worth[i]};
		struct train_progress p;
		struct model *m;
		uint8_t *bytes;

		train(f, CHUNKS, &opt, &m, &p);
		assert_int_equal(model_save(m, &bytes, &len[i]), 0);
		valid[i] = p.validation;
		free(bytes);
		model_destroy(m);
	}
	assert_true(len[1] < len[0] && len[2] < len[1]);
	assert_true(valid[1] < 1.02 * valid[0]);
	for (int i = 1; i < 3; i++) {
		double copies = (double)worth[i];

		assert_true((double)len[i] + copies * valid[i] / 8 < (double)len[0] + copies * valid[0] / 8);
	}
}

static int refuse(void *arg, const struct train_progress *p)
{
	++*(int *)arg;
	return p->done_bytes > 0;
}

static void test_interrupt(void **state)
{
	struct fixture *f = *state;
	int calls = 0;
	struct train_options opt = {.seed = 1, .progress = refuse, .arg = &calls};
	struct model *m = small_model();

	assert_int_equal(train_model(m, f->chunks, CHUNKS, NULL, 0, &opt, NULL), -EINTR);
	assert_int_equal(calls, 1);
	model_destroy(m);
}

/* 512 MiB (the same chunks over and over) cannot be learned in half a second: the plan is cut. */
static void test_seconds_max(void **state)
{
	struct fixture *f = *state;
	const size_t n = 65536;
	struct train_chunk *many = malloc(n * sizeof(*many));
	struct train_options opt = {.seed = 1, .seconds_max = 0.5};
	struct model *m = small_model();
	struct train_progress p;

	assert_non_null(many);
	for (size_t i = 0; i < n; i++)
		many[i] = f->chunks[i % CHUNKS];
	assert_int_equal(train_model(m, many, n, f->chunks + CHUNKS, VALID, &opt, &p), 0);
	assert_true(p.done_bytes > 0 && p.done_bytes < n * CHUNK);
	assert_true(p.total_bytes < n * CHUNK);
	assert_true(p.validation > 0 && p.validation < 8.5);
	model_destroy(m);
	free(many);
}

static void test_propose_shape(void **state)
{
	struct model_shape shape;
	size_t before = 0;

	(void)state;
	assert_int_equal(train_propose_shape(1 << 30, 0, &shape), -EINVAL);
	assert_int_equal(train_propose_shape(1 << 30, 4, &shape), -EINVAL);
	for (int level = 1; level <= 2; level++, before = 0) {
		assert_int_equal(train_propose_shape(0, level, &shape), -ENODATA);
		assert_int_equal(train_propose_shape(1 << 19, level, &shape), -ENODATA);
		for (unsigned log2 = 21; log2 < 60; log2++) {
			assert_int_equal(train_propose_shape((uint64_t)1 << log2, level, &shape), 0);
			assert_int_equal(model_shape_check(&shape), 0);
			assert_true(model_memory(&shape) >= before);
			assert_true(model_memory(&shape) < (uint64_t)1 << log2);
			before = model_memory(&shape);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns),    cmocka_unit_test(test_reproducible),
		cmocka_unit_test(test_no_data),   cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_seconds_max), cmocka_unit_test(test_worth), cmocka_unit_test(test_propose_shape),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
