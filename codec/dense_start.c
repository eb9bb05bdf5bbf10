/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What chunks of the level dense start from: everything learned by coding the model's dictionary,
 * piece by piece, as if it were chunks, each with only the pieces before it as its dictionary. Done
 * when the first chunk needs it, once per model.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/dense_state.h"
#include "codec/neural_state.h"
#include "model/dict.h"

#define PIECE (64u << 10)
#define LEARNED_MAX (4u << 20) /* of the dictionary's end: some seconds */

static pthread_mutex_t starting =
	PTHREAD_MUTEX_INITIALIZER; /* held while a start is made; guards serials */
static uint64_t serials;

static void learned_default(struct dense_learned *l, const struct bit_history *h,
			    const struct logistic *logistic)
{
	for (unsigned s = 0; s < DENSE_SETS; s++) {
		int32_t *w = l->weight[s];

		for (unsigned i = 0; i < DENSE_INPUTS; i++)
			w[i] = (i >= DENSE_INPUT_CONSTANT   ? 0
				: i == 0		    ? 150
				: i < DENSE_INPUT_HISTORIES ? 12
				: i % 2			    ? 4
							    : 20) *
			       (NEURAL_WEIGHT_ONE / 256);
	}
	for (unsigned s = 0; s < DENSE_BY_TRUST; s++)
		for (unsigned i = 0; i < DENSE_MIXERS; i++)
			l->last[s][i] = NEURAL_WEIGHT_ONE / DENSE_MIXERS;
	for (unsigned i = 0; i < DENSE_CONTEXTS; i++)
		for (unsigned k = 0; k < BIT_HISTORIES; k++)
			l->map[i][k] = (uint32_t)h->chance[k] << 16;
	for (unsigned i = 0; i < DENSE_EXPERTS; i++)
		for (unsigned k = 0; k < DENSE_TRUSTS; k++)
			for (unsigned depth = 0; depth < 8; depth++)
				l->expert[i][k][depth] = (uint16_t)(50000 + 900 * k);
	for (unsigned i = 0; i < DENSE_APMS; i++)
		for (unsigned k = 0; k < 1u << DENSE_APM_LOG2; k++)
			for (unsigned b = 0; b < DENSE_APM_BINS; b++) {
				int32_t at = logit_clamp((int32_t)b * 192 - 3072);

				l->apm[i][k][b] = squash(logistic, at) << 6;
			}
}

/* Codes one piece of the dictionary for what it teaches. */
static void piece_learn(struct neural *nn, const struct model *view, uint32_t at, uint32_t n)
{
	uint8_t nowhere[64];
	struct range_enc enc;
	struct neural_job job = {
		.nn = nn, .m = view, .enc = &enc, .src = view->dict + at, .n = n, .dense = 1};

	form_find_filtered(&job.form, job.src, n);
	range_enc_begin(&enc, nowhere, sizeof nowhere);
	neural_job_run(&job);
}

/* The index of the dictionary's bytes before `at` grows by n. */
static void piece_index(struct model *view, uint32_t at, uint32_t n)
{
	uint64_t last = 0;

	for (uint32_t i = at; i < at + n; i++) {
		last = last << 8 | view->dict[i];
		if (i + 1 >= at + DICT_MATCH_MIN)
			view->dict_index[dict_slot(last, view->dict_index_log2)] = i + 1;
	}
}

static int start_learn(struct neural *nn, const struct model *m)
{
	struct model *view = malloc(sizeof *view);

	if (!view)
		return -ENOMEM;
	*view = *m;
	view->dict_index = calloc((size_t)1 << m->dict_index_log2, sizeof *view->dict_index);
	if (!view->dict_index) {
		free(view);
		return -ENOMEM;
	}
	for (uint32_t at = 0, n; at < m->shape.dict_len; at += n) {
		n = m->shape.dict_len - at < PIECE ? m->shape.dict_len - at : PIECE;
		if (m->shape.dict_len - at <= LEARNED_MAX)
			piece_learn(nn, view, at, n);
		piece_index(view, at, n);
	}
	free(view->dict_index);
	free(view);
	return 0;
}

static void start_free(void *start)
{
	struct dense_start *s = start;

	if (s)
		free(s->tables);
	free(s);
}

static int start_make(struct neural *nn, const struct model *m, struct dense_start **out)
{
	struct dense_start *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
	struct dense *d = nn->dense;
	int rc = -ENOMEM;

	*out = NULL;
	if (!s)
		return rc;
	s->tables = aligned_alloc(64, sizeof *s->tables);
	if (!s->tables)
		goto free;
	learned_default(&d->learned, &d->history, &nn->logistic);
	memset(d->tables, 0, sizeof *d->tables);
	d->serial = 0;
	rc = start_learn(nn, m);
	if (rc)
		goto free;
	s->serial = ++serials;
	s->learned = d->learned;
	*s->tables = *d->tables;
	d->serial = s->serial;
	d->touched = 0;
	*out = s;
	return 0;
free:
	start_free(s);
	return rc;
}

static struct dense_start *start_known(const struct model *m)
{
	return __atomic_load_n(&m->derived->start, __ATOMIC_ACQUIRE);
}

int dense_start_get(struct neural *nn, const struct model *m, const struct dense_start **out)
{
	struct dense_start *s;
	int rc = 0;

	*out = NULL;
	if (!nn->dense)
		rc = dense_create(&nn->dense);
	if (rc)
		return rc;
	s = start_known(m);
	if (s) {
		*out = s;
		return 0;
	}
	pthread_mutex_lock(&starting);
	s = start_known(m);
	if (!s) {
		rc = start_make(nn, m, &s);
		m->derived->start_free = start_free;
		__atomic_store_n(&m->derived->start, s, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&starting);
	*out = s;
	return rc;
}

size_t dense_start_memory(const struct model *m)
{
	return start_known(m) ? sizeof(struct dense_start) + sizeof(struct dense_tables) : 0;
}
