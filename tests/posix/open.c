/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open(2) and creat(2): every flag that changes what happens, and what it refuses; programs that run are not written to.
 */
#include <sys/wait.h>

#include "tests/posix/place.h"

static void exclusive(void **state)
{
	(void)state;
	place_file("f", "x");
	assert_done(symlink("nowhere", "dangling"));
	assert_errno(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	assert_errno(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	assert_errno(open("dangling", O_RDONLY), ENOENT);
	assert_done(close(open("dangling", O_CREAT | O_WRONLY, 0600))); /* through the symlink */
	assert_int_equal(place_stat("nowhere").st_mode, S_IFREG | 0600);
	assert_done(unlink("nowhere"));
	assert_done(unlink("dangling"));
	assert_done(unlink("f"));
}

static void types(void **state)
{
	(void)state;
	place_file("f", "x");
	assert_done(mkdir("d", 0755));
	assert_done(symlink("f", "l"));
	assert_errno(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	assert_errno(open("d", O_WRONLY), EISDIR);
	assert_errno(open("d", O_RDWR), EISDIR);
	assert_errno(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
	assert_errno(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	assert_errno(open("f/", O_RDONLY), ENOTDIR);
	assert_errno(open("f/x", O_RDONLY), ENOTDIR);
	assert_errno(open("new/", O_CREAT | O_WRONLY, 0644), EISDIR);
	assert_errno(open("", O_RDONLY), ENOENT);
	assert_errno(open("d/none", O_RDWR), ENOENT);
	assert_errno(open("none/f", O_CREAT | O_RDWR, 0644), ENOENT);
	assert_done(unlink("l"));
	assert_done(rmdir("d"));
	assert_done(unlink("f"));
}

static void modes(void **state)
{
	mode_t mask = umask(027);

	(void)state;
	assert_done(close(open("masked", O_CREAT | O_WRONLY, 0666)));
	umask(0);
	assert_done(close(open("open", O_CREAT | O_WRONLY, 0666)));
	assert_done(close(open("special", O_CREAT | O_WRONLY, 06711)));
	assert_done(close(open("none", O_CREAT | O_WRONLY, 0))); /* writable through this descriptor all the same */
	umask(mask);
	assert_int_equal(place_stat("masked").st_mode & 07777, 0640);
	assert_int_equal(place_stat("open").st_mode & 07777, 0666);
	assert_int_equal(place_stat("special").st_mode & 07777, 06711);
	assert_int_equal(place_stat("none").st_mode & 07777, 0);
	assert_done(unlink("none"));
	assert_done(unlink("special"));
	assert_done(unlink("open"));
	assert_done(unlink("masked"));
}

static void access_modes(void **state)
{
	char byte;
	int fd;

	(void)state;
	place_file("f", "text");
	fd = open("f", O_WRONLY);
	assert_errno((int)read(fd, &byte, 1), EBADF);
	assert_done(close(fd));
	fd = open("f", O_RDONLY);
	assert_errno((int)write(fd, "x", 1), EBADF);
	assert_errno(ftruncate(fd, 0), EINVAL);
	assert_done(close(fd));
	fd = open(".", O_RDONLY);
	assert_errno((int)read(fd, &byte, 1), EISDIR);
	assert_done(close(fd));
	fd = open("f", O_PATH);
	assert_errno((int)read(fd, &byte, 1), EBADF);
	assert_errno(fchmod(fd, 0600), EBADF);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void truncates(void **state)
{
	(void)state;
	place_file("f", "long text");
	assert_done(chmod("f", 0751));
	place_age("f");
	assert_done(close(open("f", O_WRONLY | O_TRUNC)));
	assert_int_equal(place_stat("f").st_size, 0);
	assert_int_equal(place_stat("f").st_mode & 07777, 0751);
	assert_true(place_stat("f").st_mtim.tv_sec > 1000);
	place_age("f");
	assert_done(close(open("f", O_WRONLY | O_CREAT, 0600))); /* nothing to do: nothing is touched */
	assert_int_equal(place_stat("f").st_mtim.tv_sec, 1000);
	assert_int_equal(place_stat("f").st_mode & 07777, 0751);
	assert_done(unlink("f"));
}

static void appends(void **state)
{
	int fd, other;

	(void)state;
	place_file("f", "one ");
	fd = open("f", O_RDWR | O_APPEND);
	assert_true(fd >= 0);
	other = open("f", O_WRONLY | O_APPEND);
	assert_int_equal(write(other, "two ", 4), 4);
	assert_int_equal(write(fd, "three ", 6), 6);
	assert_int_equal(pwrite(fd, "four", 4, 0), 4); /* Linux: appends in spite of the offset */
	assert_text("f", "one two three four");
	assert_done(fcntl(fd, F_SETFL, 0)); /* appending is of the open file and can end */
	assert_int_equal(pwrite(fd, "ONE", 3, 0), 3);
	assert_text("f", "ONE two three four");
	assert_done(close(other));
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void shares_offset(void **state)
{
	int fd, copy;
	char buf[8];

	(void)state;
	place_file("f", "abcdef");
	fd = open("f", O_RDWR);
	copy = dup(fd);
	assert_int_equal(read(fd, buf, 2), 2);
	assert_int_equal(read(copy, buf, 2), 2);
	assert_memory_equal(buf, "cd", 2);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
	assert_done(close(copy));
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void nameless(void **state)
{
	char path[64], back[8];
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	struct stat st;

	(void)state;
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		place_skip("no O_TMPFILE");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hidden", 6), 6);
	assert_done(fstat(fd, &st));
	assert_int_equal(st.st_nlink, 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_done(linkat(AT_FDCWD, path, AT_FDCWD, "shown", AT_SYMLINK_FOLLOW));
	assert_text("shown", "hidden");
	assert_int_equal(place_stat("shown").st_nlink, 1);
	assert_int_equal(pread(fd, back, 6, 0), 6);
	assert_done(close(fd));
	assert_done(unlink("shown"));
}

/* Copies a program here; the caller lets it run, fed by *feed. */
static void copy_program(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof buf)) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	assert_done(close(in));
	assert_done(close(out));
}

static void text_busy(void **state)
{
	int feed[2], answer[2], status, fd;
	char *args[] = { "cat", NULL }, byte;
	pid_t child;

	(void)state;
	copy_program("/bin/cat", "cat");
	assert_done(pipe(feed));
	assert_done(pipe(answer));
	child = fork();
	if (child == 0) {
		dup2(feed[0], 0);
		dup2(answer[1], 1);
		close(feed[1]);
		execv("cat", args);
		_exit(errno);
	}
	assert_int_equal(write(feed[1], "x", 1), 1);
	assert_int_equal(read(answer[0], &byte, 1), 1); /* it runs */
	assert_errno(open("cat", O_WRONLY), ETXTBSY);
	assert_errno(truncate("cat", 0), ETXTBSY);
	close(feed[1]);
	close(feed[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fd = open("cat", O_WRONLY);
	assert_true(fd >= 0);
	child = fork();
	if (child == 0) {
		execv("cat", args);
		_exit(errno == ETXTBSY ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_done(close(fd));
	close(answer[0]);
	close(answer[1]);
	assert_done(unlink("cat"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(exclusive),
		place_case(types),
		place_case(modes),
		place_case(access_modes),
		place_case(truncates),
		place_case(appends),
		place_case(shares_offset),
		place_case(nameless),
		place_case(text_busy),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
