/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2), write(2) and their kin: vectors, offsets, limits, other ways to move bytes, and what they refuse.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/posix/pattern.h"

static void vectors(void **state)
{
	char one[3], two[5], three[10];
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec in[] = { { one, 3 }, { two, 5 }, { three, 10 } };
	int fd = place_new("f");

	(void)state;
	assert_int_equal(writev(fd, out, 3), 8);
	assert_int_equal(pwritev(fd, out, 3, CHUNK - 4), 8); /* across a border */
	assert_int_equal(preadv(fd, in, 3, 0), 18);
	assert_memory_equal(one, "abc", 3);
	assert_memory_equal(two, "defgh", 5);
	assert_memory_equal(three, "\0\0\0\0\0\0\0\0\0\0", 10);
	assert_int_equal(preadv(fd, in, 3, CHUNK - 4), 8);
	assert_memory_equal(one, "abc", 3);
	assert_int_equal(pwritev2(fd, out, 1, 0, RWF_APPEND), 3);
	assert_int_equal(place_stat("f").st_size, CHUNK + 7);
	assert_int_equal(pwritev2(fd, out, 1, 0, RWF_DSYNC), 3);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void borders(void **state)
{
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = place_new("f");
	char buf[16];

	(void)state;
	assert_int_equal(write(fd, "12345", 5), 5);
	assert_int_equal(pwrite(fd, "", 0, 100), 0); /* nothing: the file does not grow */
	assert_int_equal(place_stat("f").st_size, 5);
	assert_int_equal(pread(fd, buf, sizeof buf, 3), 2);
	assert_int_equal(pread(fd, buf, sizeof buf, 5), 0);
	assert_int_equal(pread(fd, buf, sizeof buf, 1 << 30), 0);
	assert_errno((int)pread(fd, buf, 1, -1), EINVAL);
	assert_errno((int)pwrite(fd, buf, 1, -1), EINVAL);
	assert_errno((int)lseek(fd, -1, SEEK_SET), EINVAL);
	assert_errno((int)lseek(fd, 0, 99), EINVAL);
	assert_int_equal(lseek(fd, 1 << 20, SEEK_SET), 1 << 20);
	assert_int_equal(read(fd, buf, 1), 0);
	assert_errno((int)pwrite(fd, bad, 4, 0), EFAULT);
	assert_errno((int)pread(fd, bad, 4, 0), EFAULT);
	assert_int_equal(place_stat("f").st_size, 5);
	munmap(bad, 4096);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Beyond what a file can be, the write is refused; or, when the kernel's cache took it, fsync(2) tells. */
static void beyond_the_largest(void **state)
{
	int fd = place_new("f");
	ssize_t n = pwrite(fd, "x", 1, INT64_MAX - 1);

	(void)state;
	if (n == 1)
		assert_int_equal(fsync(fd), -1);
	assert_int_equal(errno, EFBIG);
	close(fd);
	assert_done(unlink("f"));
	if (n == 1)
		place_skip("fsync(2) refuses what is too large, not write(2)");
}

static void size_limit(void **state)
{
	struct rlimit before, limit;
	int fd = place_new("f");

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_done(getrlimit(RLIMIT_FSIZE, &before));
	limit = (struct rlimit){ 1000, before.rlim_max };
	assert_done(setrlimit(RLIMIT_FSIZE, &limit));
	assert_int_equal(pwrite(fd, "0123456789", 10, 995), 5);
	assert_errno((int)pwrite(fd, "x", 1, 1000), EFBIG);
	assert_errno(ftruncate(fd, 1001), EFBIG);
	assert_done(setrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(place_stat("f").st_size, 1000);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void other_ways(void **state)
{
	int from = place_new("from"), to = place_new("to"), ends[2];
	off_t at = 1000;

	(void)state;
	write_pattern(from, 0, 2 * CHUNK);
	assert_int_equal(sendfile(to, from, &at, CHUNK), CHUNK);
	assert_pattern_as(to, 0, CHUNK, 1000);
	assert_done(pipe(ends));
	at = 50000;
	assert_int_equal(splice(from, &at, ends[1], NULL, 4096, 0), 4096);
	at = CHUNK - 1000;
	assert_int_equal(splice(ends[0], NULL, to, &at, 4096, 0), 4096);
	assert_pattern_as(to, CHUNK - 1000, 4096, 50000);
	close(ends[0]);
	close(ends[1]);
	assert_done(close(from));
	assert_done(close(to));
	assert_done(unlink("from"));
	assert_done(unlink("to"));
}

/* What one descriptor wrote, every other sees at once. */
static void coherent(void **state)
{
	int one = place_new("f"), two = open("f", O_RDWR), reader = open("f", O_RDONLY);

	(void)state;
	for (uint64_t at = 0; at < 3 * CHUNK; at += 10007) {
		write_pattern(at % 2 ? one : two, at, 10007);
		assert_pattern(reader, at, 10007);
		assert_int_equal(place_stat("f").st_size, at + 10007);
	}
	assert_done(close(one));
	assert_done(close(two));
	assert_done(close(reader));
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(vectors),
		place_case(borders),
		place_case(beyond_the_largest),
		place_case(size_limit),
		place_case(other_ways),
		place_case(coherent),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
