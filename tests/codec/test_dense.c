/* SPDX-License-Identifier: BSD-2-Clause */
/* The level dense: a frame depends on the chunk and the model alone, whatever the worker did before
 * and whoever made what chunks start from. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/dense_state.h"
#include "codec/neural.h"
#include "model/context.h"
#include "tests/codec/bytes.h"

#define LONG 20000u
#define SHORT 700u
#define CAP (2 * LONG)

/* A network that knows nothing, with a dictionary of text. */
static struct model *model_make(uint32_t dict_len, uint64_t seed)
{
	struct model_shape shape = {.contexts = CTX_IDS, .hidden = 32, .dict_len = dict_len};
	struct model *m;

	for (uint32_t k = 0; k < CTX_IDS; k++) {
		shape.context_ids[k] = (uint8_t)k;
		shape.rows_log2[k] = 4;
	}
	assert_int_equal(model_create(&shape, &m), 0);
	if (dict_len)
		bytes_text(m->dict, dict_len, seed);
	model_index_dict(m);
	return m;
}

static size_t code(struct neural *nn, const struct model *m, const uint8_t *plain, size_t n,
		   uint8_t *frame)
{
	uint8_t again[LONG];
	size_t len;

	assert_int_equal(neural_encode(nn, m, NEURAL_DENSE, plain, n, frame, CAP, &len), 0);
	assert_int_equal(neural_decode(nn, m, NEURAL_DENSE, frame, len, again, n), 0);
	assert_memory_equal(plain, again, n);
	return len;
}

static void test_worker_remembers_nothing(void **state)
{
	static uint8_t text[LONG], noise[LONG], first[CAP], later[CAP];
	struct model *a = model_make(30000, 1), *b = model_make(10000, 2);
	struct neural *nn, *fresh;
	size_t len;

	(void)state;
	bytes_text(text, LONG, 3);
	bytes_random(noise, LONG, 4);
	assert_int_equal(neural_create(&nn), 0);
	assert_int_equal(neural_create(&fresh), 0);
	len = code(fresh, a, text, SHORT, first);
	code(nn, a, noise, SHORT, later); /* few enough lines to be listed */
	assert_int_equal(code(nn, a, text, SHORT, later), len);
	assert_memory_equal(first, later, len);
	code(nn, a, noise, LONG, later); /* more than a list holds */
	assert_int_equal(code(nn, a, text, SHORT, later), len);
	assert_memory_equal(first, later, len);
	code(nn, b, text, SHORT, later);
	assert_int_equal(code(nn, a, text, SHORT, later), len);
	assert_memory_equal(first, later, len);
	neural_destroy(nn);
	neural_destroy(fresh);
	model_destroy(a);
	model_destroy(b);
}

static void test_dictionary_teaches(void **state)
{
	static uint8_t text[LONG], frame[CAP];
	struct model *with = model_make(60000, 1), *without = model_make(0, 1);
	struct neural *nn;

	(void)state;
	bytes_text(text, LONG, 5);
	assert_int_equal(neural_create(&nn), 0);
	assert_int_equal(dense_start_memory(with), 0);
	assert_true(code(nn, with, text, 4000, frame) <
		    code(nn, without, text, 4000, frame) * 9 / 10);
	assert_true(dense_start_memory(with) > sizeof(struct dense_tables));
	neural_destroy(nn);
	model_destroy(with);
	model_destroy(without);
}

struct worker {
	pthread_t thread;
	const struct model *m;
	const uint8_t *plain;
	size_t len;
	uint8_t frame[CAP];
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct neural *nn;

	if (neural_create(&nn) == 0)
		(void)neural_encode(nn, w->m, NEURAL_DENSE, w->plain, SHORT, w->frame, CAP,
				    &w->len);
	neural_destroy(nn);
	return NULL;
}

static void test_workers_share_the_start(void **state)
{
	static struct worker workers[3];
	static uint8_t text[SHORT];
	struct model *m = model_make(20000, 1);

	(void)state;
	bytes_text(text, SHORT, 6);
	for (unsigned i = 0; i < 3; i++) {
		workers[i] = (struct worker){.m = m, .plain = text};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	assert_true(workers[0].len > 0);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(workers[i].len, workers[0].len);
		assert_memory_equal(workers[i].frame, workers[0].frame, workers[0].len);
	}
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_remembers_nothing),
		cmocka_unit_test(test_dictionary_teaches),
		cmocka_unit_test(test_workers_share_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
