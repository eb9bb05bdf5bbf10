/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract that every codec keeps: exact round trips, limits on the frame, refusal of damaged frames and wrong models.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "tests/codec/bytes.h"

#define BIG CODEC_PLAIN_MAX

static const struct {
	enum codec_id codec;
	int level;
} cases[] = {
	{CODEC_RAW, 0}, {CODEC_RAW, RAW_UNTRIED},	 {CODEC_LZ4, 0},  {CODEC_LZ4, 1},  {CODEC_LZ4, 9},
	{CODEC_LZ4, 12}, {CODEC_ZSTD, 1}, {CODEC_ZSTD, 9}, {CODEC_ZSTD, 19},
};
#define CASES (sizeof cases / sizeof *cases)

struct fixture {
	struct codec_ctx *ctx;
	uint8_t *plain, *frame, *back;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	assert_int_equal(codec_ctx_create(&f->ctx), 0);
	f->plain = malloc(BIG);
	f->frame = malloc(2 * BIG);
	f->back = malloc(BIG + 1);
	assert_true(f->plain && f->frame && f->back);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	codec_ctx_destroy(f->ctx);
	free(f->plain);
	free(f->frame);
	free(f->back);
	free(f);
	return 0;
}

/* Encodes and decodes plain[0..n) with every case; returns nothing, asserts all. */
static void check_round_trip(struct fixture *f, size_t n)
{
	for (size_t i = 0; i < CASES; i++) {
		size_t len;

		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      2 * BIG, &len), 0);
		assert_in_range(len, 1, n + n / 64 + 64);
		memset(f->back, 0xa5, n + 1);
		assert_int_equal(codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, f->frame, len, f->back, n),
				 0);
		assert_memory_equal(f->back, f->plain, n);
		assert_int_equal(f->back[n], 0xa5);
		/* Exactly the plain length, not one more or less. */
		if (n > 1)
			assert_int_equal(codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, f->frame, len,
						      f->back, n - 1), -EUCLEAN);
		if (n < BIG)
			assert_int_equal(codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, f->frame, len,
						      f->back, n + 1), -EUCLEAN);
	}
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 15, 64, 100, 4095, 4096, 65536, 131072, 131073, BIG};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		bytes_random(f->plain, sizes[i], i + 1);
		check_round_trip(f, sizes[i]);
		bytes_text(f->plain, sizes[i], i + 1);
		check_round_trip(f, sizes[i]);
		memset(f->plain, 0, sizes[i]);
		check_round_trip(f, sizes[i]);
	}
}

static void test_compresses(void **state)
{
	struct fixture *f = *state;
	size_t n = 131072, len[CASES];

	bytes_text(f->plain, n, 7);
	for (size_t i = 0; i < CASES; i++)
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      2 * BIG, &len[i]), 0);
	assert_int_equal(len[0], n);
	assert_true(len[2] < n / 2);      /* lz4 1               */
	assert_true(len[4] < len[2]);     /* lz4 12 beats lz4 1  */
	assert_true(len[7] < len[4]);     /* zstd 19 beats lz4   */
	assert_true(len[7] < len[5]);     /* and zstd 1          */
}

static void test_cap(void **state)
{
	struct fixture *f = *state;
	size_t n = 50000, len, again;

	for (size_t i = 0; i < CASES; i++) {
		bytes_text(f->plain, n, 3);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      2 * BIG, &len), 0);
		memset(f->frame, 0x5a, len + 1);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      len / 2, &again), -E2BIG);
		assert_int_equal(f->frame[len / 2], 0x5a);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame, 0,
					      &again), -E2BIG);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame, 1,
					      &again), -E2BIG);
		/* "Only if smaller" on bytes that do not get smaller. */
		bytes_random(f->plain, n, 5);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      n - 1, &again), -E2BIG);
	}
}

static void test_bad_arguments(void **state)
{
	struct fixture *f = *state;
	size_t len;

	bytes_text(f->plain, 100, 1);
	assert_int_equal(codec_encode(f->ctx, CODEC_RAW, 0, NULL, f->plain, 0, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_RAW, 0, NULL, f->plain, (size_t)BIG + 1, f->frame, 2 * BIG, &len),
			 -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_RAW, RAW_UNTRIED + 1, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_LZ4, 13, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_LZ4, -1, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_ZSTD, 0, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_ZSTD, 20, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_encode(f->ctx, CODEC_COUNT, 1, NULL, f->plain, 100, f->frame, 100, &len), -EINVAL);
	assert_int_equal(codec_decode(f->ctx, CODEC_COUNT, 1, NULL, f->plain, 100, f->back, 100), -EUCLEAN);
	assert_int_equal(codec_decode(f->ctx, CODEC_ZSTD, 77, NULL, f->plain, 100, f->back, 100), -EUCLEAN);
	assert_int_equal(codec_decode(f->ctx, CODEC_RAW, 0, NULL, f->plain, 100, f->back, 0), -EUCLEAN);
	assert_int_equal(codec_decode(f->ctx, CODEC_RAW, 0, NULL, f->plain, 0, f->back, 100), -EUCLEAN);
	assert_int_equal(codec_decode(f->ctx, CODEC_LZ4, 1, NULL, f->plain, 2 * BIG, f->back, 100), -EUCLEAN);
	assert_int_equal(codec_decode(f->ctx, CODEC_RAW, 0, NULL, f->plain, 100, f->back, (size_t)BIG + 1), -EUCLEAN);
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	size_t n = 3000, len;

	for (size_t i = 0; i < CASES; i++) {
		bytes_text(f->plain, n, 11);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      2 * BIG, &len), 0);
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1); /* a heap block of its own, so that ASan sees a read too far */
			int rc;

			assert_non_null(exact);
			memcpy(exact, f->frame, cut);
			rc = codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, exact, cut, f->back, n);
			assert_int_equal(rc, -EUCLEAN);
			free(exact);
		}
	}
}

/* A damaged frame gives an error or other bytes, never a crash or a byte outside; checksums are the caller's part. */
static void test_corrupted(void **state)
{
	struct fixture *f = *state;
	size_t n = 20000, len, refused = 0;
	uint64_t seed = 17;

	for (size_t i = 0; i < CASES; i++) {
		bytes_text(f->plain, n, 23);
		assert_int_equal(codec_encode(f->ctx, cases[i].codec, cases[i].level, NULL, f->plain, n, f->frame,
					      2 * BIG, &len), 0);
		for (int round = 0; round < 500; round++) {
			uint8_t *exact = malloc(len), *out = malloc(n);
			int rc;

			assert_true(exact && out);
			memcpy(exact, f->frame, len);
			for (uint64_t k = bytes_next(&seed) % 4 + 1; k > 0; k--)
				exact[bytes_next(&seed) % len] ^= (uint8_t)(1u << (bytes_next(&seed) % 8));
			rc = codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, exact, len, out, n);
			assert_true(rc == 0 || rc == -EUCLEAN);
			refused += rc < 0;
			free(exact);
			free(out);
		}
		/* The context is sound afterwards. */
		assert_int_equal(codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, f->frame, len, f->back, n),
				 0);
		assert_memory_equal(f->back, f->plain, n);
	}
	assert_true(refused > 500);
}

static void test_random_frames(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = 29;

	for (int round = 0; round < 2000; round++) {
		size_t len = bytes_next(&seed) % 600 + 1, n = bytes_next(&seed) % 5000 + 1;
		size_t i = bytes_next(&seed) % CASES;
		int rc;

		bytes_random(f->frame, len, seed);
		rc = codec_decode(f->ctx, cases[i].codec, cases[i].level, NULL, f->frame, len, f->back, n);
		assert_true(rc == -EUCLEAN || rc == 0);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(codec_name(CODEC_RAW), "raw");
	assert_string_equal(codec_name(CODEC_LZ4), "lz4");
	assert_string_equal(codec_name(CODEC_ZSTD), "zstd");
	assert_string_equal(codec_name(CODEC_NEURAL), "neural");
	assert_null(codec_name(CODEC_COUNT));
}

static void test_checksum(void **state)
{
	(void)state;
	/* The published value of XXH3-64 of nothing, and that a bit counts. */
	assert_true(codec_checksum("", 0) == 0x2d06800538d394c2u);
	assert_true(codec_checksum("firn", 4) != codec_checksum("fipn", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_compresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_corrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_frames, setup, teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
