/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The figures of a store agree with what was put in and with each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fs/control/stat.h"
#include "fs/data/commit.h"
#include "fs/extent/models.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define TEXT 100000u
#define RANDOM 30000u

static void test_would_save(void **state)
{
	struct store_stat s = {.packable = {.plain = 1000000, .stored = 400000}};
	uint64_t bytes;

	(void)state;
	assert_false(stat_would_save(&s, &bytes)); /* nothing is cold: who knows */
	s.coded.plain = 500000;
	s.coded.stored = 100000;
	assert_true(stat_would_save(&s, &bytes));
	assert_int_equal(bytes, 200000);
	s.coded.stored = 450000; /* it would only grow: it stays */
	assert_true(stat_would_save(&s, &bytes));
	assert_int_equal(bytes, 0);
	s.packable.plain = 0;
	s.coded.plain = 0;
	assert_true(stat_would_save(&s, &bytes)); /* all is cold */
	assert_int_equal(bytes, 0);
}

static uint64_t all_plain(const struct store_stat *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < CODEC_COUNT; i++)
		sum += s->codec[i].plain;
	assert_true(s->hot.plain + s->warm.plain + s->cold.plain == sum);
	return sum;
}

static void test_empty(void **state)
{
	struct filled *f = *state;
	struct store_stat s;

	assert_int_equal(store_stat(f->vol, &s), 0);
	assert_int_equal(s.files, 0);
	assert_int_equal(s.directories, 1);
	assert_int_equal(s.file_bytes, 0);
	assert_int_equal(all_plain(&s), 0);
	assert_int_equal(s.models, 0);
	assert_true(s.index_bytes > 0);
	assert_true(s.store_bytes >= s.index_bytes);
}

static void test_tiers(void **state)
{
	struct filled *f = *state;
	uint8_t *text = malloc(TEXT), *random = malloc(RANDOM), dict[4096];
	size_t len = filled_train_zdict(dict, sizeof dict, 1);
	struct compact_options opt;
	struct compact_result result;
	struct store_stat s;
	uint16_t number;

	assert_true(text && random);
	bytes_text(text, TEXT, 1);
	bytes_random(random, RANDOM, 1);
	filled_put(f, "text", text, TEXT);
	filled_put(f, "random", random, RANDOM);
	filled_put(f, "empty", "", 0);
	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, dict, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);

	assert_int_equal(store_stat(f->vol, &s), 0);
	assert_int_equal(s.files, 3);
	assert_int_equal(s.file_bytes, TEXT + RANDOM);
	assert_int_equal(s.mapped_bytes, TEXT + RANDOM);
	assert_int_equal(all_plain(&s), TEXT + RANDOM);
	assert_int_equal(s.hot.plain, TEXT + RANDOM);
	assert_int_equal(s.codec[CODEC_LZ4].plain, TEXT);
	assert_int_equal(s.codec[CODEC_RAW].plain, RANDOM);
	assert_true(s.codec[CODEC_LZ4].stored < TEXT);
	assert_int_equal(s.codec[CODEC_RAW].stored, RANDOM + s.codec[CODEC_RAW].extents * sizeof(struct record_disk));
	assert_int_equal(s.models, 1);
	assert_int_equal(s.model_bytes, 5 * ((len + 3) / 4 + sizeof(struct record_disk)));
	assert_true(s.segment_bytes >= s.hot.stored + s.model_bytes);
	assert_true(s.store_bytes >= s.index_bytes);

	compact_options_init(&opt);
	opt.now = true;
	opt.tier = TIER_WARM;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(store_stat(f->vol, &s), 0);
	assert_int_equal(all_plain(&s), TEXT + RANDOM);
	assert_int_equal(s.hot.plain, 0);
	assert_int_equal(s.warm.plain, TEXT + RANDOM);
	assert_int_equal(s.codec[CODEC_ZSTD].plain, TEXT);

	opt.tier = TIER_COLD;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(store_stat(f->vol, &s), 0);
	assert_int_equal(s.cold.plain, TEXT + RANDOM);
	assert_int_equal(s.file_bytes, TEXT + RANDOM);
	free(text);
	free(random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_would_save),
		cmocka_unit_test_setup_teardown(test_empty, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_tiers, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
