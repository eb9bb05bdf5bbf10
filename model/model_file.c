/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model as bytes: a header that says the shapes, then all arrays and the dictionary in one arithmetic-coded stream.
 *
 * A table's row is coded as the bit length of its largest weight (0: an empty row, next to nothing), the number of zero bits that all its
 * weights end in (training leaves no more precision than a row deserves), then its weights without these bits, with the statistics
 * chosen by the bits that are left and by the weights just coded. The stream's order: rows of each table, bias, out, out_bias, mixer, dictionary.
 */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model/number.h"
#include "model/pack.h"

#define MAGIC "FIRNNET\n"
#define FILE_VERSION 1u
#define KIND_EMBED 1u /* summed embeddings, one hidden layer */

/* All integers little-endian. */
struct model_file_disk {
	uint8_t magic[8];
	uint8_t checksum[8];    /*   8 XXH3-64 of all bytes behind it */
	uint8_t version[4];     /*  16 */
	uint8_t kind[4];        /*  20 KIND_EMBED */
	uint8_t contexts[4];    /*  24 */
	uint8_t hidden[4];      /*  28 */
	uint8_t dict_len[4];    /*  32 */
	uint8_t mixer_len[4];   /*  36 */
	uint8_t context_ids[MODEL_CONTEXTS_MAX]; /* 40, unused ones zero */
	uint8_t rows_log2[MODEL_CONTEXTS_MAX];   /* 72, unused ones zero */
	uint8_t answer[MODEL_ANSWERS][4];        /* 104 */
	/* 112: the stream */
};
_Static_assert(sizeof(struct model_file_disk) == 112, "model_file_disk");
#define CHECKED_FROM 16u

static void put32(uint8_t *p, uint32_t x)
{
	x = htole32(x);
	memcpy(p, &x, sizeof x);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof x);
	return le32toh(x);
}

#define SCALES 8 /* bit lengths of an int8 weight: 0..7, and 7 again for -128 */
#define NEAR 4   /* classes of the two weights before */

/* Statistics of one table. */
struct table_stat {
	struct number_stat scale[SCALES];
	struct number_stat shift[SCALES];
	struct number_stat weight[SCALES][NEAR];
};

static unsigned weight_size(int weight)
{
	return (unsigned)(weight < 0 ? -weight : weight);
}

/* The bits that any weight of the row has. */
static unsigned row_bits(const int8_t *row, uint32_t hidden)
{
	unsigned bits = 0;

	for (uint32_t j = 0; j < hidden; j++)
		bits |= weight_size(row[j]);
	return bits;
}

static int row_code(struct number_io *io, struct table_stat *stat, int8_t *row, uint32_t hidden, int32_t *scale_before)
{
	unsigned bits = row_bits(row, hidden), before = 0;
	int32_t scale = bits ? 32 - __builtin_clz(bits) : 0, shift = bits ? __builtin_ctz(bits) : 0, left, v;

	scale = number_code(io, &stat->scale[*scale_before], scale);
	if (scale < 0 || scale > SCALES)
		return -EUCLEAN;
	*scale_before = scale < SCALES ? scale : SCALES - 1;
	if (scale == 0)
		return 0;
	shift = number_code(io, &stat->shift[*scale_before], shift);
	if (shift < 0 || shift >= scale)
		return -EUCLEAN;
	left = scale - shift < SCALES ? scale - shift : SCALES - 1;
	for (uint32_t j = 0; j < hidden; j++) {
		unsigned near = before >> left ? 3 : before >> (left - 1) ? 2 : before << 2 >> left ? 1 : 0;

		v = number_code(io, &stat->weight[left][near], row[j] / (1 << shift));
		if (v < INT8_MIN / (1 << shift) || v > INT8_MAX >> shift)
			return -EUCLEAN;
		row[j] = (int8_t)(v * (1 << shift));
		before = (before + 2 * weight_size(v)) / 2;
	}
	return 0;
}

static void stats_init(struct number_stat *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		number_stat_init(&s[i]);
}

static int table_code(struct number_io *io, struct model *m, uint32_t k)
{
	struct table_stat stat;
	uint32_t rows = 1u << m->shape.rows_log2[k], hidden = m->shape.hidden;
	int32_t scale = 0;
	int rc = 0;

	stats_init(stat.scale, SCALES);
	stats_init(stat.shift, SCALES);
	stats_init(&stat.weight[0][0], SCALES * NEAR);
	for (uint32_t r = 0; !rc && r < rows; r++) {
		rc = row_code(io, &stat, m->embed[k] + (size_t)r * hidden, hidden, &scale);
		if (number_exhausted(io))
			rc = -EUCLEAN;
	}
	return rc;
}

static int dense_code(struct number_io *io, struct model *m)
{
	struct number_stat stat[4];
	int32_t v;

	stats_init(stat, 4);
	for (uint32_t j = 0; j < m->shape.hidden; j++) {
		v = number_code(io, &stat[0], m->bias[j]);
		if (v < INT16_MIN || v > INT16_MAX)
			return -EUCLEAN;
		m->bias[j] = (int16_t)v;
	}
	for (size_t i = 0; i < (size_t)MODEL_NODES * m->shape.hidden; i++) {
		v = number_code(io, &stat[1], m->out[i]);
		if (v < INT16_MIN || v > INT16_MAX)
			return -EUCLEAN;
		m->out[i] = (int16_t)v;
	}
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		m->out_bias[i] = number_code(io, &stat[2], m->out_bias[i]);
	for (uint32_t i = 0; i < m->shape.mixer_len; i++)
		m->mixer[i] = number_code(io, &stat[3], m->mixer[i]);
	return 0;
}

/* Writes or reads everything behind the header; what is written does not change. */
static int stream_code(struct number_io *io, struct model *m)
{
	int rc = 0;

	for (uint32_t k = 0; !rc && k < m->shape.contexts; k++)
		rc = table_code(io, m, k);
	if (!rc)
		rc = dense_code(io, m);
	if (!rc && m->shape.dict_len)
		rc = pack_bytes(io, m->dict, m->shape.dict_len);
	return rc;
}

static void header_put(const struct model *m, uint8_t *bytes, size_t len)
{
	const struct model_shape *s = &m->shape;
	struct model_file_disk d = {0};
	uint64_t checksum;

	memcpy(d.magic, MAGIC, sizeof d.magic);
	put32(d.version, FILE_VERSION);
	put32(d.kind, KIND_EMBED);
	put32(d.contexts, s->contexts);
	put32(d.hidden, s->hidden);
	put32(d.dict_len, s->dict_len);
	put32(d.mixer_len, s->mixer_len);
	memcpy(d.context_ids, s->context_ids, s->contexts);
	memcpy(d.rows_log2, s->rows_log2, s->contexts);
	for (unsigned i = 0; i < MODEL_ANSWERS; i++)
		put32(d.answer[i], m->answer[i]);
	memcpy(bytes, &d, sizeof d);
	checksum = htole64(XXH3_64bits(bytes + CHECKED_FROM, len - CHECKED_FROM));
	memcpy(bytes + offsetof(struct model_file_disk, checksum), &checksum, sizeof checksum);
}

int model_save(const struct model *m, uint8_t **bytes, size_t *len)
{
	/* Weights nearly always shrink; when noise did not fit, more room will do. */
	size_t cap = model_memory(&m->shape) + (1u << 16), n;
	struct range_enc enc;
	struct number_io io = {.enc = &enc};
	uint8_t *p;
	int rc;

	*bytes = NULL;
	*len = 0;
	for (;;) {
		p = malloc(cap);
		if (!p)
			return -ENOMEM;
		range_enc_begin(&enc, p + sizeof(struct model_file_disk), cap - sizeof(struct model_file_disk));
		rc = stream_code(&io, (struct model *)m);
		n = range_enc_end(&enc);
		if (rc || n != SIZE_MAX)
			break;
		free(p);
		cap *= 2;
	}
	if (rc) {
		free(p);
		return rc;
	}
	*len = n + sizeof(struct model_file_disk);
	header_put(m, p, *len);
	*bytes = p;
	return 0;
}

int model_shape_load(const void *bytes, size_t len, struct model_shape *s)
{
	struct model_file_disk d;
	uint64_t checksum;

	memset(s, 0, sizeof *s);
	if (len < sizeof d)
		return -EUCLEAN;
	memcpy(&d, bytes, sizeof d);
	memcpy(&checksum, d.checksum, sizeof checksum);
	if (memcmp(d.magic, MAGIC, sizeof d.magic) ||
	    le64toh(checksum) != XXH3_64bits((const uint8_t *)bytes + CHECKED_FROM, len - CHECKED_FROM))
		return -EUCLEAN;
	if (get32(d.version) > FILE_VERSION)
		return -EPROTONOSUPPORT;
	if (get32(d.version) != FILE_VERSION || get32(d.kind) != KIND_EMBED)
		return -EUCLEAN;
	s->contexts = get32(d.contexts);
	s->hidden = get32(d.hidden);
	s->dict_len = get32(d.dict_len);
	s->mixer_len = get32(d.mixer_len);
	memcpy(s->context_ids, d.context_ids, sizeof s->context_ids);
	memcpy(s->rows_log2, d.rows_log2, sizeof s->rows_log2);
	return model_shape_check(s) ? -EUCLEAN : 0;
}

int model_load(const void *bytes, size_t len, struct model **out)
{
	const uint8_t *stream = (const uint8_t *)bytes + sizeof(struct model_file_disk);
	struct range_dec dec;
	struct number_io io = {.dec = &dec};
	struct model_shape shape;
	struct model *m;
	int rc;

	*out = NULL;
	rc = model_shape_load(bytes, len, &shape);
	if (rc)
		return rc;
	rc = model_create(&shape, &m);
	if (rc)
		return rc;
	for (unsigned i = 0; i < MODEL_ANSWERS; i++)
		m->answer[i] = get32((const uint8_t *)bytes + offsetof(struct model_file_disk, answer) + sizeof(uint32_t) * i);
	len -= sizeof(struct model_file_disk);
	range_dec_begin(&dec, stream, len);
	rc = stream_code(&io, m);
	if (!rc)
		rc = range_dec_end(&dec, len);
	if (!rc)
		rc = model_index_dict(m);
	if (rc) {
		model_destroy(m);
		return rc;
	}
	*out = m;
	return 0;
}
