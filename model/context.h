/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts: what the network is shown before each byte of a chunk. Shared by training and both directions of the codec.
 *
 * A context turns the bytes of the chunk before a position (and in-chunk history: small tables of what followed earlier, and
 * matches into the chunk and into the model's dictionary) into a row number of its embedding table. All integer, all
 * deterministic; state belongs to one chunk and one thread. Use:
 *
 *     context_begin(c, m, &form, buf, n);
 *     for (i = 0; i < n; i++) {
 *             context_rows(c, rows);        rows[k] for k < m->shape.contexts
 *             ... code or learn byte i; buf[i] is now set ...
 *             context_update(c, buf[i]);
 *     }
 *
 * buf is the chunk in its form (decoder: being filled), must stay valid and is read only below the current position.
 */
#ifndef FIRN_MODEL_CONTEXT_H
#define FIRN_MODEL_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "model/form.h"
#include "model/model.h"

/*
 * Stable numbers: part of the format. Never renumber; new ones at the end. In chunks of records (model/record.h) and of x86 code
 * (model/instruction.h) some mean something else.
 */
enum context_id {
	CTX_O1, CTX_O2, CTX_O3, CTX_O4, CTX_O5, CTX_O6, /* the last 1..6 bytes                                   */
	CTX_WORD,        /* letters of the current word                                                          */
	CTX_WORD2,       /* and the word before                                                                  */
	CTX_ABOVE,       /* the byte above in the line before, its right neighbour, c1                           */
	CTX_FIELD,       /* field number x column x byte above (separators: tab , | : ; < ")                     */
	CTX_SKIP23,      /* c2 c3                                                                                */
	CTX_SKIP48,      /* c4 c8, position mod 4                                                                */
	CTX_MATCH6,      /* byte predicted by the longest match (min 6) x length bucket                          */
	CTX_MATCH12,     /* a second match (min 12), likewise                                                    */
	CTX_HIST1, CTX_HIST2, CTX_HIST3, CTX_HIST4, CTX_HIST6, /* last two bytes seen after this order-n context  */
	CTX_HISTW,       /* likewise after this word                                                             */
	CTX_DICT,        /* byte predicted by a match into the dictionary x length bucket                        */
	CTX_CLASS,       /* class of the chunk x c1                                                              */
	CTX_IDS
};

struct context; /* opaque; large: allocate once per worker */

int context_create(struct context **out);
void context_destroy(struct context *c);

/* Forgets the chunk before and starts one of n bytes; cheap: the tables that are cleared are as small as the chunk allows, a few hundred KiB at most. */
void context_begin(struct context *c, const struct model *m, const struct form *form, const uint8_t *buf, size_t n);

void context_rows(struct context *c, uint32_t rows[MODEL_CONTEXTS_MAX]);

/* The same without a copy: valid until context_update. */
const uint32_t *context_rows_get(const struct context *c);

/* Hashes of all contexts of the current position by enum context_id, mixed in their high bits, whether the model has them or not: valid until context_update. */
const uint64_t *context_hashes(const struct context *c);

/* The last eight bytes, newest lowest. */
uint64_t context_last(const struct context *c);
void context_update(struct context *c, uint8_t byte);

/* The bytes predicted for the current position by the matches, valid after context_rows; length 0: no prediction. */
struct context_match {
	uint8_t byte;
	uint32_t length;
};
#define CONTEXT_HISTORIES 6
struct context_predictions {
	struct context_match match;   /* longest match in the chunk */
	struct context_match dict;    /* match in the dictionary    */
	/* What followed orders 1, 2, 3, 4, 6 and this word before: bits as in model/history.h; 0: nothing known. */
	uint32_t history[CONTEXT_HISTORIES];
};
const struct context_predictions *context_predictions(const struct context *c);

#endif
