/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite on a volume without a mount: each call that it makes of a file is one of the volume's operations.
 */
#ifndef FIRN_TESTS_CRASH_SQLITE_VFS_H
#define FIRN_TESTS_CRASH_SQLITE_VFS_H

#include "fs/names/inode.h"

/* Files of databases that are opened with the VFS "firn" are in the root of this volume. One thread. */
void sqlite_vfs_use(struct volume *vol);

#endif
