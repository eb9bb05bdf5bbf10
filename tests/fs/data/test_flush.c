/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flushes that meet truncations, writers and readers of the same file: all of them end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/data/flush.h"
#include "tests/fs/fixture.h"

#define LEN (600u << 10)

struct hurry {
	struct inode *inode;
	atomic_bool done, failed;
};

static void *flush_without_end(void *arg)
{
	struct hurry *h = arg;

	while (!h->done)
		h->failed |= file_flush(h->inode) != 0;
	return NULL;
}

/*
 * What is written while the record of an emptied file is on its way to the index is flushed too, and so is the record of a file that
 * is emptied again meanwhile: nobody waits for ever.
 */
static void test_emptied_while_flushed(void **state)
{
	struct hurry h = { 0 };
	pthread_t threads[2];
	struct fixture f;

	(void)state;
	fixture_init(&f, 4096);
	f.opt.workers = 4;
	fixture_reopen(&f);
	h.inode = fixture_make(&f, "file");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flush_without_end, &h), 0);
	for (unsigned i = 0; i < 20000; i++) {
		assert_int_equal(file_write(h.inode, "fresh snow", 10, 4096 * (i % 3), false), 10);
		if (i % 4 == 3)
			continue;
		pthread_rwlock_wrlock(&h.inode->lock);
		assert_int_equal(file_truncate_locked(h.inode, 0), 0);
		pthread_rwlock_unlock(&h.inode->lock);
	}
	h.done = true;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(h.failed);
	assert_int_equal(file_sync(h.inode), 0);
	inode_put(h.inode, 1);
	fixture_fini(&f);
}

static void *flush_once(void *arg)
{
	return (void *)(intptr_t)file_flush(arg);
}

static pthread_t flush_begin(struct inode *inode)
{
	unsigned waiters = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, flush_once, inode), 0);
	while (waiters == 0) {
		pthread_mutex_lock(&inode->data_mutex);
		waiters = inode->dirty->waiters;
		pthread_mutex_unlock(&inode->data_mutex);
	}
	return thread;
}

/*
 * A flush waits for a chunk, which is truncated away before the only worker, held up by another file, comes to it; then more is written.
 */
static void test_truncated_while_waited_for(void **state)
{
	struct inode *busy, *inode;
	pthread_t threads[2];
	struct fixture f;
	void *result;

	(void)state;
	fixture_init(&f, 4096);
	f.opt.workers = 1;
	fixture_reopen(&f);
	busy = fixture_make(&f, "busy");
	inode = fixture_make(&f, "file");
	assert_int_equal(file_write(busy, "x", 1, 0, false), 1);
	assert_int_equal(file_write(inode, "x", 1, 5000, false), 1);
	pthread_rwlock_wrlock(&busy->lock);
	threads[0] = flush_begin(busy);
	threads[1] = flush_begin(inode);
	pthread_rwlock_wrlock(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, 0), 0);
	pthread_rwlock_unlock(&inode->lock);
	assert_int_equal(file_write(inode, "y", 1, 0, false), 1);
	pthread_rwlock_unlock(&busy->lock);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	fixture_check(inode, (const uint8_t *)"y", 1);
	inode_put(busy, 1);
	inode_put(inode, 1);
	fixture_fini(&f);
}

static void *read_without_end(void *arg)
{
	struct hurry *h = arg;
	uint8_t *buf = malloc(LEN);

	while (!h->done)
		h->failed |= file_read(h->inode, buf, LEN, 0) != LEN;
	free(buf);
	return NULL;
}

/* However many read a file all the time, it can be written and synced. */
static void test_writers_among_readers(void **state)
{
	uint8_t *bytes = calloc(1, LEN);
	struct hurry h = { 0 };
	pthread_t threads[6];
	struct fixture f;

	(void)state;
	fixture_init(&f, 128 << 10);
	h.inode = fixture_make(&f, "file");
	memset(bytes, 'x', LEN);
	assert_int_equal(file_write(h.inode, bytes, LEN, 0, false), LEN);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_without_end, &h), 0);
	for (unsigned i = 0; i < 20; i++) {
		bytes[i * 30000] = 'y';
		assert_int_equal(file_write(h.inode, "y", 1, i * 30000, false), 1);
		assert_int_equal(file_sync(h.inode), 0);
	}
	h.done = true;
	for (unsigned i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_false(h.failed);
	fixture_check(h.inode, bytes, LEN);
	free(bytes);
	inode_put(h.inode, 1);
	fixture_fini(&f);
}

/* A test that hangs ends the program. */
static int setup(void **state)
{
	(void)state;
	alarm(300);
	return 0;
}

/* An upper layer of a chunk that covers [0, hi). */
static void layer_begin(struct dirty_file *df, uint32_t no, uint32_t hi)
{
	struct dirty_cost cost = { 0 };
	struct layer *layer;

	assert_int_equal(dirty_prepare(df, no, 0, hi, (uint64_t)no * 4096, &layer, &cost), 0);
	memset(layer->bytes, 'a', hi);
	layer->hi = hi;
}

/*
 * A chunk is flushed because memory is short, and is appended to meanwhile: what was appended after that, in chunks behind it, does not
 * reach the index before the rest of it. Else a crash would leave a gap of zeros that was never written.
 */
static void test_no_chunk_overtakes(void **state)
{
	struct dirty_cost cost = { 0 };
	struct dirty_chunk *c, *landed;
	struct dirty_file *df;
	struct inode *inode;
	struct fixture f;

	(void)state;
	fixture_init(&f, 4096);
	inode = fixture_make(&f, "log");
	assert_int_equal(dirty_file_create(inode, &df), 0);
	layer_begin(df, 0, 1000);
	c = dirty_claim(df, true);
	assert_non_null(c);
	assert_int_equal(c->no, 0);
	layer_begin(df, 0, 4096);
	layer_begin(df, 1, 4096);
	assert_null(dirty_claim(df, true));
	c->state = CHUNK_ENCODED;
	assert_null(dirty_claim(df, true));
	assert_int_equal(dirty_landed(df, &landed, 1), 1);
	dirty_unpin(df, landed, &cost);
	for (uint32_t no = 0; no < 2; no++) {
		c = dirty_claim(df, true);
		assert_non_null(c);
		assert_int_equal(c->no, no);
	}
	assert_null(dirty_claim(df, true));
	dirty_file_destroy(df);
	inode_put(inode, 1);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_emptied_while_flushed, setup),
		cmocka_unit_test_setup(test_truncated_while_waited_for, setup),
		cmocka_unit_test_setup(test_writers_among_readers, setup),
		cmocka_unit_test_setup(test_no_chunk_overtakes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
