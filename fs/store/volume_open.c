/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and closing a store: lock, superblock, index, segments, what a crash left, threads; and back.
 */
#include "fs/store/volume_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/data/ahead.h"
#include "fs/data/cache.h"
#include "fs/data/commit.h"
#include "fs/data/damage.h"
#include "fs/data/flush.h"
#include "fs/data/todo.h"
#include "fs/extent/extent.h"
#include "fs/extent/heat.h"
#include "fs/extent/models.h"
#include "fs/extent/space.h"
#include "fs/extent/thaw.h"
#include "fs/names/inode.h"
#include "fs/store/lock_wait.h"
#include "fs/store/volume_error.h"
#include "fs/tiers/compactor.h"
#include "fs/tiers/models_upload.h"
#include "fs/volume/pool.h"
#include "index/disk.h"
#include "index/lock.h"

#define WORKERS_MAX 8
#define POOL_BYTES (8u << 20)
#define POOL_BYTES_MAX (256u << 20) /* while they are in use */
#define DIRTY_BYTES_MIN (1u << 20)

static unsigned workers_default(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static struct volume *volume_alloc(const char *path, const struct volume_options *opt)
{
	struct volume *vol = calloc(1, sizeof *vol);

	if (!vol)
		return NULL;
	vol->dirfd = vol->lockfd = -1;
	vol->opt = *opt;
	vol->readonly = opt->readonly;
	if (vol->opt.workers == 0)
		vol->opt.workers = workers_default();
	if (vol->opt.dirty_bytes < DIRTY_BYTES_MIN)
		vol->opt.dirty_bytes = DIRTY_BYTES_MIN;
	pthread_mutex_init(&vol->rename_mutex, NULL);
	pthread_mutex_init(&vol->counters_mutex, NULL);
	vol->path = realpath(path, NULL);
	return vol;
}

static void volume_free(struct volume *vol)
{
	if (vol->lockfd >= 0)
		close(vol->lockfd);
	if (vol->dirfd >= 0)
		close(vol->dirfd);
	pthread_mutex_destroy(&vol->rename_mutex);
	pthread_mutex_destroy(&vol->counters_mutex);
	free(vol->path);
	free(vol);
}

static int is_segment(void *arg, const char *name)
{
	const int *seg = arg;
	uint8_t header[sizeof(struct segment_disk)];
	int fd = openat(*seg, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r;

	if (fd < 0)
		return 0;
	r = read(fd, header, sizeof header) == sizeof header && memcmp(header, SEGMENT_MAGIC, 8) == 0;
	close(fd);
	return r;
}

static bool has_segments(int dirfd)
{
	int seg = openat(dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (seg >= 0) {
		r = disk_list(seg, is_segment, &seg);
		close(seg);
	}
	return r == 1;
}

/* A directory without an index is somebody else's: not even a lock file is made there. */
static int store_enter(struct volume *vol, struct volume_error *err)
{
	struct stat st;

	if (!vol->path)
		return -errno;
	vol->dirfd = open(vol->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vol->dirfd < 0)
		return -errno;
	if (fstatat(vol->dirfd, "index.mdb", &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    (!vol->opt.salvage || !has_segments(vol->dirfd))) {
		if (errno != ENOENT)
			return -errno;
		return volume_fail(err, -ENOENT, "not a firn store: it has no index.mdb");
	}
	vol->lockfd = lock_take(vol->dirfd, vol->opt.role, vol->opt.mountpoint);
	if (vol->lockfd == -EBUSY)
		return volume_fail_busy(err, vol->dirfd);
	if (vol->lockfd == -ENOENT && vol->readonly)
		return 0; /* on a read-only file system, and never locked: nobody can be writing */
	return vol->lockfd < 0 ? vol->lockfd : 0;
}

int volume_lock(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err)
{
	struct volume *vol;
	int r;

	*out = NULL;
	err->text[0] = '\0';
	vol = volume_alloc(path, opt);
	if (!vol)
		return -ENOMEM;
	r = store_enter(vol, err);
	if (r) {
		volume_free(vol);
		return r;
	}
	*out = vol;
	return 0;
}

static int super_read(struct volume *vol, struct volume_error *err)
{
	bool force_readonly = false;
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = super_load(&op, &vol->super, &force_readonly);
	index_end(&op);
	if (r == -ENOENT)
		return volume_fail(err, r, "not a firn store: its index has no superblock");
	if (r == -EUCLEAN)
		return volume_fail(err, r, "damaged superblock: fsck.firn can mend it");
	if (r == -EPROTONOSUPPORT)
		return volume_fail_format(err, &vol->super);
	if (force_readonly)
		vol->readonly = true;
	return r;
}

static int counters_read(struct volume *vol, struct counters_disk *disk, struct volume_error *err)
{
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = index_get(&op, TABLE_META, "counters", 8, disk, sizeof *disk);
	index_end(&op);
	if (r < 0 && r != -ENOENT && r != -ERANGE)
		return r;
	if (r != sizeof *disk)
		return volume_fail(err, -EUCLEAN, "damaged index: no valid counters; fsck.firn can mend it");
	vol->counters.next_ino = le64_get(disk->next_ino);
	vol->counters.next_todo = le64_get(disk->next_todo);
	vol->counters.commits = le64_get(disk->commits);
	vol->counters.inodes = le64_get(disk->inodes);
	vol->counters.next_model = le32_get(disk->next_model);
	return 0;
}

/* 1 when a table has a record from number `next` on, of `len` bytes. */
static int used(struct volume *vol, enum table table, uint64_t next, size_t len)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t from[8];
	int r;

	if (len == 4)
		be32_put(from, (uint32_t)next);
	else
		be64_put(from, next);
	index_begin(vol->index, &op);
	r = index_scan_open(&op, table, NULL, 0, from, len, &scan);
	if (r == 0) {
		r = index_scan_next(scan, &rec);
		index_scan_close(scan);
	}
	index_end(&op);
	return r;
}

/*
 * A counter that is too low would have numbers given out twice, and segments that are needed removed as garbage of a crash. Reading needs
 * none.
 */
static int counters_trust(struct volume *vol, const struct counters_disk *disk, struct volume_error *err)
{
	int r = 0;

	if (vol->readonly)
		return 0;
	r = used(vol, TABLE_SEGMENT, le32_get(disk->next_segment), 4);
	if (r == 0)
		r = used(vol, TABLE_MODEL, le32_get(disk->next_model), 4);
	if (r == 0)
		r = used(vol, TABLE_INODE, le64_get(disk->next_ino), 8);
	if (r == 0)
		r = used(vol, TABLE_EXTENT, le64_get(disk->next_extent), 8);
	if (r == 0)
		r = used(vol, TABLE_TODO, le64_get(disk->next_todo), 8);
	return r == 1 ? volume_fail(err, -EUCLEAN, "damaged counters: fsck.firn can mend them; until then it mounts with -o ro") : r;
}

static int store_open(struct volume *vol, struct volume_error *err)
{
	struct counters_disk counters;
	int r = index_open(vol->dirfd, vol->path, false, vol->readonly, &vol->index);

	if (r == -EUCLEAN)
		return volume_fail(err, r, "damaged or foreign index.mdb: fsck.firn makes a new one");
	if (r == 0 && index_damaged(vol->index) && !vol->readonly)
		return volume_fail(err, -EUCLEAN, "damaged records in index.mdb: fsck.firn can mend them; until then it mounts with -o ro");
	if (r == 0)
		r = super_read(vol, err);
	if (r == 0)
		r = counters_read(vol, &counters, err);
	if (r == 0)
		r = counters_trust(vol, &counters, err);
	if (r)
		return r;
	r = segments_open(vol->dirfd, vol->super.uuid, vol->super.segment_size,
			  le32_get(counters.next_segment),
			  le64_get(counters.next_sequence), false, vol->readonly, &vol->segments);
	if (r == -ENOENT)
		return volume_fail(err, -EUCLEAN, "damaged store: its directory seg is missing");
	return r;
}

static int parts_create(struct volume *vol)
{
	uint64_t most = POOL_BYTES + vol->opt.dirty_bytes;
	int r;

	if (most > POOL_BYTES_MAX)
		most = POOL_BYTES_MAX;
	r = pool_create(vol->super.chunk_size, POOL_BYTES / vol->super.chunk_size,
			(unsigned)(most / vol->super.chunk_size), &vol->pool);

	if (r == 0)
		r = space_create(vol);
	if (r == 0)
		r = extent_map_create(vol);
	if (r == 0)
		r = models_create(vol);
	if (r == 0)
		r = damage_create(vol);
	if (r == 0)
		r = cache_create(vol);
	if (r == 0)
		r = thaw_create(vol);
	if (r == 0)
		r = heat_create(vol);
	if (r == 0 && !vol->readonly)
		r = models_upload_create(vol);
	if (r == 0)
		r = ahead_create(vol);
	if (r == 0)
		r = inode_table_create(vol);
	if (r == 0)
		r = flusher_create(vol);
	return r;
}

/* Everything that is open, in reverse; no commit. */
static void parts_destroy(struct volume *vol)
{
	committer_destroy(vol);
	if (vol->flusher)
		flusher_destroy(vol);
	inode_table_destroy(vol);
	ahead_destroy(vol);
	heat_destroy(vol);
	models_upload_destroy(vol);
	cache_destroy(vol);
	thaw_destroy(vol);
	if (vol->models)
		models_destroy(vol);
	extent_map_destroy(vol);
	damage_destroy(vol);
	space_destroy(vol);
	pool_destroy(vol->pool);
	segments_close(vol->segments);
	if (vol->index)
		index_close(vol->index);
	vol->pool = NULL;
	vol->segments = NULL;
	vol->index = NULL;
}

int volume_open_locked(struct volume *vol, struct volume_error *err)
{
	int r = 0;

	vol->metrics.since = metrics_clock();
	err->text[0] = '\0';
	if (vol->lockfd >= 0 && !vol->readonly)
		r = store_lock_update(vol->lockfd, vol->opt.role, vol->opt.mountpoint);
	if (r == -ENOSPC || r == -EDQUOT)
		r = 0; /* only the text of a message */
	if (r == 0)
		r = store_open(vol, err);
	if (r == 0)
		r = parts_create(vol);
	if (r == 0 && !vol->readonly)
		r = todo_recover(vol);
	if (r == 0 && !vol->readonly)
		r = inode_drop_orphans(vol);
	if (r == 0)
		r = committer_create(vol);
	if (r)
		parts_destroy(vol);
	else if (!vol->opt.offline)
		ahead_model(vol);
	if (r == -EUCLEAN && err->text[0] == '\0')
		volume_fail(err, r, "damaged index: fsck.firn can mend it");
	return r;
}

int volume_open(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err)
{
	struct volume *vol;
	int r = volume_lock(path, opt, &vol, err);

	*out = NULL;
	if (r)
		return r;
	r = volume_open_locked(vol, err);
	if (r) {
		volume_free(vol);
		return r;
	}
	*out = vol;
	return 0;
}

int volume_close(struct volume *vol)
{
	int r = 0;

	if (!vol)
		return 0;
	compactor_destroy(vol);
	__atomic_store_n(&vol->closing, true, __ATOMIC_RELAXED);
	if (vol->committer && !vol->readonly)
		r = volume_commit(vol);
	parts_destroy(vol);
	volume_free(vol);
	return r;
}

int volume_statfs(struct volume *vol, struct volume_statfs *out)
{
	struct segments_space disk;
	uint64_t kept;
	int r = segments_space(vol->segments, &disk);

	*out = (struct volume_statfs){ .block_size = 4096 };
	if (r)
		return r;
	kept = space_kept(vol->space, disk.total);
	out->blocks = disk.total / out->block_size;
	disk.free += thaw_bytes(vol); /* who needs it gets it */
	disk.available += thaw_bytes(vol);
	out->blocks_free = disk.free / out->block_size;
	out->blocks_available = (disk.available > kept ? disk.available - kept : 0) / out->block_size;
	pthread_mutex_lock(&vol->counters_mutex);
	out->files = vol->counters.inodes;
	pthread_mutex_unlock(&vol->counters_mutex);
	out->files_free = out->blocks_available; /* an inode takes less than a block */
	out->files += out->files_free;
	return 0;
}
