/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open store: what every part of the file system shares, its options, its threads and its commits.
 *
 * Lock order, outer to inner: rename mutex, inode locks (ascending ino), index operation, inode data mutex,
 * flusher mutex; innermost, none inside another: cache shard, thaw mutex, extent mutex, counters mutex. So no operation
 * is begun under a mutex, and no encode, decode or file I/O is done under any lock but an inode's. Nobody
 * waits for a flush, for room or for a commit while he holds an inode lock: flushing takes it to publish.
 */
#ifndef FIRN_FS_VOLUME_H
#define FIRN_FS_VOLUME_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/volume/metrics.h"
#include "index/index.h"
#include "index/segment.h"
#include "index/super.h"

struct inode_table; /* fs/names/inode.c   */
struct chunk_cache; /* fs/data/cache.c   */
struct ahead;       /* fs/data/ahead.c   */
struct thaw;        /* fs/data/thaw.c    */
struct flusher;     /* fs/data/flush.c   */
struct committer;   /* fs/volume/commit.c  */
struct extent_map;  /* fs/data/extent.c  */
struct model_set;   /* fs/tiers/models.c  */
struct pool;        /* fs/volume/pool.c    */
struct damage;      /* fs/volume/damage.c  */
struct compactor;   /* fs/tiers/compactor.c */
struct heat;        /* fs/tiers/heat.c    */
struct models_upload; /* fs/tiers/models_upload.c */

/* What a flush makes of data that would compress. */
enum volume_hot {
	HOT_LZ4,  /* always LZ4                                                     */
	HOT_AUTO, /* raw what writers would otherwise wait for: fs/data/pace.h       */
	HOT_RAW,  /* always raw: recompaction comes later                           */
};

enum volume_atime { ATIME_RELATIME, ATIME_NOATIME, ATIME_STRICT };

struct volume_options {
	bool readonly;
	bool offline;              /* a tool, not a mount: no commit timer                        */
	bool salvage;              /* volume_lock: segments without an index are a store, too     */
	bool writethrough;         /* the kernel keeps no dirty pages: each write comes here at once      */
	enum volume_atime atime;
	enum volume_hot hot;
	unsigned commit_seconds;   /* default 5                                                   */
	unsigned workers;          /* encoders; 0: min(cores, 8)                                  */
	uint64_t cache_bytes;      /* decoded chunks; default 64 MiB                              */
	uint64_t thaw_bytes;       /* hot copies of cold data on disk; default 256 MiB, 0: none    */
	uint64_t dirty_bytes;      /* high-water mark of unflushed data; default 64 MiB           */
	const char *role;          /* for the store lock's message, e.g. "firnfs"                 */
	const char *mountpoint;    /* likewise, may be NULL                                       */
	/* A chunk could not be read (path "" when it has none); once for each, from any thread. May be NULL. */
	void (*damaged)(void *arg, uint64_t ino, uint32_t chunk, const char *path);
	void *damaged_arg;
};
void volume_options_init(struct volume_options *opt);

struct volume {
	struct volume_options opt;
	struct super super;
	bool readonly;
	char *path;                /* of the store, absolute */
	int dirfd, lockfd;
	struct index *index;
	struct segments *segments;
	struct inode_table *inodes;
	struct chunk_cache *cache;
	struct ahead *ahead;
	struct thaw *thaw;         /* NULL: none */
	struct flusher *flusher;
	struct committer *committer;
	struct extent_map *extents;
	struct model_set *models;
	struct heat *heat;         /* NULL when read-only */
	struct models_upload *upload; /* likewise */
	bool closing;              /* set before the last commit; atomic */
	uint64_t requests;         /* of the mount's users so far; atomic */
	struct metrics metrics;    /* atomics */
	struct compactor *compactor; /* of a mount; else NULL */
	struct pool *pool;         /* buffers of one chunk */
	struct damage *damage;
	pthread_mutex_t rename_mutex;

	pthread_mutex_t counters_mutex; /* guards what follows; written by the commit hook */
	struct counters_disk_host {
		uint64_t next_ino, next_todo, commits, inodes;
		uint32_t next_model;
	} counters;
};

/* Why volume_create or volume_open failed, in words for the user; empty when errno says all. */
struct volume_error {
	char text[256];
};

/*
 * Makes a store in the directory path (created if missing; -ENOTEMPTY if it holds anything), with a root
 * directory owned by uid:gid, mode 0755. On failure what was created is removed again.
 */
int volume_create(const char *path, uint32_t chunk_size, const char *label, uint32_t uid, uint32_t gid,
		  struct volume_error *err);

/*
 * Opens a store: lock, superblock, index, segments, garbage of a crash, orphans and to-dos of an earlier
 * mount; starts flusher and commit threads. Nothing is printed; err->text says the reason (busy: by whom;
 * foreign; newer format with the feature bits; damaged).
 */
int volume_open(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err);

/*
 * Starting at the lock only, for daemons: volume_lock before forking (so that failure is reported by the
 * foreground process), volume_open_locked after. volume_open does both.
 */
int volume_lock(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err);
int volume_open_locked(struct volume *vol, struct volume_error *err);

/*
 * Flushes, commits, stops threads, closes and frees, also on error. Returns the first error: data may not be
 * durable. NULL allowed.
 */
int volume_close(struct volume *vol);

/* Next inode number; never reused. */
uint64_t volume_next_ino(struct volume *vol);

/*
 * Makes everything done before the call durable: flush dirty data, freeze, sync segments, commit. Concurrent
 * callers share one commit. Returns the error of the commit that covered the caller; the data stays and is
 * tried again by the next.
 */
int volume_commit(struct volume *vol);

/* Wakes the commit thread without waiting (memory pressure). */
void volume_commit_kick(struct volume *vol);

struct volume_statfs {
	uint64_t block_size, blocks, blocks_free, blocks_available, files, files_free;
};
int volume_statfs(struct volume *vol, struct volume_statfs *out);

/* ns since 1970, coarse clock of the kernel, as file systems stamp. */
int64_t volume_now(void);

#endif
