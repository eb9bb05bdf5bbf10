/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The progress bar: silent in a pipe, lines when forced; sizes; signals that only set a flag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/progress.h"

static void test_size(void **state)
{
	char buf[PROGRESS_SIZE];

	(void)state;
	assert_string_equal(progress_size(buf, 0), "0 B");
	assert_string_equal(progress_size(buf, 817), "817 B");
	assert_string_equal(progress_size(buf, 999), "999 B");
	assert_string_equal(progress_size(buf, 1536), "1.5 KiB");
	assert_string_equal(progress_size(buf, 12.34 * 1024 * 1024), "12.3 MiB");
	assert_string_equal(progress_size(buf, 1023.99 * 1024 * 1024), "1.0 GiB");
	assert_string_equal(progress_size(buf, 18446744073709551615.0), "16.0 EiB");
}

/* What a bar writes to a stderr that is a pipe; "" when nothing. */
static void draw(bool force, char *buf, size_t cap)
{
	int ends[2], saved = dup(STDERR_FILENO);
	struct progress p;
	ssize_t n;

	assert_true(saved >= 0 && pipe(ends) == 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	progress_init(&p, "work", force);
	progress_update(&p, 0.5, " 2 MB/s");
	progress_update(&p, 0.6, "too soon to draw");
	progress_update(&p, 7, "more than all");
	progress_end(&p, "done");
	progress_end(&p, "once only");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], buf, cap - 1);
	close(ends[0]);
	assert_true(n >= 0);
	buf[n] = '\0';
}

static void test_pipe(void **state)
{
	char text[1024];

	(void)state;
	draw(false, text, sizeof text);
	assert_string_equal(text, "");
	draw(true, text, sizeof text);
	assert_non_null(strstr(text, "work [############............]  50%"));
	assert_non_null(strstr(text, " 2 MB/s\n"));
	assert_non_null(strstr(text, "work [########################] 100%"));
	assert_non_null(strstr(text, "done\n"));
	assert_null(strstr(text, "too soon"));
	assert_null(strstr(text, "once only"));
	assert_null(strchr(text, '\r'));
}

static void test_signals(void **state)
{
	(void)state;
	progress_catch_signals();
	assert_false(progress_interrupted());
	raise(SIGTERM);
	assert_true(progress_interrupted());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
