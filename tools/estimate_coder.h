/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way to code chunks, measured: every chunk encoded alone, decoded and compared, processor time and memory noted.
 */
#ifndef FIRN_TOOLS_ESTIMATE_CODER_H
#define FIRN_TOOLS_ESTIMATE_CODER_H

#include "codec/codec.h"
#include "fs/tiers/sample.h"

struct coder {
	const char *name, *key; /* for people, for JSON */
	bool xz;                /* xz -9e; else the codec: */
	enum codec_id codec;
	int level;
	const struct codec_model *model;
};

struct coder_result {
	uint32_t *len;          /* of each chunk's frame, at most the chunk's own length */
	uint64_t plain, stored; /* sums over the chunks */
	double encode, decode;  /* seconds of processor time */
	uint64_t memory;        /* of one worker, both directions, without the model; 0: not known */
};

/* progress as in tree_options. -EBADMSG: a frame did not decode to its chunk. coder_result_free afterwards, also on error. */
int coder_measure(const struct coder *c, const struct sample *chunks, int (*progress)(void *arg, double fraction), void *arg,
		  struct coder_result *out);
void coder_result_free(struct coder_result *r);

/* xz -9e (LZMA2, preset 9 extreme) without the container that xz puts around it. -ENOSYS: built without liblzma. -E2BIG: as codec_encode. */
int xz_encode(const uint8_t *src, size_t n, uint8_t *dst, size_t cap, size_t *len);
int xz_decode(const uint8_t *src, size_t n, uint8_t *dst, size_t plain);
uint64_t xz_memory(void);

#endif
