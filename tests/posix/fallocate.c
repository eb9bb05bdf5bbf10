/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallocate(2): allocating, keeping the size, punching, zeroing.
 */
#include <stdbool.h>

#include "tests/posix/pattern.h"

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static void allocates(void **state)
{
	int fd = place_new("f");

	(void)state;
	write_pattern(fd, 0, 1000);
	assert_done(fallocate(fd, 0, 500, 2 * CHUNK));
	assert_int_equal(place_stat("f").st_size, 2 * CHUNK + 500);
	assert_pattern(fd, 0, 1000);
	assert_zeros(fd, 1000, 2 * CHUNK - 500);
	assert_done(fallocate(fd, FALLOC_FL_KEEP_SIZE, 3 * CHUNK, CHUNK));
	assert_int_equal(place_stat("f").st_size, 2 * CHUNK + 500);
	assert_done(fallocate(fd, 0, 0, 100)); /* never shorter */
	assert_int_equal(place_stat("f").st_size, 2 * CHUNK + 500);
	assert_done(posix_fallocate(fd, 0, 3 * CHUNK));
	assert_int_equal(place_stat("f").st_size, 3 * CHUNK);
	assert_pattern(fd, 0, 1000);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Every pair of borders of pages and chunks, over data in memory and on disk. */
static void each_range(void **state, int mode, bool on_disk)
{
	static const size_t at[] = { 0, 1, 4095, 4096, 5000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 100, 3 * CHUNK };
	enum { N = sizeof at / sizeof *at };
	int fd = place_new("f");

	(void)state;
	if (fallocate(fd, mode, 0, 1) != 0 && errno == EOPNOTSUPP) {
		assert_done(close(fd));
		assert_done(unlink("f"));
		place_skip(mode == PUNCH ? "no punching" : "no zeroing of ranges");
	}
	for (int from = 0; from < N; from++) {
		for (int to = from + 1; to < N; to++) {
			write_pattern(fd, 0, 3 * CHUNK);
			if (on_disk) {
				assert_done(fsync(fd));
				assert_done(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
			}
			assert_done(fallocate(fd, mode, (off_t)at[from], (off_t)(at[to] - at[from])));
			assert_pattern(fd, 0, at[from]);
			assert_zeros(fd, at[from], at[to] - at[from]);
			assert_pattern(fd, at[to], 3 * CHUNK - at[to]);
		}
	}
	assert_int_equal(place_stat("f").st_size, 3 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void punches_memory(void **state)
{
	each_range(state, PUNCH, false);
}

static void punches_disk(void **state)
{
	each_range(state, PUNCH, true);
}

static void zeroes_memory(void **state)
{
	each_range(state, FALLOC_FL_ZERO_RANGE, false);
}

static void zeroes_disk(void **state)
{
	each_range(state, FALLOC_FL_ZERO_RANGE, true);
}

static void punching_frees(void **state)
{
	static uint8_t noise[8 * CHUNK];
	uint64_t seed = 5;
	int fd = place_new("f");
	long before;

	(void)state;
	for (size_t i = 0; i < sizeof noise; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		noise[i] = (uint8_t)(seed >> 56);
	}
	assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
	assert_done(fsync(fd));
	before = (long)place_stat("f").st_blocks;
	place_age("f");
	if (fallocate(fd, PUNCH, 0, 7 * CHUNK) != 0 && errno == EOPNOTSUPP) {
		assert_done(close(fd));
		assert_done(unlink("f"));
		place_skip("no punching");
	}
	assert_done(fsync(fd));
	assert_true((long)place_stat("f").st_blocks < before / 4);
	assert_true(place_stat("f").st_mtim.tv_sec > 1000);
	assert_int_equal(place_stat("f").st_size, 8 * CHUNK);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void beyond_the_end(void **state)
{
	int fd = place_new("f");

	(void)state;
	write_pattern(fd, 0, 5000);
	if (fallocate(fd, PUNCH, 4000, CHUNK) != 0 && errno == EOPNOTSUPP) {
		assert_done(close(fd));
		assert_done(unlink("f"));
		place_skip("no punching");
	}
	assert_int_equal(place_stat("f").st_size, 5000);
	assert_pattern(fd, 0, 4000);
	assert_zeros(fd, 4000, 1000);
	assert_done(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 4500, CHUNK));
	assert_int_equal(place_stat("f").st_size, 5000);
	assert_done(fallocate(fd, FALLOC_FL_ZERO_RANGE, 3000, CHUNK));
	assert_int_equal(place_stat("f").st_size, 3000 + CHUNK);
	assert_pattern(fd, 0, 3000);
	assert_zeros(fd, 3000, CHUNK);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Each succeeds without changing the size or a byte that was read before, and counts as a change. */
static void moves_times(void **state)
{
	static const struct {
		int mode;
		off_t offset;
	} cases[] = { { 0, 0 }, { FALLOC_FL_KEEP_SIZE, 100 }, { FALLOC_FL_KEEP_SIZE, 2 * CHUNK }, { PUNCH, 2 * CHUNK },
		      { FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 2 * CHUNK } };
	int fd = place_new("f");

	(void)state;
	write_pattern(fd, 0, CHUNK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		place_age("f");
		if (fallocate(fd, cases[i].mode, cases[i].offset, 1000) != 0) {
			assert_int_equal(errno, EOPNOTSUPP);
			continue;
		}
		assert_true(place_stat("f").st_mtim.tv_sec > 1000);
		assert_true(place_stat("f").st_ctim.tv_sec > 1000);
		assert_int_equal(place_stat("f").st_size, CHUNK);
	}
	assert_pattern(fd, 0, CHUNK);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void refuses(void **state)
{
	int fd = place_new("f"), ends[2];

	(void)state;
	assert_errno(fallocate(fd, 0, 0, 0), EINVAL);
	assert_errno(fallocate(fd, 0, -1, 10), EINVAL);
	assert_errno(fallocate(fd, 0, 0, -1), EINVAL);
	assert_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP); /* must keep the size */
	assert_errno(fallocate(fd, 0, INT64_MAX - 10, 100), EFBIG);
	assert_done(close(fd));
	fd = open("f", O_RDONLY);
	assert_errno(fallocate(fd, 0, 0, 10), EBADF);
	assert_done(close(fd));
	fd = open(".", O_RDONLY);
	assert_errno(fallocate(fd, 0, 0, 10), EBADF); /* it cannot be open for writing */
	assert_done(close(fd));
	assert_done(pipe(ends));
	assert_errno(fallocate(ends[1], 0, 0, 10), ESPIPE);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(place_stat("f").st_size, 0);
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(allocates),
		place_case(punches_memory),
		place_case(punches_disk),
		place_case(zeroes_memory),
		place_case(zeroes_disk),
		place_case(punching_frees),
		place_case(beyond_the_end),
		place_case(moves_times),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
