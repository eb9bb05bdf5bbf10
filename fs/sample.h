/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sample that training sees: plain chunks of the mount, chosen at random by stored bytes, each extent once, split into disjoint parts.
 */
#ifndef FIRN_FS_SAMPLE_H
#define FIRN_FS_SAMPLE_H

#include "fs/volume.h"
#include "model/train.h"

struct sample {
	struct train_chunk *chunks; /* shuffled */
	size_t n;
	uint64_t bytes;             /* of the sample */
	uint64_t mount_bytes;       /* plain bytes of all extents */
	uint64_t learnable_bytes;   /* of them: what is not incompressible, estimated from what was read */
	uint64_t mount_extents;
};

/* Draws up to max_bytes of plain chunks. Same store and seed: same sample. Incompressible chunks are left out. sample_free afterwards. -ENODATA: nothing to learn from. */
int sample_draw(struct volume *vol, uint64_t max_bytes, uint64_t seed, struct sample *out);
void sample_free(struct sample *s);

#endif
