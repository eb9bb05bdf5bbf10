/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for system calls that would change a store as well, but that nobody makes on one: if somebody begins to, the log says so
 * and its replay fails, instead of proving something about another program.
 */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
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

/* A second descriptor of a file would go unnoticed. */
static int do_fcntl(int fd, int command, void *argument)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
		record_lock();
		record_file(LOG_UNKNOWN, fd, 0, 0);
		record_unlock();
	}
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

#define FCNTL(function) \
	int function(int fd, int command, ...) \
	{ \
		va_list args; \
		void *argument; \
		va_start(args, command); \
		argument = va_arg(args, void *); \
		va_end(args); \
		return do_fcntl(fd, command, argument); \
	}
FCNTL(fcntl)
FCNTL(fcntl64)

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
