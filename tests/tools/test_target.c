/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which mount a store's lock names: only what firnfs writes is believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tools/firn.h"
#include "tools/target.h"

/* What tools/target.c wants of tools/firn.c. */
int firn_fail(const char *command, const char *path, int rc)
{
	(void)command;
	(void)path;
	return rc == 0 ? 0 : 1;
}

static void test_mountpoint(void **state)
{
	char out[64];

	(void)state;
	assert_true(target_mountpoint("123 firnfs /mnt\n", out, sizeof out));
	assert_string_equal(out, "/mnt");
	assert_true(target_mountpoint("1 firnfs /with space\tand -\n", out, sizeof out));
	assert_string_equal(out, "/with space\tand -");
	assert_true(target_mountpoint("1 firnfs /x", out, sizeof out));
	assert_true(target_mountpoint("1 firnfs /two\nlines\n", out, sizeof out));
	assert_string_equal(out, "/two\nlines");
}

static void test_not_mounted(void **state)
{
	static const char *const texts[] = {
		"", "\n", "123", "123 ", "firnfs /mnt\n", "123 firn compact -\n", "123 firnfs -\n", "123 firnfs relative\n",
		"123 firnfs \n", "123 firnfs", "-1 firnfs /mnt\n", "123 firnfsx /mnt\n", "123  firnfs /mnt\n",
	};
	char out[64], cut[5];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(target_mountpoint(texts[i], out, sizeof out));
	assert_false(target_mountpoint("1 firnfs /long\n", cut, sizeof cut));
	assert_true(target_mountpoint("1 firnfs /lon\n", cut, sizeof cut));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mountpoint),
		cmocka_unit_test(test_not_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
