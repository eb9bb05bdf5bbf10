/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sample: repeatable, each extent once, within its budget, without what cannot be learned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/tiers/sample.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define CHUNK 16384u
#define FILES 40u
#define RANDOM_FILES 10u

static void fill(struct filled *f)
{
	uint8_t *bytes = malloc(2 * CHUNK);
	char name[32];

	assert_non_null(bytes);
	for (uint64_t i = 0; i < FILES; i++) {
		bytes_text(bytes, 2 * CHUNK, i);
		snprintf(name, sizeof name, "text%u", (unsigned)i);
		filled_put(f, name, bytes, 2 * CHUNK);
	}
	for (uint64_t i = 0; i < RANDOM_FILES; i++) {
		bytes_random(bytes, CHUNK, 1000 + i);
		snprintf(name, sizeof name, "random%u", (unsigned)i);
		filled_put(f, name, bytes, CHUNK);
	}
	free(bytes);
	assert_int_equal(volume_commit(f->vol), 0);
}

static int draw(struct filled *f, uint64_t max_bytes, uint64_t seed, struct sample *out)
{
	struct sample_source source = sample_source_volume(f->vol);

	return sample_draw(&source, max_bytes, seed, out);
}

static int same(const struct sample *a, const struct sample *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		if (a->chunks[i].len != b->chunks[i].len ||
		    memcmp(a->chunks[i].bytes, b->chunks[i].bytes, a->chunks[i].len) != 0)
			return 0;
	}
	return 1;
}

static void test_whole(void **state)
{
	struct filled *f = *state;
	struct sample s;

	fill(f);
	assert_int_equal(draw(f, 1u << 30, 1, &s), 0);
	assert_int_equal(s.n, 2 * FILES);
	assert_true(s.bytes == (uint64_t)2 * FILES * CHUNK);
	assert_true(s.mount_bytes == (uint64_t)(2 * FILES + RANDOM_FILES) * CHUNK);
	assert_true(s.learnable_bytes == s.bytes);
	assert_true(s.mount_extents == 2 * FILES + RANDOM_FILES);
	for (size_t i = 0; i < s.n; i++) {
		assert_false(codec_incompressible(s.chunks[i].bytes, s.chunks[i].len));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(s.chunks[i].bytes, s.chunks[k].bytes, CHUNK);
	}
	sample_free(&s);
	assert_null(s.chunks);
}

static void test_repeatable(void **state)
{
	struct filled *f = *state;
	struct sample a, b, c;

	fill(f);
	assert_int_equal(draw(f, 20 * CHUNK, 5, &a), 0);
	assert_true(a.bytes <= 20 * CHUNK && a.n >= 19);
	filled_reopen(f);
	assert_int_equal(draw(f, 20 * CHUNK, 5, &b), 0);
	assert_int_equal(draw(f, 20 * CHUNK, 6, &c), 0);
	assert_true(same(&a, &b));
	assert_false(same(&a, &c));
	sample_free(&a);
	sample_free(&b);
	sample_free(&c);
}

static void test_nothing(void **state)
{
	struct filled *f = *state;
	uint8_t bytes[CHUNK];
	struct sample s;

	assert_int_equal(draw(f, 1u << 20, 1, &s), -ENODATA);
	bytes_random(bytes, sizeof bytes, 1);
	filled_put(f, "random", bytes, sizeof bytes);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(draw(f, 1u << 20, 1, &s), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_repeatable, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_nothing, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
