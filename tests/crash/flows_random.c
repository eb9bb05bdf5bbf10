/* SPDX-License-Identifier: BSD-2-Clause */
/* Longer workloads: random operations on a small tree, editors that save, and a disk that fills up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "fs/data/file.h"
#include "tests/crash/fault.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"

bool random_prepare(struct work *w, uint64_t log)
{
	(void)log;
	work_create(w);
	return true;
}

static unsigned dice(struct work *w, unsigned n)
{
	return (unsigned)(replay_random(&w->random) % n);
}

static const char *name(struct work *w, char buf[16])
{
	static const char *const dirs[] = { "", "d/", "d/e/", "g/" };

	snprintf(buf, 16, "%sf%u", dirs[dice(w, 4)], dice(w, 5));
	return buf;
}

static void random_step(struct work *w)
{
	char a[16], b[16];

	switch (dice(w, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		(void)work_write(w, name(w, a), dice(w, 20000), 1 + dice(w, 15000));
		break;
	case 5:
		(void)work_truncate(w, name(w, a), dice(w, 30000));
		break;
	case 6:
		(void)work_rename(w, name(w, a), name(w, b));
		break;
	case 7:
	case 8:
		(void)work_unlink(w, name(w, a));
		break;
	case 9:
		(void)work_link(w, name(w, a), name(w, b));
		break;
	case 10:
		(void)work_xattr(w, name(w, a), dice(w, 5000));
		break;
	case 11:
		(void)work_rename(w, "d/e", "g");
		(void)work_make(w, "d/e", S_IFDIR | 0700);
		break;
	case 12:
		(void)work_flush(w, name(w, a));
		break;
	case 13:
		(void)work_fsync(w, name(w, a));
		break;
	case 14:
		(void)work_commit(w);
		break;
	default:
		(void)work_chmod(w, name(w, a), 0600 + dice(w, 64));
	}
}

static void begin(struct work *w)
{
	work_open(w);
	work_durable(w);
	(void)work_make(w, "d", S_IFDIR | 0755);
	(void)work_make(w, "d/e", S_IFDIR | 0755);
	(void)work_make(w, "g", S_IFDIR | 0755);
}

void random_run(struct work *w, uint64_t log)
{
	w->random = log;
	begin(w);
	for (unsigned i = 0; i < 100; i++) {
		random_step(w);
		if (i == 50) {
			(void)work_close(w);
			work_open(w);
		}
	}
	if (work_close(w))
		abort();
}

/* As an editor does it, over and over: the new version under another name, fsync, rename over the old one. */
void save_run(struct work *w, uint64_t log)
{
	w->random = log;
	begin(w);
	for (unsigned i = 0; i < 20; i++) {
		(void)work_write(w, "d/new", 0, 500 + dice(w, 20000));
		if (dice(w, 4) > 0)
			(void)work_fsync(w, "d/new");
		(void)work_rename(w, "d/new", "d/document");
		if (dice(w, 4) == 0)
			(void)work_commit(w);
		if (dice(w, 2) == 0)
			(void)work_write(w, "d/log", 300 * i, 300);
	}
	if (work_close(w))
		abort();
}

/* A hash of the file's bytes, 0 when it cannot be read. */
static uint64_t content(struct volume *vol, const char *path)
{
	static uint8_t bytes[32768];
	struct inode *inode = work_find(&(struct work){ .vol = vol }, path);
	ssize_t n;

	if (!inode)
		return 0;
	n = file_read(inode, bytes, sizeof bytes, 0);
	inode_put(inode, 1);
	return n < 0 ? 0 : XXH3_64bits(bytes, (size_t)n);
}

/*
 * The disk is full from some write on, or fails, for a while; then it is well again. Meanwhile a commit may hold part of what is
 * dirty, but what was acknowledged before stays.
 */
void full_run(struct work *w, uint64_t log)
{
	struct fault_plan plan = {
		.calls = 1u << FAULT_WRITE, .nth = 1 + log % 60, .forever = true, .error = log % 2 ? ENOSPC : EIO,
	};

	w->random = log;
	begin(w);
	(void)work_write(w, "before", 0, 10000 + dice(w, 20000));
	if (work_commit(w))
		abort();
	record_mark(LOG_ACK, content(w->vol, "before"));
	record_mark(LOG_ANYTHING, 1);
	fault_start(&plan);
	for (unsigned i = 0; i < 30; i++)
		random_step(w);
	fault_stop(NULL);
	if (work_commit(w))
		abort();
	record_mark(LOG_ANYTHING, 0);
	for (unsigned i = 0; i < 10; i++)
		random_step(w);
	if (work_close(w))
		abort();
}

bool full_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	if (acked == 0 || content(vol, "before") == acked)
		return true;
	snprintf(problem, 256, "a file acknowledged before the disk was full has other bytes");
	return false;
}
