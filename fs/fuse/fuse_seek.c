/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for lseek: data and holes, also over what was written and not sent to us yet.
 *
 * The kernel asks without sending its dirty pages first (those of shared mappings even without the writeback
 * cache), and would have us call them a hole. So before a hole is told, the kernel is made to send what it has of
 * it (fs/fuse/fuse_sync.c). That waits for writes to be answered: hence a thread of its own, so that all others are free
 * for those. Where it can't be done (but by root, or before protocol 7.44, Linux 6.16, which did not wait for
 * writes already on their way), the kernel is told ENOSYS, and takes all of a file for data.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/data/file.h"
#include "fs/fuse/fuse_ops.h"

/* A file that is written without a pause through a mapping is given up on after so many rounds. */
#define ROUNDS_MAX 16

struct seek {
	fuse_req_t req;
	struct inode *inode;
	uint64_t offset;
	bool hole;
	struct seek *next;
};

/* A process serves one mount. */
static struct {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stop;
	struct seek *first, *last;
} seeker = { .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static void reply(fuse_req_t req, struct inode *inode, int64_t at)
{
	inode_put(inode, 1);
	if (at < 0)
		fuse_reply_err(req, (int)-at);
	else
		fuse_reply_lseek(req, at);
}

/* Has the kernel send what it has of the hole on which the answer `at` rests. */
static int hole_fetch(const struct seek *s, int64_t at)
{
	uint64_t from = s->hole && at >= 0 ? (uint64_t)at : s->offset;
	int64_t end = s->hole ? file_seek(s->inode, from, false) : at;

	return fuse_sync_range(s->inode->ino, (off_t)from, end > (int64_t)from ? end - (off_t)from : 0);
}

static int64_t seek_run(const struct seek *s)
{
	int64_t at = file_seek(s->inode, s->offset, s->hole), before;
	int rounds = 0;

	do {
		before = at;
		if (hole_fetch(s, at))
			return -ENOSYS;
		at = file_seek(s->inode, s->offset, s->hole);
	} while (at != before && ++rounds < ROUNDS_MAX);
	return at;
}

static void *seeker_run(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&seeker.mutex);
	while (!seeker.stop) {
		struct seek *s = seeker.first;

		if (!s) {
			pthread_cond_wait(&seeker.wake, &seeker.mutex);
			continue;
		}
		seeker.first = s->next;
		pthread_mutex_unlock(&seeker.mutex);
		reply(s->req, s->inode, seek_run(s));
		fuse_sync_leave();
		free(s);
		pthread_mutex_lock(&seeker.mutex);
	}
	pthread_mutex_unlock(&seeker.mutex);
	return NULL;
}

/* 0: the thread has it. */
static int seek_queue(const struct seek *what)
{
	struct seek *s = malloc(sizeof *s);
	int r = 0;

	if (!s)
		return -ENOMEM;
	*s = *what;
	pthread_mutex_lock(&seeker.mutex);
	if (!seeker.running)
		r = -pthread_create(&seeker.thread, NULL, seeker_run, NULL);
	if (r == 0) {
		seeker.running = true;
		*(seeker.first ? &seeker.last->next : &seeker.first) = s;
		seeker.last = s;
		pthread_cond_signal(&seeker.wake);
	}
	pthread_mutex_unlock(&seeker.mutex);
	if (r)
		free(s);
	return r;
}

static void op_lseek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct seek s = { .req = req, .offset = (uint64_t)offset, .hole = whence == SEEK_HOLE };
	int64_t at;
	int r;

	(void)fi;
	if (!fuse_kernel.seek) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	s.inode = fuse_inode(req, node);
	if (!s.inode)
		return;
	at = file_seek(s.inode, s.offset, s.hole);
	if (!s.hole && at == (int64_t)offset) {
		reply(req, s.inode, at);
		return;
	}
	r = seek_queue(&s);
	if (r)
		reply(req, s.inode, r);
}

/* The session has ended. */
static void op_destroy(void *userdata)
{
	bool running;

	(void)userdata;
	pthread_mutex_lock(&seeker.mutex);
	seeker.stop = true;
	running = seeker.running;
	pthread_cond_signal(&seeker.wake);
	pthread_mutex_unlock(&seeker.mutex);
	if (running)
		pthread_join(seeker.thread, NULL);
	fuse_sync_end();
}

void fuse_seek_ops(struct fuse_lowlevel_ops *ops)
{
	ops->lseek = op_lseek;
	ops->destroy = op_destroy;
}
