/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name_to_handle_at(2), open_by_handle_at(2): files found again without a name, as an NFS server does; gone ones are stale.
 */
#include "tests/posix/place.h"

union handle {
	struct file_handle header;
	char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static void handle_of(const char *name, union handle *handle)
{
	int mount;

	handle->header.handle_bytes = MAX_HANDLE_SZ;
	assert_done(name_to_handle_at(AT_FDCWD, name, &handle->header, &mount, 0));
}

static void same_handles(void **state)
{
	union handle a, b;

	(void)state;
	place_file("f", "x");
	handle_of("f", &a);
	assert_done(rename("f", "g"));
	handle_of("g", &b);
	assert_int_equal(a.header.handle_bytes, b.header.handle_bytes);
	assert_int_equal(a.header.handle_type, b.header.handle_type);
	assert_memory_equal(a.header.f_handle, b.header.f_handle, a.header.handle_bytes);
	assert_done(unlink("g"));
	a.header.handle_bytes = 0; /* asks for the length */
	assert_errno(name_to_handle_at(AT_FDCWD, ".", &a.header, &(int){ 0 }, 0), EOVERFLOW);
	assert_int_equal(a.header.handle_bytes, b.header.handle_bytes);
}

static void opens(void **state)
{
	int mount = open(".", O_RDONLY), fd;
	union handle file, dir;
	char buf[8];

	(void)state;
	place_need_root();
	assert_done(mkdir("d", 0755));
	place_file("d/f", "text");
	handle_of("d/f", &file);
	handle_of("d", &dir);
	assert_done(rename("d", "e"));
	fd = open_by_handle_at(mount, &file.header, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, sizeof buf), 4);
	assert_memory_equal(buf, "text", 4);
	assert_done(close(fd));
	fd = open_by_handle_at(mount, &dir.header, O_RDONLY);
	assert_true(fd >= 0);
	assert_done(faccessat(fd, "f", F_OK, 0));
	assert_done(faccessat(fd, "../e", F_OK, 0)); /* the way up is found as well */
	assert_done(close(fd));
	assert_done(unlink("e/f"));
	assert_done(rmdir("e"));
	assert_done(close(mount));
}

static void stale(void **state)
{
	int mount = open(".", O_RDONLY);
	union handle handle;

	(void)state;
	place_need_root();
	place_file("f", "x");
	handle_of("f", &handle);
	assert_done(unlink("f"));
	place_file("f", "another"); /* whatever number it got: it is another file */
	assert_errno(open_by_handle_at(mount, &handle.header, O_RDONLY), ESTALE);
	assert_done(unlink("f"));
	assert_done(close(mount));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(same_handles),
		place_case(opens),
		place_case(stale),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
