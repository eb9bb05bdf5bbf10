/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encoding of plain bytes as recompaction does it: every candidate codec tried, the smallest frame decoded and compared.
 */
#ifndef FIRN_FS_COMPACT_ENCODE_H
#define FIRN_FS_COMPACT_ENCODE_H

#include "codec/codec.h"
#include "fs/tiers/compact.h"

/* What the candidates of this run are. */
struct encode_policy {
	enum compact_tier tier;
	int neural_level;
	uint16_t zdict_number, net_number; /* 0: none active */
	struct codec_model *zdict, *net;
};

/* One thread's buffers, and what it reports to. */
struct encode_worker {
	struct codec_ctx *ctx;
	uint8_t *plain; /* for the caller; the others are encode_plain's */
	uint8_t *trial, *best, *check;
	size_t cap;
	struct metric_times *times; /* by codec */
	const int *end;             /* as in struct compact_options */
};
int encode_worker_init(struct encode_worker *w, struct volume *vol, const int *end);
void encode_worker_fini(struct encode_worker *w);

enum encode_verdict {
	ENCODE_SKIPPED, /* not come to, or failed */
	ENCODE_SMALLER, /* there is a smaller frame, which was decoded and compared */
	ENCODE_KEEP,    /* nothing is smaller */
	ENCODE_REFUSED, /* the new frame did not decode to the same bytes */
};

struct encode_frame {
	enum codec_id codec;
	uint8_t level;
	uint16_t model;
	const uint8_t *bytes; /* the worker's, until its next use */
	size_t len;
};

/*
 * Looks for a frame of less than `limit` bytes for n plain bytes (at most a chunk). Returns a verdict, -EINTR when told to end, -ENOMEM or other reasons
 * to stop.
 */
int encode_plain(struct encode_worker *w, const struct encode_policy *p, const uint8_t *plain, size_t n, size_t limit,
		 struct encode_frame *out);

#endif
