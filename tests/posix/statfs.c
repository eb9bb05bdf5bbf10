/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * statfs(2) and pathconf(3): figures that are sane, and follow what is written.
 */
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "tests/posix/place.h"

static struct statvfs figures(void)
{
	struct statvfs vfs;

	assert_done(statvfs(".", &vfs));
	return vfs;
}

static void sane(void **state)
{
	struct statvfs vfs;

	(void)state;
	assert_done(statvfs(".", &vfs));
	assert_int_equal(vfs.f_namemax, 255);
	assert_true(vfs.f_bsize >= 512);
	assert_true(vfs.f_blocks > 0);
	assert_true(vfs.f_bavail <= vfs.f_bfree && vfs.f_bfree <= vfs.f_blocks);
	assert_true(vfs.f_files == 0 || vfs.f_ffree <= vfs.f_files);
}

static void by_descriptor(void **state)
{
	int fd = place_new("f");
	struct statfs a, b;

	(void)state;
	assert_done(fstatfs(fd, &a));
	assert_done(statfs("f", &b));
	assert_int_equal(a.f_type, b.f_type);
	assert_int_equal(a.f_blocks, b.f_blocks);
	assert_memory_equal(&a.f_fsid, &b.f_fsid, sizeof a.f_fsid);
	assert_errno(statfs("none", &b), ENOENT);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

/* Writing changes neither the size of the file system, nor what its figures mean. */
static void follows(void **state)
{
	enum { LEN = 16 << 20, STEP = 1 << 20 };
	struct statvfs before = figures(), after;
	uint64_t *noise = malloc(STEP), seed = 9;
	int fd = place_new("f");

	(void)state;
	assert_non_null(noise);
	for (size_t done = 0; done < LEN; done += STEP) {
		for (size_t i = 0; i < STEP / 8; i++)
			noise[i] = seed = seed * 6364136223846793005u + 1442695040888963407u;
		assert_int_equal(write(fd, noise, STEP), STEP);
	}
	assert_done(fsync(fd));
	after = figures();
	assert_true(place_stat("f").st_blocks * 512ll > LEN / 2);
	assert_true(after.f_bavail <= after.f_bfree && after.f_bfree < after.f_blocks);
	assert_int_equal(after.f_blocks, before.f_blocks);
	free(noise);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void limits(void **state)
{
	(void)state;
	assert_int_equal(pathconf(".", _PC_NAME_MAX), 255);
	assert_true(pathconf(".", _PC_LINK_MAX) >= 1);
	assert_int_equal(pathconf(".", _PC_NO_TRUNC), 1);
	assert_int_equal(pathconf(".", _PC_CHOWN_RESTRICTED), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(sane),
		place_case(by_descriptor),
		place_case(follows),
		place_case(limits),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
