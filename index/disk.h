/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every system call on segment files: the narrow interface under which another store than the local directory
 * can be put, and at which a test can record or fail what is written.
 */
#ifndef FIRN_INDEX_DISK_H
#define FIRN_INDEX_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Makes a new file for appending and reading, mode 0600; *fd is the caller's. -EEXIST. */
int disk_create(int dirfd, const char *name, int *fd);
int disk_open(int dirfd, const char *name, bool write, int *fd);
void disk_close(int fd);

/* Writes all of the n <= 2 pieces at offset, or fails. */
int disk_append(int fd, const struct iovec *iov, int n, uint64_t offset);

/* Reads all of the n <= 2 pieces from offset; -EIO when the file ends before. */
int disk_read(int fd, const struct iovec *iov, int n, uint64_t offset);

int disk_sync(int fd); /* data, and what is needed to find it          */
int disk_truncate(int fd, uint64_t length);
int disk_punch(int fd, uint64_t offset, uint64_t length); /* reads as zero from then on; -EOPNOTSUPP */
int disk_size(int fd, uint64_t *bytes, uint64_t *allocated); /* allocated may be NULL        */
int disk_unlink(int dirfd, const char *name);
int disk_dirsync(int dirfd); /* names that were created or unlinked          */

/* Calls fn for each name in the directory until it returns non-zero, which is then returned. */
int disk_list(int dirfd, int (*fn)(void *arg, const char *name), void *arg);

#endif
