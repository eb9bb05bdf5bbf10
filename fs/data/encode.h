/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a pinned chunk to a record in a segment: completes it from the store, picks raw, LZ4 or a hole, and
 * appends.
 */
#ifndef FIRN_FS_ENCODE_H
#define FIRN_FS_ENCODE_H

#include "codec/codec.h"
#include "fs/data/dirty.h"

/* Scratch of one worker: all zero before its first chunk, and again after encoder_fini. */
struct encoder {
	struct codec_ctx *ctx;
	uint8_t *plain, *frame;
};
void encoder_fini(struct encoder *enc);

/*
 * Sets c->extent (id 0: a hole), c->unchanged, c->error. The segment stays held (extent_append) when an
 * extent came out. No lock held. hurry: raw, although it might compress.
 */
void encode_chunk(struct encoder *enc, struct volume *vol, uint64_t ino, struct dirty_chunk *c, bool hurry);

#endif
