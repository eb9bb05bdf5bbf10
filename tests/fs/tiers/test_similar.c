/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces that share content get into one group, each piece into exactly one, and no group is too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fs/tiers/similar.h"
#include "tests/codec/bytes.h"

#define N 60u
#define LEN 1000u
#define KINDS 5u

/* Divides and checks what always holds; returns the number of groups. */
static size_t divide(struct piece *pieces, size_t n, uint32_t group_bytes, size_t members_max, size_t *order)
{
	uint8_t seen[2000] = {0};
	size_t groups, members = 0;
	uint32_t sum = 0;

	assert_true(n <= sizeof seen);
	assert_int_equal(similar_divide(pieces, n, group_bytes, members_max, order, &groups), 0);
	for (size_t i = 0; i < n; i++) {
		const struct piece *p = &pieces[order[i]], *before = i > 0 ? &pieces[order[i - 1]] : NULL;

		assert_false(seen[order[i]]++);
		if (!before || p->group != before->group) {
			assert_int_equal(p->group, before ? before->group + 1 : 0);
			sum = 0;
			members = 0;
		}
		sum += p->len;
		assert_true(sum <= group_bytes && ++members <= members_max);
	}
	assert_int_equal(groups, n ? pieces[order[n - 1]].group + 1 : 0);
	return groups;
}

/* Pieces of five kinds in turn: half of each is what all of its kind have, at another place in each. */
static void test_kinds(void **state)
{
	static uint8_t common[KINDS][LEN / 2], bytes[N][LEN];
	struct piece pieces[N];
	size_t order[N];

	(void)state;
	for (unsigned k = 0; k < KINDS; k++)
		bytes_random(common[k], sizeof common[k], k + 1);
	for (unsigned i = 0; i < N; i++) {
		bytes_random(bytes[i], LEN, 1000 + i);
		memcpy(bytes[i] + i * 7 % (LEN / 2), common[i % KINDS], LEN / 2);
		pieces[i] = (struct piece){bytes[i], LEN, 0};
	}
	assert_int_equal(divide(pieces, N, N / KINDS * LEN, N, order), KINDS);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(pieces[i].group, pieces[i % KINDS].group);
	/* A group begins with the first piece left. */
	for (unsigned k = 0; k < KINDS; k++)
		assert_int_equal(pieces[k].group, k);
}

static void test_strangers(void **state)
{
	static uint8_t bytes[N][LEN];
	struct piece pieces[N];
	size_t order[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		bytes_random(bytes[i], LEN, i);
		pieces[i] = (struct piece){bytes[i], LEN, 0};
	}
	/* Nothing in common: in order. */
	assert_int_equal(divide(pieces, N, 4 * LEN + 10, N, order), N / 4);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(divide(pieces, N, UINT32_MAX, 3, order), N / 3);
	assert_int_equal(divide(pieces, N, LEN, N, order), N);
}

static void test_any(void **state)
{
	static uint8_t bytes[40000];
	static struct piece pieces[2000], again[2000];
	static size_t order[2000], other[2000];
	uint64_t rng = 9;

	(void)state;
	bytes_text(bytes, sizeof bytes, 3);
	memset(bytes, 'x', 9000);
	for (int round = 0; round < 40; round++) {
		size_t n = bytes_next(&rng) % (round % 4 ? 60 : 2000), groups;

		for (size_t i = 0; i < n; i++) {
			uint32_t len = 1 + (uint32_t)(bytes_next(&rng) % (i % 5 ? 40 : 1500));

			pieces[i] = (struct piece){bytes + bytes_next(&rng) % (sizeof bytes - len), len, 7};
		}
		memcpy(again, pieces, sizeof again);
		groups = divide(pieces, n, 1500 + (uint32_t)(bytes_next(&rng) % 8000), 1 + bytes_next(&rng) % 30, order);
		(void)groups;
		if (n > 0) {
			divide(again, n, 4000, 9, order);
			divide(pieces, n, 4000, 9, other);
			assert_memory_equal(order, other, n * sizeof *order);
		}
	}
	assert_int_equal(divide(pieces, 0, 100, 10, order), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
