/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encoding of plain bytes as recompaction does it: every candidate codec tried, the smallest frame decoded and compared.
 *
 * Cold: network first, then zstd 19 where a quick look with zstd 3 says that it has a chance; without a network, zstd 19 with the dictionary and
 * without. Warm: zstd 12, likewise.
 */
#include "fs/tiers/compact_encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL_COLD 19
#define LEVEL_WARM 12
#define LEVEL_PROBE 3

int encode_worker_init(struct encode_worker *w, struct volume *vol, const int *end)
{
	uint32_t chunk_size = vol->super.chunk_size;
	int rc;

	*w = (struct encode_worker){.cap = chunk_size, .times = vol->metrics.encode, .end = end};
	rc = codec_ctx_create(&w->ctx);
	w->plain = malloc(chunk_size);
	w->trial = malloc(chunk_size);
	w->best = malloc(chunk_size);
	w->check = malloc(chunk_size);
	if (rc == 0 && (!w->plain || !w->trial || !w->best || !w->check))
		rc = -ENOMEM;
	if (rc < 0)
		encode_worker_fini(w);
	return rc;
}

void encode_worker_fini(struct encode_worker *w)
{
	codec_ctx_destroy(w->ctx);
	free(w->plain);
	free(w->trial);
	free(w->best);
	free(w->check);
	*w = (struct encode_worker){0};
}

struct candidate {
	enum codec_id codec;
	int level;
	const struct codec_model *model;
	uint16_t number;
};

/* What is being encoded. */
struct source {
	const uint8_t *plain;
	size_t n;
};

/* A run that is to end does not wait for all candidates of all its threads. */
static bool encode_ends(const struct encode_worker *w)
{
	return w->end && __atomic_load_n(w->end, __ATOMIC_RELAXED) != 0;
}

/* Keeps the candidate's frame if it is smaller than out->len; 1: it is. */
static int encode_try(struct encode_worker *w, const struct candidate *c, const struct source *src, struct encode_frame *out)
{
	uint64_t began = metrics_clock();
	uint8_t *trial = w->trial;
	size_t len;
	int rc;

	if (out->len < 2)
		return 0;
	if (encode_ends(w))
		return -EINTR;
	rc = codec_encode(w->ctx, c->codec, c->level, c->model, src->plain, src->n, trial, out->len - 1, &len);
	metrics_took(&w->times[c->codec], began);
	if (rc < 0)
		return rc == -E2BIG ? 0 : rc;
	w->trial = w->best;
	w->best = trial;
	*out = (struct encode_frame){c->codec, (uint8_t)c->level, c->number, trial, len};
	return 1;
}

/* Whether zstd 19 could come below limit: it is rarely 35 % denser than zstd 3. 1 yes, 0 no, -errno. */
static int encode_probe(struct encode_worker *w, const struct codec_model *zdict, const struct source *src, size_t limit)
{
	size_t cap = limit + limit / 2, len;
	int rc;

	rc = codec_encode(w->ctx, CODEC_ZSTD, LEVEL_PROBE, zdict, src->plain, src->n, w->trial, cap < w->cap ? cap : w->cap,
			  &len);
	if (rc == -E2BIG)
		return cap >= src->n;
	return rc < 0 ? rc : len - len / 3 < limit;
}

/* 0 or -errno; out->bytes says whether one was smaller. */
static int encode_candidates(struct encode_worker *w, const struct encode_policy *p, const struct source *src,
			     struct encode_frame *out)
{
	const int level = p->tier == TIER_COLD ? LEVEL_COLD : LEVEL_WARM;
	const struct candidate raw = {CODEC_RAW, 0, NULL, 0};
	const struct candidate net = {CODEC_NEURAL, p->neural_level, p->net, p->net_number};
	const struct candidate with = {CODEC_ZSTD, level, p->zdict, p->zdict_number};
	const struct candidate without = {CODEC_ZSTD, level, NULL, 0};
	int rc = encode_try(w, &raw, src, out);

	if (rc < 0 || codec_incompressible(src->plain, src->n))
		return rc < 0 ? rc : 0;
	if (p->tier == TIER_COLD && p->net) {
		rc = encode_try(w, &net, src, out);
		if (rc >= 0)
			rc = encode_probe(w, p->zdict, src, out->len);
		if (rc <= 0)
			return rc;
	}
	rc = encode_try(w, &with, src, out);
	if (rc >= 0 && p->zdict)
		rc = encode_try(w, &without, src, out);
	return rc < 0 ? rc : 0;
}

static int encode_verify(struct encode_worker *w, const struct encode_policy *p, const struct source *src,
			 const struct encode_frame *frame)
{
	const struct codec_model *model = NULL;
	int rc;

	if (frame->model)
		model = frame->codec == CODEC_NEURAL ? p->net : p->zdict;
	rc = codec_decode(w->ctx, frame->codec, frame->level, model, frame->bytes, frame->len, w->check, src->n);
	if (rc == -ENOMEM)
		return rc;
	return rc == 0 && memcmp(w->check, src->plain, src->n) == 0 ? ENCODE_SMALLER : ENCODE_REFUSED;
}

int encode_plain(struct encode_worker *w, const struct encode_policy *p, const uint8_t *plain, size_t n, size_t limit,
		 struct encode_frame *out)
{
	const struct source src = {plain, n};
	int rc;

	*out = (struct encode_frame){.len = limit < w->cap ? limit : w->cap};
	rc = encode_candidates(w, p, &src, out);
	if (rc < 0)
		return rc;
	if (out->bytes && encode_ends(w))
		return -EINTR;
	return out->bytes ? encode_verify(w, p, &src, out) : ENCODE_KEEP;
}
