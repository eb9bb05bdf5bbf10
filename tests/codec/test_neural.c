/* SPDX-License-Identifier: BSD-2-Clause */
/* The neural codec on random models: what goes in comes out, both kernels agree, damage is harmless, the format does not drift. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/neural.h"
#include "codec/ops.h"
#include "model/context.h"
#include "tests/codec/golden.h"

#define CAP (3u << 20)

static uint8_t plain[CODEC_PLAIN_MAX], again[CODEC_PLAIN_MAX], frame[CAP], frame2[CAP];

/* Every context; weights of the size that training gives, or as large as they can be. */
static struct model *model_random(uint32_t hidden, uint32_t dict_len, int extreme, uint64_t seed)
{
	struct model_shape shape = {.contexts = CTX_IDS, .hidden = hidden, .dict_len = dict_len};
	struct model *m;

	for (uint32_t k = 0; k < CTX_IDS; k++) {
		shape.context_ids[k] = (uint8_t)k;
		shape.rows_log2[k] = (uint8_t)(5 + k % 5);
	}
	assert_int_equal(model_create(&shape, &m), 0);
	for (uint32_t k = 0; k < CTX_IDS; k++)
		for (uint32_t i = 0; i < hidden << shape.rows_log2[k]; i++)
			m->embed[k][i] = (int8_t)(extreme ? (int)(bytes_next(&seed) & 255) - 128 : (int)(bytes_next(&seed) % 25) - 12);
	for (uint32_t j = 0; j < hidden; j++)
		m->bias[j] = (int16_t)(bytes_next(&seed) % (extreme ? 65536 : 64));
	for (uint32_t i = 0; i < MODEL_NODES * hidden; i++)
		m->out[i] = (int16_t)(extreme ? (int)(bytes_next(&seed) & 65535) - 32768 : (int)(bytes_next(&seed) % 1001) - 500);
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		m->out_bias[i] = (int32_t)bytes_next(&seed) >> (extreme ? 0 : 12);
	if (dict_len)
		bytes_text(m->dict, dict_len, seed);
	model_index_dict(m);
	return m;
}

static void fill(unsigned kind, size_t n)
{
	switch (kind) {
	case 0:
		memset(plain, 0, n);
		break;
	case 1:
		bytes_random(plain, n, n);
		break;
	case 2:
		bytes_text(plain, n, n);
		break;
	default: /* a table of numbers, machine code, records */
		golden_plain(kind, plain, n);
	}
}

static void round_trip(struct neural *nn, const struct model *m, int level, size_t n)
{
	size_t len;

	assert_int_equal(neural_encode(nn, m, level, plain, n, frame, CAP, &len), 0);
	memset(again, 0xa5, n);
	assert_int_equal(neural_decode(nn, m, level, frame, len, again, n), 0);
	assert_memory_equal(plain, again, n);
}

static void test_round_trips(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 17, 1000, 4096, 40000, 130 << 10};
	struct neural *nn;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	for (unsigned shape = 0; shape < 4; shape++) {
		struct model *m = model_random(32 + 32 * shape, shape % 2 ? 3000 : 0, shape == 3, shape);

		for (unsigned i = 0; i < (shape == 1 ? 8 : 6); i++)
			for (unsigned kind = 0; kind < GOLDEN_KINDS; kind++)
				for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++) {
					fill(kind, lengths[i]);
					round_trip(nn, m, level, lengths[i]);
				}
		model_destroy(m);
	}
	neural_destroy(nn);
}

/* Code is filtered and text is not; a frame that says so wrongly decodes to something else, or not
 * at all. */
static void test_filter(void **state)
{
	struct model *m = model_random(32, 0, 0, 7);
	struct neural *nn;
	size_t len;
	int rc;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	golden_plain(4, plain, 20000);
	round_trip(nn, m, NEURAL_FAST, 20000);
	assert_int_equal(frame[0] >> 4, 1);
	golden_plain(2, plain, 20000);
	assert_int_equal(neural_encode(nn, m, NEURAL_FAST, plain, 20000, frame, CAP, &len), 0);
	assert_int_equal(frame[0] >> 4, 0);
	memset(plain, 0xe8, 3000);
	assert_int_equal(neural_encode(nn, m, NEURAL_FAST, plain, 3000, frame, CAP, &len), 0);
	frame[0] |= 1 << 4;
	rc = neural_decode(nn, m, NEURAL_FAST, frame, len, again, 3000);
	assert_true(rc == -EUCLEAN || (rc == 0 && memcmp(plain, again, 3000)));
	neural_destroy(nn);
	model_destroy(m);
}

/* Records: the frame says their length, a length that cannot be is refused, any other decodes to
 * something. */
static void test_stride(void **state)
{
	struct model *m = model_random(32, 0, 0, 8);
	struct neural *nn;
	size_t len;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	golden_plain(5, plain, 20000);
	round_trip(nn, m, NEURAL_NORMAL, 20000);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, 20000, frame, CAP, &len), 0);
	assert_int_equal(frame[0] >> 4, 2);
	assert_int_equal(frame[1], 12);
	for (unsigned stride = 0; stride < 256; stride++) {
		int rc;

		frame[1] = (uint8_t)stride;
		rc = neural_decode(nn, m, NEURAL_NORMAL, frame, len, again, 300);
		assert_true(stride < FORM_STRIDE_MIN ? rc == -EUCLEAN : rc == 0 || rc == -EUCLEAN);
	}
	assert_int_equal(neural_decode(nn, m, NEURAL_NORMAL, frame, 1, again, 300), -EUCLEAN);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, 20000, frame, 1, &len), -E2BIG);
	neural_destroy(nn);
	model_destroy(m);
}

static void test_largest_chunk(void **state)
{
	struct model *m = model_random(64, 3000, 0, 5);
	struct neural *nn;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	fill(2, CODEC_PLAIN_MAX);
	round_trip(nn, m, NEURAL_NORMAL, CODEC_PLAIN_MAX);
	round_trip(nn, m, NEURAL_DENSE, CODEC_PLAIN_MAX);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, CODEC_PLAIN_MAX + 1, frame, CAP, &(size_t){0}), -EINVAL);
	assert_int_equal(neural_decode(nn, m, NEURAL_NORMAL, frame, 10, again, CODEC_PLAIN_MAX + 1), -EUCLEAN);
	neural_destroy(nn);
	model_destroy(m);
}

/* This kernel's frames are those of the plain C, which also decodes them. */
static void kernel_agrees(struct neural *nn, const char *kernel)
{
	for (unsigned shape = 0; shape < 8; shape++) {
		struct model *m = model_random(32 + 32 * (shape / 2), 2000, shape % 2, shape);

		for (unsigned kind = 0; kind < 4; kind++)
			for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++) {
				size_t len, len2;

				fill(kind, 20000);
				setenv("FIRN_KERNEL", kernel, 1);
				assert_int_equal(neural_encode(nn, m, level, plain, 20000, frame, CAP, &len), 0);
				setenv("FIRN_KERNEL", "scalar", 1);
				assert_string_equal(codec_kernel(), "scalar");
				assert_int_equal(neural_encode(nn, m, level, plain, 20000, frame2, CAP, &len2), 0);
				assert_int_equal(len, len2);
				assert_memory_equal(frame, frame2, len);
				assert_int_equal(neural_decode(nn, m, level, frame, len, again, 20000), 0);
				assert_memory_equal(plain, again, 20000);
			}
		model_destroy(m);
	}
}

static void test_kernels_agree(void **state)
{
	static const char *const kernels[] = {"avx2", "avx512", "neon"};
	struct neural *nn;
	unsigned tested = 0;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
		setenv("FIRN_KERNEL", kernels[i], 1);
		if (strcmp(codec_kernel(), kernels[i]))
			continue; /* not on this processor */
		kernel_agrees(nn, kernels[i]);
		tested++;
	}
	unsetenv("FIRN_KERNEL");
	neural_destroy(nn);
	if (!tested)
		skip();
}

static void test_cap_is_kept(void **state)
{
	struct model *m = model_random(32, 0, 0, 1);
	struct neural *nn;
	size_t len, out;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	fill(2, 3000);
	assert_int_equal(neural_encode(nn, m, NEURAL_FAST, plain, 3000, frame, CAP, &len), 0);
	for (size_t cap = 0; cap <= len + 8; cap++) {
		uint8_t *dst = malloc(cap + !cap);
		int rc = neural_encode(nn, m, NEURAL_FAST, plain, 3000, dst, cap, &out);

		assert_int_equal(rc, cap < len ? -E2BIG : 0);
		assert_int_equal(out, cap < len ? 0 : len);
		free(dst);
	}
	neural_destroy(nn);
	model_destroy(m);
}

/* A damaged frame is an error or wrong bytes; a shortened or lengthened one always an error. */
static void test_damaged_frames(void **state)
{
	struct model *m = model_random(64, 2000, 0, 2);
	unsigned errors = 0;
	struct neural *nn;
	size_t len;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	fill(2, 2000);
	for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++) {
		assert_int_equal(neural_encode(nn, m, level, plain, 2000, frame, CAP, &len), 0);
		for (size_t n = 0; n + 9 < len; n++) {
			uint8_t *cut = malloc(n + !n);
			int rc;

			memcpy(cut, frame, n);
			rc = neural_decode(nn, m, level, cut, n, again, 2000);
			assert_true(rc == -EUCLEAN || (rc == 0 && memcmp(plain, again, 2000)));
			errors += rc != 0;
			free(cut);
		}
		for (size_t i = 0; i < len; i++) {
			frame[i] ^= 1u << i % 8;
			int rc = neural_decode(nn, m, level, frame, len, again, 2000);

			assert_true(rc == -EUCLEAN || rc == 0);
			errors += rc != 0;
			frame[i] ^= 1u << i % 8;
		}
		memset(frame + len, 0x5a, 1000);
		assert_int_equal(neural_decode(nn, m, level, frame, len + 1000, again, 2000), -EUCLEAN);
		assert_int_equal(neural_decode(nn, m, level, frame, 0, again, 2000), -EUCLEAN);
		frame[0] = 1 << 6;
		assert_int_equal(neural_decode(nn, m, level, frame, len, again, 2000), -EUCLEAN);
		assert_int_equal(neural_decode(nn, m, 0, frame, len, again, 2000), -EUCLEAN);
	}
	bytes_random(frame, 4000, 3);
	frame[0] = 0;
	assert_true(neural_decode(nn, m, NEURAL_NORMAL, frame, 4000, again, 2000) <= 0);
	assert_true(errors > 100);
	neural_destroy(nn);
	model_destroy(m);
}

static void test_calibration_helps(void **state)
{
	struct model *m = model_random(32, 0, 0, 6);
	struct train_chunk chunk = {plain, 60000};
	struct neural *nn;
	size_t before, after;
	double bits;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	fill(2, 60000);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, 20000, frame, CAP, &before), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(neural_calibrate(m, &chunk, 1, &bits), 0);
	assert_int_equal(model_shape_check(&m->shape), 0);
	assert_true(m->shape.mixer_len > 0);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, 20000, frame, CAP, &after), 0);
	assert_true(after < before);
	assert_true(bits > 0 && bits < 8);
	round_trip(nn, m, NEURAL_NORMAL, 20000);
	round_trip(nn, m, NEURAL_FAST, 20000);
	/* weights that no calibration made */
	for (unsigned i = 0; i < m->shape.mixer_len; i++)
		m->mixer[i] = i % 3 == 0 ? INT32_MAX : i % 3 == 1 ? INT32_MIN : 70000;
	model_forget_derived(m);
	round_trip(nn, m, NEURAL_NORMAL, 20000);
	round_trip(nn, m, NEURAL_DENSE, 20000);
	neural_destroy(nn);
	model_destroy(m);
}

static void test_loaded_through_codec(void **state)
{
	struct model *m = model_random(64, 1000, 0, 8);
	struct codec_model *cm;
	struct codec_ctx *ctx;
	size_t len, bytes_len;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(model_save(m, &bytes, &bytes_len), 0);
	assert_int_equal(codec_model_load(CODEC_MODEL_NEURAL, bytes, bytes_len, &cm), 0);
	assert_true(codec_model_memory(cm) >= model_memory(&m->shape));
	assert_int_equal(codec_ctx_create(&ctx), 0);
	fill(2, 50000);
	assert_int_equal(codec_encode(ctx, CODEC_NEURAL, NEURAL_NORMAL, cm, plain, 50000, frame, 49999, &len), 0);
	assert_int_equal(codec_decode(ctx, CODEC_NEURAL, NEURAL_NORMAL, cm, frame, len, again, 50000), 0);
	assert_memory_equal(plain, again, 50000);
	assert_int_equal(codec_encode(ctx, CODEC_NEURAL, NEURAL_NORMAL, NULL, plain, 50000, frame, CAP, &len), -EINVAL);
	assert_int_equal(codec_encode(ctx, CODEC_NEURAL, NEURAL_DENSE + 1, cm, plain, 50000, frame, CAP, &len), -EINVAL);
	codec_model_put(cm);
	bytes[200] ^= 1;
	assert_int_equal(codec_model_load(CODEC_MODEL_NEURAL, bytes, bytes_len, &cm), -EUCLEAN);
	codec_ctx_destroy(ctx);
	free(bytes);
	model_destroy(m);
}

/* Checksums of frames of a fixed model: they change only with the format, and then on purpose. */
static void test_golden(void **state)
{
	static const uint64_t want[5] = {0x845b7f2d98bf46e7, 0xd8e85637d707b415, 0xbbd99c845b5a6479, 0xaddedc57a35f2b9f, 0x83f650e06b7acd26};
	struct model *m = model_random(64, 3000, 0, 42);
	struct neural *nn;
	uint8_t *bytes;
	uint64_t got[5];
	size_t len;

	(void)state;
	assert_int_equal(neural_create(&nn), 0);
	assert_int_equal(model_save(m, &bytes, &len), 0);
	got[0] = codec_checksum(bytes, len);
	fill(2, 30000);
	for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++) {
		assert_int_equal(neural_encode(nn, m, level, plain, 30000, frame, CAP, &len), 0);
		got[level] = codec_checksum(frame, len);
	}
	fill(3, 30000);
	assert_int_equal(neural_encode(nn, m, NEURAL_NORMAL, plain, 30000, frame, CAP, &len), 0);
	got[4] = codec_checksum(frame, len);
	for (unsigned i = 0; i < 5; i++)
		if (got[i] != want[i])
			print_message("golden %u is 0x%016llx\n", i, (unsigned long long)got[i]);
	assert_memory_equal(got, want, sizeof got);
	free(bytes);
	neural_destroy(nn);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_stride),
		cmocka_unit_test(test_largest_chunk),
		cmocka_unit_test(test_kernels_agree),
		cmocka_unit_test(test_cap_is_kept),
		cmocka_unit_test(test_damaged_frames),
		cmocka_unit_test(test_calibration_helps),
		cmocka_unit_test(test_loaded_through_codec),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
