/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small disk beneath the recorded store: once its room is used up a write is cut short, then refused, until files go or are punched.
 */
#ifndef FIRN_TESTS_CRASH_CAPACITY_H
#define FIRN_TESTS_CRASH_CAPACITY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

/* The store may take so many bytes more than now, of a disk of `total` bytes; total 0: no limit any more. */
void capacity_limit(const char *store, uint64_t room, uint64_t total);

/*
 * For libc.c, with the recorder's lock held: a write of the pieces at this offset as the disk takes it, in out[0 .. n); returns n, or -1: ENOSPC.
 */
#define CAPACITY_PIECES 64
int capacity_cut(int fd, uint64_t offset, const struct iovec *iov, int n, struct iovec out[CAPACITY_PIECES]);

#endif
