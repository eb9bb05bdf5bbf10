/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chart of a training: round ticks, bounded points of which the last is kept, titles of any bytes, and failures told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/train_plot.h"

static void test_tick(void **state)
{
	(void)state;
	assert_true(fabs(plot_tick(8, 8) - 1) < 1e-9);
	assert_true(fabs(plot_tick(9, 8) - 2) < 1e-9);
	assert_true(fabs(plot_tick(60.5, 8) - 10) < 1e-9);
	assert_true(fabs(plot_tick(0.3, 8) - 0.05) < 1e-9);
	for (int i = -60; i < 150; i++) {
		double span = pow(1.1, i);

		assert_true(span / plot_tick(span, 8) <= 8 + 1e-6);
		assert_true(span / plot_tick(span, 8) > 3);
	}
}

/* However often it is told, the lines are within bounds, ascend and end with the last state. */
static void test_bounds(void **state)
{
	struct train_plot *plot = calloc(1, sizeof *plot);

	(void)state;
	assert_non_null(plot);
	for (unsigned i = 0; i <= 100000; i++) {
		struct train_progress p = {i, 100000, 8 - i * 5e-5, 8 - i * 6e-5, 0};

		plot_add(plot, &p);
	}
	assert_in_range(plot->loss.n, 256, PLOT_POINTS);
	assert_in_range(plot->validation.n, 256, PLOT_POINTS);
	assert_true(fabs(plot->loss.points[plot->loss.n - 1].mb - 0.1) < 1e-9);
	assert_true(fabs(plot->validation.points[plot->validation.n - 1].bits - 2) < 1e-9);
	for (size_t i = 1; i < plot->loss.n; i++)
		assert_true(plot->loss.points[i].mb > plot->loss.points[i - 1].mb);
	free(plot);
}

static void test_write(void **state)
{
	struct train_plot *plot = calloc(1, sizeof *plot);
	struct train_progress p = {4000000, 8000000, 3, 2, 1};
	char path[] = "train_plot.XXXXXX", text[8192];
	int fd = mkstemp(path);
	FILE *in;

	(void)state;
	assert_non_null(plot);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(plot_write(plot, path, ""), 0); /* of nothing, too */
	plot_add(plot, &p);
	assert_int_equal(plot_write(plot, path, "a<b>&\n\xff"), 0);
	in = fopen(path, "re");
	assert_non_null(in);
	text[fread(text, 1, sizeof text - 1, in)] = 0;
	fclose(in);
	unlink(path);
	assert_non_null(strstr(text, ">a&lt;b>&amp;?" "?</text>"));
	assert_non_null(strstr(text, "MB learned"));
	assert_non_null(strstr(text, "points=\"736.0,72.0 \"")); /* the loss: the upper right corner */
	assert_non_null(strstr(text, "points=\"736.0,366.0 \""));
	assert_null(strstr(text, "nan"));
	assert_int_equal(plot_write(plot, "/dev/full", ""), -ENOSPC);
	assert_int_equal(plot_write(plot, "no/such/folder", ""), -ENOENT);
	free(plot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tick),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
