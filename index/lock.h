/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store lock: flock(2) on STORE/lock, so that one process at a time has a store open and a crash leaves no stale lock.
 */
#ifndef FIRN_INDEX_LOCK_H
#define FIRN_INDEX_LOCK_H

#include <sys/types.h>

/*
 * Takes the lock (exclusive, not waiting) of the store open as dirfd and returns a descriptor that holds it until closed.
 * The lock is the open file description's: it survives fork. Writes the owner's pid, the role ("firnfs", "firn compact") and the mount point
 * (may be NULL) into the file for messages. -EBUSY: somebody else holds it; then *owner (may be NULL) gets his pid, 0 if not known.
 */
int store_lock(int dirfd, const char *role, const char *mountpoint, pid_t *owner);

/* Rewrites pid, role and mount point after daemonising. */
int store_lock_update(int lock_fd, const char *role, const char *mountpoint);

#endif
