/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crew does every part once, tells of each, does none while none is allowed, and may be told so at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "fs/tiers/crew.h"

#define PARTS 5000u
#define THREADS 4u

struct job {
	struct crew *crew;
	unsigned did[PARTS], told[PARTS], by[THREADS];
};

static void part(void *arg, unsigned i, unsigned thread)
{
	struct job *job = arg;

	assert_true(i < PARTS && thread < THREADS);
	job->did[i]++;
	job->by[thread]++;
}

static void done(void *arg, unsigned i)
{
	struct job *job = arg;

	assert_int_equal(job->did[i], 1);
	job->told[i]++;
}

static void check(const struct job *job)
{
	for (unsigned i = 0; i < PARTS; i++) {
		assert_int_equal(job->did[i], 1);
		assert_int_equal(job->told[i], 1);
	}
}

static void test_all_parts(void **state)
{
	struct job job;

	(void)state;
	for (int idle = 0; idle < 2; idle++) {
		struct crew *crew;

		assert_int_equal(crew_create(THREADS, idle, &crew), 0);
		assert_int_equal(crew_threads(crew), THREADS);
		for (int round = 0; round < 3; round++) {
			memset(&job, 0, sizeof job);
			assert_int_equal(crew_run(crew, PARTS, part, done, &job), 0);
			check(&job);
			assert_int_equal(job.by[0] + job.by[1] + job.by[2] + job.by[3], PARTS);
		}
		assert_int_equal(crew_run(crew, 0, part, done, &job), 0);
		assert_true(crew_cpu(crew) > 0);
		crew_destroy(crew);
	}
	crew_destroy(NULL);
}

/* Only the first of them. */
static void test_one_allowed(void **state)
{
	struct job job = {0};
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_create(THREADS, false, &crew), 0);
	crew_allow(crew, 1);
	assert_int_equal(crew_run(crew, PARTS, part, done, &job), 0);
	check(&job);
	assert_int_equal(job.by[0], PARTS);
	crew_destroy(crew);
}

/* Stops and goes on, as the parts that are done tell it to. */
static void *switch_main(void *arg)
{
	struct job *job = arg;

	for (unsigned n = 0; n < 300; n++)
		crew_allow(job->crew, n % 3 * 2);
	crew_allow(job->crew, THREADS);
	return NULL;
}

static void test_switched(void **state)
{
	struct job job = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(crew_create(THREADS, false, &job.crew), 0);
	crew_allow(job.crew, 0);
	assert_int_equal(pthread_create(&thread, NULL, switch_main, &job), 0);
	assert_int_equal(crew_run(job.crew, PARTS, part, done, &job), 0);
	pthread_join(thread, NULL);
	check(&job);
	crew_destroy(job.crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_one_allowed),
		cmocka_unit_test(test_switched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
