/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judgement of load: background work ends at the first sign of others and begins again after a time of quiet, on what is unused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs/tiers/load.h"

#define MS 1000000u
#define CPUS 4u
#define TICKS_PER_MS 1u /* of all processors together, for round numbers */

/* 50 ms later; busy: processors in use by all, own: of them by the background work. */
static void later(struct load_reading *r, double busy, double own)
{
	r->at += 50 * MS;
	r->ticks += 50 * TICKS_PER_MS * CPUS;
	r->busy += (uint64_t)(busy * 50 * TICKS_PER_MS);
	r->own += (uint64_t)(own * 50 * MS);
}

/* Nobody else does anything for long enough. */
static void quiet(struct load *l, struct load_reading *r)
{
	for (int i = 0; i < 11; i++) {
		later(r, l->allowed, l->allowed);
		load_judge(l, r);
	}
}

static void begin(struct load *l, struct load_reading *r)
{
	*r = (struct load_reading){.at = 1000 * MS, .ticks = 77, .busy = 33, .own = 5, .cpu_stall = 9, .io_stall = 8, .requests = 7};
	load_init(l, CPUS, r);
	assert_int_equal(l->allowed, 0);
}

static void test_quiet(void **state)
{
	struct load_reading r;
	struct load l;

	(void)state;
	begin(&l, &r);
	for (int i = 0; i < 9; i++) { /* 450 ms are not enough */
		later(&r, 0, 0);
		load_judge(&l, &r);
		assert_int_equal(l.allowed, 0);
	}
	later(&r, 0, 0);
	load_judge(&l, &r);
	assert_int_equal(l.allowed, CPUS);
	assert_int_equal(l.reason, COMPACTOR_FREELY);
	quiet(&l, &r); /* its own work is no reason to stop */
	assert_int_equal(l.allowed, CPUS);
}

/* One sign of others, and all is off at that reading. */
static void stops(enum compactor_reason reason, uint64_t cpu, uint64_t io, uint64_t requests, bool battery)
{
	struct load_reading r;
	struct load l;

	begin(&l, &r);
	quiet(&l, &r);
	assert_int_equal(l.allowed, CPUS);
	later(&r, CPUS, CPUS);
	r.cpu_stall += cpu;
	r.io_stall += io;
	r.requests += requests;
	r.battery = battery;
	load_judge(&l, &r);
	assert_int_equal(l.allowed, reason == COMPACTOR_FREELY ? CPUS : 0);
	assert_int_equal(l.reason, reason);
	r.battery = false;
	quiet(&l, &r);
	assert_int_equal(l.allowed, CPUS);
}

static void test_signs(void **state)
{
	(void)state;
	stops(COMPACTOR_CPU, 20000, 0, 0, false);
	stops(COMPACTOR_FREELY, 5000, 0, 0, false);
	stops(COMPACTOR_IO, 0, 30000, 0, false);
	stops(COMPACTOR_FREELY, 0, 10000, 0, false);
	stops(COMPACTOR_REQUESTS, 0, 0, 20, false);
	stops(COMPACTOR_FREELY, 0, 0, 5, false);
	stops(COMPACTOR_BATTERY, 0, 0, 0, true);
}

/* Others keep some processors: the rest is for background work, and nothing when they keep all. */
static void test_shared(void **state)
{
	static const struct {
		double others;
		unsigned allowed;
	} cases[] = {{0, 4}, {0.2, 4}, {1, 3}, {1.2, 3}, {2.5, 1}, {3.5, 0}, {4, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct load_reading r;
		struct load l;

		begin(&l, &r);
		for (int n = 0; n < 40; n++) {
			later(&r, cases[i].others + l.allowed, l.allowed);
			load_judge(&l, &r);
		}
		assert_int_equal(l.allowed, cases[i].allowed);
		assert_int_equal(l.reason, cases[i].allowed == CPUS ? COMPACTOR_FREELY : COMPACTOR_CPU);
	}
}

/* A system that tells nothing, and one whose clock or counters go back. */
static void test_silent(void **state)
{
	struct load_reading r = {.at = 1}, back;
	struct load l;

	(void)state;
	load_init(&l, CPUS, &r);
	for (int i = 0; i < 12; i++) {
		r.at += 50 * MS;
		load_judge(&l, &r);
	}
	assert_int_equal(l.allowed, CPUS);
	back = (struct load_reading){.at = 0};
	load_judge(&l, &back);
	load_judge(&l, &r);
	assert_true(l.allowed <= CPUS);
}

static void test_read(void **state)
{
	struct load_reading a = {.own = 3, .requests = 4}, b;

	(void)state;
	load_read(&a, true);
	assert_true(a.at > 0);
	assert_int_equal(a.own, 3);
	assert_int_equal(a.requests, 4);
	b = a;
	load_read(&b, false);
	assert_true(b.at >= a.at && b.busy <= b.ticks && b.cpu_stall >= a.cpu_stall); /* but the kernel's ticks may go back, says proc(5) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
