/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flusher: worker threads that turn dirty chunks into extents and publish them in the index, when asked
 * or under memory pressure.
 */
#ifndef FIRN_FS_FLUSH_H
#define FIRN_FS_FLUSH_H

#include "fs/data/dirty.h"
#include "fs/data/pace.h"

struct flusher {
	struct volume *vol;
	struct pace pace;
	uint64_t untried;      /* chunks stored raw in a hurry, atomic                */
	pthread_t *threads;
	unsigned thread_count;

	pthread_mutex_t mutex; /* guards what follows, and the members of struct dirty_file that say so */
	pthread_cond_t work;   /* workers wait here  */
	pthread_cond_t room;   /* writers wait here  */
	/* all dirty files, in the order of their first write */
	struct dirty_file *first, *last;
	struct dirty_file *wanted_first, *wanted_last; /* whose flush is asked for */
	uint64_t bytes;        /* of layers                                          */
	uint64_t claimed;      /* of them in the hands of workers                    */
	uint64_t failures, published;
	int error;             /* of the last failure */
	bool stop;
};

/* Sets vol->flusher and starts the workers (none when the volume is read-only). */
int flusher_create(struct volume *vol);
/* Stops the workers and drops what is still dirty. */
void flusher_destroy(struct volume *vol);

/*
 * Waits until dirty memory is below its limit. No lock held. An error when flushing fails and so there will
 * be no room.
 */
int flusher_wait_room(struct volume *vol);

/*
 * Flushes all that was dirty at the call; files that have no name any more are left alone (and forgotten when
 * nobody has them open). emptied_only: of files that were truncated to nothing and written again, so that no
 * commit has them empty.
 */
int flusher_flush_all(struct volume *vol, bool emptied_only);

/*
 * Makes the inode dirty for a write of chunks first .. last: finds or makes its dirty_file and begins the
 * write. Inode lock held exclusively. flusher_write_end accounts what the write cost and lets workers have
 * it.
 */
int flusher_write_begin(struct inode *inode, uint32_t first, uint32_t last, struct dirty_file **out);
void flusher_write_end(struct dirty_file *df, const struct dirty_cost *cost);

/*
 * After dirty_truncate and dirty_drop: who waits for a flush of what they took away looks again. emptied: the
 * file was truncated to nothing. data_mutex held.
 */
void flusher_cut(struct dirty_file *df, bool emptied);

/* Accounts what dirty_truncate, dirty_drop and dirty_unpin let go of. */
void flusher_release(struct volume *vol, const struct dirty_cost *cost);

/* For fs/data/flush_publish.c and fs/data/flush.c. */
void flusher_use(struct flusher *fl, struct dirty_file *df);   /* data_mutex held */
/* data_mutex held: puts it into the queue of wanted files */
void flusher_want(struct flusher *fl, struct dirty_file *df);
/* nothing held; frees it when it was the last user of an unlisted one */
void flusher_unuse(struct flusher *fl, struct dirty_file *df);
/* data_mutex held: it is no longer the inode's */
void flusher_unlist(struct flusher *fl, struct dirty_file *df);
void flusher_relist(struct flusher *fl, struct dirty_file *df);  /* data_mutex held: it is again */

/*
 * Puts n chunks (0: only the inode's record) into the index in one operation; their errors are set. Nothing
 * held.
 */
void flush_publish(struct dirty_file *df, struct dirty_chunk **list, size_t n);

#endif
