/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hot copies of cold records: made for what is wanted twice, right or not used at all, bounded, and given up when space is short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/control/metrics_read.h"
#include "fs/data/cache.h"
#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/models.h"
#include "fs/extent/space.h"
#include "fs/extent/thaw.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "model/context.h"
#include "model/train.h"
#include "tests/codec/bytes.h"
#include "tests/fs/fixture.h"

#define CHUNK 16384u
#define BUDGET (8 * CHUNK)

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof *f);

	fixture_init(f, CHUNK);
	f->opt.offline = false;
	f->opt.commit_seconds = 3600;
	f->opt.thaw_bytes = BUDGET;
	fixture_reopen(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

/* The bytes of record number id; every third does not compress. */
static uint32_t record(uint64_t id, uint8_t buf[CHUNK])
{
	uint32_t n = CHUNK - (uint32_t)(id * 977 % 3000);

	if (id % 3 == 0)
		bytes_random(buf, n, id);
	else
		bytes_text(buf, n, id);
	return n;
}

static void note(struct volume *vol, struct codec_ctx *ctx, uint64_t id)
{
	uint8_t bytes[CHUNK];
	uint32_t n = record(id, bytes);

	thaw_note(vol, ctx, id, bytes, n);
}

/* Whether there is a copy; if so it is right. */
static bool has(struct volume *vol, struct codec_ctx *ctx, uint64_t id)
{
	uint8_t want[CHUNK], got[CHUNK];
	uint32_t n = 0, plain = record(id, want);
	int r = thaw_read(vol, ctx, id, got, CHUNK, &n);

	if (r == -ENOENT)
		return false;
	if (r != 0 || n != plain || memcmp(want, got, n) != 0)
		abort(); /* also in threads, where nothing can be asserted */
	return true;
}

static void test_twice(void **state)
{
	struct fixture *f = *state;
	struct codec_ctx *ctx;
	uint8_t small[100];
	uint32_t n;

	assert_int_equal(codec_ctx_create(&ctx), 0);
	for (uint64_t id = 1; id <= 3; id++) {
		assert_false(has(f->vol, ctx, id));
		note(f->vol, ctx, id);
		assert_false(has(f->vol, ctx, id));
		note(f->vol, ctx, id);
		assert_true(has(f->vol, ctx, id));
	}
	assert_in_range(thaw_bytes(f->vol), 1, BUDGET);
	assert_int_equal(thaw_read(f->vol, ctx, 1, small, sizeof small, &n), -ENOENT); /* does not fit */
	fixture_reopen(f);
	assert_false(has(f->vol, ctx, 1));
	f->opt.thaw_bytes = 0;
	fixture_reopen(f);
	note(f->vol, ctx, 1);
	note(f->vol, ctx, 1);
	assert_false(has(f->vol, ctx, 1));
	assert_int_equal(thaw_bytes(f->vol), 0);
	codec_ctx_destroy(ctx);
}

/* Many more than there is room for: the last ones are there, none is wrong, and the file stays within its bounds. */
static void test_ring(void **state)
{
	struct fixture *f = *state;
	struct codec_ctx *ctx;
	unsigned there = 0;

	assert_int_equal(codec_ctx_create(&ctx), 0);
	for (uint64_t id = 1; id <= 300; id++) {
		note(f->vol, ctx, id);
		note(f->vol, ctx, id);
		assert_true(has(f->vol, ctx, id));
		assert_true(thaw_bytes(f->vol) <= BUDGET);
	}
	for (uint64_t id = 1; id <= 300; id++)
		there += has(f->vol, ctx, id);
	assert_in_range(there, 7, 100);
	assert_true(has(f->vol, ctx, 299));
	assert_true(has(f->vol, ctx, 300));
	assert_false(has(f->vol, ctx, 1));
	codec_ctx_destroy(ctx);
}

static void test_drop(void **state)
{
	struct fixture *f = *state;
	struct volume_statfs before, after;
	struct codec_ctx *ctx;

	assert_int_equal(codec_ctx_create(&ctx), 0);
	assert_false(thaw_drop(f->vol));
	note(f->vol, ctx, 5);
	note(f->vol, ctx, 5);
	assert_int_equal(volume_statfs(f->vol, &before), 0);
	assert_true(thaw_drop(f->vol));
	assert_false(has(f->vol, ctx, 5));
	assert_int_equal(thaw_bytes(f->vol), 0);
	assert_false(thaw_drop(f->vol));
	note(f->vol, ctx, 5);
	assert_true(has(f->vol, ctx, 5));
	/* More than the disk has: they go before anybody hears of it. */
	assert_int_equal(volume_statfs(f->vol, &after), 0);
	assert_int_equal(space_check(f->vol, after.blocks * after.block_size), -ENOSPC);
	assert_int_equal(thaw_bytes(f->vol), 0);
	codec_ctx_destroy(ctx);
}

/* Flips a bit of every byte of the file without a name. */
static void spoil(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned spoiled = 0;
	struct dirent *d;

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		char path[300], link[300];
		uint8_t byte;
		ssize_t n;
		int fd;

		snprintf(path, sizeof path, "/proc/self/fd/%s", d->d_name);
		n = readlink(path, link, sizeof link - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (!strstr(link, "/store/") || !strstr(link, "(deleted)"))
			continue;
		fd = atoi(d->d_name);
		for (off_t at = 0; pread(fd, &byte, 1, at) == 1; at++) {
			byte ^= 4;
			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		}
		spoiled++;
	}
	closedir(dir);
	assert_int_equal(spoiled, 1);
}

static void test_damage(void **state)
{
	struct fixture *f = *state;
	struct codec_ctx *ctx;

	assert_int_equal(codec_ctx_create(&ctx), 0);
	for (uint64_t id = 3; id <= 4; id++) {
		note(f->vol, ctx, id);
		note(f->vol, ctx, id);
		assert_true(has(f->vol, ctx, id));
	}
	spoil();
	assert_false(has(f->vol, ctx, 3));
	assert_false(has(f->vol, ctx, 4));
	note(f->vol, ctx, 4); /* and may be had again */
	assert_true(has(f->vol, ctx, 4));
	codec_ctx_destroy(ctx);
}

static void *disturb(void *arg)
{
	struct volume *vol = arg;
	struct codec_ctx *ctx;

	if (codec_ctx_create(&ctx) != 0)
		abort();
	for (uint64_t i = 0; i < 400; i++) {
		uint64_t id = 1 + i * 7 % 20;

		note(vol, ctx, id);
		(void)has(vol, ctx, 1 + i % 20);
		if (i % 100 == 99)
			thaw_drop(vol);
	}
	codec_ctx_destroy(ctx);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, disturb, f->vol), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(thaw_bytes(f->vol) <= BUDGET);
}

#define CHUNKS 6u
#define LEN (CHUNK * CHUNKS)

static void add_net(struct volume *vol, const uint8_t *text)
{
	struct model_shape shape = {.contexts = 2, .hidden = 32, .context_ids = {CTX_O1, CTX_O2}, .rows_log2 = {8, 10}};
	struct train_chunk chunks[2 * CHUNKS];
	struct train_options opt = {.seed = 1, .threads = 1};
	struct model *m;
	uint8_t *bytes;
	uint16_t number;
	size_t len;

	for (unsigned i = 0; i < 2 * CHUNKS; i++)
		chunks[i] = (struct train_chunk){text + i * CHUNK / 2, CHUNK / 2};
	assert_int_equal(model_create(&shape, &m), 0);
	assert_int_equal(train_model(m, chunks, 2 * CHUNKS - 2, chunks + 2 * CHUNKS - 2, 2, &opt, NULL), 0);
	assert_int_equal(model_save(m, &bytes, &len), 0);
	assert_int_equal(models_add(vol, MODEL_NEURAL, 1, bytes, len, &number), 0);
	free(bytes);
	model_destroy(m);
}

static uint64_t metric(struct volume *vol, enum metric which)
{
	struct metrics_snapshot s;

	metrics_read(vol, &s);
	return s.total.count[which];
}

static uint64_t decoded(struct volume *vol)
{
	struct metrics_snapshot s;

	metrics_read(vol, &s);
	return s.total.decode[CODEC_NEURAL].count;
}

/* Ice that is read three times is decoded twice. */
static void test_ice(void **state)
{
	struct fixture *f = *state;
	static uint8_t text[LEN], got[CHUNK];
	struct compact_options opt;
	struct compact_result result;
	struct inode *inode = fixture_make(f, "ice");
	uint64_t id, before;

	bytes_text(text, LEN, 9);
	assert_int_equal(file_write(inode, text, LEN, 0, false), LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	add_net(f->vol, text);
	compact_options_init(&opt);
	opt.neural_level = NEURAL_FAST;
	opt.now = true;
	opt.threads = 1;
	assert_int_equal(compact_run(f->vol, &opt, &result), 0);
	before = decoded(f->vol);
	for (unsigned round = 1; round <= 3; round++) {
		for (uint32_t no = 0; no < CHUNKS; no++) {
			struct index_op op;
			struct extent e;

			index_begin(f->vol->index, &op);
			assert_int_equal(chunk_lookup(&op, inode->ino, no, &id), 0);
			assert_int_equal(extent_get(&op, id, &e), 0);
			index_end(&op);
			assert_int_equal(e.codec, CODEC_NEURAL);
			assert_int_equal(cache_read_whole(f->vol, &e, got), 0);
			assert_memory_equal(got, text + no * CHUNK, CHUNK);
		}
	}
	assert_int_equal(decoded(f->vol) - before, 2 * CHUNKS);
	assert_int_equal(metric(f->vol, METRIC_THAWED), CHUNKS);
	assert_int_equal(metric(f->vol, METRIC_THAW_READS), CHUNKS);
	inode_put(inode, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
