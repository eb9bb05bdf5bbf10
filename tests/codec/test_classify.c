/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counts as incompressible: random bytes and compressed types do; text, tables, small and zero chunks do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "tests/codec/bytes.h"

#define N 131072u

static void test_classify(void **state)
{
	uint8_t *buf = malloc(N);
	uint64_t seed = 1;

	(void)state;
	assert_non_null(buf);
	for (uint64_t s = 0; s < 50; s++) {
		bytes_random(buf, N, s);
		assert_true(codec_incompressible(buf, N));
		assert_true(codec_incompressible(buf, 4096));
		assert_false(codec_incompressible(buf, 4095)); /* too small to judge */
	}
	memset(buf, 0, N);
	assert_false(codec_incompressible(buf, N));
	bytes_text(buf, N, 2);
	assert_false(codec_incompressible(buf, N));
	/* Random bytes of which one value never comes up twice as often as others: 7 bits of order 0. */
	for (size_t i = 0; i < N; i++)
		buf[i] = (uint8_t)(bytes_next(&seed) >> 57);
	assert_false(codec_incompressible(buf, N));
	/* A compressed type's name alone does not condemn text. */
	bytes_text(buf, N, 2);
	memcpy(buf, "\x1f\x8b\x08", 3);
	assert_false(codec_incompressible(buf, N));
	/* Slightly skewed bytes, 7.8 bits: worth an attempt as such, not as the inside of a JPEG. */
	for (size_t i = 0; i < N; i++) {
		buf[i] = (uint8_t)(bytes_next(&seed) >> 56);
		if (bytes_next(&seed) % 16 == 0)
			buf[i] = 0;
	}
	assert_false(codec_incompressible(buf, N));
	memcpy(buf, "\xff\xd8\xff", 3);
	assert_true(codec_incompressible(buf, N));
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_classify)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
