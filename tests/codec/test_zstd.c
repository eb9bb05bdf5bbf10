/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zstd dictionaries: trained, loaded as a model, used by many threads at once, refused when malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "tests/codec/bytes.h"

#define SAMPLES 200u
#define SAMPLE_LEN 3000u
#define DICT_CAP 16384u
#define THREADS 4

static uint8_t dict[DICT_CAP];
static size_t dict_len;

/* Chunks that share long passages, so that a dictionary has something to hold. */
static void fill_sample(uint8_t *buf, size_t n, uint64_t seed)
{
	uint8_t passage[700];

	for (size_t i = 0; i < n;) {
		size_t len = n - i < sizeof passage ? n - i : sizeof passage;

		bytes_random(passage, sizeof passage, bytes_next(&seed) % 12);
		memcpy(buf + i, passage, len);
		i += len;
	}
}

static int setup(void **state)
{
	uint8_t *samples = malloc(SAMPLES * SAMPLE_LEN);
	size_t sizes[SAMPLES];

	(void)state;
	assert_non_null(samples);
	for (size_t i = 0; i < SAMPLES; i++) {
		fill_sample(samples + i * SAMPLE_LEN, SAMPLE_LEN, i);
		sizes[i] = SAMPLE_LEN;
	}
	assert_int_equal(codec_train_zdict(samples, sizes, SAMPLES, dict, DICT_CAP, &dict_len), 0);
	assert_in_range(dict_len, 256, DICT_CAP);
	free(samples);
	return 0;
}

static void test_dictionary_helps(void **state)
{
	uint8_t plain[SAMPLE_LEN], frame[2 * SAMPLE_LEN], back[SAMPLE_LEN];
	struct codec_model *m;
	struct codec_ctx *ctx;
	size_t without, with;

	(void)state;
	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, dict, dict_len, &m), 0);
	assert_true(codec_model_memory(m) > dict_len);
	fill_sample(plain, sizeof plain, 100000);
	for (int level = 1; level <= 19; level += 6) {
		assert_int_equal(codec_encode(ctx, CODEC_ZSTD, level, NULL, plain, sizeof plain, frame, sizeof frame,
					      &without), 0);
		assert_int_equal(codec_encode(ctx, CODEC_ZSTD, level, m, plain, sizeof plain, frame, sizeof frame,
					      &with), 0);
		assert_true(with < without / 2);
		assert_int_equal(codec_decode(ctx, CODEC_ZSTD, level, m, frame, with, back, sizeof plain), 0);
		assert_memory_equal(back, plain, sizeof plain);
		/* Without its dictionary the frame never gives its bytes. */
		if (codec_decode(ctx, CODEC_ZSTD, level, NULL, frame, with, back, sizeof plain) == 0)
			assert_memory_not_equal(back, plain, sizeof plain);
		/* And the context forgets the dictionary. */
		assert_int_equal(codec_encode(ctx, CODEC_ZSTD, level, NULL, plain, sizeof plain, frame, sizeof frame,
					      &with), 0);
		assert_int_equal(with, without);
	}
	codec_model_put(m);
	codec_ctx_destroy(ctx);
}

static void test_refuses(void **state)
{
	uint8_t bad[DICT_CAP], frame[64];
	struct codec_model *m = (void *)1;
	struct codec_ctx *ctx;
	size_t len;

	(void)state;
	assert_int_equal(codec_model_load(0, dict, dict_len, &m), -EINVAL);
	assert_null(m);
	assert_int_equal(codec_model_load(9, dict, dict_len, &m), -EINVAL);
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, dict, 0, &m), -EUCLEAN);
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, "text", 4, &m), -EUCLEAN);
	memcpy(bad, dict, dict_len);
	bad[0] ^= 1;
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, bad, dict_len, &m), -EUCLEAN);
	memcpy(bad, dict, dict_len);
	memset(bad + 8, 0xff, 100); /* entropy tables */
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, bad, dict_len, &m), -EUCLEAN);

	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, dict, dict_len, &m), 0);
	assert_int_equal(codec_encode(ctx, CODEC_LZ4, 1, m, dict, 32, frame, sizeof frame, &len), -EINVAL);
	assert_int_equal(codec_decode(ctx, CODEC_RAW, 0, m, dict, 32, frame, 32), -EINVAL);
	codec_model_put(m);
	codec_ctx_destroy(ctx);
}

static void test_too_little(void **state)
{
	uint8_t few[64] = {0}, out[1024];
	size_t sizes[16], len = 1;

	(void)state;
	for (int i = 0; i < 16; i++)
		sizes[i] = 4;
	assert_int_equal(codec_train_zdict(few, sizes, 16, out, sizeof out, &len), -ENODATA);
	assert_int_equal(len, 0);
	assert_int_equal(codec_train_zdict(few, sizes, 0, out, sizeof out, &len), -ENODATA);
}

static void *worker(void *arg)
{
	struct codec_model *m = arg;
	uint8_t plain[SAMPLE_LEN], frame[2 * SAMPLE_LEN], back[SAMPLE_LEN];
	struct codec_ctx *ctx;
	size_t len;
	long wrong = 0;

	if (codec_ctx_create(&ctx) < 0)
		return (void *)1;
	for (uint64_t i = 0; i < 60; i++) {
		int level = (int)(i % 12) + 1;

		fill_sample(plain, sizeof plain, 5000 + i);
		if (codec_encode(ctx, CODEC_ZSTD, level, m, plain, sizeof plain, frame, sizeof frame, &len) < 0 ||
		    codec_decode(ctx, CODEC_ZSTD, level, m, frame, len, back, sizeof plain) < 0 ||
		    memcmp(back, plain, sizeof plain) != 0)
			wrong++;
	}
	codec_ctx_destroy(ctx);
	codec_model_put(m);
	return (void *)wrong;
}

static void test_shared_by_threads(void **state)
{
	pthread_t threads[THREADS];
	struct codec_model *m;
	void *wrong;

	(void)state;
	assert_int_equal(codec_model_load(CODEC_MODEL_ZDICT, dict, dict_len, &m), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, codec_model_get(m)), 0);
	codec_model_put(m); /* the last worker frees it */
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dictionary_helps),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_shared_by_threads),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
