/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that hold one whole version each. */
#include "tests/crash/versions.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "tests/codec/bytes.h"
#include "tests/crash/record.h"

#define LEN_MAX 20000u
#define GONE_EVERY 8u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t begun[VERSION_FILES], acked[VERSION_FILES]; /* guarded by mutex */

static bool is_gone(unsigned version)
{
	return version % GONE_EVERY == 0;
}

static const char *name_of(unsigned file)
{
	static const char *const names[VERSION_FILES] = { "v0", "v1", "v2", "v3" };

	return names[file];
}

/* The bytes of a version, which begin with both numbers; returns their count. */
static size_t content(unsigned file, unsigned version, uint8_t bytes[LEN_MAX])
{
	uint64_t seed = (uint64_t)file << 8 | version;
	size_t len = 2 + bytes_next(&seed) % (LEN_MAX - 2);

	if (version % 3 == 0)
		bytes_random(bytes, len, seed);
	else
		bytes_text(bytes, len, seed);
	bytes[0] = (uint8_t)file;
	bytes[1] = (uint8_t)version;
	return len;
}

static uint64_t packed(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < VERSION_FILES; i++)
		sum |= (uint64_t)acked[i] << 8 * i | (uint64_t)begun[i] << (32 + 8 * i);
	return sum;
}

void versions_start(void)
{
	for (unsigned i = 0; i < VERSION_FILES; i++)
		begun[i] = acked[i] = 0;
}

/* Sets one of the counts, and says so to the log. */
static void count(uint8_t *counts, unsigned file, unsigned version)
{
	pthread_mutex_lock(&mutex);
	counts[file] = (uint8_t)version;
	record_mark(LOG_ACK, packed());
	pthread_mutex_unlock(&mutex);
}

uint64_t versions_acked(void)
{
	uint64_t sum;

	pthread_mutex_lock(&mutex);
	sum = packed();
	pthread_mutex_unlock(&mutex);
	return sum;
}

bool versions_left(unsigned file)
{
	return begun[file] < VERSION_MAX;
}

static bool exists(struct work *w, const char *name)
{
	struct inode *inode;
	int r = work_lookup(w, name, &inode);

	if (r == 0)
		inode_put(inode, 1);
	return r == 0;
}

/* Renamed over a file the bytes come along; where there is none, a program that wants that must sync them before. */
static int save(struct work *w, unsigned file, unsigned version, bool sync)
{
	uint8_t bytes[LEN_MAX];
	char draft[16];
	struct inode *inode;
	ssize_t n;
	int r;

	sync = sync || !exists(w, name_of(file));
	snprintf(draft, sizeof draft, "%s.new", name_of(file));
	r = work_unlink(w, draft); /* of a version that failed */
	if (r == 0 || r == -ENOENT)
		r = work_make(w, draft, S_IFREG | 0644);
	if (r == 0)
		r = work_lookup(w, draft, &inode);
	if (r)
		return r;
	n = file_write(inode, bytes, content(file, version, bytes), 0, false);
	r = n < 0 ? (int)n : 0;
	if (r == 0 && sync)
		r = file_sync(inode);
	if (r == 0)
		r = work_rename(w, draft, name_of(file));
	inode_put(inode, 1);
	return r;
}

int versions_next(struct work *w, unsigned file, bool sync)
{
	unsigned version = begun[file] + 1u;
	int r;

	count(begun, file, version);
	if (is_gone(version))
		r = work_unlink(w, name_of(file));
	else
		r = save(w, file, version, sync);
	if (r == -ENOENT && is_gone(version))
		r = 0;
	if (r == 0 && sync)
		r = volume_commit(w->vol);
	if (r == 0 && sync)
		count(acked, file, version);
	return r;
}

/* What is there is a whole version from..to. */
static bool file_good(struct volume *vol, unsigned file, unsigned from, unsigned to, char problem[256])
{
	static _Thread_local uint8_t found[LEN_MAX + 1], expected[LEN_MAX];
	struct inode *inode;
	ssize_t n;
	int r = work_lookup(&(struct work){ .vol = vol }, name_of(file), &inode);

	if (r == -ENOENT)
		for (unsigned v = from; v <= to; v++)
			if (is_gone(v))
				return true;
	if (r == 0) {
		n = file_read(inode, found, sizeof found, 0);
		inode_put(inode, 1);
		if (n >= 2 && found[0] == file && found[1] >= from && found[1] <= to && !is_gone(found[1]) &&
		    (size_t)n == content(file, found[1], expected) && memcmp(found, expected, (size_t)n) == 0)
			return true;
		r = n < 0 ? (int)n : 0;
	}
	snprintf(problem, 256, "%s is none of the versions %u to %u (error %d)", name_of(file), from, to, r);
	return false;
}

bool versions_oracle(struct volume *vol, uint64_t acknowledged, char problem[256])
{
	for (unsigned i = 0; i < VERSION_FILES; i++)
		if (!file_good(vol, i, acknowledged >> 8 * i & 255, acknowledged >> (32 + 8 * i) & 255, problem))
			return false;
	return true;
}
