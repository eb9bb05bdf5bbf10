/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers have room for what is written, not for the chunk before it, and lose nothing as they grow to either side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fs/data/dirty.h"
#include "tests/codec/bytes.h"
#include "tests/fs/fixture.h"

#define CHUNK (64u << 10)

/* What a layer lies over, `below` as if from the store, but for what the layer cuts off. */
static void fill(struct dirty_file *df, struct layer *l, uint32_t off, uint32_t len, const uint8_t *below)
{
	struct gap gaps[GAPS_MAX];
	unsigned n = dirty_read(df, 0, off, len, layer_at(l, off), true, gaps);

	for (unsigned i = 0; i < n; i++)
		memcpy(layer_at(l, gaps[i].off), below + gaps[i].off, gaps[i].len);
}

/* As file_write does it. */
static void layer_write(struct dirty_file *df, uint32_t lo, uint32_t hi, const uint8_t *bytes, const uint8_t *below,
			struct dirty_cost *cost)
{
	struct layer *l;

	assert_int_equal(dirty_prepare(df, 0, lo, hi, CHUNK, &l, cost), 0);
	assert_true(l->base <= lo && hi <= l->base + l->cap && l->base + l->cap <= CHUNK);
	if (l->lo < l->hi && lo > l->hi) {
		fill(df, l, l->hi, lo - l->hi, below);
		l->hi = lo;
	} else if (l->lo < l->hi && hi < l->lo) {
		fill(df, l, hi, l->lo - hi, below);
		l->lo = hi;
	}
	memcpy(layer_at(l, lo), bytes + lo, hi - lo);
	if (l->lo == l->hi) {
		l->lo = lo;
		l->hi = hi;
	}
	l->lo = lo < l->lo ? lo : l->lo;
	l->hi = hi > l->hi ? hi : l->hi;
	assert_int_equal(cost->memory, dirty_cost(df).memory);
	assert_int_equal(cost->disk, dirty_cost(df).disk);
}

/* What the layer knows of the chunk over `below` must be `want`. */
static void layer_check(struct dirty_file *df, const uint8_t *below, const uint8_t *want)
{
	static uint8_t got[CHUNK];
	struct gap gaps[GAPS_MAX];
	unsigned n = dirty_read(df, 0, 0, CHUNK, got, false, gaps);

	for (unsigned i = 0; i < n; i++)
		memcpy(got + gaps[i].off, below + gaps[i].off, gaps[i].len);
	assert_memory_equal(got, want, CHUNK);
}

static void test_room(void **state)
{
	static const struct {
		uint32_t lo, hi, memory;
	} writes[] = {
		{ 50000, 50100, 4096 },        /* far behind in the chunk       */
		{ 50100, 53000, 4096 },        /* 49152 to 53248 is its room    */
		{ 53000, 53300, 8192 },
		{ 49000, 49100, 16384 },       /* before it                     */
		{ 65000, CHUNK, 32768 },       /* to the end                    */
		{ 1, 2, CHUNK },
	};
	static uint8_t bytes[CHUNK];
	struct dirty_cost cost = { 0 };
	struct dirty_file *df;
	struct inode *inode;
	struct fixture f;

	(void)state;
	fixture_init(&f, CHUNK);
	inode = fixture_make(&f, "file");
	assert_int_equal(dirty_file_create(inode, &df), 0);
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		layer_write(df, writes[i].lo, writes[i].hi, bytes, bytes, &cost);
		assert_int_equal(cost.memory, writes[i].memory);
		assert_int_equal(cost.disk, CHUNK + CHUNK_OVERHEAD); /* the store may hold all of the chunk */
	}
	dirty_file_destroy(df);
	inode_put(inode, 1);
	fixture_fini(&f);
}

/* Writes anywhere, truncations and full layers; each round ends with what the chunk then is in the store. */
static void test_random_writes(void **state)
{
	static uint8_t below[CHUNK], model[CHUNK], fresh[CHUNK];
	struct dirty_file *df;
	struct inode *inode;
	uint64_t seed = 7;
	struct fixture f;

	(void)state;
	fixture_init(&f, CHUNK);
	inode = fixture_make(&f, "file");
	for (unsigned round = 0; round < 300; round++) {
		struct dirty_cost cost = { 0 }, gone = { 0 };

		assert_int_equal(dirty_file_create(inode, &df), 0);
		for (unsigned i = 0; i < 1 + round % 9; i++) {
			uint32_t lo = (uint32_t)(bytes_next(&seed) % CHUNK), len = (uint32_t)(bytes_next(&seed) % 9000) + 1;
			uint32_t hi = lo + len < CHUNK ? lo + len : CHUNK;

			bytes_random(fresh + lo, hi - lo, seed);
			layer_write(df, lo, hi, fresh, below, &cost);
			memcpy(model + lo, fresh + lo, hi - lo);
			layer_check(df, below, model);
			if (i % 4 == 3) {
				dirty_truncate(df, lo + 1, &gone);
				memset(model + lo + 1, 0, CHUNK - lo - 1);
				layer_check(df, below, model);
			}
		}
		memcpy(below, model, CHUNK);
		dirty_file_destroy(df);
	}
	inode_put(inode, 1);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_random_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
