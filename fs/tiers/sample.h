/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sample that training sees: plain chunks of the mount, chosen at random by stored bytes, each extent once, split into disjoint parts.
 */
#ifndef FIRN_FS_SAMPLE_H
#define FIRN_FS_SAMPLE_H

#include "codec/codec.h"
#include "fs/volume/volume.h"
#include "model/train.h"

/* An extent that has a record of its own, or a group; its members are not told of. */
struct sample_extent {
	uint64_t id;
	uint32_t stored, plain;
	uint16_t model; /* that its frame needs, 0 none */
	uint8_t codec, level;
	uint32_t reserved;
};

/* What a sample is drawn from: an open volume, or what a daemon tells of its own. */
struct sample_source {
	uint32_t chunk_size; /* no extent is longer */
	/* Calls fn for every extent, outside any operation; a return other than 0 ends the walk and is returned. */
	int (*scan)(void *arg, int (*fn)(void *fn_arg, const struct sample_extent *e), void *fn_arg);
	/* Plain bytes of an extent, *len of them; called by several threads at once, ctx is the caller's. */
	int (*read)(void *arg, struct codec_ctx *ctx, const struct sample_extent *e, uint8_t *buf, uint32_t *len);
	void *arg;
};
struct sample_source sample_source_volume(struct volume *vol);

struct sample {
	struct train_chunk *chunks; /* shuffled */
	size_t n;
	uint64_t bytes;             /* of the sample */
	uint64_t mount_bytes;       /* plain bytes of all extents */
	uint64_t learnable_bytes;   /* of them: what is not incompressible, estimated from what was read */
	uint64_t mount_extents;
};

/* Draws up to max_bytes of plain chunks. Same store and seed: same sample. Incompressible chunks are left out. sample_free afterwards. -ENODATA: nothing to learn from. */
int sample_draw(const struct sample_source *source, uint64_t max_bytes, uint64_t seed, struct sample *out);
void sample_free(struct sample *s);

#endif
