/* SPDX-License-Identifier: BSD-2-Clause */
/* The neural codec's entry in the table of codecs, and the test that a network passes before it is trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/neural.h"
#include "codec/ops.h"

#define TEST_LEN 1024u
#define TEST_CAP (4 * TEST_LEN)

static int create(void **scratch)
{
	struct neural *nn;
	int rc = neural_create(&nn);

	*scratch = nn;
	return rc;
}

static void destroy(void *scratch)
{
	neural_destroy(scratch);
}

static int encode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n, uint8_t *dst, size_t cap,
		  size_t *out)
{
	return neural_encode(scratch, model->net, level, src, n, dst, cap, out);
}

static int decode(void *scratch, int level, const struct codec_model *model, const uint8_t *src, size_t n, uint8_t *dst, size_t plain)
{
	return neural_decode(scratch, model->net, level, src, n, dst, plain);
}

const struct codec_ops codec_neural = {
	.name = "neural",
	.level_min = NEURAL_FAST,
	.level_max = NEURAL_DENSE,
	.model_kind = CODEC_MODEL_NEURAL,
	.needs_model = 1,
	.create = create,
	.destroy = destroy,
	.encode = encode,
	.decode = decode,
};

/* The end of the dictionary, if there is one, then a ramp: both what the model knows and what it does not. */
static void test_bytes(const struct model *m, uint8_t *bytes)
{
	uint32_t known = m->shape.dict_len < TEST_LEN / 2 ? m->shape.dict_len : TEST_LEN / 2;

	if (known)
		memcpy(bytes, m->dict + m->shape.dict_len - known, known);
	for (uint32_t i = known; i < TEST_LEN; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
}

/* The level dense is not tested: what it starts from would take seconds to make. */
int neural_test(const struct model *m, uint32_t answer[MODEL_ANSWERS])
{
	uint8_t plain[TEST_LEN], frame[TEST_CAP], again[TEST_LEN];
	struct neural *nn;
	size_t len;
	int rc = neural_create(&nn);

	if (rc)
		return rc;
	test_bytes(m, plain);
	for (int level = NEURAL_FAST; !rc && level <= NEURAL_NORMAL; level++) {
		rc = neural_encode(nn, m, level, plain, TEST_LEN, frame, TEST_CAP, &len);
		if (!rc)
			rc = neural_decode(nn, m, level, frame, len, again, TEST_LEN);
		if (!rc && memcmp(plain, again, TEST_LEN))
			rc = -EUCLEAN;
		answer[level - NEURAL_FAST] = rc ? 0 : (uint32_t)codec_checksum(frame, len) | 1;
	}
	neural_destroy(nn);
	return rc == -E2BIG ? -EUCLEAN : rc;
}

int neural_model_load(const void *bytes, size_t len, struct model **out, size_t *memory)
{
	uint32_t answer[MODEL_ANSWERS];
	int rc = model_load(bytes, len, out);

	if (rc)
		return rc;
	rc = neural_test(*out, answer);
	for (unsigned i = 0; !rc && i < MODEL_ANSWERS; i++)
		if ((*out)->answer[i] && (*out)->answer[i] != answer[i])
			rc = -EUCLEAN; /* this program does not compute what the one did that made the model */
	if (rc) {
		model_destroy(*out);
		*out = NULL;
		return rc;
	}
	*memory = model_memory(&(*out)->shape);
	return 0;
}
