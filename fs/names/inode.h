/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: one object per inode in use, its attributes, its locks, and the table that finds it by
 * number.
 *
 * Attributes in memory are the truth while the object lives. Metadata changes are written to the index at
 * once (inode_store, inside the same operation as the dirents they belong to). Size, blocks and mtime that a
 * write() changes become part of the index record only when the data they describe has been appended
 * (fs/data/flush.c), so that they become durable together: `stored_size` is what the record says.
 */
#ifndef FIRN_FS_INODE_H
#define FIRN_FS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/volume/volume.h"

struct inode_attr {
	uint32_t mode, uid, gid, nlink;
	uint32_t rdev; /* as dev_t of Linux fits: major << 20 | minor */
	uint32_t generation;
	uint64_t size, blocks; /* bytes; blocks: plain bytes of mapped chunks */
	int64_t atime, mtime, ctime, btime; /* ns since 1970 */
	uint64_t parent;
};

struct dirty_file; /* fs/data/dirty.c: dirty chunks of one file */

struct inode {
	uint64_t ino;
	struct volume *vol;
	uint32_t type;         /* S_IFMT bits of the mode: readable without lock */

	/*
	 * outer: namespace and attributes; writers of data exclusively, readers shared. Who waits for it exclusively
	 * goes before new readers, so nobody takes it shared twice.
	 */
	pthread_rwlock_t lock;

	/* guarded by lock */
	struct inode_attr attr;
	uint8_t inherits;      /* of a directory, fs/names/acl.c: whether it has a default ACL; 0: not known */
	bool unnamed;          /* made without a name: it may still get one */
	bool tail_clean;       /* no chunk behind the end of file is mapped; false: not known */

	/*
	 * guarded by data_mutex: shared by writers and flush workers, held for moments only, never across I/O
	 */
	pthread_mutex_t data_mutex;
	struct dirty_file *dirty;   /* NULL when clean                                            */
	uint64_t stored_size;       /* size that the index record carries                         */
	uint64_t stored_blocks;
	int64_t stored_mtime, stored_ctime;
	bool emptied;               /* truncated to nothing, and written since: replaced, in effect  */
	int error;                  /* of the last flush that failed, while data that it left is dirty */

	/* guarded by the table's shard */
	uint64_t refs;              /* kernel lookups + handles + users inside the daemon         */
	bool loading;               /* somebody reads the record; others wait                     */
	struct inode *hash_next;
};

int inode_table_create(struct volume *vol);   /* sets vol->inodes */
void inode_table_destroy(struct volume *vol);

/* Finds or loads; takes a reference. -ENOENT; -EUCLEAN damaged record. */
int inode_get(struct volume *vol, uint64_t ino, struct inode **out);

/* Takes one more reference on an inode the caller already has. */
void inode_ref(struct inode *inode);

/*
 * Drops n references; no lock held, not inside an operation. The last one of an inode with nlink 0 frees its
 * data and its records; the last one of a linked inode with no dirty data lets go of the object. Whoever
 * makes an inode dirty or clean holds a reference while doing so.
 */
void inode_put(struct inode *inode, uint64_t n);

/*
 * Frees data and records of an inode that has no name and no object, in bounded operations; its orphan record
 * goes last, so that a crash in between only means that the next mount goes on.
 */
int inode_drop(struct volume *vol, uint64_t ino);

/*
 * Locks every inode of set exclusively, in the one order; sorts set, lets NULL and repeated members be. At
 * most a handful.
 */
void inode_lock_many(struct inode **set, size_t n);
void inode_unlock_many(struct inode **set, size_t n);

/* At open: drops every inode that was unlinked but still in use when the store was last closed or lost. */
int inode_drop_orphans(struct volume *vol);

/*
 * Makes a fresh inode object for attr (number from volume_next_ino, generation 0, times filled by the
 * caller), one reference, not yet in the index. The caller puts the record with inode_store in the operation
 * that links it.
 */
int inode_new(struct volume *vol, const struct inode_attr *attr, struct inode **out);

/* Forgets an inode of inode_new that did not reach the index. */
void inode_discard(struct inode *inode);

/*
 * Writes the record: attributes as they are but size, blocks, mtime and ctime as stored_* say while data is
 * dirty. Lock held exclusively (or the inode not yet visible), inside an operation.
 */
int inode_store(struct index_op *op, struct inode *inode);

/* Returns the value's length: trailing zero bytes are left out (index/format.h). */
size_t inode_encode(struct inode_disk *disk, const struct inode_attr *attr);
int inode_decode(const void *value, size_t len, struct inode_attr *attr); /* -EUCLEAN */
/* Whether it is written as a record is, whatever it says: then *attr has that. */
bool inode_parse(const void *value, size_t len, struct inode_attr *attr);

/*
 * Attributes as stat(2) shows them. Takes the lock shared. True: st_blocks counts data that is still dirty, as
 * far as that is known, and will change when it is flushed.
 */
bool inode_stat(struct inode *inode, struct stat *st);

#endif
