/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a store's lock just after its unmount: umount(8) returns while the daemon still makes the last changes durable.
 */
#ifndef FIRN_FS_LOCK_WAIT_H
#define FIRN_FS_LOCK_WAIT_H

#include <stdbool.h>

/* store_lock; but a daemon whose mount is gone is waited for. */
int lock_take(int dirfd, const char *role, const char *mountpoint);

/*
 * Waits, a minute at most, as long as the lock is held by a daemon whose mount is gone. False: whoever holds it stays, or does
 * not end (his mount may be in use still, though it has no place any more).
 */
bool lock_wait(int dirfd);

#endif
