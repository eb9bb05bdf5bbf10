/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring one coder on held-out chunks, one thread, nothing else in between.
 */
#include "tools/estimate_coder.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CAP (4 * CHUNK_SIZE_MAX)

struct run {
	const struct coder *c;
	struct codec_ctx *ctx;
	uint8_t *frame, *plain; /* CAP, CHUNK_SIZE_MAX */
};

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t heap_now(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static int run_encode(struct run *r, const struct train_chunk *chunk, size_t *len)
{
	if (r->c->xz)
		return xz_encode(chunk->bytes, chunk->len, r->frame, CAP, len);
	return codec_encode(r->ctx, r->c->codec, r->c->level, r->c->model, chunk->bytes, chunk->len, r->frame, CAP, len);
}

static int run_decode(struct run *r, size_t len, size_t plain)
{
	if (r->c->xz)
		return xz_decode(r->frame, len, r->plain, plain);
	return codec_decode(r->ctx, r->c->codec, r->c->level, r->c->model, r->frame, len, r->plain, plain);
}

/* One chunk there and back. */
static int run_chunk(struct run *r, const struct train_chunk *chunk, struct coder_result *out, uint32_t *stored)
{
	double t0 = cpu_now(), t1;
	size_t len;
	int rc = run_encode(r, chunk, &len);

	t1 = cpu_now();
	out->encode += t1 - t0;
	if (rc < 0)
		return rc;
	rc = run_decode(r, len, chunk->len);
	out->decode += cpu_now() - t1;
	if (rc < 0)
		return rc;
	if (memcmp(r->plain, chunk->bytes, chunk->len) != 0)
		return -EBADMSG;
	*stored = len < chunk->len ? (uint32_t)len : chunk->len;
	out->plain += chunk->len;
	out->stored += *stored;
	return 0;
}

int coder_measure(const struct coder *c, const struct sample *chunks, int (*progress)(void *arg, double fraction), void *arg,
		  struct coder_result *out)
{
	struct run r = {.c = c, .frame = malloc(CAP), .plain = malloc(CHUNK_SIZE_MAX)};
	struct coder_result first = {0};
	uint64_t before, after;
	uint32_t len;
	int rc = -ENOMEM;

	*out = (struct coder_result){.len = calloc(chunks->n, sizeof *out->len)};
	before = heap_now();
	if (r.frame && r.plain && out->len)
		rc = codec_ctx_create(&r.ctx);
	if (rc == 0) /* what the first use allocates is not to be timed */
		rc = run_chunk(&r, &chunks->chunks[0], &first, &len);
	for (size_t i = 0; rc == 0 && i < chunks->n; i++) {
		rc = run_chunk(&r, &chunks->chunks[i], out, &out->len[i]);
		if (rc == 0 && progress && progress(arg, (double)(i + 1) / (double)chunks->n))
			rc = -EINTR;
	}
	after = heap_now();
	out->memory = c->xz ? xz_memory() : after > before ? after - before : 0;
	codec_ctx_destroy(r.ctx);
	free(r.frame);
	free(r.plain);
	return rc;
}

void coder_result_free(struct coder_result *r)
{
	free(r->len);
	*r = (struct coder_result){0};
}
