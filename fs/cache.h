/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded extents, least recently used go first. Extents never change, so an entry is right as long as it
 * lives.
 */
#ifndef FIRN_FS_CACHE_H
#define FIRN_FS_CACHE_H

#include "fs/volume.h"

int cache_create(struct volume *vol); /* sets vol->cache */
void cache_destroy(struct volume *vol);

/*
 * Copies bytes [off, off + len) of an extent's plain bytes, zeros beyond its end. Several readers of one
 * extent that is not here decode it once.
 * -ENOENT: no such extent (any more); -EIO: damaged; -ENOMEM.
 */
int cache_read(struct volume *vol, uint64_t id, uint32_t off, uint32_t len, uint8_t *buf);

/*
 * The same for a whole extent of `plain` bytes, decoded straight into buf and not kept, unless it is here
 * already.
 */
int cache_read_whole(struct volume *vol, uint64_t id, uint32_t plain, uint8_t *buf);

#endif
