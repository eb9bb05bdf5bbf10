/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction of one extent: every candidate codec tried, the smallest frame decoded and compared.
 */
#ifndef FIRN_FS_COMPACT_ENCODE_H
#define FIRN_FS_COMPACT_ENCODE_H

#include "codec/codec.h"
#include "fs/compact.h"
#include "fs/extent.h"

/* What the candidates of this run are. */
struct encode_policy {
	enum compact_tier tier;
	int neural_level;
	uint16_t zdict_number, net_number; /* 0: none active */
	struct codec_model *zdict, *net;
};

/* One thread's buffers. */
struct encode_worker {
	struct codec_ctx *ctx;
	uint8_t *plain, *trial, *check;
	size_t cap;
};
int encode_worker_init(struct encode_worker *w, uint32_t chunk_size);
void encode_worker_fini(struct encode_worker *w);

enum encode_verdict {
	ENCODE_SKIPPED, /* not come to, or failed */
	ENCODE_SMALLER, /* frame holds a smaller one that was decoded and compared */
	ENCODE_KEEP,    /* nothing is smaller */
	ENCODE_GONE,    /* freed since the plan was made */
	ENCODE_DAMAGED, /* cannot be read */
	ENCODE_REFUSED, /* the new frame did not decode to the same bytes */
};

struct encode_result {
	enum encode_verdict verdict;
	struct extent old;
	enum codec_id codec;
	uint8_t level;
	uint16_t model;
	uint64_t plain_xxh;
	uint8_t *frame; /* the caller's, chunk size bytes */
	size_t len;
};

/* -ENOMEM or other reasons to stop; what concerns the extent alone is a verdict. */
int encode_extent(struct volume *vol, struct encode_worker *w, const struct encode_policy *policy, uint64_t id,
		  struct encode_result *out);

#endif
