/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of dictionary chunks, on inputs whose best choice is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/train.h"

#define PART 4096u
#define PARTS 64u
#define CHUNKS 32u

/* Chunks made of whole parts; each part is random bytes of its own. */
struct fixture {
	uint8_t parts[PARTS][PART];
	uint8_t bytes[CHUNKS][4 * PART];
	struct train_chunk chunks[CHUNKS];
	size_t n;
};

static int setup(void **state)
{
	static struct fixture f;

	srand(5);
	memset(&f, 0, sizeof(f));
	for (size_t i = 0; i < PARTS * PART; i++)
		f.parts[i / PART][i % PART] = (uint8_t)(rand() >> 7);
	*state = &f;
	return 0;
}

/* Adds a chunk of up to four parts; a negative number ends the list. */
static void chunk_add(struct fixture *f, int a, int b, int c, int d)
{
	const int list[4] = {a, b, c, d};
	struct train_chunk *chunk = &f->chunks[f->n];

	chunk->bytes = f->bytes[f->n];
	for (unsigned i = 0; i < 4 && list[i] >= 0; i++) {
		memcpy(f->bytes[f->n] + chunk->len, f->parts[list[i]], PART);
		chunk->len += PART;
	}
	f->n++;
}

/* Part 0 lies in six chunks, part 1 in three, part 2 in two; all else is unique. */
static void fill(struct fixture *f)
{
	chunk_add(f, 10, 11, -1, -1);  /* 0: shares nothing */
	chunk_add(f, 2, 12, -1, -1);   /* 1 */
	chunk_add(f, 0, 1, -1, -1);    /* 2: covers the two most common parts */
	chunk_add(f, 0, 13, -1, -1);   /* 3 */
	chunk_add(f, 0, 14, 15, -1);   /* 4 */
	chunk_add(f, 0, 16, -1, -1);   /* 5 */
	chunk_add(f, 0, 1, -1, -1);    /* 6: as 2 */
	chunk_add(f, 1, 17, -1, -1);   /* 7 */
	chunk_add(f, 0, 2, 18, 19);    /* 8 */
	chunk_add(f, 20, -1, -1, -1);  /* 9: shares nothing */
}

static void pick(const struct fixture *f, size_t budget, const char *want)
{
	bool picked[CHUNKS], again[CHUNKS];

	memset(picked, 1, sizeof(picked));
	assert_int_equal(train_pick_dict(f->chunks, f->n, budget, picked), 0);
	assert_int_equal(train_pick_dict(f->chunks, f->n, budget, again), 0);
	assert_memory_equal(picked, again, f->n * sizeof(*picked));
	for (size_t i = 0; i < f->n; i++)
		if (picked[i] != (want[i] == 'x'))
			fail_msg("budget %zu: chunk %zu", budget, i);
}

static void test_best_known(void **state)
{
	struct fixture *f = *state;

	fill(f);
	pick(f, 2 * PART, "..x.......");
	pick(f, 4 * PART, ".xx.......");
	/* when all that is shared is covered, budget stays unused */
	pick(f, 100 * PART, ".xx.......");
}

static void test_budget(void **state)
{
	struct fixture *f = *state;

	fill(f);
	pick(f, 0, "..........");
	pick(f, 2 * PART - 1, "..........");
	pick(f, 4 * PART - 1, "..x.......");
	pick(f, SIZE_MAX, ".xx.......");
}

/* Whatever is picked fits, for many budgets and chunk sizes. */
static void test_budget_random(void **state)
{
	struct fixture *f = *state;
	bool picked[CHUNKS];

	for (unsigned i = 0; i < CHUNKS; i++) {
		chunk_add(f, rand() % 8, rand() % 8, rand() % 16, -1);
		f->chunks[i].len -= (uint32_t)(rand() % PART);
	}
	for (size_t budget = 0; budget < CHUNKS * 3 * PART; budget += 7001) {
		size_t sum = 0;

		assert_int_equal(train_pick_dict(f->chunks, f->n, budget, picked), 0);
		for (size_t i = 0; i < f->n; i++)
			sum += picked[i] ? f->chunks[i].len : 0;
		assert_true(sum <= budget);
		assert_true(budget < 3 * PART || sum > 0);
	}
}

static void test_small_inputs(void **state)
{
	struct fixture *f = *state;
	bool picked[2] = {true, true};

	assert_int_equal(train_pick_dict(NULL, 0, 1 << 20, NULL), 0);
	f->chunks[0] = (struct train_chunk){f->parts[0], 0};
	f->chunks[1] = (struct train_chunk){f->parts[0], 11};
	assert_int_equal(train_pick_dict(f->chunks, 2, 1 << 20, picked), 0);
	assert_false(picked[0] || picked[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_best_known, setup),
		cmocka_unit_test_setup(test_budget, setup),
		cmocka_unit_test_setup(test_budget_random, setup),
		cmocka_unit_test_setup(test_small_inputs, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
