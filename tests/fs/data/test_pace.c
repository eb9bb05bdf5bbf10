/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw wins where compressing is what takes the time, never where the disk is, and not before both were measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs/data/pace.h"

#define CHUNK (128u << 10)
#define MEASURE_EVERY 16u /* as in pace.c */

static uint64_t at(uint64_t mib_each_second, uint64_t bytes)
{
	return bytes * 1000000000 / (mib_each_second << 20);
}

/* As after many chunks: encoding and appending at so many MiB/s by each worker, syncing at so many by the disk. */
static void settle(struct pace *p, uint64_t encode, uint64_t append, uint64_t sync, unsigned percent)
{
	pace_init(p);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t frame = (uint64_t)CHUNK * percent / 100;

		pace_encoded(p, CHUNK, frame, at(encode, CHUNK));
		pace_appended(p, frame, at(append, frame));
	}
	pace_synced(p, pace_sync_begin(p), at(sync, (uint64_t)200 * CHUNK * percent / 100));
}

static void test_unknown(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p);
	assert_false(pace_raw_wins(&p, 2));
	pace_encoded(&p, CHUNK, CHUNK / 2, at(100, CHUNK));
	assert_false(pace_raw_wins(&p, 2));
	/* What a small piece takes says nothing about a chunk. */
	pace_appended(&p, PACE_MIN - 1, at(1000, PACE_MIN - 1));
	assert_false(pace_raw_wins(&p, 2));
	pace_appended(&p, CHUNK, at(1000, CHUNK));
	assert_true(pace_raw_wins(&p, 2));
	pace_fini(&p);
}

struct machine {
	uint64_t encode, append, sync;
	unsigned percent, workers;
	bool raw;
};

static void test_who_is_slow(void **state)
{
	static const struct machine machines[] = {
		{500, 3000, 2000, 50, 2, true},   /* two cores, a fast disk                    */
		{500, 3000, 100, 50, 2, false},   /* a disk that turns                         */
		{500, 3000, 600, 50, 8, false},   /* so many cores that the disk is slower     */
		{500, 40, 0, 50, 2, false},       /* writers are throttled, nothing was synced */
		{500, 3000, 2000, 99, 2, true},   /* hardly smaller                            */
		{4000, 3000, 2000, 5, 2, false},  /* nearly nothing left, and quickly          */
		{60, 800, 900, 50, 2, true},      /* others have the processors                */
	};

	(void)state;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
		const struct machine *m = &machines[i];
		struct pace p;

		settle(&p, m->encode, m->append, m->sync ? m->sync : 1000000, m->percent);
		if (pace_raw_wins(&p, m->workers) != m->raw)
			fail_msg("machine %zu", i);
		pace_fini(&p);
	}
}

/* Compression is tried again every now and then, and what is found changes the answer. */
static void test_measures_again(void **state)
{
	struct pace p;
	unsigned raw = 0;

	(void)state;
	settle(&p, 500, 3000, 2000, 50);
	for (unsigned i = 0; i < 10 * MEASURE_EVERY; i++)
		raw += pace_raw_wins(&p, 2);
	assert_int_equal(raw, 10 * (MEASURE_EVERY - 1));
	for (unsigned i = 0; i < 100; i++)
		pace_encoded(&p, CHUNK, CHUNK / 20, at(5000, CHUNK));
	assert_false(pace_raw_wins(&p, 2));
	pace_fini(&p);
}

/* A sync counts what was appended before it began, and one of next to nothing does not count. */
static void test_sync(void **state)
{
	struct pace p;

	(void)state;
	settle(&p, 500, 3000, 2000, 50);
	assert_int_equal(pace_sync_begin(&p), 0);
	pace_appended(&p, CHUNK, at(3000, CHUNK));
	pace_appended(&p, 100, at(1, 100));
	assert_int_equal(pace_sync_begin(&p), CHUNK + 100);
	pace_synced(&p, CHUNK + 100, at(1, CHUNK + 100));
	assert_true(pace_raw_wins(&p, 2));
	for (unsigned i = 0; i < 100; i++)
		pace_synced(&p, 32u << 20, at(50, 32u << 20));
	assert_false(pace_raw_wins(&p, 2));
	pace_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_who_is_slow),
		cmocka_unit_test(test_measures_again),
		cmocka_unit_test(test_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
