/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The member table of a group: what is written is read, byte for byte as firn(5) says; what is no table is refused, whatever
 * it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "index/format.h"
#include "index/group.h"
#include "tests/index/store.h"

static const struct group_member three[] = {
	{.id = 1003, .ino = 17, .chunk = 0, .plain = 5},
	{.id = 1002, .ino = 18, .chunk = 0, .plain = 300},
	{.id = 4000000000001, .ino = 16, .chunk = UINT32_MAX, .plain = 1},
};

/* The same as bytes: group 1000, a frame of one byte behind. */
static const uint8_t golden[] = {
	3,
	6, 34, 0, 5,
	1, 2, 0, 0xac, 0x02,
	0xae, 0xf0, 0xa1, 0xa9, 0xea, 0xe8, 0x01, 3, 0xff, 0xff, 0xff, 0xff, 0x0f, 1,
	0x77,
};

static void test_golden(void **state)
{
	struct group_member list[GROUP_MEMBERS_MAX];
	uint8_t buf[64];
	size_t n, table;

	(void)state;
	assert_int_equal(group_encode(1000, three, 3, buf, sizeof buf), sizeof golden - 1);
	assert_memory_equal(buf, golden, sizeof golden - 1);
	assert_int_equal(group_decode(1000, 306, golden, sizeof golden, list, &n, &table), 0);
	assert_int_equal(n, 3);
	assert_int_equal(table, sizeof golden - 1);
	for (size_t i = 0, at = 0; i < n; at += list[i++].plain) {
		assert_true(list[i].id == three[i].id && list[i].ino == three[i].ino);
		assert_true(list[i].chunk == three[i].chunk && list[i].plain == three[i].plain && list[i].at == at);
	}
	for (size_t cap = 0; cap < sizeof golden - 1; cap++)
		assert_int_equal(group_encode(1000, three, 3, buf, cap), 0);
}

static void test_round_trip(void **state)
{
	static struct group_member in[GROUP_MEMBERS_MAX], out[GROUP_MEMBERS_MAX];
	static uint8_t buf[GROUP_TABLE_MAX(GROUP_MEMBERS_MAX) + 1];
	uint64_t rng = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t n = 1 + rng_next(&rng) % GROUP_MEMBERS_MAX, len, got, table;
		unsigned shift = (unsigned)(rng_next(&rng) % 64);
		uint32_t plain = 0;

		for (size_t i = 0; i < n; i++) {
			in[i] = (struct group_member){
				.id = (rng_next(&rng) >> shift) | 2, .ino = rng_next(&rng) >> shift,
				.chunk = (uint32_t)rng_next(&rng) >> (shift / 2),
				.plain = 1 + (uint32_t)(rng_next(&rng) % CHUNK_SIZE_MAX), .at = plain,
			};
			plain += in[i].plain;
		}
		len = group_encode(1, in, n, buf, sizeof buf - 1);
		assert_in_range(len, 5, GROUP_TABLE_MAX(n));
		assert_int_equal(group_decode(1, plain, buf, len + 1, out, &got, &table), 0);
		assert_int_equal(got, n);
		assert_int_equal(table, len);
		assert_memory_equal(in, out, n * sizeof *in);
		assert_int_equal(group_decode(1, plain, buf, len, out, &got, &table), -EUCLEAN); /* no frame */
		assert_int_equal(group_decode(1, plain - 1, buf, len + 1, out, &got, &table), -EUCLEAN);
		assert_int_equal(group_decode(1, plain + 1, buf, len + 1, out, &got, &table), -EUCLEAN);
	}
}

static int decode(const char *bytes, size_t len, uint32_t plain)
{
	size_t n, table;

	return group_decode(9, plain, bytes, len, NULL, &n, &table);
}

#define DECODE(bytes, plain) decode(bytes, sizeof(bytes) - 1, plain)

static void test_hostile(void **state)
{
	(void)state;
	assert_int_equal(DECODE("\1\2\0\0\4x", 4), 0);
	assert_int_equal(DECODE("", 4), -EUCLEAN);
	assert_int_equal(DECODE("\0x", 4), -EUCLEAN);
	assert_int_equal(DECODE("\0x", 0), -EUCLEAN);                       /* no members */
	assert_int_equal(DECODE("\2\2\0\0\4\2\0\0\0x", 4), -EUCLEAN);       /* an empty member */
	assert_int_equal(DECODE("\1\0\0\0\4x", 4), -EUCLEAN);               /* the group in itself */
	assert_int_equal(DECODE("\1\x11\0\0\4x", 4), -EUCLEAN);             /* extent 0 */
	assert_int_equal(DECODE("\2\2\0\0\4x", 4), -EUCLEAN);               /* a member is missing */
	assert_int_equal(DECODE("\1\2\0\0\x84\0x", 4), -EUCLEAN);           /* not the shortest form */
	assert_int_equal(DECODE("\x81\x08\2\0\0\4x", 4), -EUCLEAN);         /* 1025 members */
	assert_int_equal(DECODE("\1\2\0\x80\x80\x80\x80\x10\4x", 4), -EUCLEAN); /* chunk 2^32 */
	assert_int_equal(DECODE("\1\2\0\0\x81\x80\x40x", 1 + (1u << 20)), -EUCLEAN);
	assert_int_equal(DECODE("\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0\4x", 4), -EUCLEAN); /* 2^64 */
	assert_int_equal(DECODE("\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\4x", 4), 0);
	/* Lengths that add up modulo 2^32 only. */
	assert_int_equal(DECODE("\2\2\0\0\x80\x80\x40\2\0\0\x80\x80\x40x", 0), -EUCLEAN);
}

/* What is refused or taken, nothing is read or written out of bounds, and what is taken adds up. */
static void test_damaged(void **state)
{
	static struct group_member list[GROUP_MEMBERS_MAX];
	uint8_t bytes[sizeof golden];
	uint64_t rng = 5;
	size_t n, table;

	(void)state;
	for (size_t len = 0; len < sizeof golden; len++)
		assert_int_equal(group_decode(1000, 306, golden, len, list, &n, &table), -EUCLEAN);
	for (int round = 0; round < 20000; round++) {
		memcpy(bytes, golden, sizeof bytes);
		for (unsigned k = 0; k <= round % 3u; k++)
			bytes[rng_next(&rng) % sizeof bytes] = (uint8_t)rng_next(&rng);
		if (group_decode(1000, 306, bytes, sizeof bytes, list, &n, &table) < 0) {
			assert_true(n == 0 && table == 0);
			continue;
		}
		assert_in_range(n, 1, GROUP_MEMBERS_MAX);
		assert_in_range(table, 1, sizeof bytes - 1);
		assert_int_equal(list[n - 1].at + list[n - 1].plain, 306);
	}
}

static void test_shares(void **state)
{
	uint64_t rng = 3;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		uint32_t whole = 1 + (uint32_t)(rng_next(&rng) % CHUNK_SIZE_MAX), at = 0;
		uint32_t stored = (uint32_t)(rng_next(&rng) % CHUNK_SIZE_MAX);
		uint64_t sum = 0;

		while (at < whole) {
			uint32_t plain = 1 + (uint32_t)(rng_next(&rng) % (whole - at));

			sum += group_share(stored, whole, at, plain);
			at += plain;
		}
		assert_int_equal(sum, stored);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),  cmocka_unit_test(test_round_trip), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
