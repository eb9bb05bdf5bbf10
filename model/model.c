/* SPDX-License-Identifier: BSD-2-Clause */
/* A model in memory: its bounds, its arrays, the index of its dictionary. */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/context.h"
#include "model/dict.h"

#define ALIGN 64u
#define HUGE_PAGE ((size_t)2 << 20)
#define INDEX_LOG2_MIN 8u

static size_t table_bytes(const struct model_shape *s, uint32_t k)
{
	return (size_t)s->hidden << s->rows_log2[k];
}

static size_t out_bytes(const struct model_shape *s)
{
	return (size_t)MODEL_NODES * s->hidden * sizeof(int16_t);
}

/* Half as many slots as bytes: about a third of the positions of text begin a new string of five. */
static uint32_t index_log2(uint32_t dict_len)
{
	uint32_t log2 = INDEX_LOG2_MIN;

	while ((2u << log2) < dict_len)
		log2++;
	return log2;
}

size_t model_memory(const struct model_shape *shape)
{
	size_t sum = sizeof(struct model) + out_bytes(shape);

	for (uint32_t k = 0; k < shape->contexts; k++)
		sum += table_bytes(shape, k);
	if (shape->dict_len)
		sum += shape->dict_len + (sizeof(uint32_t) << index_log2(shape->dict_len));
	return sum;
}

int model_shape_check(const struct model_shape *shape)
{
	if (shape->contexts < 1 || shape->contexts > MODEL_CONTEXTS_MAX || shape->hidden < 32 ||
	    shape->hidden > MODEL_HIDDEN_MAX || shape->hidden % 32 || shape->dict_len > MODEL_DICT_MAX ||
	    shape->mixer_len > MODEL_MIXER_MAX)
		return -EINVAL;
	for (uint32_t k = 0; k < shape->contexts; k++) {
		if (shape->context_ids[k] >= CTX_IDS || (k && shape->context_ids[k] <= shape->context_ids[k - 1]))
			return -EINVAL;
		if (shape->rows_log2[k] < MODEL_ROWS_LOG2_MIN || shape->rows_log2[k] > MODEL_ROWS_LOG2_MAX)
			return -EINVAL;
	}
	return model_memory(shape) <= MODEL_MEMORY_MAX ? 0 : -EINVAL;
}

/* Large arrays lie on huge pages where there are some: every byte coded reads a few dozen places all over them. */
static void *zeroed(size_t n)
{
	size_t align = n >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
	void *p = aligned_alloc(align, (n + align - 1) / align * align);

	if (!p)
		return NULL;
	if (n >= HUGE_PAGE)
		(void)madvise(p, n, MADV_HUGEPAGE); /* a wish; small pages do as well */
	memset(p, 0, n);
	return p;
}

/* All tables in one block, which embed[0] owns. */
static int tables_create(struct model *m)
{
	size_t sum = 0;

	for (uint32_t k = 0; k < m->shape.contexts; k++)
		sum += table_bytes(&m->shape, k);
	m->embed[0] = zeroed(sum);
	if (!m->embed[0])
		return -ENOMEM;
	for (uint32_t k = 1; k < m->shape.contexts; k++)
		m->embed[k] = m->embed[k - 1] + table_bytes(&m->shape, k - 1);
	return 0;
}

int model_create(const struct model_shape *shape, struct model **out)
{
	struct model *m;
	int rc = model_shape_check(shape);

	*out = NULL;
	if (rc)
		return rc;
	m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	m->shape = *shape;
	m->derived = calloc(1, sizeof *m->derived);
	m->out = zeroed(out_bytes(shape));
	if (!m->derived || !m->out)
		goto destroy;
	if (tables_create(m))
		goto destroy;
	if (shape->dict_len) {
		m->dict_index_log2 = index_log2(shape->dict_len);
		m->dict = zeroed(shape->dict_len);
		m->dict_index = zeroed(sizeof(uint32_t) << m->dict_index_log2);
		if (!m->dict || !m->dict_index)
			goto destroy;
	}
	*out = m;
	return 0;
destroy:
	model_destroy(m);
	return -ENOMEM;
}

int model_index_dict(struct model *m)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < m->shape.dict_len; i++) {
		last = last << 8 | m->dict[i];
		if (i + 1 >= DICT_MATCH_MIN)
			m->dict_index[dict_slot(last, m->dict_index_log2)] = i + 1;
	}
	return 0;
}

void model_forget_derived(struct model *m)
{
	if (!m->derived || !m->derived->start)
		return;
	m->derived->start_free(m->derived->start);
	m->derived->start = NULL;
}

void model_destroy(struct model *m)
{
	if (!m)
		return;
	free(m->embed[0]);
	free(m->out);
	free(m->dict);
	free(m->dict_index);
	model_forget_derived(m);
	free(m->derived);
	free(m);
}
