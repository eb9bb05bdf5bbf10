/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readdir(3), telldir(3), seekdir(3), getdents64(2): types and numbers, places that stay, all of this under concurrent change.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/posix/place.h"

enum { MANY = 2000 };

static void make_many(const char *dir)
{
	char name[64];

	assert_done(mkdir(dir, 0755));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "%s/e%d", dir, i);
		assert_done(close(open(name, O_CREAT | O_EXCL | O_WRONLY, 0644)));
	}
}

static void remove_many(const char *dir)
{
	char name[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "%s/e%d", dir, i);
		assert_done(unlink(name));
	}
	assert_done(rmdir(dir));
}

/* Lists once; each of the many exactly once, others at most once each. */
static void assert_all_once(DIR *dir)
{
	char seen[MANY] = { 0 };

	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] == 'e')
			assert_int_equal(seen[atoi(e->d_name + 1)]++, 0);
	}
	assert_null(memchr(seen, 0, MANY));
}

static void types(void **state)
{
	static const struct {
		const char *name;
		unsigned char type;
	} cases[] = { { "f", DT_REG }, { "d", DT_DIR }, { "s", DT_LNK }, { "p", DT_FIFO }, { "k", DT_SOCK } };
	int found = 0;
	DIR *dir;

	(void)state;
	assert_done(mkdir("t", 0755));
	place_file("t/f", "x");
	assert_done(mkdir("t/d", 0755));
	assert_done(symlink("nowhere", "t/s"));
	assert_done(mkfifo("t/p", 0600));
	assert_done(mknod("t/k", S_IFSOCK | 0600, 0));
	dir = opendir("t");
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;

		assert_done(fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW));
		if (strcmp(e->d_name, "..") != 0)
			assert_int_equal(e->d_ino, st.st_ino);
		if (e->d_name[0] == '.') {
			assert_int_equal(e->d_type, DT_DIR);
			found++;
		}
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			if (strcmp(e->d_name, cases[i].name) == 0) {
				assert_int_equal(e->d_type, cases[i].type);
				found++;
			}
		}
	}
	assert_int_equal(found, 7); /* with . and .. */
	assert_done(closedir(dir));
	assert_done(unlink("t/k"));
	assert_done(unlink("t/p"));
	assert_done(unlink("t/s"));
	assert_done(rmdir("t/d"));
	assert_done(unlink("t/f"));
	assert_done(rmdir("t"));
}

static void places(void **state)
{
	static long place[MANY + 3]; /* the last is that of the end */
	static char name[MANY + 2][16];
	struct dirent *e;
	int n = 0;
	DIR *dir;

	(void)state;
	make_many("m");
	dir = opendir("m");
	assert_non_null(dir);
	for (; (place[n] = telldir(dir), e = readdir(dir)); n++)
		snprintf(name[n], sizeof name[n], "%.15s", e->d_name);
	assert_int_equal(n, MANY + 2);
	for (int i = 0, at = 7; i < 500; i++, at = (at * 7 + 3) % (MANY + 2)) { /* to places all over, and on from each */
		seekdir(dir, place[at]);
		assert_string_equal(readdir(dir)->d_name, name[at]);
		if (at + 1 < n)
			assert_string_equal(readdir(dir)->d_name, name[at + 1]);
	}
	assert_done(unlinkat(dirfd(dir), name[n / 2], 0));
	seekdir(dir, place[n / 2 + 1]); /* the places of the others stay */
	assert_string_equal(readdir(dir)->d_name, name[n / 2 + 1]);
	seekdir(dir, place[n / 2]); /* and the one of what is gone leads to what followed, perhaps after what it was: POSIX leaves that open */
	e = readdir(dir);
	if (strcmp(e->d_name, name[n / 2]) == 0)
		e = readdir(dir);
	assert_string_equal(e->d_name, name[n / 2 + 1]);
	assert_done(close(openat(dirfd(dir), name[n / 2], O_CREAT | O_WRONLY, 0644)));
	assert_done(closedir(dir));
	remove_many("m");
}

static void rewinding(void **state)
{
	struct dirent *e;
	int found = 0;
	DIR *dir;

	(void)state;
	make_many("m");
	dir = opendir("m");
	assert_non_null(dir);
	assert_all_once(dir);
	assert_null(readdir(dir)); /* the end stays the end */
	place_file("m/new", "x");
	rewinddir(dir);
	while ((e = readdir(dir)))
		found += strcmp(e->d_name, "new") == 0;
	assert_int_equal(found, 1);
	assert_done(unlink("m/new"));
	rewinddir(dir);
	while ((e = readdir(dir)))
		assert_string_not_equal(e->d_name, "new");
	assert_done(closedir(dir));
	remove_many("m");
}

static volatile sig_atomic_t enough;

static void on_term(int signal)
{
	(void)signal;
	enough = 1;
}

/*
 * Until SIGTERM: creates, renames and removes other names in the directory. The last call is let finish: killed in unlink(2), the kernel
 * may not send the file's new ctime, and tells the next syncfs(2) of it.
 */
static void disturb(void)
{
	char from[32], to[32];

	signal(SIGTERM, on_term);
	for (unsigned i = 0; !enough; i++) {
		snprintf(from, sizeof from, "x%u", i % 300);
		snprintf(to, sizeof to, "y%u", (i * 7 + 11) % 300);
		close(open(from, O_CREAT | O_WRONLY, 0644));
		if (i % 3)
			rename(from, to);
		if (i % 2)
			unlink(to);
	}
}

static void remove_others(const char *dir)
{
	char name[64];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "%s/x%d", dir, i);
		unlink(name);
		snprintf(name, sizeof name, "%s/y%d", dir, i);
		unlink(name);
	}
}

static void under_change(void **state)
{
	pid_t child;
	DIR *dir;

	(void)state;
	make_many("m");
	child = fork();
	if (child == 0) {
		if (chdir("m") == 0)
			disturb();
		_exit(1);
	}
	dir = opendir("m");
	assert_non_null(dir);
	for (int i = 0; i < 30; i++) {
		assert_all_once(dir);
		rewinddir(dir);
	}
	assert_done(closedir(dir));
	assert_done(kill(child, SIGTERM));
	assert_int_equal(waitpid(child, NULL, 0), child);
	remove_others("m");
	remove_many("m");
}

/* What rm -r does: the next page is asked for when the last one's names are gone. */
static void removing_while_listing(void **state)
{
	int removed = 0;
	DIR *dir;

	(void)state;
	make_many("m");
	dir = opendir("m");
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_name[0] != '.') {
			assert_done(unlinkat(dirfd(dir), e->d_name, 0));
			removed++;
		}
	}
	assert_int_equal(removed, MANY);
	assert_done(closedir(dir));
	assert_done(rmdir("m"));
}

/* Every name renamed while listed: none may be missed that stays, none listed twice under its one name. */
static void renaming_while_listing(void **state)
{
	char to[32], seen[2 * MANY] = { 0 };
	DIR *dir;

	(void)state;
	make_many("m");
	dir = opendir("m");
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		int i = atoi(e->d_name + 1) + (e->d_name[0] == 'r' ? MANY : 0);

		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(seen[i]++, 0);
		if (e->d_name[0] == 'e') {
			snprintf(to, sizeof to, "r%d", i);
			assert_done(renameat(dirfd(dir), e->d_name, dirfd(dir), to));
		}
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(seen[i], 1);
		snprintf(to, sizeof to, "r%d", i);
		assert_done(unlinkat(dirfd(dir), to, 0));
	}
	assert_done(closedir(dir));
	assert_done(rmdir("m"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(types),
		place_case(places),
		place_case(rewinding),
		place_case(under_change),
		place_case(removing_while_listing),
		place_case(renaming_while_listing),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
