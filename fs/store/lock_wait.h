/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a store's lock just after its unmount: umount(8) returns while the daemon still makes the last changes durable.
 */
#ifndef FIRN_FS_LOCK_WAIT_H
#define FIRN_FS_LOCK_WAIT_H

/* store_lock; but a daemon whose mount is gone is waited for, a minute at most: it ends, unless its mount is in use without a place. */
int lock_take(int dirfd, const char *role, const char *mountpoint);

#endif
