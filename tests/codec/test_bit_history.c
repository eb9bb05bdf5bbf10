/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit histories: closed, forgetful, and more of one bit never makes it less likely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codec/bit_history.h"

static struct bit_history h;

static unsigned after(unsigned from, unsigned bit, unsigned times)
{
	while (times--)
		from = h.next[from][bit];
	return from;
}

static void test_every_history_is_reached_and_leads_on(void **state)
{
	unsigned reached[BIT_HISTORIES] = {1}, n = 1, more = 1;

	(void)state;
	while (more) {
		more = 0;
		for (unsigned i = 0; i < BIT_HISTORIES; i++)
			for (unsigned bit = 0; reached[i] && bit < 2; bit++)
				if (!reached[h.next[i][bit]]) {
					reached[h.next[i][bit]] = 1;
					more = 1;
					n++;
				}
	}
	assert_in_range(n, 200, BIT_HISTORIES);
	for (unsigned i = 0; i < BIT_HISTORIES; i++) {
		assert_int_equal(h.seen[i] != 0, i != 0 && reached[i]);
		if (reached[i]) /* the first is never met again, so no context that knows something
				   looks new */
			assert_true(h.next[i][0] != 0 && h.next[i][1] != 0);
	}
}

static void test_both_bits_are_treated_alike(void **state)
{
	(void)state;
	for (unsigned ones = 0; ones < 60; ones++)
		for (unsigned zeros = 0; zeros < 60; zeros++) {
			unsigned a = after(after(0, 1, ones), 0, zeros),
				 b = after(after(0, 0, ones), 1, zeros);

			assert_int_equal(h.seen[a], h.seen[b]);
			assert_in_range(h.chance[a] + h.chance[b], 65534, 65536);
		}
}

static void test_runs(void **state)
{
	(void)state;
	assert_int_equal(h.chance[0], 32768);
	for (unsigned n = 0; n < 60; n++)
		assert_true(h.chance[after(0, 1, n + 1)] >= h.chance[after(0, 1, n)]);
	assert_true(h.chance[after(0, 1, 40)] > 64000);
	/* one zero ends the trust in a long run, a few undo it */
	assert_true(h.chance[h.next[after(0, 1, 60)][0]] < 58000);
	assert_true(h.chance[after(after(0, 1, 60), 0, 4)] < 40000);
	/* which bit came last is known of short histories */
	assert_int_not_equal(after(after(0, 1, 2), 0, 2), after(after(0, 0, 2), 1, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_history_is_reached_and_leads_on),
		cmocka_unit_test(test_both_bits_are_treated_alike),
		cmocka_unit_test(test_runs),
	};

	bit_history_init(&h);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
