/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ahead: a file of network frames read in order comes into the cache before it is asked for; one read at
 * random places does not; many readers at once read what was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/data/cache.h"
#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/extent/models.h"
#include "fs/names/dir.h"
#include "fs/tiers/compact.h"
#include "model/context.h"
#include "model/train.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define CHUNK 16384u
#define CHUNKS 24u
#define LEN (CHUNK * CHUNKS)

static uint8_t text[LEN];

static void add_net(struct filled *f)
{
	struct model_shape shape = {
		.contexts = 2, .hidden = 32, .context_ids = {CTX_O1, CTX_O2}, .rows_log2 = {8, 10},
	};
	struct train_chunk chunks[CHUNKS];
	struct train_options opt = {.seed = 1, .threads = 1};
	struct model *m;
	uint8_t *bytes;
	uint16_t number;
	size_t len;

	for (unsigned i = 0; i < CHUNKS; i++)
		chunks[i] = (struct train_chunk){text + i * CHUNK, CHUNK / 2};
	assert_int_equal(model_create(&shape, &m), 0);
	assert_int_equal(train_model(m, chunks, CHUNKS - 4, chunks + CHUNKS - 4, 4, &opt, NULL), 0);
	assert_int_equal(model_save(m, &bytes, &len), 0);
	assert_int_equal(models_add(f->vol, MODEL_NEURAL, 1, bytes, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	free(bytes);
	model_destroy(m);
}

/* A file of CHUNKS chunks, coded by a network. */
static int setup(void **state)
{
	struct compact_options cold;
	struct compact_result r;
	struct filled *f;

	assert_int_equal(filled_setup(state), 0);
	f = *state;
	bytes_text(text, LEN, 5);
	filled_put(f, "file", text, LEN);
	assert_int_equal(volume_commit(f->vol), 0);
	add_net(f);
	compact_options_init(&cold);
	cold.tier = TIER_COLD;
	cold.neural_level = NEURAL_FAST;
	cold.now = true;
	assert_int_equal(compact_run(f->vol, &cold, &r), 0);
	filled_reopen(f);
	return 0;
}

static struct inode *file_of(struct filled *f)
{
	struct inode *root, *file;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &root), 0);
	assert_int_equal(dir_lookup(root, "file", &file), 0);
	inode_put(root, 1);
	return file;
}

static struct extent chunk_extent(struct inode *file, uint32_t no)
{
	struct extent e = { 0 };
	struct index_op op;
	uint64_t id;

	index_begin(file->vol->index, &op);
	assert_int_equal(chunk_lookup(&op, file->ino, no, &id), 0);
	assert_int_equal(extent_get(&op, id, &e), 0);
	index_end(&op);
	assert_int_equal(e.codec, CODEC_NEURAL);
	return e;
}

static bool is_here(struct inode *file, uint32_t no)
{
	struct extent e = chunk_extent(file, no);

	return cache_holds(file->vol, &e);
}

static void read_chunk(struct inode *file, uint32_t no)
{
	uint8_t buf[CHUNK];

	assert_int_equal(file_read(file, buf, CHUNK, (uint64_t)no * CHUNK), CHUNK);
	assert_memory_equal(buf, text + no * CHUNK, CHUNK);
}

static void test_in_order(void **state)
{
	struct inode *file = file_of(*state);

	read_chunk(file, 0);
	read_chunk(file, 1);
	while (!is_here(file, 2) || !is_here(file, 3)) /* nobody else reads them */
		sched_yield();
	read_chunk(file, 2);
	while (!is_here(file, 5)) /* further than before, and as far as for one worker alone */
		sched_yield();
	for (uint32_t no = 3; no < CHUNKS; no++)
		read_chunk(file, no);
	inode_put(file, 1);
}

static void test_at_random(void **state)
{
	static const uint32_t places[] = { 20, 0, 10 };
	struct inode *file = file_of(*state);
	unsigned here = 0;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		read_chunk(file, places[i]);
	for (uint32_t no = 0; no < CHUNKS; no++)
		here += is_here(file, no);
	assert_int_equal(here, sizeof places / sizeof *places);
	inode_put(file, 1);
}

static void *reader_run(void *arg)
{
	struct inode *file = arg;
	uint8_t buf[5000];

	for (uint64_t at = 0; at < LEN; at += sizeof buf) {
		ssize_t n = file_read(file, buf, sizeof buf, at);

		if (n <= 0 || memcmp(buf, text + at, (size_t)n) != 0)
			return file;
	}
	return NULL;
}

static void test_many_readers(void **state)
{
	struct inode *file = file_of(*state);
	pthread_t threads[4];
	void *failed;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_run, file), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	inode_put(file, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_at_random, setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_many_readers, setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
