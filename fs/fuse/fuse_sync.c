/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty pages fetched from the kernel: a thread that opens a file of our own mount, as any program could, and has
 * its pages written back.
 *
 * The writes come to the other threads as requests. Should the daemon be killed meanwhile, the connection must end,
 * or this thread would wait for ever and keep it open: so it has a table of descriptors of its own, without the
 * device. And the mount must not be busy because of it: it opens files through a clone of the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/fuse/fuse_ops.h"

#define FILEID_INO64_GEN 0x81 /* the type of FUSE's file handles */
#define WRITE_BACK (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

enum step { IDLE, ASKED, DONE, LEAVE };

/* A process serves one mount, and one seek at a time asks. */
static struct {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	pthread_t thread;
	bool running, stop;
	enum step step;
	uint64_t ino;
	off_t from, len;
	int result;
} syncer = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* A descriptor of the file, or -errno: only root may open by handle. */
static int file_open(uint64_t ino)
{
	union {
		struct file_handle header;
		char bytes[sizeof(struct file_handle) + 12];
	} handle = { .header = { .handle_bytes = 12, .handle_type = FILEID_INO64_GEN } };
	const uint32_t id[3] = { (uint32_t)(ino >> 32), (uint32_t)ino, 0 };
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, fuse_kernel.mountpoint,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int root = tree < 0 ? -1 : openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	memcpy(handle.header.f_handle, id, sizeof id);
	if (root >= 0)
		fd = open_by_handle_at(root, &handle.header, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	if (root >= 0)
		close(root);
	if (tree >= 0)
		close(tree);
	return fd;
}

/* With the mutex held, but for the work itself. */
static void range_sync(int *fd)
{
	uint64_t ino = syncer.ino;
	off_t from = syncer.from, len = syncer.len;
	int r = 0;

	pthread_mutex_unlock(&syncer.mutex);
	if (*fd < 0)
		*fd = file_open(ino);
	if (*fd < 0)
		r = *fd;
	else
		(void)sync_file_range(*fd, from, len, WRITE_BACK); /* a failed write is for fsync to tell */
	pthread_mutex_lock(&syncer.mutex);
	syncer.result = r;
	syncer.step = DONE;
	pthread_cond_broadcast(&syncer.changed);
}

static void *syncer_run(void *arg)
{
	bool apart = unshare(CLONE_FILES) == 0 && syscall(SYS_close_range, 0u, ~0u, 0u) == 0;
	int fd = -1;

	(void)arg;
	pthread_mutex_lock(&syncer.mutex);
	while (!syncer.stop) {
		if (syncer.step == ASKED && apart) {
			range_sync(&fd);
		} else if (syncer.step == ASKED) {
			syncer.result = -ENOSYS;
			syncer.step = DONE;
			pthread_cond_broadcast(&syncer.changed);
		} else if (syncer.step == LEAVE) {
			if (fd >= 0)
				close(fd);
			fd = -1;
			syncer.step = IDLE;
			pthread_cond_broadcast(&syncer.changed);
		} else {
			pthread_cond_wait(&syncer.changed, &syncer.mutex);
		}
	}
	pthread_mutex_unlock(&syncer.mutex);
	return NULL;
}

int fuse_sync_range(uint64_t ino, off_t from, off_t len)
{
	int r = 0;

	pthread_mutex_lock(&syncer.mutex);
	if (!syncer.running)
		r = -pthread_create(&syncer.thread, NULL, syncer_run, NULL);
	if (r == 0) {
		syncer.running = true;
		while (syncer.step == LEAVE)
			pthread_cond_wait(&syncer.changed, &syncer.mutex);
		syncer.ino = ino;
		syncer.from = from;
		syncer.len = len;
		syncer.step = ASKED;
		pthread_cond_broadcast(&syncer.changed);
		while (syncer.step != DONE)
			pthread_cond_wait(&syncer.changed, &syncer.mutex);
		r = syncer.result;
	}
	pthread_mutex_unlock(&syncer.mutex);
	return r;
}

void fuse_sync_leave(void)
{
	pthread_mutex_lock(&syncer.mutex);
	if (syncer.step == DONE)
		syncer.step = LEAVE;
	pthread_cond_broadcast(&syncer.changed);
	pthread_mutex_unlock(&syncer.mutex);
}

void fuse_sync_end(void)
{
	bool running;

	pthread_mutex_lock(&syncer.mutex);
	syncer.stop = true;
	running = syncer.running;
	pthread_cond_broadcast(&syncer.changed);
	pthread_mutex_unlock(&syncer.mutex);
	if (running)
		pthread_join(syncer.thread, NULL);
}
