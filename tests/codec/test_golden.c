/* SPDX-License-Identifier: BSD-2-Clause */
/* Every golden frame decodes to what it was made from, with every kernel that this processor has; golden models load. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/codec/golden.h"

static char dir[4096];
static struct codec_model *models[GOLDEN_MODELS + 1];
static uint8_t file[GOLDEN_FILE_MAX], plain[CODEC_PLAIN_MAX], again[CODEC_PLAIN_MAX];

static void check_frame(struct codec_ctx *ctx, const char *name)
{
	struct golden_frame f = {0};
	size_t len;
	int rc;

	assert_int_equal(golden_read(dir, name, file, &len), 0);
	assert_int_equal(golden_parse(file, len, &f), 0);
	assert_true(f.model <= GOLDEN_MODELS && f.plain <= CODEC_PLAIN_MAX);
	golden_plain(f.kind, plain, f.plain);
	memset(again, 0xa5, f.plain);
	rc = codec_decode(ctx, (enum codec_id)f.codec, (int)f.level, models[f.model], f.frame, f.len, again, f.plain);
	if (rc || memcmp(plain, again, f.plain))
		print_message("%s, kernel %s: %s\n", name, codec_kernel(), rc ? strerror(-rc) : "other bytes");
	assert_int_equal(rc, 0);
	assert_memory_equal(plain, again, f.plain);
}

static void check_all(void)
{
	unsigned seen[CODEC_COUNT] = {0};
	struct codec_ctx *ctx;
	struct dirent *e;
	DIR *d;

	for (unsigned m = 1; m <= GOLDEN_MODELS; m++)
		assert_int_equal(golden_model(dir, m, &models[m]), 0);
	assert_int_equal(codec_ctx_create(&ctx), 0);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n < 6 || strcmp(e->d_name + n - 6, ".frame"))
			continue;
		check_frame(ctx, e->d_name);
		seen[file[0] % CODEC_COUNT]++;
	}
	closedir(d);
	assert_true(seen[CODEC_RAW] >= 5 && seen[CODEC_LZ4] >= 5 && seen[CODEC_ZSTD] >= 10 && seen[CODEC_NEURAL] >= 45);
	codec_ctx_destroy(ctx);
	for (unsigned m = 1; m <= GOLDEN_MODELS; m++)
		codec_model_put(models[m]);
}

static void test_scalar(void **state)
{
	(void)state;
	setenv("FIRN_KERNEL", "scalar", 1);
	assert_string_equal(codec_kernel(), "scalar");
	check_all();
	unsetenv("FIRN_KERNEL");
}

static void test_vector(void **state)
{
	static const char *const kernels[] = {"avx2", "avx512", "neon"};
	unsigned tested = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
		setenv("FIRN_KERNEL", kernels[i], 1);
		if (strcmp(codec_kernel(), kernels[i]))
			continue;
		check_all();
		tested++;
	}
	unsetenv("FIRN_KERNEL");
	if (!tested)
		skip();
}

/* What says how a neural frame is coded is the codec, the level, the model's version and the frame's first byte: unknown ones are refused. */
static void test_unknown_is_refused(void **state)
{
	struct codec_ctx *ctx;
	struct golden_frame f = {0};
	uint8_t *frame;
	size_t len;

	(void)state;
	assert_int_equal(golden_model(dir, 1, &models[1]), 0);
	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(golden_read(dir, "text-neural2-2.frame", file, &len), 0);
	assert_int_equal(golden_parse(file, len, &f), 0);
	frame = file + GOLDEN_ENVELOPE;
	for (int level = -1; level < 256; level++) {
		int rc = codec_decode(ctx, CODEC_NEURAL, level, models[1], frame, f.len, again, f.plain);

		assert_true(level == (int)f.level ? rc == 0 : level == NEURAL_FAST || level == NEURAL_DENSE ? rc <= 0 : rc == -EUCLEAN);
	}
	for (unsigned bit = 6; bit < 8; bit++) {
		frame[0] ^= (uint8_t)(1u << bit);
		assert_int_equal(codec_decode(ctx, CODEC_NEURAL, (int)f.level, models[1], frame, f.len, again, f.plain), -EUCLEAN);
		frame[0] ^= (uint8_t)(1u << bit);
	}
	assert_int_equal(codec_decode(ctx, CODEC_COUNT, 1, models[1], frame, f.len, again, f.plain), -EUCLEAN);
	codec_ctx_destroy(ctx);
	codec_model_put(models[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_unknown_is_refused),
	};
	const char *top = getenv("top_srcdir");

	snprintf(dir, sizeof dir, "%s/tests/codec/golden", top ? top : ".");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
