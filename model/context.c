/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of the network, kept up in one pass. As soon as a byte is known all hashes are computed and the embedding rows that
 * they name are prefetched, the cheap contexts first, so that memory works while history and matches are looked up.
 *
 * Dictionary lookups would wait for memory; they run as a pipeline over three bytes instead: touch the index slot, read it and touch
 * the dictionary there, verify.
 */
#include "model/context.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/dict.h"
#include "model/history.h"
#include "model/instruction.h"
#include "model/match.h"
#include "model/record.h"

#define HASH 0x9e3779b97f4a7c15u
#define FIELDS_MAX 64
#define SLOTS_LOG2_MIN 8u
#define LOOK_AGAIN 32 /* matches shorter than this look for a longer one */

/* Where the current and the previous line and their fields begin. */
struct layout {
	uint32_t line, above, above_end;  /* starts of this line and the one above; end of the one above */
	uint32_t fields, above_fields;    /* fields seen in each */
	uint32_t start[FIELDS_MAX];       /* of each field in this line */
	uint32_t above_start[FIELDS_MAX];
};

struct context {
	const struct model *m;
	const uint8_t *buf;
	uint32_t pos;
	uint32_t class;
	bool code; /* of x86 */
	uint64_t c8, c16; /* the last eight bytes, newest lowest; the eight before */
	uint32_t word, word_before;
	struct layout layout;
	struct record record;
	struct instruction instruction;
	struct match match, second, dict;
	uint32_t dict_slot, dict_at; /* pipeline of the dictionary lookup, 0: nothing in this stage */
	struct context_predictions predicted;
	uint64_t hash[CTX_IDS];
	uint32_t rows[MODEL_CONTEXTS_MAX];
	uint32_t *at6, *at12; /* slots of this position below */
	uint32_t first_late; /* contexts from this on need history or matches */
	unsigned match_log2, history_log2; /* slots in use */
	/* From here on only the slots in use are cleared for a chunk. */
	uint32_t positions6[1u << MATCH_SLOTS_LOG2];
	uint32_t positions12[1u << MATCH_SLOTS_LOG2];
	struct history history[CONTEXT_HISTORIES];
};

int context_create(struct context **out)
{
	*out = aligned_alloc(64, (sizeof(struct context) + 63) & ~(size_t)63);
	return *out ? 0 : -ENOMEM;
}

void context_destroy(struct context *c)
{
	free(c);
}

static uint8_t field_separator(uint8_t byte)
{
	return byte == '\t' || byte == ',' || byte == '|' || byte == ':' || byte == ';' || byte == '<' || byte == '"';
}

static void layout_update(struct layout *l, uint8_t byte, uint32_t pos)
{
	if (byte == '\n') {
		l->above = l->line;
		l->above_end = pos;
		l->line = pos;
		l->above_fields = l->fields;
		memcpy(l->above_start, l->start, (l->fields + 1 < FIELDS_MAX ? l->fields + 1 : FIELDS_MAX) * sizeof *l->start);
		l->fields = 0;
		l->start[0] = pos;
	} else if (field_separator(byte) && l->fields + 1 < FIELDS_MAX) {
		l->start[++l->fields] = pos;
	}
}

/* The byte at `at` in the line above, 0 behind its end. */
static uint8_t layout_above(const struct layout *l, const uint8_t *buf, uint32_t at)
{
	return at < l->above_end ? buf[at] : 0;
}

static void word_update(struct context *c, uint8_t byte)
{
	uint8_t low = byte | 32;

	if ((low >= 'a' && low <= 'z') || byte >= 128 || (byte >= '0' && byte <= '9') || byte == '_') {
		c->word = (c->word + low + 1) * 0x2f0b4c47u;
	} else if (c->word) {
		c->word_before = c->word;
		c->word = 0;
	}
}

/* Hashes that need nothing but the bytes before. */
static void hash_bytes(struct context *c)
{
	const struct layout *l = &c->layout;
	uint64_t c8 = c->c8, c1 = c8 & 0xff;
	uint32_t column = c->pos - l->line, field = l->fields, in_field = c->pos - l->start[field];
	uint32_t above = layout_above(l, c->buf, l->above + column);
	uint32_t right = layout_above(l, c->buf, l->above + column + 1);
	uint32_t twin = field <= l->above_fields ? layout_above(l, c->buf, l->above_start[field] + in_field) : 0;

	c->hash[CTX_O1] = (c1 + 1) * HASH;
	c->hash[CTX_O2] = (c8 & 0xffff) * HASH;
	c->hash[CTX_O3] = (c8 & 0xffffff) * HASH;
	c->hash[CTX_O4] = (c8 & 0xffffffff) * HASH;
	c->hash[CTX_O5] = (c8 & 0xffffffffff) * HASH;
	c->hash[CTX_O6] = (c8 & 0xffffffffffff) * HASH;
	c->hash[CTX_WORD] = ((uint64_t)c->word << 8 | c1) * HASH;
	c->hash[CTX_WORD2] = (((uint64_t)c->word << 8 | c1) + (uint64_t)c->word_before * 0x5851f42d4c957f2du) * HASH;
	c->hash[CTX_ABOVE] = (above << 16 | right << 8 | c1) * HASH;
	c->hash[CTX_FIELD] = ((uint64_t)(in_field < 31 ? in_field : 31) << 16 | field << 8 | twin) * HASH;
	c->hash[CTX_SKIP23] = (c8 >> 8 & 0xffff) * HASH;
	c->hash[CTX_SKIP48] = ((c8 >> 24 & 0xff) | (c8 >> 48 & 0xff00) | (uint64_t)(c->pos & 3) << 16) * HASH;
	c->hash[CTX_CLASS] = (c->class << 8 | c1) * HASH;
}

static uint64_t hash_match(const struct match *m, const uint8_t *source)
{
	if (!m->length)
		return 0;
	return ((uint64_t)match_bucket(m->length) << 8 | source[m->at]) * HASH;
}

static void match_find(struct context *c)
{
	uint64_t hash6 = c->hash[CTX_O6];
	uint64_t hash12 = (hash6 + (c->c8 >> 48) + ((c->c16 & 0xffffffff) << 16)) * HASH;

	c->at6 = &c->positions6[hash6 >> (64 - c->match_log2)];
	c->at12 = &c->positions12[hash12 >> (64 - c->match_log2)];
	__builtin_prefetch(c->at6);
	__builtin_prefetch(c->at12);
}

static void match_update(struct context *c, uint8_t byte)
{
	match_advance(&c->match, c->buf, c->pos, byte);
	match_advance(&c->second, c->buf, c->pos, byte);
	if (c->match.length < LOOK_AGAIN && *c->at6)
		match_try(&c->match, c->buf, *c->at6, c->buf, c->pos, 6);
	if (c->second.length < LOOK_AGAIN && *c->at12)
		match_try(&c->second, c->buf, *c->at12, c->buf, c->pos, 12);
	*c->at6 = c->pos;
	*c->at12 = c->pos;
	c->hash[CTX_MATCH6] = hash_match(&c->match, c->buf);
	c->hash[CTX_MATCH12] = hash_match(&c->second, c->buf);
	c->predicted.match.length = c->match.length;
	c->predicted.match.byte = c->match.length ? c->buf[c->match.at] : 0;
}

static void dict_update(struct context *c, uint8_t byte)
{
	const struct model *m = c->m;

	match_advance(&c->dict, m->dict, m->shape.dict_len, byte);
	if (c->dict_at) {
		uint32_t at = c->dict_at + 2; /* it was found for the position two bytes ago */

		if (c->dict.length < LOOK_AGAIN && at < m->shape.dict_len)
			match_try(&c->dict, m->dict, at, c->buf, c->pos, DICT_MATCH_MIN + 2);
		c->dict_at = 0;
	}
	if (c->dict.length < LOOK_AGAIN) {
		c->dict_at = m->dict_index[c->dict_slot];
		__builtin_prefetch(m->dict + c->dict_at);
	}
	c->dict_slot = dict_slot(c->c8, m->dict_index_log2);
	__builtin_prefetch(&m->dict_index[c->dict_slot]);
	c->hash[CTX_DICT] = hash_match(&c->dict, m->dict);
	c->predicted.dict.length = c->dict.length;
	c->predicted.dict.byte = c->dict.length ? m->dict[c->dict.at] : 0;
}

static void histories_find(struct context *c)
{
	static const uint8_t source[CONTEXT_HISTORIES] = {CTX_O1, CTX_O2, CTX_O3, CTX_O4, CTX_O6, CTX_WORD};

	for (unsigned i = 0; i < CONTEXT_HISTORIES; i++)
		history_find(&c->history[i], c->hash[source[i]], c->history_log2);
}

static void histories_read(struct context *c)
{
	for (unsigned i = 0; i < CONTEXT_HISTORIES; i++) {
		c->predicted.history[i] = history_read(&c->history[i]);
		c->hash[CTX_HIST1 + i] = c->predicted.history[i] * HASH;
	}
}

/* Rows of the contexts k in from..to-1, prefetched. */
static void rows_find(struct context *c, uint32_t from, uint32_t to)
{
	const struct model_shape *s = &c->m->shape;

	for (uint32_t k = from; k < to; k++) {
		const int8_t *row;

		c->rows[k] = (uint32_t)(c->hash[s->context_ids[k]] >> (64 - s->rows_log2[k]));
		row = c->m->embed[k] + (size_t)c->rows[k] * s->hidden;
		for (uint32_t j = 0; j < s->hidden; j += 64)
			__builtin_prefetch(row + j);
	}
}

static void position_enter(struct context *c, uint8_t byte)
{
	hash_bytes(c);
	if (c->record.stride)
		record_hash(&c->record, c->buf, c->pos, c->c8, c->hash);
	else if (c->code)
		instruction_hash(&c->instruction, c->hash);
	histories_find(c);
	match_find(c);
	rows_find(c, 0, c->first_late);
	histories_read(c);
	if (c->pos)
		match_update(c, byte);
	if (c->pos && c->m->shape.dict_len)
		dict_update(c, byte);
	rows_find(c, c->first_late, c->m->shape.contexts);
}

/* About as many slots as the chunk has bytes, a power of two. */
static unsigned slots_log2(size_t n, unsigned max)
{
	unsigned log2 = SLOTS_LOG2_MIN;

	while (log2 < max && (size_t)1 << log2 < n)
		log2++;
	return log2;
}

void context_begin(struct context *c, const struct model *m, const struct form *form, const uint8_t *buf, size_t n)
{
	memset(c, 0, offsetof(struct context, positions6));
	c->match_log2 = slots_log2(n, MATCH_SLOTS_LOG2);
	c->history_log2 = slots_log2(n, HISTORY_SLOTS_LOG2);
	memset(c->positions6, 0, sizeof *c->positions6 << c->match_log2);
	memset(c->positions12, 0, sizeof *c->positions12 << c->match_log2);
	for (unsigned i = 0; i < CONTEXT_HISTORIES; i++)
		memset(c->history[i].slots, 0, sizeof *c->history[i].slots << c->history_log2);
	c->m = m;
	c->buf = buf;
	c->class = form->class % CLASS_COUNT;
	while (c->first_late < m->shape.contexts && m->shape.context_ids[c->first_late] < CTX_MATCH6)
		c->first_late++;
	c->record.stride = form->stride;
	c->code = form->filter == FILTER_X86;
	position_enter(c, 0);
}

void context_rows(struct context *c, uint32_t rows[MODEL_CONTEXTS_MAX])
{
	memcpy(rows, c->rows, sizeof c->rows);
}

const uint32_t *context_rows_get(const struct context *c)
{
	return c->rows;
}

const uint64_t *context_hashes(const struct context *c)
{
	return c->hash;
}

uint64_t context_last(const struct context *c)
{
	return c->c8;
}

void context_update(struct context *c, uint8_t byte)
{
	for (unsigned i = 0; i < CONTEXT_HISTORIES; i++)
		history_note(&c->history[i], byte);
	c->pos++;
	c->c16 = c->c16 << 8 | c->c8 >> 56;
	c->c8 = c->c8 << 8 | byte;
	word_update(c, byte);
	layout_update(&c->layout, byte, c->pos);
	if (c->record.stride)
		record_update(&c->record, c->buf, c->pos, byte);
	else if (c->code)
		instruction_update(&c->instruction, byte);
	position_enter(c, byte);
}

const struct context_predictions *context_predictions(const struct context *c)
{
	return &c->predicted;
}
