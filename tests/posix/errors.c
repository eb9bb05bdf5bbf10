/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: what every call that takes one refuses in the same way: too many symlinks, too long, through a file, empty.
 */
#include <limits.h>
#include <sys/xattr.h>

#include "tests/posix/place.h"

static struct stat st;
static char buf[16];

static int call_open(const char *path)
{
	return open(path, O_RDONLY);
}

static int call_create(const char *path)
{
	return open(path, O_WRONLY | O_CREAT, 0644);
}

static int call_stat(const char *path)
{
	return stat(path, &st);
}

static int call_chmod(const char *path)
{
	return chmod(path, 0644);
}

static int call_chown(const char *path)
{
	return chown(path, (uid_t)-1, (gid_t)-1);
}

static int call_truncate(const char *path)
{
	return truncate(path, 0);
}

static int call_access(const char *path)
{
	return access(path, F_OK);
}

static int call_utimens(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, 0);
}

static int call_chdir(const char *path)
{
	return chdir(path);
}

static int call_getxattr(const char *path)
{
	return (int)getxattr(path, "user.a", buf, sizeof buf);
}

/* Those that do not follow the last symlink, or make the name. */
static int call_lstat(const char *path)
{
	return lstat(path, &st);
}

static int call_unlink(const char *path)
{
	return unlink(path);
}

static int call_rmdir(const char *path)
{
	return rmdir(path);
}

static int call_mkdir(const char *path)
{
	return mkdir(path, 0755);
}

static int call_mknod(const char *path)
{
	return mkfifo(path, 0600);
}

static int call_symlink(const char *path)
{
	return symlink("x", path);
}

static int call_link(const char *path)
{
	return link("file", path);
}

static int call_rename_from(const char *path)
{
	return rename(path, "elsewhere");
}

static int call_rename_to(const char *path)
{
	return rename("file", path);
}

static int call_readlink(const char *path)
{
	return (int)readlink(path, buf, sizeof buf);
}

typedef int (*call)(const char *path);
static const call following[] = { call_open,  call_create,   call_stat,   call_chmod,   call_chown,
				  call_truncate, call_access, call_utimens, call_chdir, call_getxattr };
static const call all[] = { call_open,    call_create, call_stat,   call_chmod,  call_chown,   call_truncate, call_access,
			    call_utimens, call_chdir,  call_getxattr, call_lstat, call_unlink, call_rmdir,    call_mkdir,
			    call_mknod,   call_symlink, call_link,  call_rename_from, call_rename_to, call_readlink };

static void all_refuse(const call *calls, size_t n, const char *path, int error)
{
	place_file("file", "x");
	for (size_t i = 0; i < n; i++) {
		errno = 0;
		if (calls[i](path) != -1 || errno != error)
			fail_msg("call %zu with %.20s: %s, not %s", i, path, strerror(errno), strerror(error));
	}
	assert_done(unlink("file"));
}
#define ALL_REFUSE(calls, path, error) all_refuse((calls), sizeof(calls) / sizeof *(calls), (path), (error))

static void too_many_symlinks(void **state)
{
	char name[16], target[16];

	(void)state;
	assert_done(symlink("loop2", "loop1"));
	assert_done(symlink("loop1", "loop2"));
	ALL_REFUSE(following, "loop1", ELOOP);
	ALL_REFUSE(all, "loop1/x", ELOOP);
	assert_done(unlink("loop1"));
	assert_done(unlink("loop2"));
	place_file("s0", "the end");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(target, sizeof target, "s%d", i - 1);
		assert_done(symlink(target, name));
	}
	assert_text("s40", "the end");
	assert_errno(open("s41", O_RDONLY), ELOOP);
	for (int i = 0; i <= 41; i++) {
		snprintf(name, sizeof name, "s%d", i);
		assert_done(unlink(name));
	}
}

static void too_long(void **state)
{
	static char path[PATH_MAX + 10];

	(void)state;
	memset(path, 'n', NAME_MAX + 1);
	path[NAME_MAX + 1] = '\0';
	ALL_REFUSE(all, path, ENAMETOOLONG);
	memcpy(path + NAME_MAX + 1, "/x", 3);
	ALL_REFUSE(all, path, ENAMETOOLONG);
	for (int i = 0; i < PATH_MAX; i++)
		path[i] = i % 2 ? '/' : '.';
	path[PATH_MAX] = '\0';
	ALL_REFUSE(all, path, ENAMETOOLONG);
	path[PATH_MAX - 1] = '\0'; /* the longest that there may be */
	assert_done(stat(path, &st));
}

static void through_a_file(void **state)
{
	(void)state;
	place_file("f", "x");
	ALL_REFUSE(all, "f/x", ENOTDIR);
	ALL_REFUSE(all, "f/x/y", ENOTDIR);
	assert_done(unlink("f"));
}

static void missing(void **state)
{
	(void)state;
	ALL_REFUSE(all, "none/x", ENOENT);
	ALL_REFUSE(all, "", ENOENT);
}

/* Names of every length and byte but '/' and 0, each in its place. */
static void odd_names(void **state)
{
	char name[NAME_MAX + 1], text[16];

	(void)state;
	assert_done(mkdir("d", 0755));
	assert_done(chdir("d"));
	for (int length = 1; length <= NAME_MAX; length += length < 8 ? 1 : 13) {
		memset(name, 'a' + length % 26, (size_t)length);
		name[length] = '\0';
		snprintf(text, sizeof text, "%d", length);
		place_file(name, text);
	}
	for (int byte = 1; byte < 256; byte++) {
		if (byte == '/')
			continue;
		snprintf(name, sizeof name, "%cbyte", byte);
		snprintf(text, sizeof text, "b%d", byte);
		place_file(name, text);
	}
	for (int length = 1; length <= NAME_MAX; length += length < 8 ? 1 : 13) {
		memset(name, 'a' + length % 26, (size_t)length);
		name[length] = '\0';
		snprintf(text, sizeof text, "%d", length);
		assert_text(name, text);
		assert_done(unlink(name));
	}
	for (int byte = 1; byte < 256; byte++) {
		if (byte == '/')
			continue;
		snprintf(name, sizeof name, "%cbyte", byte);
		snprintf(text, sizeof text, "b%d", byte);
		assert_text(name, text);
		assert_done(unlink(name));
	}
	assert_done(chdir(".."));
	assert_done(rmdir("d"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(too_many_symlinks),
		place_case(too_long),
		place_case(through_a_file),
		place_case(missing),
		place_case(odd_names),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
