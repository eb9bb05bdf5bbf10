/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks as the index has them, without what is dirty: looked up, cached, decoded.
 */
#ifndef FIRN_FS_STORED_H
#define FIRN_FS_STORED_H

#include "fs/volume/volume.h"

/* Plain bytes of the chunk's extent, 0 for a hole. -EIO. */
int stored_length(struct volume *vol, uint64_t ino, uint32_t no, uint32_t *plain);

/* Bytes [off, off + len) of a chunk; a hole and what is beyond the extent's end are zero. -EIO: damaged. */
int stored_read(struct volume *vol, uint64_t ino, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf);

#endif
