/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of extents that recompaction has in memory: read, and divided into units, each of which becomes one record.
 */
#ifndef FIRN_FS_COMPACT_WINDOW_H
#define FIRN_FS_COMPACT_WINDOW_H

#include "fs/extent/extent.h"
#include "fs/tiers/compact_encode.h"
#include "fs/tiers/compact_plan.h"
#include "index/group.h"

enum item_state {
	ITEM_UNREAD,
	ITEM_READ,
	ITEM_GONE,    /* freed or moved since the plan was made */
	ITEM_DAMAGED, /* cannot be read */
};

struct window_item {
	const struct plan_item *plan;
	struct extent old;
	uint8_t *bytes; /* plain bytes, when read */
	enum item_state state;
};

/* One extent, or several that shall be members of one group. */
struct unit {
	size_t first, n; /* in window.order */
	uint32_t plain;  /* sum */
	enum encode_verdict verdict;
	struct record record;   /* when smaller; its frame, of a group with the table: */
	uint8_t *stored;
	size_t len;
	struct segment_pos to;
};

/* A window ends with the extent that makes it, or those in it that are not small, as long as this; so does what is settled at once. */
#define WINDOW_BYTES (8u << 20)

/* With small extents, where memory allows: the more of them are seen together, the better is the company that each finds. */
#define WINDOW_BYTES_SMALL (64u << 20)

struct window_limits {
	uint32_t group_bytes; /* small extents join groups of so many bytes */
	uint32_t bytes;       /* WINDOW_BYTES or WINDOW_BYTES_SMALL         */
};

struct window {
	struct window_item *items;
	size_t n;
	size_t *order;   /* items as units have them; those not read are in none */
	struct unit *units;
	size_t n_units;
};

/* Makes room for as many of the plan's first items as fit into a window; -ENOMEM. window_fini also on error. */
int window_init(struct window *w, const struct plan_item *items, size_t n, const struct window_limits *limits);
void window_fini(struct window *w);

/* Reads item i; what concerns it alone is its state. -ENOMEM or other reasons to stop. Any thread. */
int window_read(struct volume *vol, struct window *w, size_t i, struct codec_ctx *ctx);

/* Divides what was read into units: small extents that are alike together, up to group_bytes of them; the rest alone. -ENOMEM. */
int window_divide(struct window *w, uint32_t group_bytes);

/* Where the units end that are encoded and settled together with unit `first`. */
size_t window_batch(const struct window *w, size_t first);

/* What the unit's extents take now, headers included: that much goes if they all leave. */
uint64_t unit_cost(const struct window *w, const struct unit *u);

/* Encodes the unit: verdict, and if smaller than what it costs now, record and stored bytes. -ENOMEM or other reasons to stop. */
int unit_encode(struct volume *vol, const struct window *w, struct unit *u, struct encode_worker *worker,
		const struct encode_policy *policy);

#endif
