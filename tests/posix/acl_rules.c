/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX ACLs and the namespaces of extended attributes: modes and ACLs in step, inheritance, permissions of named users, what
 * others than root may see. As root; where ACLs are not supported the tests are skipped.
 */
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/posix/place.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

#define NOBODY 65534

struct entry {
	uint16_t tag, perm;
	uint32_t id;
};

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
#define NO_ID UINT32_MAX

struct acl {
	uint32_t version;
	struct entry entries[8];
};

static size_t acl_size(unsigned n)
{
	return 4 + n * sizeof(struct entry);
}

/* owner, user 1234, group, mask, others */
static struct acl acl_of(unsigned owner, unsigned named, unsigned group, unsigned mask, unsigned other)
{
	return (struct acl){ 2, { { USER_OBJ, (uint16_t)owner, NO_ID }, { USER, (uint16_t)named, 1234 },
				  { GROUP_OBJ, (uint16_t)group, NO_ID }, { MASK, (uint16_t)mask, NO_ID },
				  { OTHER, (uint16_t)other, NO_ID } } };
}

static void assert_acl(const char *path, const char *name, const struct acl *want, unsigned n)
{
	struct acl got;

	assert_int_equal(getxattr(path, name, &got, sizeof got), acl_size(n));
	assert_memory_equal(&got, want, acl_size(n));
}

static void assert_no_acl(const char *path, const char *name)
{
	struct acl got;

	assert_errno((int)getxattr(path, name, &got, sizeof got), ENODATA);
}

static void assert_mode(const char *path, unsigned mode)
{
	assert_int_equal(place_stat(path).st_mode & 07777, mode);
}

static void need_acl(void)
{
	struct acl acl = acl_of(7, 7, 7, 7, 7);

	place_file("probe", "");
	if (getuid() != 0 || (setxattr("probe", ACCESS, &acl, acl_size(5), 0) != 0 && errno == EOPNOTSUPP)) {
		assert_done(unlink("probe"));
		place_skip("no access control lists, or not root");
	}
	assert_done(unlink("probe"));
}

/* Runs fn as a user with this uid and gid; true when it says so. */
static bool as_user(uid_t uid, gid_t gid, bool (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) || setgid(gid) || setuid(uid))
			_exit(2);
		_exit(fn() ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

static bool can_read(void)
{
	return access("f", R_OK) == 0;
}

static bool can_write(void)
{
	int fd = open("f", O_WRONLY);

	return fd >= 0 && close(fd) == 0;
}

static void mode_and_acl(void **state)
{
	struct acl acl = acl_of(6, 6, 4, 6, 0);

	(void)state;
	need_acl();
	place_file("f", "text");
	assert_done(setxattr("f", ACCESS, &acl, acl_size(5), 0));
	assert_mode("f", 0660);
	assert_acl("f", ACCESS, &acl, 5);
	assert_true(as_user(1234, 1234, can_write));
	assert_false(as_user(1235, 1234, can_read));
	assert_done(chmod("f", 0640));
	acl.entries[3].perm = 4;
	assert_acl("f", ACCESS, &acl, 5);
	assert_false(as_user(1234, 1234, can_write));
	assert_true(as_user(1234, 1234, can_read));
	assert_false(as_user(1235, 1234, can_read));
	assert_done(chmod("f", 0604));
	acl.entries[3].perm = 0;
	acl.entries[4].perm = 4;
	assert_acl("f", ACCESS, &acl, 5);
	assert_true(as_user(1235, 1234, can_read));
	assert_done(unlink("f"));
}

/* An ACL that says what a mode can say is but a mode. */
static void minimal_acl(void **state)
{
	struct acl acl = acl_of(6, 6, 4, 6, 0);
	struct acl minimal = { 2, { { USER_OBJ, 7, NO_ID }, { GROUP_OBJ, 5, NO_ID }, { OTHER, 1, NO_ID } } };

	(void)state;
	need_acl();
	place_file("f", "text");
	assert_done(setxattr("f", ACCESS, &acl, acl_size(5), 0));
	assert_done(setxattr("f", ACCESS, &minimal, acl_size(3), 0));
	assert_mode("f", 0751);
	assert_no_acl("f", ACCESS);
	assert_done(setxattr("f", ACCESS, &acl, acl_size(5), 0));
	assert_done(removexattr("f", ACCESS));
	assert_mode("f", 0660);
	assert_no_acl("f", ACCESS);
	assert_false(as_user(1234, 1234, can_read));
	assert_done(unlink("f"));
}

static void malformed(void **state)
{
	struct acl acl = acl_of(6, 6, 4, 6, 0);

	(void)state;
	need_acl();
	place_file("f", "text");
	assert_errno(setxattr("f", ACCESS, &acl, acl_size(5) - 1, 0), EINVAL);
	assert_errno(setxattr("f", ACCESS, &acl, acl_size(2), 0), EINVAL);
	acl.entries[3].tag = OTHER; /* no mask */
	assert_errno(setxattr("f", ACCESS, &acl, acl_size(5), 0), EINVAL);
	acl = acl_of(6, 6, 4, 6, 0);
	acl.version = 1;
	assert_errno(setxattr("f", ACCESS, &acl, acl_size(5), 0), EOPNOTSUPP);
	acl = acl_of(6, 6, 4, 6, 0);
	assert_errno(setxattr("f", DEFAULT, &acl, acl_size(5), 0), EACCES);
	assert_no_acl("f", ACCESS);
	assert_done(symlink("f", "l"));
	assert_errno(lsetxattr("l", ACCESS, &acl, acl_size(5), 0), EOPNOTSUPP);
	assert_done(unlink("l"));
	assert_done(unlink("f"));
}

static void inheritance(void **state)
{
	struct acl defaults = acl_of(7, 6, 5, 7, 0), want;
	mode_t before = umask(077); /* a default ACL takes its place */
	int fd;

	(void)state;
	need_acl();
	assert_done(mkdir("d", 0777));
	assert_mode("d", 0700);
	assert_done(setxattr("d", DEFAULT, &defaults, acl_size(5), 0));
	assert_mode("d", 0700);
	fd = open("d/f", O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	assert_done(close(fd));
	assert_mode("d/f", 0660);
	want = acl_of(6, 6, 5, 6, 0);
	assert_acl("d/f", ACCESS, &want, 5);
	assert_no_acl("d/f", DEFAULT);
	assert_done(mkdir("d/sub", 0755));
	assert_mode("d/sub", 0750);
	want = acl_of(7, 6, 5, 5, 0);
	assert_acl("d/sub", ACCESS, &want, 5);
	assert_acl("d/sub", DEFAULT, &defaults, 5);
	assert_done(mknod("d/sub/pipe", S_IFIFO | 0600, 0));
	assert_mode("d/sub/pipe", 0600);
	want = acl_of(6, 6, 5, 0, 0);
	assert_acl("d/sub/pipe", ACCESS, &want, 5);
	assert_done(symlink("f", "d/link"));
	assert_done(removexattr("d", DEFAULT));
	assert_done(mkdir("d/plain", 0777));
	assert_mode("d/plain", 0700);
	assert_no_acl("d/plain", ACCESS);
	assert_done(setxattr("d", DEFAULT, &defaults, acl_size(5), 0));
	assert_done(mkdir("d/again", 0700));
	assert_acl("d/again", DEFAULT, &defaults, 5);
	assert_done(rmdir("d/again"));
	assert_done(rmdir("d/plain"));
	assert_done(unlink("d/link"));
	assert_done(unlink("d/sub/pipe"));
	assert_done(rmdir("d/sub"));
	assert_done(unlink("d/f"));
	assert_done(rmdir("d"));
	umask(before);
}

/* Taking away what is not there is no change. */
static void removes_none(void **state)
{
	struct timespec before, now;

	(void)state;
	need_acl();
	assert_done(mkdir("d", 0755));
	before = place_stat("d").st_ctim;
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == before.tv_sec && now.tv_nsec <= before.tv_nsec);
	assert_done(removexattr("d", DEFAULT));
	assert_done(removexattr("d", ACCESS));
	assert_int_equal(place_stat("d").st_ctim.tv_sec, before.tv_sec);
	assert_int_equal(place_stat("d").st_ctim.tv_nsec, before.tv_nsec);
	assert_done(rmdir("d"));
}

/* A default ACL that is no more than a mode is inherited as one. */
static void minimal_inheritance(void **state)
{
	struct acl minimal = { 2, { { USER_OBJ, 6, NO_ID }, { GROUP_OBJ, 6, NO_ID }, { OTHER, 4, NO_ID } } };

	(void)state;
	need_acl();
	assert_done(mkdir("d", 0755));
	assert_done(setxattr("d", DEFAULT, &minimal, acl_size(3), 0));
	assert_done(mknod("d/f", S_IFREG | 0666, 0));
	assert_mode("d/f", 0664);
	assert_no_acl("d/f", ACCESS);
	assert_done(unlink("d/f"));
	assert_done(rmdir("d"));
}

static bool set_acl_of_own(void)
{
	struct acl acl = acl_of(7, 5, 5, 5, 5);

	return setxattr("f", ACCESS, &acl, acl_size(5), 0) == 0;
}

/* Who sets an ACL without being in the file's group takes set-group-id away. */
static void set_group_id(void **state)
{
	(void)state;
	need_acl();
	place_file("f", "text");
	assert_done(chown("f", 1234, 77));
	assert_done(chmod("f", 02755));
	assert_true(as_user(1234, 77, set_acl_of_own));
	assert_mode("f", 02755);
	assert_true(as_user(1234, 1234, set_acl_of_own));
	assert_mode("f", 0755);
	assert_false(as_user(1235, 77, set_acl_of_own));
	assert_done(unlink("f"));
}

static bool sees_trusted(void)
{
	char list[256];
	ssize_t n = listxattr("f", list, sizeof list);

	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1) {
		if (strcmp(list + at, "trusted.secret") == 0)
			return true;
	}
	return getxattr("f", "trusted.secret", list, sizeof list) >= 0 || errno != ENODATA;
}

static void name_spaces(void **state)
{
	char list[256];

	(void)state;
	need_acl();
	place_file("f", "text");
	assert_errno(setxattr("f", "nowhere.a", "1", 1, 0), EOPNOTSUPP);
	assert_errno(setxattr("f", "plain", "1", 1, 0), EOPNOTSUPP);
	assert_errno(setxattr("f", "system.other", "1", 1, 0), EOPNOTSUPP);
	assert_errno(setxattr("f", "user.", "1", 1, 0), EINVAL);
	assert_errno((int)getxattr("f", "nowhere.a", list, sizeof list), EOPNOTSUPP);
	assert_errno(removexattr("f", "nowhere.a"), EOPNOTSUPP);
	assert_done(setxattr("f", "trusted.secret", "1", 1, 0));
	assert_done(setxattr("f", "security.label", "1", 1, 0));
	assert_true(sees_trusted());
	assert_false(as_user(NOBODY, NOBODY, sees_trusted));
	assert_done(symlink("f", "l"));
	assert_errno(lsetxattr("l", "user.a", "1", 1, 0), EPERM);
	assert_done(lsetxattr("l", "trusted.a", "1", 1, 0));
	assert_done(unlink("l"));
	assert_done(unlink("f"));
}

static bool append_byte(void)
{
	int fd = open("f", O_WRONLY | O_APPEND);

	return fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0;
}

/* Writing and changing the owner take the capabilities of a file away. */
static void capabilities(void **state)
{
	/* version 2, CAP_CHOWN permitted */
	static const uint32_t cap[5] = { 0x02000000, 1, 0, 0, 0 };
	char value[64];

	(void)state;
	need_acl();
	place_file("f", "text");
	assert_done(setxattr("f", "security.capability", cap, sizeof cap, 0));
	assert_int_equal(getxattr("f", "security.capability", value, sizeof value), sizeof cap);
	assert_true(append_byte());
	assert_errno((int)getxattr("f", "security.capability", value, sizeof value), ENODATA);
	assert_done(setxattr("f", "security.capability", cap, sizeof cap, 0));
	assert_true(append_byte());
	assert_errno((int)getxattr("f", "security.capability", value, sizeof value), ENODATA);
	assert_done(setxattr("f", "security.capability", cap, sizeof cap, 0));
	assert_done(chown("f", 1, 1));
	assert_errno((int)getxattr("f", "security.capability", value, sizeof value), ENODATA);
	assert_done(setxattr("f", "security.capability", cap, sizeof cap, 0));
	assert_done(truncate("f", 2));
	assert_errno((int)getxattr("f", "security.capability", value, sizeof value), ENODATA);
	assert_done(unlink("f"));
}

static bool truncate_it(void)
{
	return truncate("f", 3) == 0;
}

static bool allocate(void)
{
	int fd = open("f", O_WRONLY);

	return fd >= 0 && fallocate(fd, 0, 0, 100) == 0 && close(fd) == 0;
}

static bool punch(void)
{
	int fd = open("f", O_WRONLY);

	return fd >= 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2) == 0 && close(fd) == 0;
}

static bool copy_into(void)
{
	int fd = open("f", O_RDWR);
	loff_t from = 0, to = 200;

	return fd >= 0 && copy_file_range(fd, &from, fd, &to, 50, 0) == 50 && close(fd) == 0;
}

static bool write_directly(void)
{
	static char page[4096] __attribute__((aligned(4096)));
	int fd = open("f", O_WRONLY | O_DIRECT);

	/* some file systems have no such thing */
	return fd < 0 ? append_byte() : pwrite(fd, page, sizeof page, 0) == sizeof page && close(fd) == 0;
}

/* Whatever changes the contents takes set-user-id away. */
static void changes_of_set_user_id(void **state)
{
	bool (*const changes[])(void) = { truncate_it, allocate, punch, copy_into, write_directly, append_byte };

	(void)state;
	need_acl();
	place_file("f", "some text that is long enough");
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		assert_done(chmod("f", 06777));
		assert_true(changes[i]());
		assert_mode("f", 06777);
		assert_true(as_user(NOBODY, NOBODY, changes[i]));
		assert_mode("f", 0777);
	}
	assert_done(unlink("f"));
}

/* Writing takes set-user-id away from a file, unless root writes. */
static void set_user_id(void **state)
{
	(void)state;
	need_acl();
	place_file("f", "text");
	assert_done(chmod("f", 06777));
	assert_true(append_byte());
	assert_mode("f", 06777);
	assert_true(as_user(NOBODY, NOBODY, append_byte));
	assert_mode("f", 0777);
	assert_done(chmod("f", 02767));
	assert_true(as_user(NOBODY, NOBODY, append_byte));
	assert_true((place_stat("f").st_mode & 0777) == 0767);
	assert_done(chmod("f", 06755));
	assert_done(chown("f", 1, 1));
	assert_mode("f", 0755);
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(mode_and_acl),        place_case(minimal_acl),  place_case(malformed),
		place_case(inheritance),         place_case(set_group_id), place_case(name_spaces),
		place_case(minimal_inheritance), place_case(capabilities), place_case(set_user_id),
		place_case(changes_of_set_user_id), place_case(removes_none),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
