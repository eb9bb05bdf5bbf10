/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a model is worth: bytes that chunks take with the best of some codecs, measured by encoding them.
 */
#include "tools/train_value.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>

#include "tools/progress.h"

/* The smallest frame's length for one chunk, or -errno. */
static int64_t value_of_chunk(struct codec_ctx *ctx, const struct train_chunk *chunk, const struct value_candidate *c,
			      size_t n, uint8_t *frame)
{
	size_t best = chunk->len;

	for (size_t i = 0; i < n && best > 1; i++) {
		size_t len;
		int rc = codec_encode(ctx, c[i].codec, c[i].level, c[i].model, chunk->bytes, chunk->len, frame, best - 1,
				      &len);

		if (rc == 0)
			best = len;
		else if (rc != -E2BIG)
			return rc;
	}
	return (int64_t)best;
}

int value_measure(const struct train_chunk *chunks, size_t n, const struct value_candidate *candidates, size_t n_candidates,
		  int threads, struct value *out)
{
	uint64_t plain = 0, stored = 0;
	int failed = 0;

#pragma omp parallel num_threads(threads > 0 ? threads : omp_get_max_threads()) reduction(+ : plain, stored)
	{
		uint8_t *frame = malloc(CODEC_PLAIN_MAX);
		struct codec_ctx *ctx = NULL;
		int64_t rc = frame ? codec_ctx_create(&ctx) : -ENOMEM;

#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < n; i++) {
			if (rc >= 0)
				rc = progress_interrupted() ? -EINTR
					: value_of_chunk(ctx, &chunks[i], candidates, n_candidates, frame);
			if (rc >= 0) {
				plain += chunks[i].len;
				stored += (uint64_t)rc;
			}
		}
		codec_ctx_destroy(ctx);
		free(frame);
#pragma omp critical(value_failed)
		if (rc < 0)
			failed = (int)rc;
	}
	*out = (struct value){plain, stored};
	return failed;
}

double value_ratio(const struct value *v)
{
	return v->plain ? (double)v->stored / (double)v->plain : 1;
}
