/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsync(2), fdatasync(2), syncfs(2), sync_file_range(2), O_SYNC, O_DSYNC and O_DIRECT: accepted where they must be, and the bytes are right.
 */
#include "tests/posix/pattern.h"

static void descriptors(void **state)
{
	int fd = place_new("f"), reading = open("f", O_RDONLY), dir = open(".", O_RDONLY), ends[2];

	(void)state;
	write_pattern(fd, 0, 10000);
	assert_done(fsync(fd));
	write_pattern(fd, 5000, 10000);
	assert_done(fdatasync(fd));
	assert_done(fsync(reading)); /* not for writers alone */
	assert_done(fsync(dir));
	assert_done(fdatasync(dir));
	assert_done(syncfs(dir));
	assert_done(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
	assert_done(pipe(ends));
	assert_errno(fsync(ends[0]), EINVAL);
	assert_pattern(fd, 0, 15000);
	close(ends[0]);
	close(ends[1]);
	assert_done(close(dir));
	assert_done(close(reading));
	assert_done(unlink("f"));
	assert_done(fsync(fd)); /* without a name too */
	assert_done(close(fd));
}

static void synchronous(void **state)
{
	static const int flags[] = { O_SYNC, O_DSYNC, O_SYNC | O_APPEND };

	(void)state;
	for (int i = 0; i < 3; i++) {
		int fd = open("f", O_RDWR | O_CREAT | O_EXCL | flags[i], 0644);

		assert_true(fd >= 0);
		for (uint64_t at = 0; at < 50000; at += 5000)
			write_pattern(fd, at, 5000);
		assert_int_equal(place_stat("f").st_size, 50000);
		assert_pattern(fd, 0, 50000);
		assert_done(close(fd));
		assert_done(unlink("f"));
	}
}

static void direct(void **state)
{
	enum { LEN = 3 * CHUNK };
	uint8_t *buf = aligned_alloc(4096, LEN);
	int fd = open("f", O_RDWR | O_CREAT | O_EXCL | O_DIRECT, 0644), cached = open("f", O_RDWR);

	(void)state;
	if (fd < 0 && errno == EINVAL)
		place_skip("no O_DIRECT");
	assert_true(fd >= 0 && buf);
	for (size_t i = 0; i < LEN; i++)
		buf[i] = pattern(i);
	assert_int_equal(pwrite(fd, buf, LEN, 0), LEN);
	assert_pattern(cached, 0, LEN);
	write_pattern(cached, 1000, 5000); /* dirty pages beneath a direct read */
	assert_int_equal(pwrite(cached, "changed", 7, 8192), 7);
	memset(buf, 0, LEN);
	assert_int_equal(pread(fd, buf, LEN, 0), LEN);
	assert_memory_equal(buf + 8192, "changed", 7);
	for (size_t i = 0; i < 8192; i++)
		assert_int_equal(buf[i], pattern(i));
	memset(buf, 'd', 4096);
	assert_int_equal(pwrite(fd, buf, 4096, 8192), 4096); /* and cached pages beneath a direct write */
	assert_int_equal(pread(cached, buf, 7, 8192), 7);
	assert_memory_equal(buf, "ddddddd", 7);
	assert_int_equal(pwrite(fd, buf, 4096, LEN), 4096); /* appending */
	assert_int_equal(place_stat("f").st_size, LEN + 4096);
	assert_int_equal(pread(fd, buf, 8192, LEN), 4096); /* short at the end */
	free(buf);
	assert_done(close(cached));
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* The way programs replace a file: whoever reads the name sees all of the old or all of the new. */
static void replacing(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		int fd = place_new("f.new"), dir = open(".", O_RDONLY);
		char text[32];

		snprintf(text, sizeof text, "version %d", i);
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		assert_done(fsync(fd));
		assert_done(close(fd));
		assert_done(rename("f.new", "f"));
		assert_done(fsync(dir));
		assert_done(close(dir));
		assert_text("f", text);
	}
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(descriptors),
		place_case(synchronous),
		place_case(direct),
		place_case(replacing),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
