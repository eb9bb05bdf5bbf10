/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: frames of every codec. Input: the envelope of a golden file and a frame; whatever it holds, decoding ends, in bounds, with the
 * plain length filled or an error.
 */
#include <stdlib.h>

#include "tests/codec/golden.h"
#include "tests/fuzz/fuzz.h"

#define PLAIN_MAX (32u << 10) /* time goes with it: the rest of the length is masked off */

static struct codec_model *models[GOLDEN_MODELS + 1];
static struct codec_ctx *ctx;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("FIRN_GOLDEN");

	(void)argc;
	(void)argv;
	for (unsigned m = 1; m <= GOLDEN_MODELS; m++)
		if (!dir || golden_model(dir, m, &models[m])) {
			fputs("fuzz_frame: FIRN_GOLDEN must name tests/codec/golden\n", stderr);
			exit(1);
		}
	if (codec_ctx_create(&ctx))
		exit(1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct golden_frame f = {0};
	uint8_t *plain;
	uint32_t n;
	int rc;

	if (golden_parse(data, size, &f))
		return 0;
	n = f.plain > PLAIN_MAX ? f.plain % PLAIN_MAX : f.plain;
	plain = malloc(n ? n : 1); /* of exactly this size, for the sanitizer */
	if (!plain)
		abort();
	rc = codec_decode(ctx, (enum codec_id)f.codec, (int)f.level, models[f.model % (GOLDEN_MODELS + 1)], f.frame, f.len, plain, n);
	if (rc == 0 && n == 0)
		abort();
	free(plain);
	return 0;
}
