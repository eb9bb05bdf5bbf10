/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether another training is likely to pay: the rule, and what it is told of a store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs/data/commit.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"
#include "tools/firn.h"
#include "tools/train_auto.h"

/* What tools/target.c wants of tools/firn.c. */
int firn_fail(const char *command, const char *path, int rc)
{
	(void)command;
	(void)path;
	return rc == 0 ? 0 : 1;
}

#define MIB (1u << 20)
#define LEN 50000u

static void test_rule(void **state)
{
	struct train_need n = {.others = MIB - 1};

	(void)state;
	assert_false(train_likely(&n));
	n.others = MIB;
	assert_true(train_likely(&n));
	n = (struct train_need){.has_net = true, .hours = 25, .costs = MIB, .learned = 20 * MIB, .others = 11 * MIB};
	assert_true(train_likely(&n));
	n.hours = 23;
	assert_false(train_likely(&n)); /* a moment ago */
	n.hours = 25;
	n.learned = 23 * MIB;
	assert_false(train_likely(&n)); /* it knows most of it */
	n.learned = 0;
	n.others = 9 * MIB;
	assert_false(train_likely(&n)); /* costs more than it saves */
}

/* Text counts, noise does not; a network that is active is found. */
static void test_need(void **state)
{
	struct filled *f = *state;
	struct target t = {.command = "test", .path = f->path, .vol = f->vol, .fd = -1};
	uint8_t bytes[LEN];
	struct train_need n;
	uint16_t number;

	bytes_random(bytes, LEN, 1);
	filled_put(f, "noise", bytes, LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(train_need(&t, &n), 0);
	assert_false(n.has_net);
	assert_int_equal(n.others, 0);
	bytes_text(bytes, LEN, 1);
	filled_put(f, "text", bytes, LEN);
	assert_int_equal(models_add(f->vol, MODEL_NEURAL, 1, bytes, 1000, &number), 0); /* none that could be loaded */
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(train_need(&t, &n), 0);
	assert_true(n.has_net);
	assert_in_range(n.others, 1000, LEN - 1);
	assert_int_equal(n.learned, 0);
	assert_int_equal(n.costs, 5 * (1000 / 4 + sizeof(struct record_disk)));
	assert_true(n.hours >= 0 && n.hours < 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test_setup_teardown(test_need, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
