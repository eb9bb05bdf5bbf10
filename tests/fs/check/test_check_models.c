/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every problem of models: made, reported, mended, gone; and models that come back from their strips alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fs/checked.h"

static void model_record(struct checked *c, uint16_t number, struct model_disk *d)
{
	uint8_t key[4];

	be32_put(key, number);
	assert_int_equal(checked_get(c, TABLE_MODEL, key, 4, d, sizeof *d), sizeof *d);
}

static void model_key(struct checked *c)
{
	checked_put_number(c, TABLE_MODEL, c->models[1], 4, "short", 5);
}

static void model_strange(struct checked *c)
{
	checked_put_number(c, TABLE_MODEL, 40, 4, "short", 5);
}

static void model_flip(struct checked *c, int from, int to)
{
	struct model_disk d;

	checked_open(c);
	model_record(c, c->models[1], &d);
	checked_close(c);
	for (int i = from; i <= to; i++)
		checked_flip_segment(c, le32_get(d.strip[i].segment), le32_get(d.strip[i].offset) + 100);
}

static void model_strip_flip(struct checked *c)
{
	model_flip(c, 1, 1);
}

static void model_parity(struct checked *c)
{
	model_flip(c, MODEL_STRIPS, MODEL_STRIPS);
}

/* The file that a strip lies in is missing. */
static void strip_unlink(struct checked *c, int strip)
{
	struct model_disk d;
	char name[32];

	checked_open(c);
	model_record(c, c->models[1], &d);
	checked_close(c);
	snprintf(name, sizeof name, "seg/%08x.seg", le32_get(d.strip[strip].segment));
	assert_int_equal(unlinkat(c->dirfd, name, 0), 0);
}

static void model_strip_gone(struct checked *c)
{
	strip_unlink(c, 2);
}

static void model_parity_gone(struct checked *c)
{
	strip_unlink(c, MODEL_STRIPS);
}

/* The segments that are named are far beyond what a store can have. */
static void model_strip_far(struct checked *c)
{
	struct model_disk d;

	checked_open(c);
	model_record(c, c->models[1], &d);
	checked_close(c);
	d.strip[0].segment = le32_put(0x3e000001);
	checked_put_number(c, TABLE_MODEL, c->models[1], 4, &d, sizeof d);
}

/* Neither the record nor one strip is there: four strips are enough for both. */
static void model_key_strip(struct checked *c)
{
	strip_unlink(c, 3);
	model_key(c);
}

static void model_lost(struct checked *c)
{
	model_flip(c, 0, 1);
}

static void model_lost_parity(struct checked *c)
{
	model_flip(c, 3, MODEL_STRIPS);
}

static void model_active(struct checked *c)
{
	struct model_disk d;

	checked_open(c);
	model_record(c, c->models[0], &d);
	checked_close(c);
	d.state = 1;
	checked_put_number(c, TABLE_MODEL, c->models[0], 4, &d, sizeof d);
}

static const struct checked_damage damages[] = {
	{ CHECK_MODEL_KEY, model_key, "" },
	{ CHECK_MODEL_KEY, model_strange, "" },
	{ CHECK_MODEL_KEY, model_key_strip, "" },
	{ CHECK_MODEL_STRIP, model_strip_flip, "" },
	{ CHECK_MODEL_STRIP, model_parity, "" },
	{ CHECK_MODEL_STRIP, model_strip_gone, "" },
	{ CHECK_MODEL_STRIP, model_parity_gone, "" },
	{ CHECK_MODEL_STRIP, model_strip_far, "" },
	{ CHECK_MODEL_STRIP, model_key_strip, "" },
	{ CHECK_MODEL_LOST, model_lost, "" },
	{ CHECK_MODEL_LOST, model_lost_parity, "" },
	{ CHECK_MODEL_ACTIVE, model_active, "" },
};

static void test_damages(void **state)
{
	bool covered[CHECK_CODES] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		checked_damage(&damages[i]);
		covered[damages[i].code] = true;
	}
	for (int i = CHECK_MODEL_KEY; i <= CHECK_MODEL_ACTIVE; i++)
		if (!covered[i])
			fail_msg("no damage makes %s", check_table[i].name);
}

static void no_index(struct checked *c)
{
	assert_int_equal(unlinkat(c->dirfd, "index.mdb", 0), 0);
}

/* Without an index, the segments tell every model of which no more than one strip is missing. */
static void test_models_come_back_from_strips(void **state)
{
	(void)state;
	for (int i = 0; i <= MODEL_STRIPS; i++) {
		struct checked_run run = { .safe_only = false };
		struct model_disk before, after;
		struct checked c;

		checked_init(&c);
		checked_open(&c);
		model_record(&c, c.models[1], &before);
		checked_close(&c);
		strip_unlink(&c, i);
		no_index(&c);
		assert_int_equal(checked_run(&c, true, &run), 0);
		assert_int_equal(run.found[CHECK_MODEL_STRIP], 1);
		assert_int_equal(checked_run(&c, false, &run), 0);
		assert_int_equal(run.res.problems, 0);
		checked_open(&c);
		model_record(&c, c.models[1], &after);
		checked_close(&c);
		assert_memory_equal(after.hash, before.hash, sizeof after.hash);
		assert_memory_equal(&after.bytes, &before.bytes, sizeof after.bytes);
		assert_int_equal(after.kind, before.kind);
		assert_int_equal(after.state, 1);
		for (int k = 0; k <= MODEL_STRIPS; k++)
			assert_true((memcmp(&after.strip[k], &before.strip[k], sizeof *after.strip) == 0) == (k != i));
		checked_fini(&c);
	}
}

/* Of fewer than four strips nothing is made. */
static void test_models_do_not_come_back_from_too_few(void **state)
{
	struct checked_run run = { .safe_only = false };
	uint8_t key[4], value[100];
	struct checked c;

	(void)state;
	checked_init(&c);
	strip_unlink(&c, 0);
	strip_unlink(&c, 3);
	no_index(&c);
	assert_int_equal(checked_run(&c, true, &run), 0);
	checked_open(&c);
	be32_put(key, c.models[1]);
	assert_int_equal(index_get(&c.op, TABLE_MODEL, key, 4, value, sizeof value), -ENOENT);
	be32_put(key, c.models[0]);
	assert_int_equal(index_get(&c.op, TABLE_MODEL, key, 4, value, sizeof value), sizeof(struct model_disk));
	checked_close(&c);
	checked_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_models_come_back_from_strips),
		cmocka_unit_test(test_models_do_not_come_back_from_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
