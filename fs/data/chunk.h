/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunk table: which extent holds which chunk of a file. All calls run inside an index operation.
 */
#ifndef FIRN_FS_CHUNK_H
#define FIRN_FS_CHUNK_H

#include "fs/extent/extent.h"

/* Extent of a chunk; 0 for a hole. -EUCLEAN. */
int chunk_lookup(struct index_op *op, uint64_t ino, uint32_t no, uint64_t *id);

/*
 * Lets a chunk be e, a fresh extent with one reference (NULL: a hole), and lets go of the one before. *blocks
 * changes by the difference of plain bytes.
 */
int chunk_map(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t no, const struct extent *e,
	      uint64_t *blocks);

/* The same with an extent that others have too: one more reference. -EMLINK: it has as many as it can. */
int chunk_share(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t no, const struct extent *e,
		uint64_t *blocks);

/*
 * Unmaps up to `max` chunks with numbers *from .. last; *from becomes the next to look at, *blocks shrinks.
 * 1: more may be left, 0: none.
 */
int chunk_unmap(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t *from, uint32_t last,
		unsigned max, uint64_t *blocks);

/* First chunk number >= from that is mapped: 1 and *no, or 0. */
int chunk_next(struct index_op *op, uint64_t ino, uint32_t from, uint32_t *no);

/*
 * First chunk number >= from that is not mapped, looking at no more than `max` chunks (*no is where it
 * stopped: 1 a hole, 0 not known).
 */
int chunk_next_hole(struct index_op *op, uint64_t ino, uint32_t from, uint32_t max, uint32_t *no);

#endif
