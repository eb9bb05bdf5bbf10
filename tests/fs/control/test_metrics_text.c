/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text for Prometheus: every sample was announced, histograms add up, values are those of the volume.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fs/control/metrics_text.h"
#include "fs/data/commit.h"
#include "fs/tiers/compactor.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define LEN 50000u

static char *text_of(struct volume *vol)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(metrics_text(vol, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_true(len > 0 && text[len - 1] == '\n');
	return text;
}

/* The value of the sample with this name and labels. */
static double value_of(const char *text, const char *sample)
{
	size_t len = strlen(sample);

	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, sample, len) == 0 && line[len] == ' ')
			return strtod(line + len + 1, NULL);
	fail_msg("no sample %s", sample);
	return 0;
}

/* A sample's metric, without what a histogram adds to its name. */
static size_t name_length(const char *line)
{
	static const char *const ends[] = {"_bucket", "_sum", "_count"};
	size_t len = strcspn(line, "{ ");

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(ends[i]);

		if (strstr(line, "_seconds") && len > n && strncmp(line + len - n, ends[i], n) == 0)
			return len - n;
	}
	return len;
}

static void test_form(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt;
	char *text, current[128] = "";
	unsigned samples = 0;

	compactor_options_init(&opt);
	opt.automatic = false;
	assert_int_equal(compactor_create(f->vol, &opt), 0);
	text = text_of(f->vol);
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (strncmp(line, "# HELP firn_", 12) == 0) {
			continue;
		} else if (strncmp(line, "# TYPE firn_", 12) == 0) {
			size_t len = strcspn(line + 7, " ");

			assert_true(len < sizeof current);
			memcpy(current, line + 7, len);
			current[len] = '\0';
			assert_true(strncmp(line + 7 + len, " counter", 8) == 0 || strncmp(line + 7 + len, " gauge", 6) == 0 ||
				    strncmp(line + 7 + len, " histogram", 10) == 0);
		} else {
			char *number = memchr(line, ' ', (size_t)(end - line)), *after;

			assert_int_equal(name_length(line), strlen(current));
			assert_memory_equal(line, current, strlen(current));
			assert_non_null(number);
			(void)strtod(number + 1, &after);
			assert_ptr_equal(after, end);
			samples++;
		}
	}
	assert_true(samples > 100);
	assert_true(value_of(text, "firn_compaction_state{state=\"stopped\"}") == 1);
	assert_true(value_of(text, "firn_compaction_state{state=\"running\"}") == 0);
	free(text);
}

static void test_values(void **state)
{
	struct filled *f = *state;
	uint8_t bytes[LEN];
	char *text;
	double last = 0;

	bytes_text(bytes, LEN, 1);
	filled_put(f, "a", bytes, LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(filled_check(f, "a", bytes, LEN), 0);
	text = text_of(f->vol);
	assert_true(value_of(text, "firn_flushed_bytes_total") == LEN);
	assert_true(value_of(text, "firn_plain_bytes") == LEN);
	assert_true(value_of(text, "firn_decode_seconds_count{codec=\"lz4\"}") == 4);
	assert_true(value_of(text, "firn_decode_seconds_sum{codec=\"lz4\"}") > 0);
	assert_true(value_of(text, "firn_decode_seconds_bucket{codec=\"lz4\",le=\"+Inf\"}") == 4);
	assert_true(value_of(text, "firn_commit_seconds_count") >= 1);
	for (unsigned i = 0; i + 1 < METRIC_BUCKETS; i++) {
		char sample[128];
		double now;

		snprintf(sample, sizeof sample, "firn_decode_seconds_bucket{codec=\"lz4\",le=\"%.6f\"}", metrics_bound(i));
		now = value_of(text, sample);
		assert_true(now >= last && now <= 4);
		last = now;
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_values, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
