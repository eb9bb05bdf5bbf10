/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: all namespaces, flags, sizes, who may, and that nothing of them outlives the file.
 */
#include <sys/xattr.h>

#include "tests/posix/place.h"

static void set_get_list_remove(void **state)
{
	char value[2000], back[2000], list[256];

	(void)state;
	place_file("f", "x");
	if (setxattr("f", "user.a", "1", 1, 0) != 0 && errno == ENOTSUP)
		place_skip("no extended attributes");
	memset(value, 'v', sizeof value);
	assert_errno(setxattr("f", "user.a", "2", 1, XATTR_CREATE), EEXIST);
	assert_errno(setxattr("f", "user.b", "2", 1, XATTR_REPLACE), ENODATA);
	assert_done(setxattr("f", "user.big", value, sizeof value, XATTR_CREATE));
	assert_int_equal(getxattr("f", "user.big", back, sizeof back), sizeof value);
	assert_memory_equal(back, value, sizeof value);
	assert_int_equal(getxattr("f", "user.big", NULL, 0), sizeof value);
	assert_errno((int)getxattr("f", "user.big", back, 10), ERANGE);
	assert_done(setxattr("f", "user.empty", "", 0, 0));
	assert_int_equal(getxattr("f", "user.empty", back, sizeof back), 0);
	assert_int_equal(listxattr("f", list, sizeof list), sizeof "user.a" + sizeof "user.big" + sizeof "user.empty");
	assert_errno((int)listxattr("f", list, 3), ERANGE);
	assert_done(setxattr("f", "user.big", "small", 5, XATTR_REPLACE));
	assert_int_equal(getxattr("f", "user.big", back, sizeof back), 5);
	assert_done(removexattr("f", "user.a"));
	assert_errno(removexattr("f", "user.a"), ENODATA);
	assert_errno((int)getxattr("f", "user.a", back, sizeof back), ENODATA);
	assert_done(unlink("f"));
	place_file("f", "x"); /* a new file of the same name has none of them */
	assert_int_equal(listxattr("f", list, sizeof list), 0);
	assert_done(unlink("f"));
}

static void lengths(void **state)
{
	static char value[65537], back[65537];
	static const size_t sizes[] = { 0, 1, 255, 256, 1000, 2000, 3000 };
	char name[300] = "user.";

	(void)state;
	place_file("f", "x");
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_done(setxattr("f", "user.a", value, sizes[i], 0));
		assert_int_equal(getxattr("f", "user.a", back, sizeof back), sizes[i]);
		assert_memory_equal(back, value, sizes[i]);
	}
	assert_errno(setxattr("f", "user.a", value, 65537, 0), E2BIG);
	memset(name + 5, 'n', 251);
	assert_errno(setxattr("f", name, "x", 1, 0), ERANGE);
	name[255] = '\0';
	assert_done(setxattr("f", name, "x", 1, 0)); /* 255 bytes */
	assert_int_equal(getxattr("f", name, back, sizeof back), 1);
	assert_done(unlink("f"));
}

static void largest(void **state)
{
	static char value[65536], back[65536];

	(void)state;
	place_file("f", "x");
	memset(value, 'v', sizeof value);
	value[60000] = 'w';
	if (setxattr("f", "user.a", value, sizeof value, 0) != 0) {
		assert_true(errno == ENOSPC || errno == E2BIG);
		assert_done(unlink("f"));
		place_skip("values of 64 KiB do not fit");
	}
	assert_int_equal(getxattr("f", "user.a", back, sizeof back), sizeof back);
	assert_memory_equal(back, value, sizeof value);
	assert_done(unlink("f"));
}

static void many(void **state)
{
	static char list[65536];
	char name[32];

	(void)state;
	place_file("f", "x");
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof name, "user.%d", i);
		assert_done(setxattr("f", name, name, strlen(name), XATTR_CREATE));
	}
	for (int i = 0; i < 60; i += 2) {
		snprintf(name, sizeof name, "user.%d", i);
		assert_done(removexattr("f", name));
	}
	assert_int_equal(listxattr("f", list, sizeof list), 5 * 7 + 25 * 8);
	for (int i = 1; i < 60; i += 2) {
		snprintf(name, sizeof name, "user.%d", i);
		assert_int_equal(getxattr("f", name, list, sizeof list), strlen(name));
		assert_memory_equal(list, name, strlen(name));
	}
	assert_done(unlink("f"));
}

static void namespaces(void **state)
{
	char back[8];

	(void)state;
	place_need_root();
	place_file("f", "x");
	assert_done(chmod("f", 0644));
	assert_done(setxattr("f", "user.u", "1", 1, 0));
	assert_done(setxattr("f", "trusted.t", "2", 1, 0));
	assert_done(setxattr("f", "security.s", "3", 1, 0));
	assert_errno(setxattr("f", "nothing.n", "4", 1, 0), EOPNOTSUPP);
	assert_errno(setxattr("f", "user", "4", 1, 0), EOPNOTSUPP);
	assert_int_equal(getxattr("f", "trusted.t", back, sizeof back), 1);
	place_become(65534, 65534);
	assert_int_equal(getxattr("f", "user.u", back, sizeof back), 1);
	assert_errno((int)getxattr("f", "trusted.t", back, sizeof back), ENODATA);
	assert_int_equal(getxattr("f", "security.s", back, sizeof back), 1);
	assert_errno(setxattr("f", "user.u", "5", 1, 0), EACCES);
	assert_errno(setxattr("f", "trusted.t", "5", 1, 0), EPERM);
	assert_errno(setxattr("f", "security.s", "5", 1, 0), EPERM);
	assert_done(place_root());
	assert_done(chmod("f", 0600));
	place_become(65534, 65534);
	assert_errno((int)getxattr("f", "user.u", back, sizeof back), EACCES);
	assert_done(place_root());
	assert_done(unlink("f"));
}

static void of_other_types(void **state)
{
	char back[8];

	(void)state;
	assert_done(mkdir("d", 0755));
	assert_done(mkfifo("p", 0600));
	assert_done(symlink("d", "s"));
	assert_done(setxattr("s", "user.a", "1", 1, 0)); /* of the directory */
	assert_int_equal(getxattr("d", "user.a", back, sizeof back), 1);
	assert_errno(lsetxattr("s", "user.a", "1", 1, 0), EPERM);
	assert_errno(setxattr("p", "user.a", "1", 1, 0), EPERM);
	if (geteuid() == 0) {
		assert_done(lsetxattr("s", "trusted.a", "1", 1, 0));
		assert_int_equal(lgetxattr("s", "trusted.a", back, sizeof back), 1);
		assert_done(setxattr("p", "trusted.a", "1", 1, 0));
		assert_int_equal(getxattr("p", "trusted.a", back, sizeof back), 1);
	}
	assert_done(unlink("s"));
	assert_done(unlink("p"));
	assert_done(rmdir("d"));
}

static void by_descriptor(void **state)
{
	int fd = place_new("f");
	char back[8];

	(void)state;
	assert_done(fsetxattr(fd, "user.a", "1", 1, 0));
	assert_done(rename("f", "g"));
	assert_int_equal(fgetxattr(fd, "user.a", back, sizeof back), 1);
	assert_int_equal(getxattr("g", "user.a", back, sizeof back), 1);
	assert_done(link("g", "h"));
	assert_done(unlink("g"));
	assert_done(setxattr("h", "user.a", "22", 2, 0));
	assert_int_equal(fgetxattr(fd, "user.a", back, sizeof back), 2);
	assert_done(unlink("h"));
	assert_int_equal(fgetxattr(fd, "user.a", back, sizeof back), 2); /* without a name too */
	assert_done(fremovexattr(fd, "user.a"));
	assert_errno((int)fgetxattr(fd, "user.a", back, sizeof back), ENODATA);
	assert_done(close(fd));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(set_get_list_remove),
		place_case(lengths),
		place_case(largest),
		place_case(many),
		place_case(namespaces),
		place_case(of_other_types),
		place_case(by_descriptor),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
