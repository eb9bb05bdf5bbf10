/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is expected to be saved: by class at first, by results later; and in the background what pays is done first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/tiers/compact_plan.h"
#include "fs/tiers/gain.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define CHUNK 16384u

static uint8_t class_of(enum codec_id codec, uint32_t stored, uint32_t plain)
{
	struct extent e = {.codec = (uint8_t)codec, .stored = stored, .plain = plain};

	return gain_class(&e, 8192);
}

static void test_guesses(void **state)
{
	struct gain g = {{{0}}};
	uint8_t raw = class_of(CODEC_RAW, CHUNK, CHUNK), fresh = class_of(CODEC_LZ4, 9000, CHUNK);
	uint8_t small = class_of(CODEC_RAW, 1000, 1000), ice = class_of(CODEC_NEURAL, 2000, CHUNK);

	(void)state;
	assert_true(gain_expect(&g, fresh) > gain_expect(&g, raw));
	assert_true(gain_expect(&g, fresh) > gain_expect(&g, ice));
	assert_true(gain_expect(&g, small) > gain_expect(&g, raw));
	assert_int_equal(gain_rank(&g, raw), GAIN_RANKS - 1);
	assert_int_equal(gain_rank(&g, fresh), 0);
	assert_int_equal(gain_rank(&g, gain_class(&(struct extent){.codec = CODEC_RAW, .level = RAW_UNTRIED, .stored = CHUNK, .plain = CHUNK}, 8192)), 0);
	for (unsigned codec = 0; codec < 256; codec++)
		for (uint32_t stored = 0; stored <= CHUNK; stored += 1024)
			assert_true(class_of((enum codec_id)codec, stored, CHUNK) < GAIN_CLASSES);
}

static void test_results(void **state)
{
	struct gain g = {{{0}}};
	uint8_t fresh = class_of(CODEC_LZ4, 9000, CHUNK), raw = class_of(CODEC_RAW, CHUNK, CHUNK);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		gain_note(&g, fresh, CHUNK, 9000, 9000); /* nothing comes of it */
		gain_note(&g, raw, CHUNK, CHUNK, CHUNK / 2);
	}
	assert_int_equal(gain_rank(&g, raw), 0);
	assert_int_equal(gain_rank(&g, fresh), GAIN_RANKS - 1);
	gain_note(&g, fresh, CHUNK, 1000, 200000); /* a loss is no wrap */
	assert_true(gain_expect(&g, fresh) < 0.1);
}

/* Incompressible and compressible files in turn: the plan of a lazy run has all of one kind before the other, in order. */
static void test_plan(void **state)
{
	struct filled *f = *state;
	static uint8_t bytes[2 * CHUNK];
	struct compact_options opt;
	struct tier_map none = {0};
	struct gain gain = {{{0}}};
	struct plan_choice choice = {.opt = &opt, .policies = &none, .gain = &gain, .tried_level = TRIED_WARM};
	char name[2] = "a";
	struct plan plan;

	for (; name[0] <= 'h'; name[0]++) {
		if (name[0] % 2)
			bytes_random(bytes, sizeof bytes, (uint64_t)name[0]);
		else
			bytes_text(bytes, sizeof bytes, (uint64_t)name[0]);
		filled_put(f, name, bytes, sizeof bytes);
	}
	assert_int_equal(volume_commit(f->vol), 0);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	for (int lazy = 0; lazy <= 1; lazy++) {
		unsigned changes = 0;

		opt.lazy = lazy;
		assert_int_equal(plan_make(f->vol, &choice, 0, &plan), 0);
		assert_int_equal(plan.n, 16);
		for (size_t i = 1; i < plan.n; i++) {
			bool same = gain_rank(&gain, plan.items[i].class) == gain_rank(&gain, plan.items[i - 1].class);

			changes += !same;
			if (same && lazy) /* ranks in the order of owners */
				assert_true(plan.items[i].ino >= plan.items[i - 1].ino);
			if (lazy)
				assert_true(gain_rank(&gain, plan.items[i].class) >= gain_rank(&gain, plan.items[i - 1].class));
		}
		assert_int_equal(changes, lazy ? 1 : 7);
		plan_free(&plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_results),
		cmocka_unit_test_setup_teardown(test_plan, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
