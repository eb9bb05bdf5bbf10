/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store holds and what it costs: files, bytes, and stored bytes by tier and codec.
 */
#ifndef FIRN_FS_STAT_H
#define FIRN_FS_STAT_H

#include "codec/codec.h"
#include "fs/volume/volume.h"

struct stat_codec {
	uint64_t extents, plain, stored; /* stored: frames and record headers */
	uint64_t groups;                 /* records in which small extents are packed together */
};

struct store_stat {
	uint64_t files, directories, symlinks, others;
	uint64_t file_bytes;             /* sum of sizes */
	uint64_t mapped_bytes;           /* without holes */
	struct stat_codec codec[CODEC_COUNT];
	struct stat_codec hot, warm, cold;
	struct stat_codec coded, packable; /* of the cold tier, and of the others, what compresses at all */
	uint64_t models, model_bytes;    /* all strips */
	uint64_t segments, segment_bytes, garbage_bytes; /* on disk; not referred to */
	uint64_t index_bytes;
	uint64_t store_bytes;            /* disk use of all of the store */
	uint64_t damaged;                /* extents that are known to be unreadable */
};

/* What recompaction last did with an extent, or what its codec says when it never came by. */
enum stat_tier { STAT_HOT, STAT_WARM, STAT_COLD };
struct extent;
enum stat_tier stat_tier(const struct extent *e);

/*
 * Bytes that packing everything to the cold tier would save, judged by what is there already; false: too little is to tell. What recompaction found
 * incompressible, or kept raw when it was written, counts for nothing.
 */
bool stat_would_save(const struct store_stat *s, uint64_t *bytes);

/* Committed state plus what is pending. Walks inodes and extents in short operations. */
int store_stat(struct volume *vol, struct store_stat *out);

#endif
