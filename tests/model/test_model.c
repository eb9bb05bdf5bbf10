/* SPDX-License-Identifier: BSD-2-Clause */
/* Models: what was saved is loaded again; everything else is refused, or at least harmless behind a right checksum. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "model/context.h"
#include "model/model.h"

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static struct model *model_random(uint32_t hidden, uint32_t dict_len, uint32_t mixer_len)
{
	struct model_shape shape = {.contexts = 4, .hidden = hidden, .dict_len = dict_len, .mixer_len = mixer_len,
		.context_ids = {CTX_O1, CTX_O3, CTX_MATCH6, CTX_DICT}, .rows_log2 = {8, 6, 4, 5}};
	uint64_t seed = hidden + dict_len;
	struct model *m;

	assert_int_equal(model_create(&shape, &m), 0);
	for (uint32_t k = 0; k < shape.contexts; k++)
		for (uint32_t r = 0; r < 1u << shape.rows_log2[k]; r++)
			for (uint32_t j = 0; r % 3 && j < hidden; j++)
				m->embed[k][r * hidden + j] = (int8_t)(random_next(&seed) >> r % 8);
	for (uint32_t j = 0; j < hidden; j++)
		m->bias[j] = (int16_t)random_next(&seed);
	for (size_t i = 0; i < (size_t)MODEL_NODES * hidden; i++)
		m->out[i] = (int16_t)random_next(&seed);
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		m->out_bias[i] = (int32_t)random_next(&seed) - (1 << 30);
	m->out_bias[3] = INT32_MAX;
	m->embed[0][hidden] = -128;
	for (uint32_t i = 0; i < mixer_len; i++)
		m->mixer[i] = (int32_t)random_next(&seed) - (1 << 30);
	for (uint32_t i = 0; i < dict_len; i++)
		m->dict[i] = (uint8_t)(random_next(&seed) % 8 + 'a');
	model_index_dict(m);
	return m;
}

static void assert_models_equal(const struct model *a, const struct model *b)
{
	size_t hidden = a->shape.hidden;

	assert_memory_equal(&a->shape, &b->shape, sizeof a->shape);
	for (uint32_t k = 0; k < a->shape.contexts; k++)
		assert_memory_equal(a->embed[k], b->embed[k], hidden << a->shape.rows_log2[k]);
	assert_memory_equal(a->bias, b->bias, sizeof a->bias);
	assert_memory_equal(a->out, b->out, MODEL_NODES * hidden * sizeof *a->out);
	assert_memory_equal(a->out_bias, b->out_bias, sizeof a->out_bias);
	assert_memory_equal(a->mixer, b->mixer, sizeof a->mixer);
	if (!a->shape.dict_len)
		return;
	assert_memory_equal(a->dict, b->dict, a->shape.dict_len);
	assert_int_equal(a->dict_index_log2, b->dict_index_log2);
	assert_memory_equal(a->dict_index, b->dict_index, sizeof(uint32_t) << a->dict_index_log2);
}

static void test_saved_is_loaded(void **state)
{
	static const uint32_t shapes[][3] = {{32, 0, 0}, {64, 1, 5}, {128, 5000, MODEL_MIXER_MAX}, {96, 4, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct model *m = model_random(shapes[i][0], shapes[i][1], shapes[i][2]), *again;
		uint8_t *bytes, *bytes2;
		size_t len, len2;

		assert_int_equal(model_save(m, &bytes, &len), 0);
		assert_int_equal(model_load(bytes, len, &again), 0);
		assert_models_equal(m, again);
		assert_int_equal(model_save(again, &bytes2, &len2), 0);
		assert_int_equal(len, len2);
		assert_memory_equal(bytes, bytes2, len);
		free(bytes);
		free(bytes2);
		model_destroy(m);
		model_destroy(again);
	}
}

static void test_empty_rows_cost_nothing(void **state)
{
	struct model_shape shape = {.contexts = 2, .hidden = 64, .context_ids = {0, 1}, .rows_log2 = {16, 16}};
	struct model *m;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(model_create(&shape, &m), 0);
	assert_int_equal(model_save(m, &bytes, &len), 0);
	assert_true(len < 200);
	free(bytes);
	model_destroy(m);
}

static void test_damage_is_refused(void **state)
{
	struct model *m = model_random(32, 700, 10), *none;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(model_save(m, &bytes, &len), 0);
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n + !n); /* so that a sanitizer sees reads behind it */

		memcpy(cut, bytes, n);
		assert_int_equal(model_load(cut, n, &none), -EUCLEAN);
		assert_null(none);
		free(cut);
	}
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1u << i % 8;
		assert_int_equal(model_load(bytes, len, &none), -EUCLEAN);
		bytes[i] ^= 1u << i % 8;
	}
	free(bytes);
	model_destroy(m);
}

static void checksum_fix(uint8_t *bytes, size_t len)
{
	uint64_t sum = XXH3_64bits(bytes + 16, len - 16);

	for (unsigned i = 0; i < 8; i++)
		bytes[8 + i] = (uint8_t)(sum >> 8 * i);
}

/* With a right checksum only the shapes' bounds and the stream's own checks stand between damage and memory. */
static void test_damage_behind_checksum(void **state)
{
	struct model *m = model_random(32, 700, 10), *loaded;
	uint8_t *bytes, *bad;
	unsigned refused = 0;
	size_t len;
	int rc;

	(void)state;
	assert_int_equal(model_save(m, &bytes, &len), 0);
	for (size_t i = 16; i < len; i++) {
		size_t n = i % 3 ? len : i;

		if (n < 104)
			continue;
		bad = malloc(n);
		memcpy(bad, bytes, n);
		if (i < n)
			bad[i] ^= i % 2 ? 0xff : 1u << i % 8;
		checksum_fix(bad, n);
		rc = model_load(bad, n, &loaded);
		assert_true(rc == 0 || rc == -EUCLEAN || rc == -EPROTONOSUPPORT);
		refused += rc != 0;
		model_destroy(loaded);
		free(bad);
	}
	assert_true(refused > 20);
	bytes[16] = 2;
	checksum_fix(bytes, len);
	assert_int_equal(model_load(bytes, len, &loaded), -EPROTONOSUPPORT);
	free(bytes);
	model_destroy(m);
}

static void test_shapes_are_bounded(void **state)
{
	const struct model_shape good = {.contexts = 2, .hidden = 32, .context_ids = {0, 5}, .rows_log2 = {4, 16}};
	struct model_shape bad[9];
	struct model *m;

	(void)state;
	assert_int_equal(model_shape_check(&good), 0);
	for (size_t i = 0; i < 9; i++)
		bad[i] = good;
	bad[0].contexts = 0;
	bad[1].contexts = MODEL_CONTEXTS_MAX + 1;
	bad[2].hidden = 48;
	bad[3].hidden = MODEL_HIDDEN_MAX + 32;
	bad[4].context_ids[1] = CTX_IDS;
	bad[5].context_ids[1] = 0;
	bad[6].rows_log2[0] = MODEL_ROWS_LOG2_MAX + 1;
	bad[7].dict_len = MODEL_DICT_MAX + 1;
	bad[8].mixer_len = MODEL_MIXER_MAX + 1;
	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(model_shape_check(&bad[i]), -EINVAL);
		assert_int_equal(model_create(&bad[i], &m), -EINVAL);
		assert_null(m);
	}
	model_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_is_loaded),    cmocka_unit_test(test_empty_rows_cost_nothing),
		cmocka_unit_test(test_damage_is_refused),  cmocka_unit_test(test_damage_behind_checksum),
		cmocka_unit_test(test_shapes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
