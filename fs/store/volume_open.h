/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, opening and closing a store, and the room it has.
 */
#ifndef FIRN_FS_VOLUME_OPEN_H
#define FIRN_FS_VOLUME_OPEN_H

#include "fs/volume/volume.h"

/* Why volume_create or volume_open failed, in words for the user; empty when errno says all. */
struct volume_error {
	char text[256];
};

/*
 * Makes a store in the directory path (created if missing; -ENOTEMPTY if it holds anything), with a root
 * directory owned by uid:gid, mode 0755. On failure what was created is removed again.
 */
int volume_create(const char *path, uint32_t chunk_size, const char *label, uint32_t uid, uint32_t gid,
		  struct volume_error *err);

/*
 * Opens a store: lock, superblock, index, segments, garbage of a crash, orphans and to-dos of an earlier
 * mount; starts flusher and commit threads. Nothing is printed; err->text says the reason (busy: by whom;
 * foreign; newer format with the feature bits; damaged).
 */
int volume_open(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err);

/*
 * Starting at the lock only, for daemons: volume_lock before forking (so that failure is reported by the
 * foreground process), volume_open_locked after. volume_open does both.
 */
int volume_lock(const char *path, const struct volume_options *opt, struct volume **out,
		struct volume_error *err);
int volume_open_locked(struct volume *vol, struct volume_error *err);

/*
 * Flushes, commits, stops threads, closes and frees, also on error. Returns the first error: data may not be
 * durable. NULL allowed.
 */
int volume_close(struct volume *vol);

struct volume_statfs {
	uint64_t block_size, blocks, blocks_free, blocks_available, files, files_free;
};
int volume_statfs(struct volume *vol, struct volume_statfs *out);

#endif
