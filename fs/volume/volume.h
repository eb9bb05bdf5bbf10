/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open store: what every part of the file system shares, and its options.
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
struct thaw;        /* fs/extent/thaw.c    */
struct space;       /* fs/extent/space.c   */
struct flusher;     /* fs/data/flush.c   */
struct committer;   /* fs/data/commit.c  */
struct extent_map;  /* fs/extent/extent.c  */
struct model_set;   /* fs/extent/models.c  */
struct pool;        /* fs/volume/pool.c    */
struct damage;      /* fs/data/damage.c  */
struct compactor;   /* fs/tiers/compactor.c */
struct heat;        /* fs/extent/heat.c    */
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
	struct space *space;
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

/* Next inode number; never reused. */
uint64_t volume_next_ino(struct volume *vol);

/* ns since 1970, coarse clock of the kernel, as file systems stamp. */
int64_t volume_now(void);

#endif
