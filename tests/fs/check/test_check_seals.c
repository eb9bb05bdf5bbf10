/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each record of the index in turn has a seal that does not match: the store is not opened for writing, a check reports it and changes
 * nothing, another mends it, and what can be read of the files then is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>


#include "fs/store/volume_open.h"
#include <errno.h>

#include "tests/fs/checked.h"

/* Breaks the seal of record n of a table; false: it has fewer. */
static bool seal_break(struct checked *c, enum table table, unsigned n)
{
	struct index_record rec;
	struct index_scan *scan;
	int r = 1;

	checked_open(c);
	assert_int_equal(index_scan_open(&c->op, table, NULL, 0, NULL, 0, &scan), 0);
	for (unsigned i = 0; r == 1 && i <= n; i++)
		r = index_scan_next(scan, &rec);
	index_scan_close(scan);
	assert_true(r >= 0);
	if (r == 1)
		assert_int_equal(index_put_damaged(&c->op, table, rec.key, rec.key_len, rec.value, rec.len), 0);
	checked_close(c);
	return r == 1;
}

static void check_refused(struct checked *c)
{
	struct volume_options opt;
	struct volume_error err;
	struct volume *vol;

	volume_options_init(&opt);
	assert_int_equal(volume_open(c->path, &opt, &vol, &err), -EUCLEAN);
	assert_true(err.text[0] != '\0');
}

/* False: the table has no record n. */
static bool one_record(enum table table, unsigned n)
{
	struct checked_run run = { .safe_only = false };
	struct checked c;
	bool there;
	uint64_t before;

	checked_init(&c);
	if (table == TABLE_META) {
		checked_open(&c);
		checked_put(&c, TABLE_META, "scrub", 5, "some value", 10);
		checked_close(&c);
	}
	there = seal_break(&c, table, n);
	if (there) {
		check_refused(&c);
		before = checked_hash(&c);
		assert_int_equal(checked_run(&c, false, &run), 0);
		assert_true(run.res.problems > 0);
		assert_true(checked_hash(&c) == before);
		assert_int_equal(checked_run(&c, true, &run), 0);
		assert_int_equal(run.res.mended, run.res.problems);
		assert_int_equal(checked_run(&c, false, &run), 0);
		assert_int_equal(run.res.problems, 0);
		checked_read(&c, "big small sparse other");
	}
	checked_fini(&c);
	return there;
}

static void test_every_record(void **state)
{
	unsigned records = 0;

	(void)state;
	for (int t = 0; t < TABLE_COUNT; t++) {
		unsigned n = 0;

		do
			print_message("table %d record %u\n", t, n);
		while (one_record((enum table)t, n) && ++n);
		records += n;
	}
	assert_true(records > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
