/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded extents, least recently used go first. Extents never change, so an entry is right as long as it
 * lives.
 */
#ifndef FIRN_FS_CACHE_H
#define FIRN_FS_CACHE_H

#include "fs/volume/volume.h"

int cache_create(struct volume *vol); /* sets vol->cache */
void cache_destroy(struct volume *vol);

struct extent;

/*
 * Copies bytes [off, off + len) of an extent's plain bytes, zeros beyond its end. Several readers of one
 * extent that is not here decode it once. A member of a group is found in its group, which is here as a whole.
 * -ENOENT: no such extent or group (any more); -EIO: damaged; -ENOMEM.
 */
int cache_read(struct volume *vol, const struct extent *e, uint32_t off, uint32_t len, uint8_t *buf);

/*
 * The same for a whole extent of e->plain bytes. One that is no member is decoded straight into buf and not kept, unless it
 * is here already.
 */
int cache_read_whole(struct volume *vol, const struct extent *e, uint8_t *buf);

/* Decoded bytes that are here. */
uint64_t cache_bytes(struct volume *vol);

/* Whether an extent, or its group, is here or on its way: soon it may not be. */
bool cache_holds(struct volume *vol, const struct extent *e);

/*
 * Decodes an extent, or its group, with this context and keeps it, unless it is here or on its way. Errors are
 * left to who reads it.
 */
struct codec_ctx;
void cache_fetch(struct volume *vol, struct codec_ctx *ctx, const struct extent *e);

#endif
