/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of a volume: what reads, flushes and commits add to them; buckets, quantiles, differences; many threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/metrics_read.h"
#include "fs/data/commit.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define LEN 50000u /* four chunks */

static uint64_t times_sum(const struct metric_times *t)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < METRIC_BUCKETS; i++)
		sum += t->bucket[i];
	return sum;
}

static void test_counts(void **state)
{
	struct filled *f = *state;
	uint8_t bytes[LEN];
	struct metrics_snapshot s;

	metrics_read(f->vol, &s);
	assert_int_equal(s.total.count[METRIC_FLUSHED_CHUNKS], 0);
	bytes_text(bytes, LEN, 1);
	filled_put(f, "a", bytes, LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	metrics_read(f->vol, &s);
	assert_int_equal(s.total.count[METRIC_FLUSHED_CHUNKS], 4);
	assert_int_equal(s.total.count[METRIC_FLUSHED_BYTES], LEN);
	assert_in_range(s.total.count[METRIC_FLUSHED_STORED], 1, LEN - 1);
	assert_int_equal(s.total.encode[CODEC_LZ4].count, 4);
	assert_int_equal(times_sum(&s.total.encode[CODEC_LZ4]), 4);
	assert_true(s.total.commit.count >= 1);
	assert_int_equal(s.now.plain_bytes, LEN);
	assert_int_equal(s.now.dirty_bytes, 0);
	assert_true(s.now.segment_bytes >= s.now.live_bytes && s.now.live_bytes > 0);

	assert_int_equal(filled_check(f, "a", bytes, LEN), 0);
	metrics_read(f->vol, &s);
	assert_int_equal(s.total.count[METRIC_CACHE_MISSES], 4);
	assert_int_equal(s.total.decode[CODEC_LZ4].count, 4);
	assert_int_equal(s.total.count[METRIC_READ_ERRORS], 0);
}

static void test_damage(void **state)
{
	struct filled *f = *state;
	uint8_t bytes[LEN];
	struct metrics_snapshot s;

	bytes_text(bytes, LEN, 1);
	filled_put(f, "a", bytes, LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	for (uint32_t offset = 200; offset < 6000; offset += 500)
		filled_damage(f, 1, offset);
	assert_int_not_equal(filled_check(f, "a", bytes, LEN), 0);
	metrics_read(f->vol, &s);
	assert_true(s.total.count[METRIC_READ_ERRORS] >= 1);
}

/* A fake beginning that lies back as far as the time to be counted. */
static void took(struct metric_times *t, uint64_t us)
{
	metrics_took(t, metrics_clock() - us * 1000);
}

static void test_quantile(void **state)
{
	struct metric_times t = {0};

	(void)state;
	assert_true(metrics_quantile(&t, 0.5) == 0);
	for (int i = 0; i < 90; i++)
		t.bucket[3]++; /* below 8 us */
	for (int i = 0; i < 10; i++)
		t.bucket[10]++; /* below 1024 us */
	assert_true(metrics_quantile(&t, 0.5) == metrics_bound(3));
	assert_true(metrics_quantile(&t, 0.9) == metrics_bound(3));
	assert_true(metrics_quantile(&t, 0.91) == metrics_bound(10));
	assert_true(metrics_quantile(&t, 1) == metrics_bound(10));
	assert_true(metrics_bound(10) > 0.00102 && metrics_bound(10) < 0.00103);

	t = (struct metric_times){0};
	took(&t, 3600ull * 1000000); /* longer than any bound */
	assert_int_equal(t.bucket[METRIC_BUCKETS - 1], 1);
	took(&t, 1u << 20); /* a second or a little more: at least its bucket */
	assert_int_equal(times_sum(&t), 2);
	assert_int_equal(t.count, 2);
	assert_true(t.ns >= 3601ull * 1000000000);
	for (unsigned i = 0; i <= 20; i++)
		assert_int_equal(t.bucket[i], 0);
	metrics_took(&t, metrics_clock() + 3600ull * 1000000000); /* a clock that went back costs no sense */
	assert_int_equal(t.bucket[0], 1);
}

static void test_subtract(void **state)
{
	struct metrics *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	a->count[METRIC_COUNT - 1] = 7;
	a->commit.bucket[5] = 9;
	a->decode[CODEC_COUNT - 1].ns = 5;
	b->count[METRIC_COUNT - 1] = 3;
	b->commit.bucket[5] = 9;
	metrics_subtract(a, b);
	assert_int_equal(a->count[METRIC_COUNT - 1], 4);
	assert_int_equal(a->commit.bucket[5], 0);
	assert_int_equal(a->decode[CODEC_COUNT - 1].ns, 5);
	free(a);
	free(b);
}

#define THREADS 4
#define EACH 5000

static void *add_many(void *arg)
{
	struct volume *vol = arg;
	struct metrics_snapshot s;

	for (int i = 0; i < EACH; i++) {
		metrics_add(vol, METRIC_READ_BYTES, 3);
		metrics_took(&vol->metrics.read, metrics_clock());
		if (i % 1000 == 0)
			metrics_read(vol, &s);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct filled *f = *state;
	pthread_t threads[THREADS];
	struct metrics_snapshot s;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, f->vol), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	metrics_read(f->vol, &s);
	assert_int_equal(s.total.count[METRIC_READ_BYTES], 3 * THREADS * EACH);
	assert_int_equal(s.total.read.count, THREADS * EACH);
	assert_int_equal(times_sum(&s.total.read), THREADS * EACH);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		assert_non_null(metrics_name((enum metric)i));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(metrics_name((enum metric)i), metrics_name((enum metric)k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_damage, filled_setup, filled_teardown),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_subtract),
		cmocka_unit_test_setup_teardown(test_threads, filled_setup, filled_teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
