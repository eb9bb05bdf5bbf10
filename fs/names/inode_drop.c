/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an inode: data, attributes and records freed once it has neither a name nor a user.
 */
#include <errno.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/names/inode.h"
#include "fs/names/xattr.h"

/* Above this much uncommitted change the commit thread is woken early. */
#define PENDING_KICK (32u << 20)

static int records_drop(struct volume *vol, uint64_t ino)
{
	struct index_op op;
	uint8_t key[8];
	int r;

	be64_put(key, ino);
	index_begin(vol->index, &op);
	r = xattr_drop_all(&op, ino);
	if (r == 0)
		r = index_del(&op, TABLE_INODE, key, sizeof key);
	if (r == 0)
		r = index_del(&op, TABLE_ORPHAN, key, sizeof key);
	if (r == 0) {
		pthread_mutex_lock(&vol->counters_mutex);
		if (vol->counters.inodes > 0)
			vol->counters.inodes--;
		pthread_mutex_unlock(&vol->counters_mutex);
	}
	index_end(&op);
	return r;
}

int inode_drop(struct volume *vol, uint64_t ino)
{
	int more;

	while ((more = file_free_chunks(vol, ino, 0)) > 0) {
		if (index_pending_bytes(vol->index) > PENDING_KICK)
			volume_commit_kick(vol);
	}
	return more ? more : records_drop(vol, ino);
}

/* The first orphan with a number of at least *ino. 1 found, 0 none, -errno. */
static int orphan_next(struct volume *vol, uint64_t *ino)
{
	struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t from[8];
	int r;

	be64_put(from, *ino);
	index_begin(vol->index, &op);
	r = index_scan_open(&op, TABLE_ORPHAN, NULL, 0, from, sizeof from, &scan);
	if (r == 0) {
		while ((r = index_scan_next(scan, &rec)) == 1 && (rec.key_len != 8 || rec.damaged))
			; /* left to fsck */
		index_scan_close(scan);
	}
	index_end(&op);
	if (r == 1)
		*ino = be64_get(rec.key);
	return r;
}

int inode_drop_orphans(struct volume *vol)
{
	uint64_t ino = 0;
	int r;

	while ((r = orphan_next(vol, &ino)) == 1) {
		r = inode_drop(vol, ino);
		if (r)
			return r;
		ino++;
	}
	return r;
}
