/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neural codec: frames, and what a chunk starts from.
 *
 * A frame is one byte (bits 0-3 class of the chunk, bit 4 its filter, bit 5 set if the next byte is
 * the length of its records, bits 6-7 zero) and the arithmetic-coded bytes of the filtered chunk.
 */
#include "codec/neural.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/dense_state.h"
#include "codec/neural_state.h"
#include "codec/ops.h"

#define HEAD_STRIDE 32

/* What kind of character a byte is, for the mixer: bytes that text rarely mixes up. */
static uint8_t character_kind(unsigned byte)
{
	if (byte >= 128)
		return byte < 192 ? 8 : 9;
	if (byte <= 32)
		return byte == 0 ? 0 : byte < 32 ? 1 : 2;
	if (byte >= 'a' && byte <= 'z')
		return 6;
	if (byte >= 'A' && byte <= 'Z')
		return 7;
	if (byte < 'A')
		return byte < '0' ? 3 : byte <= '9' ? 4 : 5;
	return 10;
}

int neural_create(struct neural **out)
{
	struct neural *nn = aligned_alloc(64, (sizeof *nn + 63) & ~(size_t)63);
	int rc;

	*out = NULL;
	if (!nn)
		return -ENOMEM;
	memset(nn, 0, sizeof *nn);
	rc = context_create(&nn->context);
	if (rc) {
		free(nn);
		return rc;
	}
	logistic_init(&nn->logistic);
	for (unsigned i = 0; i < 256; i++)
		nn->kind[i] = character_kind(i);
	*out = nn;
	return 0;
}

void neural_destroy(struct neural *n)
{
	if (!n)
		return;
	context_destroy(n->context);
	dense_destroy(n->dense);
	free(n->formed);
	free(n);
}

/* The first bytes of a frame: its length, 0 if it is more than n. */
static size_t head_put(const struct form *form, uint8_t *head, size_t n)
{
	size_t len = form->stride ? 2 : 1;

	if (len > n)
		return 0;
	head[0] = (uint8_t)(form->class | form->filter << 4 | (form->stride ? HEAD_STRIDE : 0));
	if (form->stride)
		head[1] = form->stride;
	return len;
}

static size_t head_get(struct form *form, const uint8_t *head, size_t n)
{
	if (n < 1 || head[0] >= 2 * HEAD_STRIDE)
		return 0;
	*form = (struct form){.class = head[0] & 15, .filter = head[0] >> 4 & 1};
	if (!(head[0] & HEAD_STRIDE))
		return 1;
	if (n < 2 || head[1] < FORM_STRIDE_MIN)
		return 0;
	form->stride = head[1];
	return 2;
}

/* The bytes to code: src, or a filtered copy. NULL: no memory. */
static const uint8_t *chunk_filter(struct neural *nn, const struct form *form, const uint8_t *src,
				   size_t n)
{
	if (form->filter == FILTER_NONE)
		return src;
	if (!nn->formed)
		nn->formed = malloc(CODEC_PLAIN_MAX);
	if (!nn->formed)
		return NULL;
	memcpy(nn->formed, src, n);
	form_apply(form, nn->formed, n);
	return nn->formed;
}

static int32_t bounded(int32_t x, int32_t low, int32_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* Everything that adapts goes back to what the model says. */
static void chunk_begin(struct neural *nn, const struct neural_job *job)
{
	const struct model *m = job->m;

	neural_tuning_get(&nn->tuning, m);
	for (uint32_t j = 0; j < m->shape.hidden; j++)
		nn->bias[j] = (int16_t)bounded(m->bias[j], -NEURAL_BIAS_MAX, NEURAL_BIAS_MAX);
	memcpy(nn->out, m->out, (size_t)MODEL_NODES * m->shape.hidden * sizeof *nn->out);
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		nn->out_bias[i] = bounded(m->out_bias[i], -NEURAL_OUT_BIAS_MAX, NEURAL_OUT_BIAS_MAX);
	if (job->start)
		dense_begin(nn->dense, job->start);
	if (!job->normal)
		return;
	nn->slots_log2 = NEURAL_SLOTS_LOG2_MIN;
	while (nn->slots_log2 < NEURAL_SLOTS_LOG2 && (size_t)2 << nn->slots_log2 < job->n)
		nn->slots_log2++;
	for (unsigned i = 0; i < NEURAL_COUNTERS; i++)
		memset(nn->slots[i], 0, sizeof *nn->slots[i] << nn->slots_log2);
}

void neural_job_run(const struct neural_job *job)
{
	chunk_begin(job->nn, job);
#ifdef HAVE_AVX2
	if (!strcmp(codec_kernel(), "avx512")) {
		job->dense ? dense_code_avx512(job) : neural_code_avx512(job);
		return;
	}
	if (!strcmp(codec_kernel(), "avx2")) {
		job->dense ? dense_code_avx2(job) : neural_code_avx2(job);
		return;
	}
#endif
#ifdef HAVE_NEON
	if (!strcmp(codec_kernel(), "neon")) {
		job->dense ? dense_code_neon(job) : neural_code_neon(job);
		return;
	}
#endif
	job->dense ? dense_code_scalar(job) : neural_code_scalar(job);
}

/* What the level needs; level was checked. */
static int job_prepare(struct neural_job *job, int level)
{
	job->normal = level == NEURAL_NORMAL;
	job->dense = level == NEURAL_DENSE;
	return job->dense ? dense_start_get(job->nn, job->m, &job->start) : 0;
}

static int level_known(int level)
{
	return level >= NEURAL_FAST && level <= NEURAL_DENSE;
}

int neural_encode(struct neural *nn, const struct model *m, int level, const uint8_t *src, size_t n, uint8_t *dst, size_t cap,
		  size_t *out)
{
	struct range_enc enc;
	struct neural_job job = {.nn = nn, .m = m, .enc = &enc, .n = n};
	size_t head, len;
	int rc;

	*out = 0;
	if (!level_known(level) || n < 1 || n > CODEC_PLAIN_MAX)
		return -EINVAL;
	form_find(&job.form, src, n);
	head = head_put(&job.form, dst, cap);
	if (head == 0)
		return -E2BIG;
	rc = job_prepare(&job, level);
	if (rc)
		return rc;
	job.src = chunk_filter(nn, &job.form, src, n);
	if (!job.src)
		return -ENOMEM;
	range_enc_begin(&enc, dst + head, cap - head);
	neural_job_run(&job);
	len = range_enc_end(&enc);
	if (len == SIZE_MAX)
		return -E2BIG;
	*out = head + len;
	return 0;
}

int neural_decode(struct neural *nn, const struct model *m, int level, const uint8_t *src, size_t n, uint8_t *dst, size_t plain)
{
	struct range_dec dec;
	struct neural_job job = {.nn = nn, .m = m, .dec = &dec, .dst = dst, .n = plain};
	size_t head = head_get(&job.form, src, n);
	int rc;

	if (!level_known(level) || plain < 1 || plain > CODEC_PLAIN_MAX || head == 0)
		return -EUCLEAN;
	rc = job_prepare(&job, level);
	if (rc)
		return rc;
	range_dec_begin(&dec, src + head, n - head);
	neural_job_run(&job);
	rc = range_dec_end(&dec, n - head);
	if (rc == 0)
		form_undo(&job.form, dst, plain);
	return rc;
}
