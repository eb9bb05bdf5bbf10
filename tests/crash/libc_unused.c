/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for system calls that would change a store as well, but that nobody makes on one: if somebody begins to, the log says so
 * and its replay fails, instead of proving something about another program.
 */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/fault.h"
#include "tests/crash/record.h"

static void unknown(int dirfd, const char *path)
{
	char name[LOG_NAME];

	record_lock();
	if (record_path(dirfd, path, name))
		record_name(LOG_UNKNOWN, name);
	record_unlock();
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	unknown(from, old);
	unknown(to, new);
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int renameat(int from, const char *old, int to, const char *new)
{
	return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new)
{
	return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
	unknown(to, new);
	return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int link(const char *old, const char *new)
{
	return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int truncate(const char *path, off_t length)
{
	unknown(AT_FDCWD, path);
	return (int)syscall(SYS_truncate, path, length);
}

int msync(void *address, size_t length, int flags)
{
	record_lock();
	record_name(LOG_UNKNOWN, "msync");
	record_unlock();
	return (int)syscall(SYS_msync, address, length, flags);
}

/* LMDB maps its file to read, and its lock file, which is no part of the log, to write. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	int error = fd >= 0 ? fault_check(FAULT_MMAP, __builtin_return_address(0)) : 0;

	if (error) {
		errno = error;
		return MAP_FAILED;
	}
	if (fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED)) {
		record_lock();
		record_file(LOG_UNKNOWN, fd, 0, 0);
		record_unlock();
	}
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
