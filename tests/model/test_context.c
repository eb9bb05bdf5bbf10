/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts: rows in bounds, a function of the bytes before only, matches found and followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/context.h"

#define N 20000u

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static struct model *model_of_all(uint32_t dict_len)
{
	struct model_shape shape = {.contexts = CTX_IDS, .hidden = 32, .dict_len = dict_len};
	struct model *m;

	for (uint32_t k = 0; k < CTX_IDS; k++) {
		shape.context_ids[k] = (uint8_t)k;
		shape.rows_log2[k] = (uint8_t)(4 + k % 13);
	}
	assert_int_equal(model_create(&shape, &m), 0);
	return m;
}

/* Words, lines and separators from a small alphabet, with repeats. */
static void fill_text(uint8_t *buf, size_t n, uint64_t seed)
{
	static const char alphabet[] = "etaoin shr,;\t\n<\"x\x80\0z";

	for (size_t i = 0; i < n; i++) {
		uint64_t r = random_next(&seed);

		buf[i] = i > 500 && r % 4 ? buf[i - 400 - (i >> 9) % 7] : (uint8_t)alphabet[r / 4 % (sizeof alphabet - 1)];
	}
}

static void walk(struct context *c, const struct model *m, const struct form *form,
		 const uint8_t *buf, size_t n, uint32_t (*rows)[MODEL_CONTEXTS_MAX])
{
	context_begin(c, m, form, buf, n);
	for (size_t i = 0; i < n; i++) {
		context_rows(c, rows[i]);
		context_update(c, buf[i]);
	}
}

static void test_rows_in_bounds(void **state)
{
	static uint8_t buf[N];
	static uint32_t rows[N][MODEL_CONTEXTS_MAX];
	struct model *m = model_of_all(3000);
	struct context *c;

	(void)state;
	fill_text(m->dict, 3000, 1);
	model_index_dict(m);
	assert_int_equal(context_create(&c), 0);
	for (unsigned kind = 0; kind < 9; kind++) {
		struct form form = {.filter = kind / 3 == 2 ? FILTER_X86 : FILTER_NONE,
				    .stride = kind / 3 == 1 ? 255 : 0};
		uint64_t seed = 7;

		fill_text(buf, N, 5);
		for (size_t i = 0; kind % 3 && i < N; i++)
			buf[i] = kind % 3 == 1 ? (uint8_t)random_next(&seed) : '\n';
		walk(c, m, &form, buf, N, rows);
		for (size_t i = 0; i < N; i++)
			for (uint32_t k = 0; k < m->shape.contexts; k++)
				assert_true(rows[i][k] < 1u << m->shape.rows_log2[k]);
	}
	context_destroy(c);
	model_destroy(m);
}

/* The rows of a position do not depend on bytes at or behind it, nor on the chunk that the context saw before. */
static void test_rows_are_causal(void **state)
{
	static uint8_t a[N], b[N];
	static uint32_t rows_a[N][MODEL_CONTEXTS_MAX], rows_b[N][MODEL_CONTEXTS_MAX];
	struct model *m = model_of_all(0);
	struct context *c;

	static const struct form forms[] = {
		{.class = 3}, {.class = 11, .stride = 24}, {.class = 9, .filter = FILTER_X86}};

	(void)state;
	assert_int_equal(context_create(&c), 0);
	for (unsigned f = 0; f < 3; f++) {
		fill_text(a, N, 3);
		memcpy(b, a, N);
		fill_text(b + N / 2, N - N / 2, 4);
		walk(c, m, &forms[f], a, N, rows_a);
		walk(c, m, &forms[f], b, N, rows_b);
		assert_memory_equal(rows_a, rows_b, (N / 2 + 1) * sizeof *rows_a);
		assert_memory_not_equal(rows_a, rows_b, sizeof rows_a);
	}
	context_destroy(c);
	model_destroy(m);
}

static void test_match_in_chunk(void **state)
{
	static uint8_t buf[2000];
	struct model *m = model_of_all(0);
	struct context *c;
	uint32_t right = 0;
	uint64_t seed = 9;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		buf[i] = buf[i + 1000] = (uint8_t)random_next(&seed);
	assert_int_equal(context_create(&c), 0);
	context_begin(c, m, &(struct form){0}, buf, sizeof buf);
	for (size_t i = 0; i < 2000; i++) {
		const struct context_predictions *p = context_predictions(c);

		assert_int_equal(p->dict.length, 0);
		if (i >= 1006)
			right += p->match.length >= 6 && p->match.byte == buf[i];
		context_update(c, buf[i]);
	}
	assert_int_equal(right, 994);
	context_destroy(c);
	model_destroy(m);
}

static void test_match_in_dict(void **state)
{
	static uint8_t buf[1000];
	struct model *m = model_of_all(5000);
	struct context *c;
	size_t found = 0;
	uint64_t seed = 11;

	(void)state;
	for (size_t i = 0; i < 5000; i++)
		m->dict[i] = (uint8_t)random_next(&seed);
	model_index_dict(m);
	memcpy(buf, m->dict + 4000, sizeof buf);
	assert_int_equal(context_create(&c), 0);
	context_begin(c, m, &(struct form){0}, buf, sizeof buf);
	for (size_t i = 0; i < sizeof buf; i++) {
		const struct context_predictions *p = context_predictions(c);

		if (p->dict.length && !found)
			found = i;
		if (found)
			assert_true(p->dict.length && p->dict.byte == buf[i]);
		context_update(c, buf[i]);
	}
	assert_in_range(found, 7, 30); /* slots of the index collide, so not always at once */
	context_destroy(c);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_in_bounds), cmocka_unit_test(test_rows_are_causal),
		cmocka_unit_test(test_match_in_chunk), cmocka_unit_test(test_match_in_dict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
