/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a chunk's mixer, refinement and trust start from: defaults, or what calibration put into the model.
 *
 * In the model they are one array of integers: the mixer's weights by confidence, those by kind of character, the refinement of fast, that of normal, the trusts, the rate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/neural.h"
#include "codec/neural_state.h"

#define WEIGHTS (NEURAL_SETS * 8 * NEURAL_INPUTS)
#define KIND_WEIGHTS (NEURAL_KINDS * 8 * NEURAL_INPUTS)
#define CELLS (2 * NEURAL_REFINE_CONTEXTS * NEURAL_REFINE_CELLS)
#define CALIBRATE_SHIFT 3 /* a chunk moves the start by an eighth of what it learned */

static void tuning_default(struct neural_tuning *t)
{
	static const int16_t weight[NEURAL_INPUTS] = {180, 20, 30, 30, 30, 20, 20, 20}; /* of 256 */
	int32_t *w = &t->weight[0][0][0];
	uint16_t *cell = &t->refine[0][0][0];

	for (unsigned i = 0; i < WEIGHTS; i++)
		w[i] = weight[i % NEURAL_INPUTS] * (NEURAL_WEIGHT_ONE / 256);
	memset(t->kind_weight, 0, sizeof t->kind_weight);
	for (unsigned i = 0; i < CELLS; i++) {
		uint32_t octave = i % NEURAL_REFINE_CELLS / 4, miss = (9 + 2 * (i % 4)) << octave >> 3;

		cell[i] = (uint16_t)(65535 - (miss < 65535 ? miss : 65535));
	}
	t->rate = NEURAL_RATE_DEFAULT;
	for (unsigned i = 0; i < NEURAL_TRUSTS; i++)
		t->trust[i] = (uint16_t)(i < 32 ? (i % 16 ? 40000 + 1600 * (i % 16) : 0) : i % 4 ? 26000 + 8000 * (i % 4) : 0);
}

static uint16_t probability(int32_t x)
{
	return (uint16_t)(x < 0 ? 0 : x > 65535 ? 65535 : x);
}

static int32_t weight_bounded(int32_t w)
{
	return w < -NEURAL_WEIGHT_MAX ? -NEURAL_WEIGHT_MAX : w > NEURAL_WEIGHT_MAX ? NEURAL_WEIGHT_MAX : w;
}

void neural_tuning_get(struct neural_tuning *t, const struct model *m)
{
	int32_t *w = &t->weight[0][0][0], *kind = &t->kind_weight[0][0][0];
	uint16_t *cell = &t->refine[0][0][0];
	const int32_t *from = m->mixer;

	if (m->shape.mixer_len != NEURAL_TUNING_LEN) {
		tuning_default(t);
		return;
	}
	for (unsigned i = 0; i < WEIGHTS; i++)
		w[i] = weight_bounded(*from++);
	for (unsigned i = 0; i < KIND_WEIGHTS; i++)
		kind[i] = weight_bounded(*from++);
	for (unsigned i = 0; i < CELLS; i++)
		cell[i] = probability(*from++);
	for (unsigned i = 0; i < NEURAL_TRUSTS; i++)
		t->trust[i] = probability(*from++);
	t->rate = *from < 0 ? 0 : *from > NEURAL_RATE_MAX ? NEURAL_RATE_MAX : *from;
	for (unsigned i = 0; i < 32; i += 16)
		t->trust[i] = 0;
}

static void tuning_put(const struct neural_tuning *t, struct model *m)
{
	const int32_t *w = &t->weight[0][0][0], *kind = &t->kind_weight[0][0][0];
	const uint16_t *cell = &t->refine[0][0][0];
	int32_t *to = m->mixer;

	for (unsigned i = 0; i < WEIGHTS; i++)
		*to++ = w[i];
	for (unsigned i = 0; i < KIND_WEIGHTS; i++)
		*to++ = kind[i];
	for (unsigned i = 0; i < CELLS; i++)
		*to++ = cell[i];
	for (unsigned i = 0; i < NEURAL_TRUSTS; i++)
		*to++ = t->trust[i];
	*to = t->rate;
	m->shape.mixer_len = NEURAL_TUNING_LEN;
}

/* Moves what the model starts from towards what the chunk just coded ended with. */
static void tuning_follow(struct model *m, const struct neural_tuning *end, struct model *scratch)
{
	tuning_put(end, scratch);
	for (unsigned i = 0; i < NEURAL_TUNING_LEN; i++) /* the rate is the same in both */
		m->mixer[i] += (scratch->mixer[i] - m->mixer[i]) / (1 << CALIBRATE_SHIFT);
}

static int calibrate_chunk(struct neural *nn, struct model *m, struct model *scratch, const struct train_chunk *chunk, uint8_t *frame,
			   size_t cap, uint64_t *bytes)
{
	size_t len;
	int rc;

	for (int level = NEURAL_FAST; level <= NEURAL_NORMAL; level++) {
		rc = neural_encode(nn, m, level, chunk->bytes, chunk->len, frame, cap, &len);
		if (rc)
			return rc;
		tuning_follow(m, &nn->tuning, scratch);
	}
	*bytes += len;
	return 0;
}

/* The rate that codes the chunks shortest, of a few. */
static int calibrate_rate(struct neural *nn, struct model *m, const struct train_chunk *chunks, size_t n, uint8_t *frame, size_t cap)
{
	static const int32_t rates[] = {300, 900, 2700, 8100};
	uint64_t best = UINT64_MAX;
	int32_t chosen = NEURAL_RATE_DEFAULT;
	size_t len;

	for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
		uint64_t sum = 0;

		m->mixer[NEURAL_TUNING_LEN - 1] = rates[r];
		for (size_t i = 0; i < n; i++) {
			int rc = neural_encode(nn, m, NEURAL_FAST, chunks[i].bytes, chunks[i].len, frame, cap, &len);

			if (rc)
				return rc;
			sum += len;
		}
		if (sum < best) {
			best = sum;
			chosen = rates[r];
		}
	}
	m->mixer[NEURAL_TUNING_LEN - 1] = chosen;
	return 0;
}

int neural_calibrate(struct model *m, const struct train_chunk *chunks, size_t n, double *bits)
{
	size_t cap = 2 * (size_t)CODEC_PLAIN_MAX + 1024;
	uint64_t plain = 0, coded = 0;
	struct neural_tuning start;
	struct neural *nn;
	struct model *scratch = malloc(sizeof *scratch);
	uint8_t *frame = malloc(cap);
	int rc = neural_create(&nn);

	if (!scratch || !frame)
		rc = -ENOMEM;
	if (rc)
		goto out;
	if (m->shape.mixer_len != NEURAL_TUNING_LEN) {
		tuning_default(&start);
		tuning_put(&start, m);
	}
	rc = calibrate_rate(nn, m, chunks, n, frame, cap);
	for (size_t i = 0; i < n && !rc; i++) {
		rc = calibrate_chunk(nn, m, scratch, &chunks[i], frame, cap, &coded);
		plain += chunks[i].len;
	}
	model_forget_derived(m);
	if (!rc)
		rc = neural_test(m, m->answer);
	if (bits)
		*bits = plain ? 8.0 * (double)coded / (double)plain : 0;
out:
	neural_destroy(nn);
	free(frame);
	free(scratch);
	return rc;
}
