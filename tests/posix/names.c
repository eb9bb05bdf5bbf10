/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: creating and removing files of every type, hard links, symlinks, long names, directories with many entries and seeking in them.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/sysmacros.h>

#include "tests/posix/place.h"

static void creates(void **state)
{
	(void)state;
	place_file("f", "x");
	assert_errno(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	assert_errno(mkdir("f", 0755), EEXIST);
	assert_errno(open("none", O_RDONLY), ENOENT);
	assert_errno(open("f/x", O_RDONLY), ENOTDIR);
	assert_int_equal(place_stat("f").st_mode, S_IFREG | 0644);
	assert_done(mkfifo("p", 0600));
	assert_true(S_ISFIFO(place_stat("p").st_mode));
	assert_done(mknod("s", S_IFSOCK | 0600, 0));
	assert_true(S_ISSOCK(place_stat("s").st_mode));
	if (geteuid() == 0) {
		assert_done(mknod("c", S_IFCHR | 0600, makedev(300, 70000)));
		assert_int_equal(place_stat("c").st_rdev, makedev(300, 70000));
		assert_done(unlink("c"));
	}
	assert_done(unlink("s"));
	assert_done(unlink("p"));
	assert_done(unlink("f"));
	assert_errno(unlink("f"), ENOENT);
}

static void directories(void **state)
{
	(void)state;
	assert_done(mkdir("d", 0700));
	assert_int_equal(place_stat("d").st_mode, S_IFDIR | 0700);
	assert_done(mkdir("d/e", 0755));
	assert_int_equal(place_stat("d").st_nlink, 3);
	assert_errno(rmdir("d"), ENOTEMPTY);
	assert_int_equal(unlink("d/e"), -1);
	assert_true(errno == EISDIR || errno == EPERM);
	place_file("d/f", "x");
	assert_errno(rmdir("d/f"), ENOTDIR);
	assert_done(unlink("d/f"));
	assert_done(rmdir("d/e"));
	assert_int_equal(place_stat("d").st_nlink, 2);
	assert_done(rmdir("d"));
}

static void hard_links(void **state)
{
	(void)state;
	place_file("one", "x");
	assert_done(mkdir("d", 0755));
	assert_done(link("one", "d/two"));
	assert_int_equal(place_stat("one").st_nlink, 2);
	assert_int_equal(place_stat("one").st_ino, place_stat("d/two").st_ino);
	assert_errno(link("one", "d/two"), EEXIST);
	assert_errno(link("d", "e"), EPERM);
	place_file("d/two", "written through the other name");
	assert_text("one", "written through the other name");
	assert_done(unlink("one"));
	assert_int_equal(place_stat("d/two").st_nlink, 1);
	assert_text("d/two", "written through the other name");
	assert_done(unlink("d/two"));
	assert_done(rmdir("d"));
}

static void symlinks(void **state)
{
	char target[4096], back[4097];

	(void)state;
	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	assert_done(symlink(target, "long")); /* PATH_MAX - 1, the longest there is */
	assert_int_equal(readlink("long", back, sizeof back), sizeof target - 1);
	assert_memory_equal(back, target, sizeof target - 1);
	assert_int_equal(place_stat("long").st_size, sizeof target - 1);
	assert_done(symlink("loop", "loop"));
	assert_errno(open("loop", O_RDONLY), ELOOP);
	assert_errno(open("loop", O_RDONLY | O_NOFOLLOW), ELOOP);
	assert_errno((int)readlink(".", back, sizeof back), EINVAL);
	assert_errno(symlink("x", "loop"), EEXIST);
	assert_done(unlink("loop"));
	assert_done(unlink("long"));
}

static void long_names(void **state)
{
	char name[257];

	(void)state;
	memset(name, 'n', 256);
	name[256] = '\0';
	assert_errno(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	assert_errno(mkdir(name, 0755), ENAMETOOLONG);
	name[255] = '\0';
	place_file(name, "255");
	assert_text(name, "255");
	assert_done(rename(name, "short"));
	assert_done(rename("short", name));
	assert_done(unlink(name));
}

enum { MANY = 3000 };

static void list_once(DIR *dir, char seen[MANY])
{
	struct dirent *e;

	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(seen[atoi(e->d_name + 1)]++, 0);
	}
}

static void many_entries(void **state)
{
	char name[32], after[NAME_MAX + 1], seen[MANY];
	long place;
	DIR *dir;

	(void)state;
	assert_done(mkdir("many", 0755));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "many/e%d", i);
		place_file(name, "");
	}
	dir = opendir("many");
	assert_non_null(dir);
	memset(seen, 0, sizeof seen);
	list_once(dir, seen);
	assert_null(memchr(seen, 0, MANY)); /* each exactly once */

	rewinddir(dir);
	for (int i = 0; i < MANY / 2; i++)
		assert_non_null(readdir(dir));
	place = telldir(dir);
	snprintf(after, sizeof after, "%s", readdir(dir)->d_name);
	rewinddir(dir);
	seekdir(dir, place);
	assert_string_equal(readdir(dir)->d_name, after);

	rewinddir(dir); /* removing what was listed does not hide the rest */
	memset(seen, 0, sizeof seen);
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(seen[atoi(e->d_name + 1)]++, 0);
		assert_done(unlinkat(dirfd(dir), e->d_name, 0));
	}
	assert_null(memchr(seen, 0, MANY));
	assert_done(closedir(dir));
	assert_done(rmdir("many"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(creates),  place_case(directories), place_case(hard_links),
		place_case(symlinks), place_case(long_names),  place_case(many_entries),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
