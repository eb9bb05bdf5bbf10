/* SPDX-License-Identifier: BSD-2-Clause */
/* The store lock: an flock on STORE/lock, whose text says who holds it. */
#include "index/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static pid_t read_owner(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT32_MAX ? (pid_t) pid : 0;
}

int store_lock_update(int lock_fd, const char *role, const char *mountpoint)
{
	char *text;
	ssize_t n;
	int len, rc = 0;

	if ((fcntl(lock_fd, F_GETFL) & O_ACCMODE) == O_RDONLY) /* a store that can't be written */
		return 0;
	len = asprintf(&text, "%ld %s %s\n", (long) getpid(), role, mountpoint ? mountpoint : "-");
	if (len < 0)
		return -ENOMEM;
	n = pwrite(lock_fd, text, (size_t) len, 0);
	if (n < 0 || ftruncate(lock_fd, n) < 0)
		rc = -errno;
	free(text);
	return rc;
}

int store_lock(int dirfd, const char *role, const char *mountpoint, pid_t *owner)
{
	int fd, rc;

	if (owner)
		*owner = 0;
	fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		fd = openat(dirfd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (rc == -EBUSY && owner)
			*owner = read_owner(fd);
		goto close_fd;
	}
	rc = store_lock_update(fd, role, mountpoint);
	if (rc == -ENOSPC ||
	    rc == -EDQUOT) /* the text is a courtesy; a full disk must still be mountable to be emptied */
		rc = 0;
	if (rc)
		goto close_fd;
	return fd;
close_fd:
	close(fd);
	return rc;
}
