/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reading, writing and truncating share: one chunk of a file as it is now. The inode lock is held.
 */
#ifndef FIRN_FS_FILE_CHUNK_H
#define FIRN_FS_FILE_CHUNK_H

#include "fs/data/file.h"
#include "fs/data/flush.h"
#include "fs/data/stored.h"

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

/*
 * Before the file grows: nothing behind its end is mapped any more, as a truncation that failed may have left
 * it.
 */
int file_tail_unmap(struct inode *inode);

/* Unmaps chunks from .. last and stores the record, in bounded operations. */
int file_unmap_range(struct inode *inode, uint32_t from, uint32_t last);

/* Waits for room on disk and in memory for a write that touches so many chunks. No lock held. */
int file_room_wait(struct volume *vol, uint64_t chunks);

/* As file_write, but with the inode lock held and room waited for. 0 or -errno. */
int file_write_locked(struct inode *inode, const void *buf, size_t len, uint64_t offset, bool kill_priv);

/* True when the chunk in which the file ends may hold bytes behind that end. -EIO. */
int file_chunk_overhangs(struct inode *inode);

/* Largest size a file can have. */
uint64_t file_size_max(const struct volume *vol);

#endif
