/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer that never syncs, with little memory for dirty data, while somebody else commits all the time: what is found after a
 * crash is the beginning of what was written, without gaps.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/store/volume_open.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"
#include "tests/crash/verify.h"

#define FILES 3u
#define LEN (700u << 10) /* of each: together more than may be dirty */

/* The bytes that a file has at an offset, none of them zero. */
static uint8_t byte_at(unsigned file, uint64_t offset)
{
	uint64_t x = (offset / 16 + 1) * 0x9e3779b97f4a7c15 * (file + 1);

	return (uint8_t)(1 + (x >> 40 ^ offset % 16) % 255);
}

static const char *name_of(unsigned file)
{
	static const char *const names[FILES] = { "s0", "s1", "s2" };

	return names[file];
}

static atomic_bool stop;

static void *commits(void *arg)
{
	struct work *w = arg;

	while (!stop)
		(void)volume_commit(w->vol);
	return NULL;
}

static void append(struct inode *inode, unsigned file, uint64_t at, size_t len)
{
	uint8_t *bytes = malloc(len);

	if (!bytes)
		abort();
	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(file, at + i);
	if (file_write(inode, bytes, len, at, false) != (ssize_t)len)
		abort();
	free(bytes);
}

void busy_run(struct work *w, uint64_t log)
{
	struct volume_error err;
	struct volume_options opt;
	struct inode *inodes[FILES];
	uint64_t at[FILES] = { 0 }, left = FILES * LEN;
	pthread_t thread;

	verify_options(&opt);
	opt.workers = 2;
	opt.dirty_bytes = 1 << 20;
	w->random = log;
	if (volume_open(w->store, &opt, &w->vol, &err))
		abort();
	for (unsigned i = 0; i < FILES; i++)
		if (work_make(w, name_of(i), S_IFREG | 0644) || !(inodes[i] = work_find(w, name_of(i))))
			abort();
	stop = false;
	if (pthread_create(&thread, NULL, commits, w))
		abort();
	while (left > 0) {
		unsigned i = (unsigned)(replay_random(&w->random) % FILES);
		size_t n = 1 + replay_random(&w->random) % 30000;

		n = n < LEN - at[i] ? n : LEN - at[i];
		if (n > 0)
			append(inodes[i], i, at[i], n);
		at[i] += n;
		left -= n;
	}
	stop = true;
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < FILES; i++)
		inode_put(inodes[i], 1);
	if (volume_close(w->vol))
		abort();
	w->vol = NULL;
	record_mark(LOG_ACK, 1);
}

static bool file_good(struct volume *vol, unsigned file, uint64_t acked, char problem[256])
{
	static uint8_t bytes[LEN + 1];
	struct inode *inode = work_find(&(struct work){ .vol = vol }, name_of(file));
	ssize_t n;

	if (!inode)
		return acked == 0;
	n = file_read(inode, bytes, sizeof bytes, 0);
	inode_put(inode, 1);
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == byte_at(file, (uint64_t)i))
			continue;
		snprintf(problem, 256, "%s, %zd bytes long, has %02x at %zd", name_of(file), n, bytes[i], i);
		return false;
	}
	if (acked && n != LEN)
		snprintf(problem, 256, "%s is %zd bytes long", name_of(file), n);
	return n >= 0 && (!acked || n == LEN);
}

bool busy_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	for (unsigned i = 0; i < FILES; i++)
		if (!file_good(vol, i, acked, problem))
			return false;
	return true;
}
