/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codec contexts for readers: as many as there are workers, lent one at a time, so that the memory of
 * decoding is bounded.
 */
#ifndef FIRN_FS_DECODER_H
#define FIRN_FS_DECODER_H

#include "codec/codec.h"

struct decoders;

int decoders_create(unsigned max, struct decoders **out);
void decoders_destroy(struct decoders *d); /* NULL allowed */

/* Waits while all are lent. -ENOMEM. */
int decoder_get(struct decoders *d, struct codec_ctx **out);
void decoder_put(struct decoders *d, struct codec_ctx *ctx);

#endif
