/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thawed records: hot copies of cold ones that readers wanted more than once lately, while the ice stays where it is.
 *
 * They lie in a file without a name on the store's disk, oldest overwritten first, and go with the mount: no part of the store, and nothing that a crash
 * could leave. Extents never change and their numbers never come back, so that a copy is right as long as its checksum is; when it is not, the ice is read.
 */
#ifndef FIRN_FS_THAW_H
#define FIRN_FS_THAW_H

#include "codec/codec.h"
#include "fs/volume/volume.h"

int thaw_create(struct volume *vol); /* sets vol->thaw; NULL when there is to be none */
void thaw_destroy(struct volume *vol);

/* The plain bytes of an extent or group from its copy, *plain of them, at most cap (a chunk): 0; -ENOENT: there is none that is good. */
int thaw_read(struct volume *vol, struct codec_ctx *ctx, uint64_t id, void *buf, size_t cap, uint32_t *plain);

/* The ice of an extent or group was decoded for a reader, to n plain bytes; when that happens again soon it gets a copy. */
void thaw_note(struct volume *vol, struct codec_ctx *ctx, uint64_t id, const void *bytes, uint32_t n);

/* Lets all copies go: space is short. True when there were any. */
bool thaw_drop(struct volume *vol);

/* What the file takes of the disk, at most. */
uint64_t thaw_bytes(struct volume *vol);

#endif
