/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a store: an empty directory, a superblock, a root directory and their first commit.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/names/inode.h"
#include "fs/store/volume_error.h"
#include "fs/store/volume_open.h"
#include "index/lock.h"

struct making {
	const char *path;
	char *real;
	bool made_dir;
	int dirfd, lockfd;
	mode_t mode_before;
	struct index *index;
	struct segments *segments;
	struct super super;
};

static int dir_check_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (de = readdir(dir)))
		r = strcmp(de->d_name, ".") && strcmp(de->d_name, "..") ? -ENOTEMPTY : 0;
	closedir(dir);
	return r;
}

static int dir_enter(struct making *m)
{
	struct stat st;
	int r;

	m->made_dir = mkdir(m->path, 0700) == 0;
	if (!m->made_dir && errno != EEXIST)
		return -errno;
	m->dirfd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->dirfd < 0)
		return -errno;
	r = dir_check_empty(m->dirfd);
	if (r == 0 && fstat(m->dirfd, &st) < 0)
		r = -errno;
	if (r)
		return r;
	m->mode_before = st.st_mode & 07777;
	m->real = realpath(m->path, NULL);
	if (!m->real || fchmod(m->dirfd, 0700) < 0)
		return -errno;
	m->lockfd = store_lock(m->dirfd, "mkfs.firn", NULL, NULL);
	if (m->lockfd < 0 && m->lockfd != -EBUSY)
		unlinkat(m->dirfd, "lock", 0); /* the directory was empty: it is ours */
	return m->lockfd < 0 ? m->lockfd : 0;
}

static int records_put(struct index_op *op, struct making *m, uint32_t uid, uint32_t gid)
{
	int64_t now = volume_now();
	struct inode_attr root = {
		.mode = S_IFDIR | 0755, .uid = uid, .gid = gid, .nlink = 2,
		.atime = now, .mtime = now, .ctime = now, .btime = now, .parent = INO_ROOT,
	};
	struct counters_disk counters = {
		.next_ino = le64_put(INO_FIRST_FREE), .next_extent = le64_put(1), .next_todo = le64_put(1),
		.commits = le64_put(1), .next_segment = le32_put(1), .next_model = le32_put(1),
			.inodes = le64_put(1),
		.next_sequence = le64_put(1),
	};
	struct inode_disk disk;
	uint8_t key[8];
	int r = super_store(op, &m->super);

	if (r == 0)
		r = commit_store_counters(op, &counters);
	if (r)
		return r;
	be64_put(key, INO_ROOT);
	return index_put(op, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &root));
}

static int store_make(struct making *m, uint32_t uid, uint32_t gid)
{
	struct index_op op;
	int r = segments_open(m->dirfd, m->super.uuid, m->super.segment_size, 1, 1, true, false,
			      &m->segments);

	if (r == 0)
		r = index_open(m->dirfd, m->real, true, false, &m->index);
	if (r)
		return r;
	index_begin(m->index, &op);
	r = records_put(&op, m, uid, gid);
	index_end(&op);
	if (r == 0)
		r = index_freeze(m->index, NULL, NULL);
	if (r == 1)
		r = index_commit(m->index);
	if (r == 0 && fsync(m->dirfd) < 0)
		r = -errno;
	return r;
}

/* The directory was empty: all that is in it now is ours. */
static void store_unmake(struct making *m)
{
	unlinkat(m->dirfd, "index.mdb", 0);
	unlinkat(m->dirfd, "index.mdb-lock", 0);
	unlinkat(m->dirfd, "seg", AT_REMOVEDIR);
	unlinkat(m->dirfd, "lock", 0);
	if (m->mode_before)
		(void)fchmod(m->dirfd, m->mode_before);
}

static void making_end(struct making *m, bool undo)
{
	if (m->index)
		index_close(m->index);
	segments_close(m->segments);
	if (undo && m->lockfd >= 0)
		store_unmake(m);
	if (m->lockfd >= 0)
		close(m->lockfd);
	if (m->dirfd >= 0)
		close(m->dirfd);
	if (undo && m->made_dir)
		rmdir(m->path);
	free(m->real);
}

/* The name of a directory that was made is durable only with its parent. */
static int parent_sync(const char *real)
{
	const char *slash = strrchr(real, '/');
	char *parent = strndup(real, slash > real ? (size_t)(slash - real) : 1);
	int fd, r = 0;

	if (!parent)
		return -ENOMEM;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		r = errno == EACCES ? 0 : -errno; /* a parent that may be passed through but not read */
	if (fd >= 0)
		close(fd);
	free(parent);
	return r;
}

int volume_create(const char *path, uint32_t chunk_size, const char *label, uint32_t uid, uint32_t gid,
		  struct volume_error *err)
{
	struct making m = { .path = path, .dirfd = -1, .lockfd = -1 };
	int r;

	err->text[0] = '\0';
	r = super_init(&m.super, chunk_size, SEGMENT_SIZE_DEFAULT, label);
	if (r == -EINVAL)
		return volume_fail(err, r, label && strlen(label) > LABEL_MAX
			? "the label is too long (32 bytes at most)"
			: "the chunk size must be a power of two from 4 KiB to 1 MiB");
	if (r == 0)
		r = dir_enter(&m);
	if (r == -ENOTEMPTY)
		volume_fail(err, r, "the directory is not empty");
	if (r == 0)
		r = store_make(&m, uid, gid);
	if (r == 0 && m.made_dir)
		r = parent_sync(m.real);
	making_end(&m, r != 0);
	return r;
}
