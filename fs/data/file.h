/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File data: reading, writing, truncating and syncing regular files in chunks.
 */
#ifndef FIRN_FS_FILE_H
#define FIRN_FS_FILE_H

#include <sys/types.h>

#include "fs/names/inode.h"

/*
 * Bytes read (short only at end of file) or -errno. -EIO: a chunk is damaged (never wrong bytes). Takes the
 * inode lock shared.
 */
ssize_t file_read(struct inode *inode, void *buf, size_t len, uint64_t offset);

/*
 * Writes all of it or nothing: len or -errno. Reserves space (-ENOSPC here, not later), waits when too much
 * is dirty, updates size, mtime, ctime. kill_priv: clear set-user-id and set-group-id. -EFBIG beyond 2^32
 * chunks. Takes the inode lock exclusively; the caller holds none.
 */
ssize_t file_write(struct inode *inode, const void *buf, size_t len, uint64_t offset, bool kill_priv);

/*
 * Makes a range zero, its whole chunks holes. grow: and the file as long as that, else nothing beyond its end
 * is touched. The caller holds no lock.
 */
int file_punch(struct inode *inode, uint64_t offset, uint64_t len, bool grow);

/*
 * -ENOSPC when there is no room for what the range would need uncompressed; nothing is set aside. grow: makes
 * the file as long as that. The caller holds no lock.
 */
int file_allocate(struct inode *inode, uint64_t offset, uint64_t len, bool grow);

/*
 * Copies a range, as copy_file_range(2): the bytes copied, perhaps fewer than asked for, or -errno. Chunks
 * that lie alike in both files share their extents. What is beyond the end of `in` counts as zero. -EINVAL: a
 * range overlaps itself. The caller holds no lock.
 */
ssize_t file_copy(struct inode *in, uint64_t from, struct inode *out, uint64_t to, size_t len);

/*
 * Sets size, mtime and ctime and stores the record; bytes beyond a shrunk end read as zero when it grows
 * again. Lock held exclusively by the caller (fs/names/attr.c), outside of an operation.
 */
int file_truncate_locked(struct inode *inode, uint64_t size);

/*
 * Encodes and appends the dirty data of this inode (not yet durable). What fails stays dirty and is tried
 * again: an error as long as there is such data. The caller holds no inode lock.
 */
int file_flush(struct inode *inode);

/* file_flush + commit. */
int file_sync(struct inode *inode);

/* Next data (hole) at or after offset, as SEEK_DATA (SEEK_HOLE) of lseek(2), also over dirty data. -ENXIO. */
int64_t file_seek(struct inode *inode, uint64_t offset, bool hole);

/*
 * Unmaps every chunk from `from` on inside an operation budget; more left: 1, else 0. For deletion and
 * fs/data/todo.c.
 */
int file_free_chunks(struct volume *vol, uint64_t ino, uint32_t from);

/* Throws away dirty data of an inode that is gone. */
void file_forget(struct inode *inode);

#endif
