/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments: append, read, roll over, resume, threads, and every kind of damage. */
#include "index/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/index/store.h"

static const uint8_t uuid[16] = "0123456789abcde";

#define SIZE_SMALL 65536u

static struct segments *open_set(struct store *s, uint32_t next, bool create)
{
	struct segments *ss;

	assert_int_equal(segments_open(s->fd, uuid, SIZE_SMALL, next, 1, create, false, &ss), 0);
	return ss;
}

/* A frame whose bytes and length follow from its id. */
static size_t make_frame(uint64_t id, uint8_t *frame, size_t max)
{
	uint64_t rng = id * 0x9e3779b97f4a7c15u + 1;
	size_t i, len = (size_t) (rng_next(&rng) % max);

	for (i = 0; i < len; i++)
		frame[i] = (uint8_t) rng_next(&rng);
	return len;
}

static int append(struct segments *ss, enum segment_stream stream, uint64_t id, struct segment_pos *pos)
{
	struct record r = {.kind = RECORD_EXTENT,
			   .codec = 3,
			   .level = 7,
			   .model = 12,
			   .plain = 4096,
			   .id = id,
			   .ino = id * 2,
			   .chunk = (uint32_t) id + 5,
			   .plain_xxh = id * 77};
	uint8_t frame[3000];
	size_t len = make_frame(id, frame, sizeof frame);

	return segment_append(ss, stream, &r, frame, len, pos);
}

static void check_read(struct segments *ss, uint64_t id, const struct segment_pos *pos)
{
	uint8_t frame[3000], buf[3000];
	size_t len = make_frame(id, frame, sizeof frame);
	struct record r;

	assert_int_equal(segment_read(ss, pos, buf, sizeof buf, &r), 0);
	assert_int_equal(r.kind, RECORD_EXTENT);
	assert_int_equal(r.codec, 3);
	assert_int_equal(r.level, 7);
	assert_int_equal(r.model, 12);
	assert_int_equal(r.plain, 4096);
	assert_int_equal(r.id, id);
	assert_int_equal(r.ino, id * 2);
	assert_int_equal(r.chunk, id + 5);
	assert_int_equal(r.plain_xxh, id * 77);
	assert_true(r.sequence > 0);
	assert_int_equal(r.stored, len);
	assert_int_equal(pos->stored, len);
	assert_memory_equal(buf, frame, len);
}

#define RECORDS 300

static void test_append_read_roll(void **state)
{
	static struct segment_pos pos[RECORDS];
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	enum segment_stream stream;
	uint32_t *numbers, last = 0;
	uint64_t total, bytes, disk;
	size_t count;
	bool sealed;
	int i;

	for (i = 0; i < RECORDS; i++)
		assert_int_equal(append(ss, i % 3 == 0 ? STREAM_COLD : STREAM_HOT, (uint64_t) i, &pos[i]), 0);
	assert_int_equal(segment_sync(ss), 0);
	for (i = 0; i < RECORDS; i++) {
		check_read(ss, (uint64_t) i, &pos[i]);
		assert_true(pos[i].offset + sizeof(struct record_disk) + pos[i].stored <= SIZE_SMALL);
		last = pos[i].segment > last ? pos[i].segment : last;
	}
	assert_true(last > 4);
	assert_int_equal(segments_next(ss), last + 1);
	assert_int_equal(segments_sequence(ss), RECORDS + 1);
	assert_int_equal(segment_list(ss, &numbers, &count), 0);
	assert_int_equal(count, last);
	for (i = 0; i < (int) count; i++) {
		assert_int_equal(numbers[i], i + 1);
		assert_int_equal(segment_head(ss, numbers[i], &total, &sealed, &stream), 0);
		assert_int_equal(segment_size(ss, numbers[i], &bytes, &disk), 0);
		assert_int_equal(total, bytes);
		assert_true(disk > 0);
		assert_int_equal(segment_is_open(ss, numbers[i]), !sealed);
		assert_int_equal(segment_unlink(ss, numbers[i]), sealed ? 0 : -EBUSY);
	}
	free(numbers);
	segment_seal_all(ss);
	assert_false(segment_is_open(ss, last));
	assert_int_equal(append(ss, STREAM_HOT, 1, &pos[0]), 0);
	assert_int_equal(pos[0].segment, last + 1);
	assert_int_equal(segment_head(ss, 9999, &total, &sealed, &stream), -ENOENT);
	segments_close(ss);
}

static void test_unlink_while_open(void **state)
{
	struct segment_pos pos, other;
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct record r;
	uint8_t buf[3000];

	assert_int_equal(append(ss, STREAM_HOT, 5, &pos), 0);
	check_read(ss, 5, &pos); /* its descriptor is kept now */
	assert_int_equal(segment_unlink(ss, pos.segment), -EBUSY);
	segment_seal_all(ss);
	assert_int_equal(segment_unlink(ss, pos.segment), 0);
	assert_int_equal(segment_read(ss, &pos, buf, sizeof buf, &r), -ENOENT);
	assert_int_equal(segment_unlink(ss, pos.segment), -ENOENT);
	assert_int_equal(append(ss, STREAM_HOT, 6, &other), 0);
	assert_true(other.segment > pos.segment);
	check_read(ss, 6, &other);
	assert_int_equal(segment_sync(ss), 0);
	segments_close(ss);
}

/* More segments than descriptors are kept. */
static void test_many_segments(void **state)
{
	struct segment_pos pos[150];
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	int i, round;

	for (i = 0; i < 150; i++) {
		assert_int_equal(append(ss, STREAM_HOT, (uint64_t) i, &pos[i]), 0);
		segment_seal_all(ss);
	}
	assert_int_equal(segment_sync(ss), 0);
	for (round = 0; round < 3; round++)
		for (i = 0; i < 150; i++)
			check_read(ss, (uint64_t) (i * 7 % 150), &pos[i * 7 % 150]);
	segments_close(ss);
}

#define THREADS 4
#define PER_THREAD 400

struct worker {
	struct segments *ss;
	uint64_t first;
	struct segment_pos pos[PER_THREAD];
	atomic_int done;
	int rc;
};

static void *append_many(void *arg)
{
	struct worker *w = arg;
	uint8_t frame[3000], buf[3000];
	struct record r;
	size_t len;
	int i;

	for (i = 0; i < PER_THREAD && !w->rc; i++) {
		w->rc = append(w->ss, (enum segment_stream)(i % 2), w->first + (uint64_t) i, &w->pos[i]);
		if (!w->rc)
			w->rc = segment_read(w->ss, &w->pos[i], buf, sizeof buf, &r);
		len = make_frame(w->first + (uint64_t) i, frame, sizeof frame);
		if (!w->rc && (r.stored != len || memcmp(buf, frame, len) != 0))
			w->rc = -EUCLEAN;
	}
	atomic_store(&w->done, 1);
	return NULL;
}

static void test_threads(void **state)
{
	static struct worker w[THREADS];
	pthread_t threads[THREADS];
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	int i, j;

	memset(w, 0, sizeof w);
	for (i = 0; i < THREADS; i++) {
		w[i].ss = ss;
		w[i].first = (uint64_t) i * PER_THREAD;
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		while (!atomic_load(&w[i].done))
			assert_int_equal(segment_sync(ss), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].rc, 0);
	}
	assert_int_equal(segment_sync(ss), 0);
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < PER_THREAD; j++)
			check_read(ss, w[i].first + (uint64_t) j, &w[i].pos[j]);
	segments_close(ss);
}

static void test_flipped_bits(void **state)
{
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct segment_pos pos[3], wrong;
	uint8_t buf[3000];
	struct record r;
	uint32_t i;

	for (i = 0; i < 3; i++)
		assert_int_equal(append(ss, STREAM_HOT, 40 + i, &pos[i]), 0);
	for (i = 0; i < sizeof(struct record_disk) + pos[1].stored; i++) {
		store_flip(s, "seg/00000001.seg", pos[1].offset + i);
		assert_int_equal(segment_read(ss, &pos[1], buf, sizeof buf, &r), -EUCLEAN);
		store_flip(s, "seg/00000001.seg", pos[1].offset + i);
	}
	for (i = 0; i < 3; i++)
		check_read(ss, 40 + i, &pos[i]);
	wrong = pos[1];
	wrong.offset += 4;
	assert_int_equal(segment_read(ss, &wrong, buf, sizeof buf, &r), -EUCLEAN);
	wrong = pos[1];
	wrong.stored--;
	assert_int_equal(segment_read(ss, &wrong, buf, sizeof buf, &r), -EUCLEAN);
	wrong.stored = UINT32_MAX;
	assert_int_equal(segment_read(ss, &wrong, buf, sizeof buf, &r), -EINVAL);
	wrong = pos[2];
	wrong.offset = 0x7fffffff;
	assert_int_equal(segment_read(ss, &wrong, buf, sizeof buf, &r), -EIO);
	store_truncate(s, "seg/00000001.seg", pos[2].offset + 10);
	assert_int_equal(segment_read(ss, &pos[2], buf, sizeof buf, &r), -EIO);
	segments_close(ss);
}

struct seen {
	uint64_t ids[RECORDS];
	size_t count;
	struct segments *ss;
};

static int see(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct seen *seen = arg;
	uint8_t frame[3000];
	size_t len = make_frame(r->id, frame, sizeof frame);

	assert_int_equal(len, r->stored);
	assert_memory_equal(bytes, frame, len);
	check_read(seen->ss, r->id, pos);
	seen->ids[seen->count++] = r->id;
	return 0;
}

static int stop(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	(void) arg;
	(void) pos;
	(void) r;
	(void) bytes;
	return -EINTR;
}

static void check_scan(struct segments *ss, const uint64_t *ids, size_t count, uint64_t bad)
{
	static struct seen seen;
	uint64_t found_bad;
	size_t i;

	seen.ss = ss;
	seen.count = 0;
	assert_int_equal(segment_scan(ss, 1, see, &seen, &found_bad), 0);
	assert_int_equal(seen.count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(seen.ids[i], ids[i]);
	assert_int_equal(found_bad, bad);
}

static void test_scan_skips_damage(void **state)
{
	static const char name[] = "seg/00000001.seg";
	const uint64_t all[5] = {1, 2, 3, 4, 5}, less[4] = {1, 2, 4, 5}, cut[3] = {1, 2, 4};
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct segment_pos pos[5];
	uint64_t bad, size;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(append(ss, STREAM_HOT, all[i], &pos[i]), 0);
	size = store_size(s, name);
	check_scan(ss, all, 5, 0);
	assert_int_equal(segment_scan(ss, 1, stop, NULL, &bad), -EINTR);
	assert_int_equal(segment_scan(ss, 77, stop, NULL, &bad), -ENOENT);
	store_flip(s, name, pos[2].offset + sizeof(struct record_disk) + pos[2].stored / 2);
	check_scan(ss, less, 4, pos[3].offset - pos[2].offset);
	store_flip(s, name, pos[2].offset + 9); /* the stored length, too */
	check_scan(ss, less, 4, pos[3].offset - pos[2].offset);
	store_truncate(s, name, size - 1); /* a torn tail */
	check_scan(ss, cut, 3, pos[3].offset - pos[2].offset + size - 1 - pos[4].offset);
	store_flip(s, name, 9); /* the file header: all records are still found */
	check_scan(ss, cut, 3, pos[3].offset - pos[2].offset + size - 1 - pos[4].offset + 48);
	store_truncate(s, name, 20);
	check_scan(ss, NULL, 0, 20);
	store_truncate(s, name, 0);
	check_scan(ss, NULL, 0, 0);
	segments_close(ss);
}

static void test_resume_after_crash(void **state)
{
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct segment_pos pos[4];
	enum segment_stream stream;
	uint64_t total, now;
	bool sealed;

	assert_int_equal(append(ss, STREAM_HOT, 1, &pos[0]), 0);
	assert_int_equal(append(ss, STREAM_HOT, 2, &pos[1]), 0);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(segment_head(ss, 1, &total, &sealed, &stream), 0);
	assert_false(sealed);
	assert_int_equal(append(ss, STREAM_HOT, 3, &pos[2]), 0); /* never committed */
	assert_int_equal(append(ss, STREAM_COLD, 4, &pos[3]), 0);
	assert_int_equal(pos[3].segment, 2);
	segments_close(ss);
	store_poke(s, "seg/README", 0, "x", 1);

	ss = open_set(s, 2, false);
	assert_int_equal(faccessat(s->fd, "seg/00000002.seg", F_OK, 0), -1);
	assert_int_equal(faccessat(s->fd, "seg/README", F_OK, 0), 0);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, total), 0);
	assert_int_equal(store_size(s, "seg/00000001.seg"), total);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, total), -EBUSY);
	assert_int_equal(append(ss, STREAM_HOT, 33, &pos[2]), 0);
	assert_int_equal(pos[2].segment, 1);
	assert_int_equal(pos[2].offset, total);
	assert_int_equal(segment_head(ss, 1, &now, &sealed, &stream), 0);
	assert_true(now > total);
	check_read(ss, 1, &pos[0]);
	check_read(ss, 2, &pos[1]);
	check_read(ss, 33, &pos[2]);
	assert_int_equal(segment_sync(ss), 0);
	segments_close(ss);

	ss = open_set(s, 2, false);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, now + 1), -EUCLEAN);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, 10), -EUCLEAN);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 8, now), -EUCLEAN);
	store_flip(s, "seg/00000001.seg", 12);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, now), -EUCLEAN);
	segments_close(ss);
}

static void test_readonly(void **state)
{
	struct store *s = *state;
	struct segments *ss;
	struct segment_pos pos;

	assert_int_equal(segments_open(s->fd, uuid, SIZE_SMALL, 1, 1, false, false, &ss), -ENOENT);
	ss = open_set(s, 1, true);
	assert_int_equal(append(ss, STREAM_HOT, 1, &pos), 0);
	segments_close(ss);
	assert_int_equal(segments_open(s->fd, uuid, SIZE_SMALL, 1, 1, true, false, &ss), -EEXIST);
	assert_int_equal(segments_open(s->fd, uuid, SIZE_SMALL, 1, 1, false, true, &ss), 0);
	check_read(ss, 1, &pos); /* uncommitted, but nothing is removed from a store opened to be read */
	assert_int_equal(append(ss, STREAM_HOT, 1, &pos), -EROFS);
	assert_int_equal(segments_resume(ss, STREAM_HOT, 1, 48), -EROFS);
	assert_int_equal(segment_unlink(ss, 1), -EROFS);
	segments_close(ss);
}

/* However short it is, and however long: the pieces of a strip lie in one segment, and nothing else does. */
static void test_strips_have_segments_of_their_own(void **state)
{
	static const size_t len[3] = {30000, 100, 100}; /* 90000 are more than a segment takes of others */
	static uint8_t piece[30000];
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct segment_pos pos;

	for (uint32_t strip = 0; strip < 3; strip++)
		for (uint32_t i = 0; i < 3; i++) {
			struct record r = {.kind = RECORD_MODEL, .codec = MODEL_NEURAL, .level = (uint8_t) strip, .id = 1, .chunk = i};

			assert_int_equal(segment_append(ss, STREAM_MODEL, &r, piece, len[strip], &pos), 0);
			assert_int_equal(pos.segment, strip + 1);
			assert_int_equal(pos.offset, 48 + i * (64 + len[strip]));
		}
	segments_close(ss);
}

/* A write that the system refuses: nothing of it counts, what was there stays, and appending goes on in a
 * fresh segment. */
static void test_failed_write(void **state)
{
	struct rlimit old, limit;
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	struct segment_pos good, pos;
	enum segment_stream stream;
	uint64_t total;
	bool sealed;

	assert_int_equal(append(ss, STREAM_HOT, 1, &good), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = good.offset + 64 + good.stored + 30; /* within the next record's header */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(append(ss, STREAM_HOT, 2, &pos), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(segment_head(ss, 1, &total, &sealed, &stream), 0);
	assert_int_equal(total, good.offset + 64 + good.stored);
	assert_int_equal(store_size(s, "seg/00000001.seg"), total);
	assert_true(sealed);
	assert_int_equal(append(ss, STREAM_HOT, 2, &pos), 0);
	assert_int_equal(pos.segment, 2);
	check_read(ss, 1, &good);
	check_read(ss, 2, &pos);
	assert_int_equal(segment_sync(ss), 0);
	segments_close(ss);
}

static void test_bounds(void **state)
{
	struct store *s = *state;
	struct segments *ss = open_set(s, 1, true);
	uint8_t *big = calloc(1, SEGMENT_RECORD_MAX + 1), *buf = malloc(SEGMENT_RECORD_MAX);
	struct record r = {.kind = RECORD_EXTENT, .id = 1};
	struct segment_pos pos;

	assert_non_null(big);
	assert_non_null(buf);
	assert_int_equal(segment_append(ss, STREAM_HOT, &r, big, SEGMENT_RECORD_MAX + 1, &pos), -EINVAL);
	assert_int_equal(segment_append(ss, STREAM_COUNT, &r, big, 1, &pos), -EINVAL);
	assert_int_equal(segment_append(ss, STREAM_HOT, &r, NULL, 0, &pos), 0);
	assert_int_equal(segment_append(ss, STREAM_HOT, &r, big, SEGMENT_RECORD_MAX, &pos), 0);
	assert_int_equal(pos.segment, 2); /* larger than a segment: alone in one */
	assert_int_equal(segment_read(ss, &pos, buf, SEGMENT_RECORD_MAX, &r), 0);
	assert_memory_equal(buf, big, SEGMENT_RECORD_MAX);
	free(big);
	free(buf);
	segments_close(ss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_append_read_roll, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_unlink_while_open, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_many_segments, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_threads, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bits, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_scan_skips_damage, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_resume_after_crash, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_readonly, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_strips_have_segments_of_their_own, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(test_failed_write, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_bounds, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
