/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index: ordered tables with atomic operations that never wait for a disk, made durable by commits.
 *
 * Over LMDB (one writer, whose commit waits for the disk) lies an ordered table in memory in two generations. Changes go
 * to the *running* one; a commit freezes it (it becomes the *committing* one, a new running one starts), writes it in one
 * synced LMDB transaction and drops it. A reader looks in running, then committing, then LMDB.
 *
 * All functions but index_pending_bytes take part in the generation lock: none but those that take the op may be called inside an operation.
 *
 * Everything done between index_begin and index_end (an *operation*) lands in one commit, whole: freezing waits for
 * open operations and new ones wait for the freeze, which is short (no I/O). Operations therefore must be short: no
 * file I/O, no encoding or decoding, no waiting inside one, and no second index_begin by the same thread. Operations
 * of different threads do not exclude each other: callers lock what they read-modify-write (inode lock, extent lock).
 *
 * All functions: 0 or -errno unless said otherwise; thread-safe unless said otherwise; nothing is printed.
 */
#ifndef FIRN_INDEX_INDEX_H
#define FIRN_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/format.h"

struct index;

/*
 * Opens (create: makes anew; -EEXIST if there is one) the index of the store whose directory is open as dirfd (borrowed for the call).
 * readonly: puts fail with -EROFS. -ENOENT: no index; -EUCLEAN: damaged or foreign LMDB file; -ENOMEM, I/O errors.
 * The caller holds the store lock (index/lock.h). LMDB must not be opened before daemonising (fork).
 */
int index_open(int dirfd, const char *store_path, bool create, bool readonly, struct index **out);

/*
 * Reads all of the index of the store open as dirfd and checks its structure without LMDB, which would believe it: index_open does so itself,
 * but for the leaves of a large one. 0, -ENOENT, -EUCLEAN, -EIO, -ENOMEM.
 */
int index_check(int dirfd);

/* Records that were damaged when it was opened; those of a large index, whose leaves are not read then, are not counted. */
uint64_t index_damaged(const struct index *ix);

/* Closes; what was not committed is lost. No operation may be open. NULL is allowed. */
void index_close(struct index *ix);

/* An open operation; lives on the caller's stack. */
struct index_op {
	struct index *ix;
	void *reader; /* LMDB read transaction, taken at the first read that reaches LMDB */
};

void index_begin(struct index *ix, struct index_op *op);
void index_end(struct index_op *op);

/* Copies the value into buf (cap bytes) and returns its length; -ENOENT; -ERANGE if cap is too small; -EUCLEAN: it is damaged; -EIO. */
int index_get(struct index_op *op, enum table table, const void *key, size_t key_len, void *buf, size_t cap);

/* Sets or replaces. value may be NULL when len is 0. len <= INDEX_VALUE_MAX, 0 < key_len <= INDEX_KEY_MAX. -ENOMEM, -EROFS. */
int index_put(struct index_op *op, enum table table, const void *key, size_t key_len, const void *value, size_t len);

/* Puts a record that is found damaged from then on: for a copy of an index that keeps what is wrong with it. */
int index_put_damaged(struct index_op *op, enum table table, const void *key, size_t key_len, const void *value, size_t len);

/* Removes; 0 also when there is no such record (blind delete: one tombstone). -ENOMEM, -EROFS. */
int index_del(struct index_op *op, enum table table, const void *key, size_t key_len);

/* One record as a scan returns it; the bytes are the caller's own copy. */
struct index_record {
	size_t key_len;
	size_t len;
	bool damaged;       /* key or value are not what was put: then len is 0, */
	size_t damaged_len; /* and this many bytes are in value                  */
	uint8_t key[INDEX_KEY_MAX];
	uint8_t value[INDEX_VALUE_MAX];
};

/*
 * Ordered scan of the records whose key starts with prefix, from the first key >= from (NULL: from the first of the prefix).
 * Sees the operation's own puts made before the step. The scan lives inside op and must be closed before index_end.
 * index_scan_next: 1 and *out filled, 0 at the end, -errno. A record put or deleted behind the scan's position is not seen.
 */
struct index_scan;
int index_scan_open(struct index_op *op, enum table table, const void *prefix, size_t prefix_len,
		    const void *from, size_t from_len, struct index_scan **out);
int index_scan_next(struct index_scan *scan, struct index_record *out);
void index_scan_close(struct index_scan *scan);

/* Bytes of memory that uncommitted changes hold (both generations), for backpressure. May be called inside an operation. */
size_t index_pending_bytes(struct index *ix);

/*
 * A commit in two steps, so that the caller can sync data between them (data before pointers):
 *   index_freeze   waits for open operations, calls hook(op, arg) (may be NULL; puts last records such as counters, must not
 *                  begin an operation; its error cancels the freeze), then switches generations.
 *   index_commit   writes the frozen generation in one LMDB transaction and syncs it. Grows the map when it is full.
 *                  On error the frozen generation stays readable and a later index_commit tries it again: -ENOSPC, -EIO.
 * One thread at a time runs freeze+commit (the caller's duty). index_freeze while a frozen generation is still there: -EBUSY.
 * index_freeze returns 1 when a generation was frozen, 0 when there was nothing to commit (then the hook was not called).
 */
int index_freeze(struct index *ix, int (*hook)(struct index_op *op, void *arg), void *arg);
int index_commit(struct index *ix);

/*
 * Writes index.mdb anew, without free pages and with full ones, and puts it in the place of the old one: what a crash leaves is one of
 * them. Operations wait meanwhile: it is for tools. dirfd: of the store. -EBUSY: there are uncommitted changes; -ENOSPC, -EIO: the old one
 * stays.
 */
int index_repack(struct index *ix, int dirfd);

struct index_stat {
	uint64_t file_bytes; /* bytes of index.mdb that are in use by pages (not the sparse map size) */
	uint64_t disk_bytes; /* st_blocks * 512 of index.mdb                                          */
	uint64_t records[TABLE_COUNT]; /* in LMDB, uncommitted changes not counted                    */
};
int index_stat(struct index *ix, struct index_stat *out);

#endif
