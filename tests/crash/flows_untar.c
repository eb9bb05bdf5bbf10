/* SPDX-License-Identifier: BSD-2-Clause */
/* An archive is unpacked: many small files in directories, as tar makes them, with a commit of the timer now and then and syncs at the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "tests/codec/bytes.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"

#define DIRS 6u
#define FILES 90u
#define LEN_MAX 9000u

static size_t content(unsigned i, uint8_t bytes[LEN_MAX])
{
	uint64_t seed = i;
	size_t len = i % 11 == 0 ? 0 : bytes_next(&seed) % (i % 7 == 0 ? LEN_MAX : 1500);

	if (i % 10 == 3)
		bytes_random(bytes, len, seed);
	else
		bytes_text(bytes, len, seed);
	return len;
}

static const char *path_of(unsigned i, char path[32])
{
	snprintf(path, 32, "src/d%u/file%u.c", i * DIRS / FILES, i);
	return path;
}

static void attrs(struct work *w, const char *path, uint32_t mode, int64_t mtime)
{
	const struct inode_attr to = { .mode = mode, .uid = 1000, .gid = 1000, .mtime = mtime, .atime = mtime };
	struct inode *inode = work_find(w, path);

	if (!inode || attr_set(inode, ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_ATIME, &to))
		abort();
	inode_put(inode, 1);
}

static void unpack_one(struct work *w, unsigned i)
{
	uint8_t bytes[LEN_MAX];
	size_t len = content(i, bytes);
	struct inode *inode;
	char path[32];

	if (work_make(w, path_of(i, path), S_IFREG | 0600) || !(inode = work_find(w, path)))
		abort();
	for (size_t at = 0; at < len; at += 2048) {
		size_t n = len - at < 2048 ? len - at : 2048;

		if (file_write(inode, bytes + at, n, at, false) != (ssize_t)n)
			abort();
	}
	inode_put(inode, 1);
	attrs(w, path, 0644, 1000000000000000000 + i);
	if (i % 17 == 5) {
		char link[40];

		snprintf(link, sizeof link, "src/link%u", i);
		if (i % 2 ? work_symlink(w, link, path + 4) : work_link(w, path, link))
			abort();
	}
}

void untar_run(struct work *w, uint64_t log)
{
	char dir[16], path[32];

	w->random = log;
	work_open(w);
	work_durable(w);
	if (work_make(w, "src", S_IFDIR | 0700))
		abort();
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(dir, sizeof dir, "src/d%u", i * DIRS / FILES);
		if (i % (FILES / DIRS) == 0 && work_make(w, dir, S_IFDIR | 0700))
			abort();
		unpack_one(w, i);
		if (replay_random(&w->random) % 40 == 0 && work_commit(w))
			abort();
	}
	for (unsigned d = 0; d < DIRS; d++) {
		snprintf(dir, sizeof dir, "src/d%u", d);
		attrs(w, dir, 0755, 900000000000000000);
	}
	attrs(w, "src", 0755, 900000000000000000);
	for (unsigned i = 0; i < 4; i++)
		if (work_fsync(w, path_of((unsigned)(replay_random(&w->random) % FILES), path)))
			abort();
	if (work_commit(w))
		abort();
	record_mark(LOG_ACK, 1);
	if (work_close(w))
		abort();
}

/* A file is the beginning of what it is in the archive; all of it once all was synced. */
static bool file_good(struct volume *vol, unsigned i, bool whole, char problem[256])
{
	uint8_t expected[LEN_MAX], found[LEN_MAX + 1];
	size_t len = content(i, expected);
	struct inode *inode;
	char path[32];
	ssize_t n = 0;
	int r = work_lookup(&(struct work){ .vol = vol }, path_of(i, path), &inode);

	if (r == 0) {
		n = file_read(inode, found, sizeof found, 0);
		inode_put(inode, 1);
	}
	if (r == 0 ? n >= 0 && (size_t)n <= len && memcmp(found, expected, (size_t)n) == 0 && (!whole || (size_t)n == len)
		   : r == -ENOENT && !whole)
		return true;
	snprintf(problem, 256, "%s: error %d, %zd bytes of %zu", path, r, n, len);
	return false;
}

bool untar_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	for (unsigned i = 0; i < FILES; i++)
		if (!file_good(vol, i, acked, problem))
			return false;
	return true;
}
