/* SPDX-License-Identifier: BSD-2-Clause */
/* Forms: classes differ, filters go and come back whatever the bytes, code and only code is
 * filtered, records are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/form.h"
#include "model/x86.h"

#define N 5000u

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void test_classes_differ(void **state)
{
	static uint8_t zero[4096];
	static const char *const text[] = {
		"Once upon a time there was a small house in the forest and nobody lived in it but the old wind. ",
		"<li><a href=\"x.html\">one</a></li><p>two</p>\n", "1.25,17,3;4,0.5,1118,22\n",
		"static int f(struct x *p)\n{\n\treturn p->count * (q + 1);\n}\n",
	};
	unsigned seen = 1u << form_classify(zero, sizeof zero);

	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		unsigned class = form_classify((const uint8_t *)text[i], strlen(text[i]));

		assert_true(class < CLASS_COUNT);
		assert_false(seen & 1u << class);
		seen |= 1u << class;
	}
	assert_true(form_classify(zero, 1) < CLASS_COUNT);
}

/* Bytes of which many begin an instruction that the filter knows, operands near its limits. */
static void fill_code(uint8_t *buf, size_t n, uint64_t seed)
{
	static const uint8_t bytes[] = {0xe8, 0xe9, 0x0f, 0x05, 0x8d, 0x8b, 0x3d, 0x48, 0xff, 0, 0x07, 0x08, 0xf8, 0xf7};

	for (size_t i = 0; i < n; i++) {
		uint64_t r = random_next(&seed);

		buf[i] = r & 3 ? bytes[(r >> 2) % sizeof bytes] : (uint8_t)(r >> 2);
	}
}

static void test_x86_comes_back(void **state)
{
	uint8_t *plain = malloc(N), *buf = malloc(N);
	size_t changed = 0;

	(void)state;
	for (size_t n = 0; n < 400; n++) {
		uint8_t *exact = malloc(n ? n : 1); /* for the sanitizer */

		fill_code(plain, n, n);
		memcpy(exact, plain, n);
		x86_apply(exact, n);
		changed += memcmp(exact, plain, n) != 0;
		x86_undo(exact, n);
		assert_memory_equal(exact, plain, n);
		x86_undo(exact, n); /* and of bytes that no encoder made */
		x86_apply(exact, n);
		assert_memory_equal(exact, plain, n);
		free(exact);
	}
	assert_true(changed > 300);
	for (uint64_t seed = 0; seed < 500; seed++) {
		fill_code(plain, N, seed);
		memcpy(buf, plain, N);
		x86_apply(buf, N);
		x86_undo(buf, N);
		assert_memory_equal(buf, plain, N);
	}
	free(plain);
	free(buf);
}

/* A call of, or a load from, `target` at `at`. */
static void put_reference(uint8_t *buf, size_t at, unsigned opcode_len, const char *opcode, uint32_t target)
{
	uint32_t distance = target - (uint32_t)at;

	memcpy(buf + at, opcode, opcode_len);
	for (unsigned k = 0; k < 4; k++)
		buf[at + opcode_len + k] = (uint8_t)(distance >> 8 * k);
}

static void test_x86_makes_alike(void **state)
{
	static const struct {
		unsigned len;
		const char *opcode;
	} kinds[] = {{1, "\xe8"}, {1, "\xe9"}, {2, "\x8d\x05"}, {2, "\x8b\x3d"}, {2, "\xff\x15"}, {3, "\x0f\xb6\x0d"}};
	static uint8_t buf[N];

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		unsigned len = kinds[i].len;

		memset(buf, 0x90, N);
		put_reference(buf, 10, len, kinds[i].opcode, 0x2345678);
		put_reference(buf, 3000, len, kinds[i].opcode, 0x2345678);
		assert_memory_not_equal(buf + 10, buf + 3000, len + 4);
		x86_apply(buf, N);
		assert_memory_equal(buf + 10, buf + 3000, len + 4);
		assert_memory_equal(buf + 10 + len, "\x02\x34\x56\x78", 4);
	}
}

static void test_only_code_is_filtered(void **state)
{
	static uint8_t buf[1 << 16];
	uint64_t seed = 1;
	struct form f;

	(void)state;
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)random_next(&seed);
	form_find(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_NONE);
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)("\xe8\x20text\xe9\x20"[i % 8]);
	form_find(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_NONE);
	for (size_t i = 0; i < sizeof buf; i++) /* an array of 64-bit numbers */
		buf[i] = (uint8_t)(i % 8 < 2 ? random_next(&seed) : 0);
	form_find(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_NONE);
	for (size_t i = 0; i + 40 <= sizeof buf; i += 40)
		put_reference(buf, i, 1, "\xe8", (uint32_t)(i * i % 50000));
	form_find(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_X86);
	form_find_filtered(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_NONE);
	x86_apply(buf, sizeof buf);
	form_find_filtered(&f, buf, sizeof buf);
	assert_int_equal(f.filter, FILTER_X86);
}

static void test_stride_is_found(void **state)
{
	static const unsigned strides[] = {2, 6, 10, 24, 28, 100, 255};
	static uint8_t buf[1 << 16];
	struct form f;

	(void)state;
	for (unsigned k = 0; k < sizeof strides / sizeof *strides; k++) {
		unsigned s = strides[k], fixed = s > 4 ? s / 3 : 1;
		uint64_t seed = s;

		for (size_t i = 0; i < sizeof buf; i++)
			buf[i] = (uint8_t)(i % s < fixed ? (i % s) * 37 + 1 : random_next(&seed));
		form_find(&f, buf, sizeof buf);
		assert_int_equal(f.stride, s);
		form_find(&f, buf, 1000);
		assert_int_equal(f.stride, 0);
	}
	memset(buf, 0, sizeof buf);
	form_find(&f, buf, sizeof buf);
	assert_int_equal(f.stride, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_differ),
		cmocka_unit_test(test_x86_comes_back),
		cmocka_unit_test(test_x86_makes_alike),
		cmocka_unit_test(test_only_code_is_filtered),
		cmocka_unit_test(test_stride_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
