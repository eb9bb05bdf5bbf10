/* SPDX-License-Identifier: BSD-2-Clause */
/* The store lock: between processes, across fork, and after a crash. */
#include "index/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/index/store.h"

static void lock_text(const struct store *s, char *text, size_t cap)
{
	int fd = openat(s->fd, "lock", O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, cap - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
}

static void test_one_at_a_time(void **state)
{
	struct store *s = *state;
	char text[100], expected[100];
	pid_t owner = -1;
	int fd;

	fd = store_lock(s->fd, "firnfs", "/mnt/a", NULL);
	assert_true(fd >= 0);
	assert_int_equal(store_lock(s->fd, "firn compact", NULL, &owner), -EBUSY);
	assert_int_equal(owner, getpid());
	assert_int_equal(store_lock_update(fd, "firnfs", "/b"), 0);
	lock_text(s, text, sizeof text);
	snprintf(expected, sizeof expected, "%ld firnfs /b\n", (long) getpid());
	assert_string_equal(text, expected);
	close(fd);
	fd = store_lock(s->fd, "firn compact", NULL, &owner);
	assert_true(fd >= 0);
	assert_int_equal(owner, 0);
	close(fd);
}

/* Forks a child that takes the lock, says so, and waits to be killed. */
static pid_t start_holder(const struct store *s)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (store_lock(s->fd, "firnfs", NULL, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_other_process_and_crash(void **state)
{
	struct store *s = *state;
	pid_t pid = start_holder(s), owner = 0;
	int fd;

	assert_int_equal(store_lock(s->fd, "firn compact", NULL, &owner), -EBUSY);
	assert_int_equal(owner, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fd = store_lock(s->fd, "firn compact", NULL,
			&owner); /* the file is still there, with the dead one's pid */
	assert_true(fd >= 0);
	close(fd);
}

static void test_survives_fork(void **state)
{
	struct store *s = *state;
	int fd = store_lock(s->fd, "firnfs", NULL, NULL), status;
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* the parent's descriptor goes, the child's keeps the lock */
		for (;;)
			pause();
	}
	close(fd);
	assert_int_equal(store_lock(s->fd, "firnfs", NULL, NULL), -EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd = store_lock(s->fd, "firnfs", NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
}

static void test_garbage_text(void **state)
{
	struct store *s = *state;
	pid_t owner = 5;
	int fd = store_lock(s->fd, "firnfs", NULL, NULL);

	assert_true(fd >= 0);
	store_poke(s, "lock", 0, "99999999999999999999", 20);
	assert_int_equal(store_lock(s->fd, "firnfs", NULL, &owner), -EBUSY);
	assert_int_equal(owner, 0);
	store_truncate(s, "lock", 0);
	assert_int_equal(store_lock(s->fd, "firnfs", NULL, &owner), -EBUSY);
	assert_int_equal(owner, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_at_a_time, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_other_process_and_crash, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_survives_fork, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_garbage_text, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
