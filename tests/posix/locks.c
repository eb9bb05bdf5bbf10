/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks between processes: flock(2), fcntl(2) by process and by open file.
 */
#include <sys/file.h>
#include <sys/wait.h>

#include "tests/posix/place.h"

/* Runs body in another process with its own descriptor of "f"; what it returns. */
static int elsewhere(int (*body)(int fd))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int fd = open("f", O_RDWR);

		_exit(fd < 0 ? 99 : body(fd));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_flock_exclusive(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
}

static int try_flock_shared(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) ? errno : 0;
}

static void whole_files(void **state)
{
	int fd = place_new("f"), copy;

	(void)state;
	assert_done(flock(fd, LOCK_SH));
	assert_int_equal(elsewhere(try_flock_shared), 0);
	assert_int_equal(elsewhere(try_flock_exclusive), EWOULDBLOCK);
	assert_done(flock(fd, LOCK_EX));
	assert_int_equal(elsewhere(try_flock_shared), EWOULDBLOCK);
	copy = dup(fd); /* the same open file, so the same lock */
	assert_done(close(fd));
	assert_int_equal(elsewhere(try_flock_shared), EWOULDBLOCK);
	assert_done(flock(copy, LOCK_UN));
	assert_int_equal(elsewhere(try_flock_exclusive), 0);
	assert_done(close(copy));
	assert_done(unlink("f"));
}

static int try_range(int fd, int command, short type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, command, &lock) ? errno : 0;
}

static int try_first_half(int fd)
{
	return try_range(fd, F_SETLK, F_WRLCK, 0, 50);
}

static int try_second_half(int fd)
{
	return try_range(fd, F_SETLK, F_WRLCK, 50, 50);
}

static int try_reading(int fd)
{
	return try_range(fd, F_SETLK, F_RDLCK, 0, 100);
}

/* 0 when F_GETLK names the parent and its range. */
static int names_owner(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock))
		return errno;
	return lock.l_type != F_WRLCK || lock.l_pid != getppid() || lock.l_start != 0 || lock.l_len != 50;
}

static void ranges_by_process(void **state)
{
	int fd = place_new("f"), other;

	(void)state;
	assert_int_equal(try_range(fd, F_SETLK, F_WRLCK, 0, 50), 0);
	assert_int_equal(elsewhere(try_first_half), EAGAIN);
	assert_int_equal(elsewhere(try_second_half), 0);
	assert_int_equal(elsewhere(try_reading), EAGAIN);
	assert_int_equal(elsewhere(names_owner), 0);
	assert_int_equal(try_range(fd, F_SETLK, F_RDLCK, 0, 50), 0); /* weakened */
	assert_int_equal(elsewhere(try_reading), 0);
	assert_int_equal(elsewhere(try_first_half), EAGAIN);
	assert_int_equal(try_range(fd, F_SETLK, F_UNLCK, 0, 25), 0); /* half given back */
	assert_int_equal(elsewhere(try_first_half), EAGAIN);
	assert_int_equal(try_range(fd, F_SETLK, F_WRLCK, 0, 0), 0); /* to the end, wherever that is */
	assert_int_equal(elsewhere(try_second_half), EAGAIN);
	other = open("f", O_RDONLY);
	assert_done(close(other)); /* POSIX: closing any descriptor gives up all of the process's locks */
	assert_int_equal(elsewhere(try_first_half), 0);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void ranges_by_open_file(void **state)
{
	int fd = place_new("f"), other = open("f", O_RDWR);

	(void)state;
	assert_int_equal(try_range(fd, F_OFD_SETLK, F_WRLCK, 0, 50), 0);
	assert_int_equal(try_range(other, F_OFD_SETLK, F_WRLCK, 0, 50), EAGAIN); /* of one process, and yet two owners */
	assert_int_equal(try_range(other, F_OFD_SETLK, F_WRLCK, 50, 50), 0);
	assert_int_equal(elsewhere(try_first_half), EAGAIN);
	assert_done(close(other));
	assert_int_equal(elsewhere(try_first_half), EAGAIN); /* fd's lock stays */
	assert_int_equal(elsewhere(try_second_half), 0);
	assert_done(close(fd));
	assert_int_equal(elsewhere(try_first_half), 0);
	assert_done(unlink("f"));
}

/* Waits for a lock that another process holds until it dies. */
static void waiting(void **state)
{
	int fd = place_new("f"), ready[2], hold[2], status;
	char byte;
	pid_t child;

	(void)state;
	assert_done(pipe(ready));
	assert_done(pipe(hold));
	child = fork();
	if (child == 0) {
		int own = open("f", O_RDWR);
		int r = try_range(own, F_SETLK, F_WRLCK, 0, 10) || flock(own, LOCK_EX);

		close(hold[1]);
		_exit(write(ready[1], "x", 1) != 1 || read(hold[0], &byte, 1) != 0 || r);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(try_range(fd, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
	close(hold[1]);
	assert_int_equal(try_range(fd, F_SETLKW, F_WRLCK, 0, 10), 0);
	assert_done(flock(fd, LOCK_EX));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(hold[0]);
	close(ready[0]);
	close(ready[1]);
	assert_done(close(fd));
	assert_done(unlink("f"));
}

static void refuses(void **state)
{
	int fd;

	(void)state;
	place_file("f", "x");
	fd = open("f", O_RDONLY);
	assert_int_equal(try_range(fd, F_SETLK, F_WRLCK, 0, 10), EBADF);
	assert_int_equal(try_range(fd, F_SETLK, F_RDLCK, -5, 2), EINVAL);
	assert_int_equal(try_range(fd, F_SETLK, 99, 0, 1), EINVAL);
	assert_errno(flock(fd, 3), EINVAL);
	assert_done(flock(fd, LOCK_EX)); /* flock does not ask how the file is open */
	assert_done(close(fd));
	assert_done(unlink("f"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		place_case(whole_files),
		place_case(ranges_by_process),
		place_case(ranges_by_open_file),
		place_case(waiting),
		place_case(refuses),
	};

	place_enter(argc, argv);
	return place_run(tests);
}
