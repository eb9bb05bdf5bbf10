/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dictionary is chosen where it pays, and none where it does not: on data without anything in common, or too little of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/codec/bytes.h"
#include "tools/train_value.h"
#include "tools/train_zdict.h"

#define N 200u
#define LEN 8192u

/* Chunks of passages that recur from chunk to chunk (common) or not. */
static void fill(struct sample *s, bool common)
{
	*s = (struct sample){.chunks = calloc(N, sizeof *s->chunks)};
	assert_non_null(s->chunks);
	for (uint64_t i = 0; i < N; i++) {
		uint8_t *bytes = malloc(LEN);

		assert_non_null(bytes);
		for (uint64_t k = 0; k < LEN / 512; k++)
			bytes_random(bytes + k * 512, 512, common ? (i * 7 + k * k) % 60 : i * 1000 + k);
		s->chunks[s->n++] = (struct train_chunk){bytes, LEN};
		s->bytes += LEN;
	}
}

static void test_pays(void **state)
{
	struct train_parts parts;
	struct zdict_choice c;
	struct sample s;

	(void)state;
	fill(&s, true);
	assert_int_equal(parts_split(&s, &parts), 0);
	assert_int_equal(zdict_choose(&parts, 1u << 30, 2, &c), 0);
	assert_non_null(c.bytes);
	assert_non_null(c.model);
	assert_true(c.ratio_with < c.ratio_without);
	assert_true(c.saves > 2.0 * (double)c.len);
	zdict_free(&c);
	/* The same data, but a store so small that nothing can be won. */
	assert_int_equal(zdict_choose(&parts, 20000, 2, &c), 0);
	assert_null(c.bytes);
	zdict_free(&c);
	sample_free(&s);
}

static void test_does_not_pay(void **state)
{
	struct train_parts parts;
	struct zdict_choice c;
	struct sample s;

	(void)state;
	fill(&s, false);
	assert_int_equal(parts_split(&s, &parts), 0);
	assert_int_equal(zdict_choose(&parts, 1u << 30, 2, &c), 0);
	assert_null(c.bytes);
	assert_null(c.model);
	zdict_free(&c);
	sample_free(&s);
}

static void test_value(void **state)
{
	const struct value_candidate lz4[] = {{CODEC_LZ4, 1, NULL}, {CODEC_ZSTD, 3, NULL}};
	uint8_t text[LEN], random[LEN];
	const struct train_chunk chunks[] = {{text, LEN}, {random, LEN}};
	struct value one, both, none;

	(void)state;
	bytes_text(text, LEN, 1);
	bytes_random(random, LEN, 1);
	assert_int_equal(value_measure(chunks, 2, lz4, 0, 2, &none), 0);
	assert_true(none.plain == 2 * LEN && none.stored == 2 * LEN);
	assert_int_equal(value_measure(chunks, 2, lz4, 1, 2, &one), 0);
	assert_int_equal(value_measure(chunks, 2, lz4, 2, 1, &both), 0);
	assert_true(one.stored > LEN && one.stored < 2 * LEN); /* random bytes count raw */
	assert_true(both.stored < one.stored);
	assert_true(value_ratio(&none) == 1);
	assert_int_equal(value_measure(chunks, 0, lz4, 1, 2, &none), 0);
	assert_true(value_ratio(&none) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pays),
		cmocka_unit_test(test_does_not_pay),
		cmocka_unit_test(test_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
