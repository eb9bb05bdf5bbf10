/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the copy of one inode takes over from its original: contents with their holes, extended attributes,
 * mode and times.
 */
#include "fs/store/import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "fs/names/xattr.h"

#define NS_PER_S INT64_C(1000000000)
#define LIST_MAX 65536u

static_assert(LIST_MAX + XATTR_VALUE_MAX <= IMPORT_BUFFER, "list and value share the buffer");

int import_open(int dirfd, const char *name, mode_t mode)
{
	int flags = O_NOFOLLOW | O_CLOEXEC, fd;

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		fd = openat(dirfd, name, flags | O_PATH);
	else
		fd = openat(dirfd, name, flags | O_RDONLY | O_NONBLOCK | O_NOATIME);
	if (fd < 0 && errno == EPERM) /* somebody else's file: its access time can't be spared */
		fd = openat(dirfd, name, flags | O_RDONLY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int import_tell(struct import *im)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	im->done.seconds = (double)(now.tv_sec - im->start.tv_sec) +
			   (double)(now.tv_nsec - im->start.tv_nsec) / NS_PER_S;
	if (im->opt && im->opt->progress && im->opt->progress(im->opt->arg, &im->done))
		return -EINTR;
	return 0;
}

/* Copies from `at` to the end of this run of data. */
static int run_copy(struct import *im, int fd, struct inode *inode, off_t at, off_t end)
{
	while (at < end) {
		size_t want = end - at < IMPORT_BUFFER ? (size_t)(end - at) : IMPORT_BUFFER;
		ssize_t n = pread(fd, im->buf, want, at), written;
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0; /* the file shrank meanwhile */
		written = file_write(inode, im->buf, (size_t)n, (uint64_t)at, false);
		if (written < 0)
			return (int)written;
		at += n;
		im->done.bytes += (uint64_t)n;
		r = import_tell(im);
		if (r)
			return r;
	}
	return 0;
}

int import_data(struct import *im, int fd, struct inode *inode)
{
	struct inode_attr to = { 0 };
	off_t at = 0;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	while (at < st.st_size) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = at; /* no holes known here: all of it is data */
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || hole > st.st_size)
			hole = st.st_size;
		r = run_copy(im, fd, inode, data, hole);
		if (r)
			return r;
		at = hole;
	}
	to.size = (uint64_t)st.st_size;
	return st.st_size > 0 ? attr_set(inode, ATTR_SIZE, &to) : 0;
}

static int xattr_copy(const char *path, const char *name, uint8_t *value, struct inode *inode)
{
	ssize_t n = getxattr(path, name, value, XATTR_VALUE_MAX);

	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP || errno == EPERM || errno == EACCES ? 0
												    : -errno;
	return xattr_set(inode, name, value, (size_t)n, 0);
}

/* By way of /proc, which also reaches what is open as a path only, without following a symlink. */
static int xattrs_copy(struct import *im, int fd, struct inode *inode)
{
	char path[32], *list = (char *)im->buf;
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = listxattr(path, list, LIST_MAX);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENOENT || errno == EACCES ? 0 : -errno;
	for (char *name = list; r == 0 && name < list + n; name += strlen(name) + 1)
		r = xattr_copy(path, name, im->buf + LIST_MAX, inode);
	return r;
}

static int64_t time_of(const struct timespec *ts)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)ts->tv_sec, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		return ts->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

int import_attributes(struct import *im, int fd, const struct stat *st, struct inode *inode)
{
	struct inode_attr to = {
		.mode = st->st_mode, .atime = time_of(&st->st_atim), .mtime = time_of(&st->st_mtim),
		.uid = im->owner ? st->st_uid : geteuid(),
		.gid = im->owner ? st->st_gid : getegid(),
	};
	int r = xattrs_copy(im, fd, inode);

	return r ? r : attr_set(inode, ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME, &to);
}
