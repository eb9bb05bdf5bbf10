/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Models of a store: kept in strips, found again, retired and removed, never one taken for another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/models.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define CAP 4096
#define THREADS 4

static uint16_t add_zdict(struct filled *f, uint64_t seed, int state)
{
	uint8_t dict[CAP];
	size_t len = filled_train_zdict(dict, CAP, seed);
	uint16_t number;

	assert_int_equal(models_add(f->vol, MODEL_ZDICT, state, dict, len, &number), 0);
	return number;
}

/* Codes a little with the model: it is there and it is one. */
static void check_usable(struct filled *f, uint16_t number)
{
	static const char text[] = "snow settles and packs the glacier every season denser";
	uint8_t frame[256], back[sizeof text];
	struct codec_model *m;
	struct codec_ctx *ctx;
	size_t len;

	assert_int_equal(models_get(f->vol, number, &m), 0);
	assert_non_null(m);
	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(codec_encode(ctx, CODEC_ZSTD, 3, m, text, sizeof text, frame, sizeof frame, &len), 0);
	assert_int_equal(codec_decode(ctx, CODEC_ZSTD, 3, m, frame, len, back, sizeof text), 0);
	assert_memory_equal(back, text, sizeof text);
	codec_ctx_destroy(ctx);
	codec_model_put(m);
}

static void test_add_and_reopen(void **state)
{
	struct filled *f = *state;
	struct model_info *list;
	struct codec_model *m;
	uint16_t number;
	size_t n;

	assert_int_equal(models_active(f->vol, MODEL_ZDICT), 0);
	assert_int_equal(models_get(f->vol, 0, &m), 0);
	assert_null(m);
	number = add_zdict(f, 1, 1);
	assert_int_equal(number, 1);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), number);
	check_usable(f, number);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), number);
	check_usable(f, number);
	/* Equal bytes: the same model. */
	assert_int_equal(add_zdict(f, 1, 1), number);
	assert_int_equal(models_list(f->vol, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].kind, MODEL_ZDICT);
	assert_int_equal(list[0].state, 1);
	assert_true(list[0].stored == 5 * (((uint64_t)list[0].bytes + 3) / 4 + sizeof(struct record_disk)));
	free(list);
	assert_int_equal(models_get(f->vol, 7, &m), -EIO);
}

static void test_retire_and_reap(void **state)
{
	struct filled *f = *state;
	uint16_t first = add_zdict(f, 1, 1), second = add_zdict(f, 500, 1), third;
	struct extent_totals before, after;
	struct codec_model *held;
	struct model_info *list;
	size_t n;

	assert_int_not_equal(first, second);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), second);
	assert_int_equal(models_list(f->vol, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].state, 2);
	assert_int_equal(list[1].state, 1);
	free(list);
	assert_int_equal(models_get(f->vol, first, &held), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	extent_totals(f->vol, &before);
	assert_int_equal(models_reap(f->vol, false), 1);
	assert_true(codec_model_memory(held) > 0); /* a holder's reference outlives the removal */
	codec_model_put(held);
	assert_int_equal(volume_commit(f->vol), 0);
	extent_totals(f->vol, &after);
	assert_int_equal(after.segments, before.segments - 5); /* all strips of the first */
	check_usable(f, second);
	assert_int_equal(models_reap(f->vol, false), 0);
	filled_reopen(f);
	check_usable(f, second);
	/* A number never comes back, though the highest went. */
	third = add_zdict(f, 900, 0);
	assert_int_equal(third, second + 1);
	assert_int_equal(models_reap(f->vol, false), 1);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	assert_int_equal(add_zdict(f, 1300, 1), third + 1);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), third + 1);
	/* The active one goes only when asked for. */
	assert_int_equal(models_reap(f->vol, true), 2);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), 0);
}

static void test_damaged_strips(void **state)
{
	struct filled *f = *state;
	uint16_t number = add_zdict(f, 1, 1);
	struct model_disk d;
	struct codec_model *m;
	struct index_op op;
	uint8_t key[4];

	be32_put(key, number);
	index_begin(f->vol->index, &op);
	assert_int_equal(index_get(&op, TABLE_MODEL, key, sizeof key, &d, sizeof d), (int)sizeof d);
	index_end(&op);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_damage(f, le32_get(d.strip[0].segment), le32_get(d.strip[0].offset) + sizeof(struct record_disk) + 100);
	filled_reopen(f);
	check_usable(f, number);
	filled_damage(f, le32_get(d.strip[1].segment), le32_get(d.strip[1].offset) + sizeof(struct record_disk) + 100);
	filled_reopen(f);
	assert_int_equal(models_get(f->vol, number, &m), -EIO);
	assert_null(m);
}

static void test_long_dictionary(void **state)
{
	struct filled *f = *state;
	size_t len = 2 * MODEL_PIECE + 12345;
	uint8_t *bytes = calloc(1, len), dict[CAP];
	size_t head = filled_train_zdict(dict, CAP, 3);
	struct model_info *list;
	uint16_t number;
	size_t n;

	/* A long dictionary: the trained one's tables and content, then more content before its own. */
	assert_non_null(bytes);
	memcpy(bytes, dict, head);
	for (size_t i = head; i < len; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, bytes, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	check_usable(f, number);
	assert_int_equal(models_list(f->vol, &list, &n), 0);
	assert_true(list[0].stored == 5 * ((len + 3) / 4 + sizeof(struct record_disk)));
	free(list);
	free(bytes);
}

static void test_refuses(void **state)
{
	struct filled *f = *state;
	uint16_t number;
	uint8_t byte = 0;

	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, &byte, 0, &number), -EINVAL);
	assert_int_equal(models_add(f->vol, (enum model_kind)3, 1, &byte, 1, &number), -EINVAL);
	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 3, &byte, 1, &number), -EINVAL);
	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, &byte, MODEL_BYTES_MAX + 1, &number), -EINVAL);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), 0);
}

#define TEXT 8192u /* compresses with a dictionary: half a chunk */

static void test_rm(void **state)
{
	struct filled *f = *state;
	uint16_t used = add_zdict(f, 1, 1), unused;
	struct compact_options opt;
	struct compact_result result;
	struct model_info *list;
	uint8_t text[TEXT];
	size_t n;

	bytes_text(text, TEXT, 77);
	filled_put(f, "a", text, TEXT);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	opt.threads = 1;
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	assert_int_equal(result.moved, 1);
	unused = add_zdict(f, 500, 0);
	assert_int_equal(models_rm(f->vol, used), -EBUSY);
	assert_int_equal(models_rm(f->vol, 99), -ENOENT);
	assert_int_equal(models_rm(f->vol, unused), 0);
	assert_int_equal(models_rm(f->vol, unused), -ENOENT);
	assert_int_equal(filled_check(f, "a", text, TEXT), 0);
	filled_remove(f, "a");
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(models_rm(f->vol, used), 0); /* though it is the active one */
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), 0);
	assert_int_equal(models_list(f->vol, &list, &n), 0);
	assert_int_equal(n, 0);
	free(list);
}

struct getter {
	struct volume *vol;
	uint16_t number;
	struct codec_model *got;
	int rc;
};

static void *get_model(void *arg)
{
	struct getter *g = arg;

	g->rc = models_get(g->vol, g->number, &g->got);
	return NULL;
}

static void test_threads_share_one(void **state)
{
	struct filled *f = *state;
	uint16_t number = add_zdict(f, 1, 1);
	struct getter getters[THREADS];
	pthread_t threads[THREADS];

	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	for (int i = 0; i < THREADS; i++) {
		getters[i] = (struct getter){f->vol, number, NULL, -1};
		assert_int_equal(pthread_create(&threads[i], NULL, get_model, &getters[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(getters[i].rc, 0);
		assert_ptr_equal(getters[i].got, getters[0].got);
		codec_model_put(getters[i].got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_and_reopen, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_retire_and_reap, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_strips, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_long_dictionary, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_refuses, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_rm, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_threads_share_one, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
