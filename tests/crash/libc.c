/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for the system calls with which a store is changed. The program's definitions come before libc's, also for
 * shared libraries, so LMDB's calls come here, too. They fail when the plan of fault.c says so, and tell record.c what they did.
 */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/capacity.h"
#include "tests/crash/fault.h"
#include "tests/crash/record.h"

#define CALLER __builtin_return_address(0)

static bool fails(enum fault_call call, const void *caller)
{
	int error = fault_check(call, caller);

	if (error)
		errno = error;
	return error != 0;
}

static int do_open(int dirfd, const char *path, int flags, mode_t mode, const void *caller)
{
	char name[LOG_NAME];
	bool inside, created;
	int fd;

	if (fails(FAULT_OPEN, caller))
		return -1;
	record_lock();
	inside = record_path(dirfd, path, name);
	created = inside && (flags & O_CREAT) && !record_exists(name);
	fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
	if (fd >= 0) {
		record_closed(fd);
		if (inside)
			record_opened(fd, flags, name, created);
	}
	record_unlock();
	return fd;
}

static mode_t open_mode(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN(function) \
	int function(const char *path, int flags, ...) \
	{ \
		va_list args; \
		mode_t mode; \
		va_start(args, flags); \
		mode = open_mode(flags, args); \
		va_end(args); \
		return do_open(AT_FDCWD, path, flags, mode, CALLER); \
	}
#define OPENAT(function) \
	int function(int dirfd, const char *path, int flags, ...) \
	{ \
		va_list args; \
		mode_t mode; \
		va_start(args, flags); \
		mode = open_mode(flags, args); \
		va_end(args); \
		return do_open(dirfd, path, flags, mode, CALLER); \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int fd)
{
	record_lock();
	record_closed(fd);
	record_unlock();
	return (int)syscall(SYS_close, fd);
}

/* The bytes that were written, gathered, for the log. */
static void wrote(int fd, const struct iovec *iov, int n, ssize_t done, uint64_t offset)
{
	for (int i = 0; i < n && done > 0; i++) {
		size_t len = iov[i].iov_len < (size_t)done ? iov[i].iov_len : (size_t)done;

		record_write(fd, iov[i].iov_base, len, offset);
		offset += len;
		done -= (ssize_t)len;
	}
}

static ssize_t do_pwritev(int fd, const struct iovec *iov, int n, off_t offset, const void *caller)
{
	struct iovec cut[CAPACITY_PIECES];
	ssize_t done = -1;

	if (fails(FAULT_WRITE, caller))
		return -1;
	record_lock();
	n = capacity_cut(fd, (uint64_t)offset, iov, n, cut);
	if (n < 0)
		errno = ENOSPC;
	else
		done = syscall(SYS_pwritev, fd, cut, n, offset, 0);
	wrote(fd, iov, n, done, (uint64_t)offset);
	record_unlock();
	return done;
}

/* Where the next write without an offset goes. */
static off_t position(int fd)
{
	struct stat st;

	if ((int)syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND)
		return fstat(fd, &st) < 0 ? 0 : st.st_size;
	return lseek(fd, 0, SEEK_CUR);
}

static ssize_t do_writev(int fd, const struct iovec *iov, int n, const void *caller)
{
	struct iovec cut[CAPACITY_PIECES];
	off_t offset;
	ssize_t done = -1;

	if (fails(FAULT_WRITE, caller))
		return -1;
	record_lock();
	offset = position(fd);
	n = capacity_cut(fd, (uint64_t)offset, iov, n, cut);
	if (n < 0)
		errno = ENOSPC;
	else
		done = syscall(SYS_writev, fd, cut, n);
	wrote(fd, iov, n, done, (uint64_t)offset);
	record_unlock();
	return done;
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	return do_pwritev(fd, iov, n, offset, CALLER);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t offset)
{
	return do_pwritev(fd, iov, n, offset, CALLER);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	struct iovec iov = { (void *)bytes, len };

	return do_pwritev(fd, &iov, 1, offset, CALLER);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	struct iovec iov = { (void *)bytes, len };

	return do_pwritev(fd, &iov, 1, offset, CALLER);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return do_writev(fd, iov, n, CALLER);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	struct iovec iov = { (void *)bytes, len };

	return do_writev(fd, &iov, 1, CALLER);
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
	return fails(FAULT_READ, CALLER) ? -1 : syscall(SYS_preadv, fd, iov, n, offset, 0);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
	return fails(FAULT_READ, CALLER) ? -1 : syscall(SYS_pread64, fd, bytes, len, offset);
}

static int do_sync(int fd, long call, const void *caller)
{
	bool done;

	if (fails(FAULT_SYNC, caller))
		return -1;
	record_lock();
	done = record_synced(fd);
	record_unlock();
	return done ? 0 : (int)syscall(call, fd);
}

int fsync(int fd)
{
	return do_sync(fd, SYS_fsync, CALLER);
}

int fdatasync(int fd)
{
	return do_sync(fd, SYS_fdatasync, CALLER);
}

static int do_truncate(int fd, off_t length, const void *caller)
{
	int r;

	if (fails(FAULT_TRUNCATE, caller))
		return -1;
	record_lock();
	r = (int)syscall(SYS_ftruncate, fd, length);
	if (r == 0)
		record_file(LOG_TRUNCATE, fd, (uint64_t)length, 0);
	record_unlock();
	return r;
}

int ftruncate(int fd, off_t length)
{
	return do_truncate(fd, length, CALLER);
}

int ftruncate64(int fd, off64_t length)
{
	return do_truncate(fd, length, CALLER);
}

static int do_fallocate(int fd, int mode, off_t offset, off_t length, const void *caller)
{
	bool punch = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	int r;

	if (fails(FAULT_PUNCH, caller))
		return -1;
	record_lock();
	r = (int)syscall(SYS_fallocate, fd, mode, offset, length);
	if (r == 0)
		record_file(punch ? LOG_PUNCH : LOG_UNKNOWN, fd, (uint64_t)offset, (uint64_t)length);
	record_unlock();
	return r;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	return do_fallocate(fd, mode, offset, length, CALLER);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	return do_fallocate(fd, mode, offset, length, CALLER);
}

static int do_unlink(int dirfd, const char *path, int flags, const void *caller)
{
	char name[LOG_NAME];
	bool inside;
	int r;

	if (fails(FAULT_UNLINK, caller))
		return -1;
	record_lock();
	inside = record_path(dirfd, path, name);
	r = (int)syscall(SYS_unlinkat, dirfd, path, flags);
	if (r == 0 && inside)
		record_name(flags & AT_REMOVEDIR ? LOG_RMDIR : LOG_UNLINK, name);
	record_unlock();
	return r;
}

int unlinkat(int dirfd, const char *path, int flags)
{
	return do_unlink(dirfd, path, flags, CALLER);
}

int unlink(const char *path)
{
	return do_unlink(AT_FDCWD, path, 0, CALLER);
}

int rmdir(const char *path)
{
	return do_unlink(AT_FDCWD, path, AT_REMOVEDIR, CALLER);
}

static int do_mkdir(int dirfd, const char *path, mode_t mode, const void *caller)
{
	char name[LOG_NAME];
	bool inside;
	int r;

	if (fails(FAULT_MKDIR, caller))
		return -1;
	record_lock();
	inside = record_path(dirfd, path, name);
	r = (int)syscall(SYS_mkdirat, dirfd, path, mode);
	if (r == 0 && inside)
		record_name(LOG_MKDIR, name);
	record_unlock();
	return r;
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	return do_mkdir(dirfd, path, mode, CALLER);
}

int mkdir(const char *path, mode_t mode)
{
	return do_mkdir(AT_FDCWD, path, mode, CALLER);
}

static int do_rename(int from, const char *old, int to, const char *new, unsigned flags, const void *caller)
{
	char name[LOG_NAME], name_to[LOG_NAME];
	bool inside;
	int r;

	if (fails(FAULT_RENAME, caller))
		return -1;
	record_lock();
	inside = record_path(from, old, name) && record_path(to, new, name_to);
	r = (int)syscall(SYS_renameat2, from, old, to, new, flags);
	if (r == 0 && inside)
		record_rename(name, name_to);
	record_unlock();
	return r;
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	return do_rename(from, old, to, new, flags, CALLER);
}

int renameat(int from, const char *old, int to, const char *new)
{
	return do_rename(from, old, to, new, 0, CALLER);
}

int rename(const char *old, const char *new)
{
	return do_rename(AT_FDCWD, old, AT_FDCWD, new, 0, CALLER);
}
