/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: members are read from the shared record, moved and let go of one by one, and counted to the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/data/cache.h"
#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/scan.h"
#include "index/group.h"
#include "tests/fs/fixture.h"

#define N 10u
#define LEN 700u /* of the first; each is a byte longer than the one before */

static void contents(uint8_t *bytes, unsigned i)
{
	for (unsigned k = 0; k < LEN + i; k++)
		bytes[k] = (uint8_t)(k * k / 900 + i * 31);
}

/* A raw extent with a record of its own. */
static struct extent alone_put(struct volume *vol, unsigned i)
{
	uint8_t bytes[LEN + N];
	struct extent e = {.id = extent_next_id(vol), .plain = LEN + i, .refs = 1, .touched = 7};
	struct record r = {.kind = RECORD_EXTENT, .plain = e.plain, .id = e.id, .ino = 100 + i};
	struct index_op op;

	contents(bytes, i);
	r.plain_xxh = codec_checksum(bytes, e.plain);
	assert_int_equal(extent_append(vol, STREAM_HOT, &r, bytes, e.plain, &e.pos), 0);
	index_begin(vol->index, &op);
	assert_int_equal(extent_put(&op, vol, &e), 0);
	index_end(&op);
	extent_release(vol, &e.pos);
	return e;
}

static struct extent get(struct volume *vol, uint64_t id, int expect)
{
	struct extent e = {0};
	struct index_op op;

	index_begin(vol->index, &op);
	assert_int_equal(extent_get(&op, id, &e), expect);
	index_end(&op);
	return e;
}

/* Packs extents into a group of LZ4; returns it. */
static struct extent pack(struct volume *vol, const struct extent *from, const unsigned *which, size_t n, size_t expect)
{
	static uint8_t plain[N * (LEN + N)], stored[sizeof plain];
	struct extent g = {.id = extent_next_id(vol), .codec = CODEC_LZ4, .level = 1, .is_group = true, .tried = 3, .tried_level = 2};
	struct record r = {.kind = RECORD_GROUP, .codec = g.codec, .level = g.level, .id = g.id};
	struct group_member table[N];
	struct codec_ctx *ctx;
	struct index_op op;
	size_t len, at, moved;

	for (size_t i = 0; i < n; i++) {
		contents(plain + g.plain, which[i]);
		table[i] = (struct group_member){.id = from[i].id, .ino = 100 + which[i], .plain = from[i].plain};
		g.plain += from[i].plain;
	}
	at = group_encode(g.id, table, n, stored, sizeof stored);
	assert_true(at > 0);
	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(codec_encode(ctx, g.codec, g.level, NULL, plain, g.plain, stored + at, g.plain - at, &len), 0);
	codec_ctx_destroy(ctx);
	r.plain = g.plain;
	r.plain_xxh = codec_checksum(plain, g.plain);
	assert_int_equal(extent_append(vol, STREAM_COLD, &r, stored, at + len, &g.pos), 0);
	index_begin(vol->index, &op);
	assert_int_equal(extent_regroup(&op, vol, &g, from, n, &moved), 0);
	index_end(&op);
	extent_release(vol, &g.pos);
	assert_int_equal(moved, expect);
	return g;
}

static void unref(struct volume *vol, uint64_t id)
{
	struct index_op op;

	index_begin(vol->index, &op);
	assert_int_equal(extent_unref(&op, vol, id), 0);
	index_end(&op);
}

static void check(struct volume *vol, uint64_t id, unsigned i)
{
	uint8_t want[LEN + N], got[LEN + N + 10] = {0};
	struct extent e = get(vol, id, 0);
	struct codec_ctx *ctx;
	uint32_t n;

	contents(want, i);
	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_int_equal(extent_read(vol, ctx, id, got, sizeof got, &n), 0);
	codec_ctx_destroy(ctx);
	assert_int_equal(n, LEN + i);
	assert_memory_equal(got, want, n);
	memset(got, 1, sizeof got);
	assert_int_equal(cache_read_whole(vol, &e, got), 0);
	assert_memory_equal(got, want, n);
	assert_int_equal(cache_read(vol, &e, 100, n, got), 0); /* the end is cut off: no byte of a neighbour */
	assert_memory_equal(got, want + 100, n - 100);
	for (unsigned k = n - 100; k < n; k++)
		assert_int_equal(got[k], 0);
}

/* Live bytes and plain bytes of the store are these. */
static void counted(struct volume *vol, uint64_t live, uint64_t plain)
{
	struct extent_totals t;

	extent_totals(vol, &t);
	assert_int_equal(t.live_bytes, live);
	assert_int_equal(t.plain_bytes, plain);
}

static const unsigned all[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static uint64_t plain_of(unsigned first, unsigned last)
{
	uint64_t sum = 0;

	for (unsigned i = first; i <= last; i++)
		sum += LEN + i;
	return sum;
}

static void test_life(void **state)
{
	struct extent e[N], g, m;
	struct fixture f;

	(void)state;
	fixture_init(&f, 16384);
	for (unsigned i = 0; i < N; i++)
		e[i] = alone_put(f.vol, i);
	counted(f.vol, plain_of(0, N - 1) + N * 64, plain_of(0, N - 1));
	g = pack(f.vol, e, all, N, N);
	counted(f.vol, 64 + g.pos.stored, g.plain);
	assert_int_equal(volume_commit(f.vol), 0);
	fixture_reopen(&f);
	counted(f.vol, 64 + g.pos.stored, g.plain);
	for (unsigned i = 0; i < N; i++)
		check(f.vol, e[i].id, i);
	m = get(f.vol, e[4].id, 0);
	assert_true(m.group == g.id && m.at == plain_of(0, 3) && m.codec == CODEC_LZ4 && m.refs == 1 && m.touched == 7);
	assert_true(m.tried == 3 && m.tried_level == 2 && m.whole == g.plain && m.left == g.plain);
	/* One goes after the other, the group with the last one. */
	for (unsigned i = 0; i < N; i++) {
		uint32_t left = (uint32_t)(i + 1 < N ? plain_of(i + 1, N - 1) : 0);

		unref(f.vol, e[i].id);
		get(f.vol, e[i].id, -ENOENT);
		counted(f.vol, left ? 64 + group_share(g.pos.stored, g.plain, 0, left) : 0, left);
		if (left) {
			assert_int_equal(get(f.vol, g.id, 0).refs, left);
			check(f.vol, e[i + 1].id, i + 1);
		}
	}
	get(f.vol, g.id, -ENOENT);
	fixture_fini(&f);
}

/* A second group takes members from the first, and what has a record of its own. */
static void test_again(void **state)
{
	static const unsigned mixed[] = {8, 1, 3};
	struct extent e[N], from[3], g, h, moved;
	struct index_op op;
	struct fixture f;

	(void)state;
	fixture_init(&f, 16384);
	for (unsigned i = 0; i < N; i++)
		e[i] = alone_put(f.vol, i);
	g = pack(f.vol, e, all, 5, 5);
	for (unsigned i = 0; i < 3; i++)
		from[i] = get(f.vol, e[mixed[i]].id, 0);
	unref(f.vol, e[3].id); /* meanwhile */
	h = pack(f.vol, from, mixed, 3, 2);
	assert_int_equal(get(f.vol, h.id, 0).refs, LEN + 8 + LEN + 1);
	assert_int_equal(get(f.vol, g.id, 0).refs, 3 * LEN + 6);
	get(f.vol, e[3].id, -ENOENT);
	for (unsigned i = 0; i < N; i++) {
		if (i != 3)
			check(f.vol, e[i].id, i);
	}
	/* What was moved meanwhile is not moved from where it was. */
	pack(f.vol, from, mixed, 3, 0);
	/* A group moves with its members; they need not be told. */
	moved = get(f.vol, g.id, 0);
	{
		static uint8_t bytes[16384];
		struct record r;

		assert_int_equal(segment_read(f.vol->segments, &g.pos, bytes, sizeof bytes, &r), 0);
		assert_int_equal(extent_append(f.vol, STREAM_COLD, &r, bytes, r.stored, &moved.pos), 0);
	}
	index_begin(f.vol->index, &op);
	assert_int_equal(extent_move(&op, f.vol, &g, &moved), 1);
	index_end(&op);
	extent_release(f.vol, &moved.pos);
	assert_int_equal(volume_commit(f.vol), 0);
	fixture_reopen(&f);
	assert_true(get(f.vol, e[0].id, 0).pos.offset == moved.pos.offset);
	for (unsigned i = 0; i < N; i++) {
		if (i != 3)
			check(f.vol, e[i].id, i);
	}
	for (unsigned i = 0; i < N; i++) {
		if (i != 3)
			unref(f.vol, e[i].id);
	}
	counted(f.vol, 0, 0);
	fixture_fini(&f);
}

static int count_extent(void *arg, const struct extent *e)
{
	unsigned *n = arg;

	n[e->is_group ? 0 : e->group ? 1 : 2]++;
	return 0;
}

/* A member without its group, one that claims more than the group has, a group in the place of a chunk's extent. */
static void test_damaged(void **state)
{
	struct extent_disk disk;
	unsigned n[3] = {0};
	struct extent e[3], g, lie;
	struct index_op op;
	struct fixture f;
	uint8_t key[8];

	(void)state;
	fixture_init(&f, 16384);
	for (unsigned i = 0; i < 3; i++)
		e[i] = alone_put(f.vol, i);
	g = pack(f.vol, e, all, 2, 2);
	assert_int_equal(scan_extents(f.vol, count_extent, n), 0);
	assert_true(n[0] == 1 && n[1] == 2 && n[2] == 1);
	index_begin(f.vol->index, &op);
	assert_int_equal(extent_ref(&op, f.vol, g.id), -EUCLEAN);
	assert_int_equal(extent_unref(&op, f.vol, g.id), -EUCLEAN);
	assert_int_equal(extent_get(&op, e[0].id, &lie), 0);
	lie.plain = g.plain;
	lie.at = 1;
	assert_int_equal(extent_store(&op, &lie), 0);
	index_end(&op);
	get(f.vol, e[0].id, -EUCLEAN);
	lie.group = e[2].id; /* no group */
	lie.plain = 5;
	lie.at = 0;
	index_begin(f.vol->index, &op);
	assert_int_equal(extent_store(&op, &lie), 0);
	index_end(&op);
	get(f.vol, e[0].id, -EUCLEAN);
	be64_put(key, e[0].id);
	memset(&disk, 0xff, sizeof disk);
	index_begin(f.vol->index, &op);
	assert_int_equal(index_put(&op, TABLE_EXTENT, key, 8, &disk, sizeof disk), 0);
	be64_put(key, g.id);
	assert_int_equal(index_del(&op, TABLE_EXTENT, key, 8), 0);
	index_end(&op);
	get(f.vol, e[0].id, -EUCLEAN);
	get(f.vol, e[1].id, -EUCLEAN);
	memset(n, 0, sizeof n);
	assert_int_equal(scan_extents(f.vol, count_extent, n), 0);
	assert_true(n[0] == 0 && n[1] == 0 && n[2] == 1);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
