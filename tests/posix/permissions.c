/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modes and owners: who may read, write, search, change what; when set-user-id and set-group-id go; sticky directories. Mostly as other users.
 */
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/posix/place.h"

enum { ALICE = 60001, BOB = 60002, STAFF = 60010 };

static mode_t mode_of(const char *name)
{
	return place_stat(name).st_mode & 07777;
}

/* A file of Alice's and the group STAFF. */
static void make_hers(const char *name, mode_t mode)
{
	assert_done(place_root());
	place_file(name, "hers");
	assert_done(chown(name, ALICE, STAFF));
	assert_done(chmod(name, mode));
}

static void changes(void **state)
{
	int fd;

	(void)state;
	place_file("f", "x");
	for (mode_t mode = 0; mode <= 07777; mode += 0123) {
		assert_done(chmod("f", mode));
		assert_int_equal(mode_of("f"), mode);
	}
	assert_done(chmod("f", 0644));
	fd = open("f", O_WRONLY);
	assert_true(fd >= 0);
	assert_done(fchmod(fd, 0));
	assert_int_equal(mode_of("f"), 0);
	assert_int_equal(write(fd, "y", 1), 1); /* the open file stays open */
	assert_done(close(fd));
	assert_errno(chmod("none", 0644), ENOENT);
	assert_errno(chown("none", 0, 0), ENOENT);
	assert_done(unlink("f"));
}

static void owners(void **state)
{
	(void)state;
	place_need_root();
	place_file("f", "x");
	assert_done(chown("f", 4000000000u, 3000000000u));
	assert_int_equal(place_stat("f").st_uid, 4000000000u);
	assert_int_equal(place_stat("f").st_gid, 3000000000u);
	assert_done(chown("f", (uid_t)-1, 7));
	assert_int_equal(place_stat("f").st_uid, 4000000000u);
	assert_int_equal(place_stat("f").st_gid, 7);
	assert_done(chown("f", 5, (gid_t)-1));
	assert_int_equal(place_stat("f").st_uid, 5);
	assert_int_equal(place_stat("f").st_gid, 7);
	assert_done(symlink("f", "s"));
	assert_done(lchown("s", 8, 9));
	assert_int_equal(place_stat("s").st_uid, 8);
	assert_int_equal(place_stat("f").st_uid, 5);
	assert_done(unlink("s"));
	assert_done(unlink("f"));
}

static void checked(void **state)
{
	(void)state;
	place_need_root();
	make_hers("f", 0640);
	assert_done(mkdir("d", 0700));
	place_file("d/f", "x");
	place_become(BOB, BOB);
	assert_errno(open("f", O_RDONLY), EACCES);
	assert_errno(open("d/f", O_RDONLY), EACCES);
	assert_errno(open("new", O_CREAT | O_WRONLY, 0644), EACCES);
	assert_errno(unlink("f"), EACCES);
	assert_errno(rename("f", "g"), EACCES);
	assert_errno(truncate("f", 0), EACCES);
	assert_errno(access("f/x", F_OK), ENOTDIR);
	assert_done(place_root());
	place_become(BOB, STAFF);
	assert_done(close(open("f", O_RDONLY)));
	assert_errno(open("f", O_WRONLY), EACCES);
	assert_done(place_root());
	assert_done(chmod("f", 0604)); /* the group's bits count for the group, however much others may */
	place_become(BOB, STAFF);
	assert_errno(open("f", O_RDONLY), EACCES);
	assert_done(place_root());
	assert_done(unlink("d/f"));
	assert_done(rmdir("d"));
	assert_done(unlink("f"));
}

static void not_the_owner(void **state)
{
	const struct timespec exact[2] = { { 5, 0 }, { 5, 0 } };

	(void)state;
	place_need_root();
	make_hers("f", 0666);
	place_become(BOB, BOB);
	assert_errno(chmod("f", 0777), EPERM);
	assert_errno(chown("f", BOB, (gid_t)-1), EPERM);
	assert_errno(chown("f", (uid_t)-1, BOB), EPERM);
	assert_errno(utimensat(AT_FDCWD, "f", exact, 0), EPERM);
	assert_done(utimensat(AT_FDCWD, "f", NULL, 0)); /* now: whoever may write */
	assert_done(place_root());
	assert_done(chmod("f", 0644));
	place_become(BOB, BOB);
	assert_errno(utimensat(AT_FDCWD, "f", NULL, 0), EACCES);
	assert_done(place_root());
	assert_done(unlink("f"));
}

static void the_owner(void **state)
{
	(void)state;
	place_need_root();
	make_hers("f", 0644);
	place_become(ALICE, STAFF);
	assert_done(chmod("f", 0600));
	assert_done(chown("f", ALICE, STAFF));
	assert_errno(chown("f", ALICE, BOB), EPERM); /* a group she is not in */
	assert_errno(chown("f", BOB, (gid_t)-1), EPERM);
	assert_done(chmod("f", 06755));
	assert_int_equal(mode_of("f"), 06755);
	assert_done(place_root());
	assert_done(chown("f", ALICE, 7));
	place_become(ALICE, STAFF);
	assert_done(chmod("f", 02755)); /* set-group-id for a group that she is not in */
	assert_int_equal(mode_of("f"), 0755);
	assert_done(place_root());
	assert_done(unlink("f"));
}

static void chown_clears(void **state)
{
	(void)state;
	place_need_root();
	make_hers("f", 06755);
	place_become(ALICE, STAFF);
	assert_done(chown("f", (uid_t)-1, STAFF));
	assert_int_equal(mode_of("f"), 0755);
	assert_done(place_root());
	assert_done(chmod("f", 06755));
	assert_done(chown("f", BOB, STAFF)); /* root's chown clears too, on Linux */
	assert_int_equal(mode_of("f"), 0755);
	assert_done(chmod("f", 02644)); /* without group execution the bit means locking, and stays */
	assert_done(chown("f", ALICE, STAFF));
	assert_int_equal(mode_of("f"), 02644);
	assert_done(mkdir("d", 0755));
	assert_done(chmod("d", 06755));
	assert_done(chown("d", ALICE, STAFF)); /* of directories they stay */
	assert_int_equal(mode_of("d"), 06755);
	assert_done(rmdir("d"));
	assert_done(unlink("f"));
}

/* Not of regular files alone. */
static void chown_clears_of_others(void **state)
{
	static const mode_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK };
	gid_t both[] = { STAFF, BOB };

	(void)state;
	place_need_root();
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		assert_done(mknod("p", types[i] | 0600, makedev(1, 3)));
		assert_done(chown("p", ALICE, STAFF));
		assert_done(chmod("p", 06555));
		assert_done(chown("p", BOB, STAFF));
		assert_int_equal(mode_of("p"), 0555);
		assert_done(chown("p", ALICE, STAFF));
		assert_done(chmod("p", 06555));
		assert_done(setgroups(2, both));
		assert_done(seteuid(ALICE));
		assert_done(chown("p", (uid_t)-1, BOB));
		assert_int_equal(mode_of("p"), 0555);
		assert_done(place_root());
		assert_done(unlink("p"));
	}
}

/* chown(2) that changes neither owner nor group still moves ctime, and takes from the owner's file what any chown takes. */
static void chown_to_nobody(void **state)
{
	struct timespec past = { 0 }, now;

	(void)state;
	place_need_root();
	for (int i = 0; i < 3; i++) {
		if (i == 2)
			assert_done(mkdir("f", 0755));
		else if (i == 1)
			assert_done(mkfifo("f", 0755));
		else
			place_file("f", "x");
		assert_done(chown("f", ALICE, STAFF));
		assert_done(chmod("f", 0755));
		past = place_stat("f").st_ctim;
		do
			clock_gettime(CLOCK_REALTIME_COARSE, &now);
		while (now.tv_sec == past.tv_sec && now.tv_nsec <= past.tv_nsec);
		place_become(BOB, BOB);
		assert_done(chown("f", (uid_t)-1, (gid_t)-1)); /* anybody may */
		assert_true(place_stat("f").st_ctim.tv_sec != past.tv_sec || place_stat("f").st_ctim.tv_nsec != past.tv_nsec);
		assert_done(place_root());
		assert_done(chmod("f", 06755));
		place_become(ALICE, STAFF);
		assert_done(chown("f", (uid_t)-1, (gid_t)-1));
		assert_int_equal(mode_of("f"), i == 2 ? 06755 : 0755);
		assert_done(place_root());
		assert_done(remove("f"));
	}
	assert_done(mkfifo("f", 0755));
	assert_done(chmod("f", 06755));
	place_become(BOB, BOB);
	assert_errno(chown("f", (uid_t)-1, (gid_t)-1), EPERM); /* but not take away */
	assert_int_equal(mode_of("f"), 06755);
	assert_done(place_root());
	assert_done(unlink("f"));
}

/*
 * Without group execution, set-group-id goes only when the one who changes the contents is outside of the group; set-user-id always.
 */
static void write_clears_by_group(void **state)
{
	(void)state;
	place_need_root();
	for (int way = 0; way < 6; way++) {
		gid_t group = way % 2 ? STAFF : BOB;
		int fd;

		make_hers("f", 06666);
		place_become(BOB, group);
		fd = open("f", O_WRONLY);
		assert_true(fd >= 0);
		if (way / 2 == 0)
			assert_int_equal(write(fd, "x", 1), 1);
		if (way / 2 == 1)
			assert_done(ftruncate(fd, 1));
		if (way / 2 == 2)
			assert_done(fallocate(fd, 0, 0, 100));
		assert_int_equal(mode_of("f"), group == STAFF ? 02666 : 0666);
		assert_done(close(fd));
		assert_int_equal(mode_of("f"), group == STAFF ? 02666 : 0666);
		assert_done(place_root());
		assert_done(unlink("f"));
	}
}

/* Root takes capabilities away by writing, and nothing else. */
static void write_clears_capabilities(void **state)
{
	static const unsigned char none[20] = { 1, 0, 0, 2 }; /* of version 2 */
	int fd;

	(void)state;
	place_need_root();
	for (int way = 0; way < 3; way++) {
		make_hers("f", 06777);
		if (setxattr("f", "security.capability", none, sizeof none, 0) != 0) {
			assert_done(unlink("f"));
			place_skip("no capabilities of files");
		}
		fd = open("f", O_WRONLY);
		assert_true(fd >= 0);
		if (way == 0)
			assert_int_equal(write(fd, "x", 1), 1);
		if (way == 1)
			assert_done(ftruncate(fd, 1));
		if (way == 2)
			assert_done(fallocate(fd, 0, 0, 100));
		assert_done(close(fd));
		assert_int_equal(mode_of("f"), 06777);
		assert_errno((int)getxattr("f", "security.capability", NULL, 0), ENODATA);
		assert_done(unlink("f"));
	}
}

/* What every way to change the contents takes away when another user does it. */
static void write_clears(void **state)
{
	int fd;

	(void)state;
	place_need_root();
	for (int way = 0; way < 4; way++) {
		make_hers("f", 06777);
		place_become(BOB, BOB);
		fd = open("f", way == 3 ? O_WRONLY | O_TRUNC : O_WRONLY);
		assert_true(fd >= 0);
		if (way == 0)
			assert_int_equal(write(fd, "x", 1), 1);
		if (way == 1)
			assert_done(ftruncate(fd, 1));
		if (way == 2)
			assert_done(truncate("f", 0));
		assert_int_equal(mode_of("f"), 0777);
		assert_done(close(fd));
		assert_int_equal(mode_of("f"), 0777);
		assert_done(place_root());
		assert_done(unlink("f"));
	}
	make_hers("f", 06777);
	fd = open("f", O_WRONLY);
	assert_int_equal(write(fd, "x", 1), 1); /* root takes nothing away */
	assert_done(close(fd));
	assert_int_equal(mode_of("f"), 06777);
	assert_done(unlink("f"));
}

static void sticky(void **state)
{
	(void)state;
	place_need_root();
	assert_done(mkdir("tmp", 0755));
	assert_done(chmod("tmp", 01777));
	make_hers("tmp/hers", 0666);
	place_become(BOB, BOB);
	assert_errno(unlink("tmp/hers"), EPERM);
	assert_errno(rename("tmp/hers", "tmp/his"), EPERM);
	place_file("tmp/his", "his");
	assert_errno(rename("tmp/his", "tmp/hers"), EPERM);
	assert_done(rename("tmp/his", "tmp/still-his"));
	assert_done(unlink("tmp/still-his"));
	assert_done(place_root());
	assert_done(chown("tmp", BOB, BOB)); /* the directory's owner may */
	place_become(BOB, BOB);
	assert_done(unlink("tmp/hers"));
	assert_done(place_root());
	assert_done(rmdir("tmp"));
}

static void moves_directories(void **state)
{
	(void)state;
	place_need_root();
	assert_done(mkdir("a", 0777));
	assert_done(chmod("a", 0777));
	assert_done(mkdir("b", 0777));
	assert_done(chmod("b", 0777));
	assert_done(mkdir("a/hers", 0755));
	assert_done(chown("a/hers", ALICE, STAFF));
	place_become(BOB, BOB);
	assert_errno(rename("a/hers", "b/hers"), EACCES); /* its ".." would change */
	assert_done(rename("a/hers", "a/same"));
	assert_done(place_root());
	assert_done(rmdir("a/same"));
	assert_done(rmdir("a"));
	assert_done(rmdir("b"));
}

/* A set-user-id program runs as its owner, where the mount lets it. */
static void set_user_id_runs(void **state)
{
	int status;
	pid_t child;

	(void)state;
	place_need_root();
	assert_done(system("cp /usr/bin/id id && chown 60001 id && chmod 4755 id"));
	child = fork();
	if (child == 0) {
		if (setgid(BOB) || setuid(BOB))
			_exit(1);
		execl("/bin/sh", "sh", "-c", "x=$(./id -u) && test $x -eq 60001 || { test $x -eq 60002 && exit 7; }", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_done(unlink("id"));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 7)
		place_skip("mounted nosuid");
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(changes),
		place_case(owners),
		place_case(checked),
		place_case(not_the_owner),
		place_case(the_owner),
		place_case(chown_clears),
		place_case(chown_clears_of_others),
		place_case(chown_to_nobody),
		place_case(write_clears),
		place_case(write_clears_by_group),
		place_case(write_clears_capabilities),
		place_case(sticky),
		place_case(moves_directories),
		place_case(set_user_id_runs),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
