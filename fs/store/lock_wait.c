/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether who holds a store's lock is about to let it go, as its text and the kernel's table of mounts tell.
 */
#include "fs/store/lock_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "index/lock.h"

#define STEP_NS (20 * 1000 * 1000)
#define STEPS_MAX 3000 /* a minute */
#define TRIES_MAX 50

enum holder { STAYS, LEAVES, GONE };

static void step(void)
{
	const struct timespec pause = { .tv_nsec = STEP_NS };

	nanosleep(&pause, NULL);
}

/* Takes "PID firnfs MOUNTPOINT" apart, in place. */
static bool text_parse(char *text, pid_t *pid, const char **mountpoint)
{
	static const char role[] = " firnfs /";
	char *end;
	long n = strtol(text, &end, 10);

	text[strcspn(text, "\n")] = '\0';
	if (n <= 0 || n > INT32_MAX || strncmp(end, role, sizeof role - 1) != 0)
		return false;
	*pid = (pid_t)n;
	*mountpoint = end + sizeof role - 2;
	return true;
}

/* As the process sees it: its mount may be in a namespace of its own. */
static enum holder process_state(pid_t pid, const char *mountpoint)
{
	char path[64], line[8192];
	struct mntent entry;
	bool mounted = false;
	FILE *table;

	snprintf(path, sizeof path, "/proc/%ld/mounts", (long)pid);
	table = setmntent(path, "re");
	if (!table)
		return errno == ENOENT || errno == ESRCH || errno == EINVAL ? GONE : STAYS; /* EINVAL: only its parent knows it */
	while (!mounted && getmntent_r(table, &entry, line, sizeof line))
		mounted = strcmp(entry.mnt_type, "fuse.firn") == 0 && strcmp(entry.mnt_dir, mountpoint) == 0;
	endmntent(table);
	return mounted ? STAYS : LEAVES;
}

static enum holder holder_state(int dirfd)
{
	int fd = openat(dirfd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *mountpoint;
	char text[4352];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
	pid_t pid;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (!text_parse(text, &pid, &mountpoint) || pid == getpid())
		return STAYS;
	return process_state(pid, mountpoint);
}

/* Waits as long as the holder is about to leave; false: he stays. */
static bool holder_wait(int dirfd)
{
	enum holder state = holder_state(dirfd);

	for (unsigned i = 0; state == LEAVES && i < STEPS_MAX; i++) {
		step();
		state = holder_state(dirfd);
	}
	return state == GONE;
}

int lock_take(int dirfd, const char *role, const char *mountpoint)
{
	int fd = store_lock(dirfd, role, mountpoint, NULL);

	for (unsigned i = 0; fd == -EBUSY && i < TRIES_MAX && holder_wait(dirfd); i++) {
		fd = store_lock(dirfd, role, mountpoint, NULL);
		if (fd == -EBUSY)
			step(); /* gone, or another has taken it and not said so yet */
	}
	return fd;
}
