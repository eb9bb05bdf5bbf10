/* SPDX-License-Identifier: BSD-2-Clause */
/* Durability of segments when syncs and writes fail: the calls of index/disk.h are replaced by ones that fail
 * on demand. */
#include "index/segment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "index/disk.h"
#include "tests/index/store.h"

int __real_disk_sync(int fd);
int __wrap_disk_sync(int fd);
int __real_disk_dirsync(int dirfd);
int __wrap_disk_dirsync(int dirfd);
int __real_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset);
int __wrap_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset);

static int fail_syncs, fail_dirsyncs, fail_appends; /* how many of the next calls fail   */
static int pass_appends;                            /* appends that succeed before those */
static int syncs;                                   /* that succeeded                    */
static uint64_t written;                            /* bytes, by appends that succeeded  */

int __wrap_disk_sync(int fd)
{
	if (fail_syncs > 0) {
		fail_syncs--;
		return -EIO;
	}
	syncs++;
	return __real_disk_sync(fd);
}

int __wrap_disk_dirsync(int dirfd)
{
	if (fail_dirsyncs > 0) {
		fail_dirsyncs--;
		return -EIO;
	}
	return __real_disk_dirsync(dirfd);
}

/* A failing write leaves half of its header behind. */
int __wrap_disk_append(int fd, const struct iovec *iov, int n, uint64_t offset)
{
	struct iovec half = {iov[0].iov_base, iov[0].iov_len / 2};
	int i, rc;

	if (fail_appends > 0 && pass_appends-- <= 0) {
		pass_appends = 0;
		fail_appends--;
		rc = __real_disk_append(fd, &half, 1, offset);
		return rc ? rc : -ENOSPC;
	}
	rc = __real_disk_append(fd, iov, n, offset);
	for (i = 0; !rc && i < n; i++)
		written += iov[i].iov_len;
	return rc;
}

static struct segments *open_set(struct store *s)
{
	static const uint8_t uuid[16] = "0123456789abcde";
	struct segments *ss;

	fail_syncs = fail_dirsyncs = fail_appends = 0;
	assert_int_equal(segments_open(s->fd, uuid, 1 << 20, 1, 1, true, false, &ss), 0);
	return ss;
}

static int append(struct segments *ss, uint64_t id, struct segment_pos *pos)
{
	struct record r = {.kind = RECORD_EXTENT, .id = id};
	uint8_t frame[1000];

	memset(frame, (int) id, sizeof frame);
	return segment_append(ss, STREAM_HOT, &r, frame, sizeof frame, pos);
}

static void check_read(struct segments *ss, uint64_t id, const struct segment_pos *pos)
{
	uint8_t buf[1000];
	struct record r;

	assert_int_equal(segment_read(ss, pos, buf, sizeof buf, &r), 0);
	assert_int_equal(r.id, id);
	assert_int_equal(buf[999], id);
}

static void test_sync_only_what_changed(void **state)
{
	struct segments *ss = open_set(*state);
	struct segment_pos pos;

	assert_int_equal(append(ss, 1, &pos), 0);
	syncs = 0;
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(syncs, 1);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(syncs, 1);
	assert_int_equal(append(ss, 2, &pos), 0);
	segment_seal_all(ss);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(syncs, 2);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(syncs, 2);
	segments_close(ss);
}

static void test_failed_sync_writes_again(void **state)
{
	struct segments *ss = open_set(*state);
	struct segment_pos pos[4];

	assert_int_equal(append(ss, 1, &pos[0]), 0);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(append(ss, 2, &pos[1]), 0);
	assert_int_equal(append(ss, 3, &pos[2]), 0);
	fail_syncs = 2;
	assert_int_equal(segment_sync(ss), -EIO);
	assert_false(segment_is_open(ss, pos[2].segment));
	written = 0;
	assert_int_equal(segment_sync(ss), -EIO); /* the fresh descriptor's sync fails as well */
	assert_int_equal(written, 2 * 1064);      /* what was durable is left alone            */
	assert_int_equal(append(ss, 4, &pos[3]), 0);
	assert_true(pos[3].segment > pos[2].segment);
	written = 0;
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(written, 2 * 1064);
	assert_int_equal(segment_sync(ss), 0);
	assert_int_equal(written, 2 * 1064);
	check_read(ss, 1, &pos[0]);
	check_read(ss, 2, &pos[1]);
	check_read(ss, 3, &pos[2]);
	check_read(ss, 4, &pos[3]);
	segments_close(ss);
}

/* The kernel dropped the page: no later sync may claim that the record is durable. */
static void test_lost_page_stays_an_error(void **state)
{
	struct store *s = *state;
	struct segments *ss = open_set(s);
	struct segment_pos pos[2];
	int i;

	assert_int_equal(append(ss, 1, &pos[0]), 0);
	assert_int_equal(append(ss, 2, &pos[1]), 0);
	fail_syncs = 1;
	assert_int_equal(segment_sync(ss), -EIO);
	store_flip(s, "seg/00000001.seg", pos[1].offset + 500);
	for (i = 0; i < 3; i++)
		assert_int_equal(segment_sync(ss), -EIO);
	check_read(ss, 1, &pos[0]);
	segments_close(ss);
}

static void test_failed_directory_sync(void **state)
{
	struct segments *ss = open_set(*state);
	struct segment_pos pos;

	assert_int_equal(append(ss, 1, &pos), 0);
	fail_dirsyncs = 1;
	assert_int_equal(segment_sync(ss), -EIO);
	assert_int_equal(segment_sync(ss), 0);
	segments_close(ss);
}

static void test_full_disk(void **state)
{
	struct store *s = *state;
	struct segments *ss = open_set(s);
	struct segment_pos pos[3];
	enum segment_stream stream;
	uint32_t *numbers;
	uint64_t total;
	size_t count;
	bool sealed;
	int i;

	fail_appends = 1; /* the file header */
	assert_int_equal(append(ss, 1, &pos[0]), -ENOSPC);
	assert_int_equal(segment_list(ss, &numbers, &count), 0);
	assert_int_equal(count, 0);
	free(numbers);
	assert_int_equal(append(ss, 1, &pos[0]), 0);
	fail_appends = 1;
	assert_int_equal(append(ss, 2, &pos[1]), -ENOSPC);
	assert_int_equal(segment_head(ss, pos[0].segment, &total, &sealed, &stream), 0);
	assert_true(sealed);
	assert_int_equal(total, pos[0].offset + 1064);
	for (i = 0; i < 20; i++) { /* each makes a file and fails in it, and removes it: a full disk does not
				      fill with files */
		fail_appends = 1;
		assert_int_equal(append(ss, 2, &pos[1]), -ENOSPC);
	}
	assert_int_equal(segment_list(ss, &numbers, &count), 0);
	assert_int_equal(count, 1);
	free(numbers);
	for (i = 0; i < 20;
	     i++) { /* the header fits, the record does not: the same file waits for better times */
		pass_appends = i == 0;
		fail_appends = 1;
		assert_int_equal(append(ss, 2, &pos[1]), -ENOSPC);
	}
	assert_int_equal(segment_list(ss, &numbers, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(segment_head(ss, numbers[1], &total, &sealed, &stream), 0);
	assert_int_equal(total, sizeof(struct segment_disk));
	free(numbers);
	assert_int_equal(append(ss, 2, &pos[1]), 0);
	for (i = 0; i < 20; i++) {
		segment_seal_all(ss);
		assert_int_equal(append(ss, 3, &pos[2]), 0);
	}
	assert_int_equal(segment_sync(ss), 0);
	check_read(ss, 1, &pos[0]);
	check_read(ss, 2, &pos[1]);
	check_read(ss, 3, &pos[2]);
	segments_close(ss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sync_only_what_changed, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_failed_sync_writes_again, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_lost_page_stays_an_error, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_failed_directory_sync, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
