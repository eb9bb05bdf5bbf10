/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reading, writing and truncating share: one chunk of a file as it is now. The inode lock is held.
 */
#ifndef FIRN_FS_FILE_CHUNK_H
#define FIRN_FS_FILE_CHUNK_H

#include "fs/file.h"
#include "fs/flush.h"
#include "fs/stored.h"

/*
 * Bytes [off, off + len) of a chunk, dirty data included. under_cur: but for the upper layer's bytes. -EIO.
 */
int file_chunk_read(struct inode *inode, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf,
		    bool under_cur);

/*
 * The file is about to grow beyond `size` without a write to the chunk in which it ends: cuts what the store
 * may hold behind that end. Called between flusher_write_begin, which covers that chunk, and _end.
 */
int file_chunk_cut(struct inode *inode, struct dirty_file *df, struct dirty_cost *cost);

/* True when the chunk in which the file ends may hold bytes behind that end. -EIO. */
int file_chunk_overhangs(struct inode *inode);

/* Largest size a file can have. */
uint64_t file_size_max(const struct volume *vol);

#endif
