/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty data of one file: layers of written bytes by chunk. No lock is taken here.
 */
#include "fs/data/dirty.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/volume/pool.h"

#define LAYER_CAP_MIN 4096u

static uint32_t chunk_size(struct dirty_file *df)
{
	return df->vol->super.chunk_size;
}

static void bytes_free(struct dirty_file *df, struct layer *l)
{
	if (l->cap == chunk_size(df))
		pool_put(df->vol->pool, l->bytes);
	else
		free(l->bytes);
}

static void cost_add(struct dirty_cost *cost, const struct layer *l)
{
	cost->memory += l->cap;
	cost->disk += l->reserved;
}

static void layer_drop(struct dirty_file *df, struct layer *l, struct dirty_cost *cost)
{
	cost_add(cost, l);
	bytes_free(df, l);
	*l = (struct layer){ 0 };
}

int dirty_file_create(struct inode *inode, struct dirty_file **out)
{
	struct dirty_file *df = calloc(1, sizeof *df);

	*out = df;
	if (!df)
		return -ENOMEM;
	df->inode = inode;
	df->vol = inode->vol;
	df->epoch = 1;
	pthread_cond_init(&df->changed, NULL);
	return 0;
}

void dirty_file_destroy(struct dirty_file *df)
{
	struct dirty_cost cost = { 0 };

	for (size_t i = 0; i < df->n; i++) {
		layer_drop(df, &df->chunks[i]->cur, &cost);
		layer_drop(df, &df->chunks[i]->pin, &cost);
		free(df->chunks[i]);
	}
	free(df->chunks);
	pthread_cond_destroy(&df->changed);
	free(df);
}

/* Index of the first chunk with a number >= no. */
static size_t position(struct dirty_file *df, uint32_t no)
{
	size_t lo = 0, hi = df->n;

	if (hi > 0 && df->chunks[hi - 1]->no < no)
		return hi;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (df->chunks[mid]->no < no)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct dirty_chunk *dirty_next(struct dirty_file *df, uint32_t no)
{
	size_t i = position(df, no);

	return i < df->n ? df->chunks[i] : NULL;
}

struct dirty_chunk *dirty_find(struct dirty_file *df, uint32_t no)
{
	struct dirty_chunk *c = dirty_next(df, no);

	return c && c->no == no ? c : NULL;
}

static struct dirty_chunk *chunk_add(struct dirty_file *df, uint32_t no)
{
	size_t i = position(df, no);
	struct dirty_chunk *c;

	if (df->n == df->cap) {
		size_t cap = df->cap ? df->cap * 2 : 4;
		struct dirty_chunk **grown = realloc(df->chunks, cap * sizeof *grown);

		if (!grown)
			return NULL;
		df->chunks = grown;
		df->cap = cap;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->no = no;
	memmove(df->chunks + i + 1, df->chunks + i, (df->n - i) * sizeof *df->chunks);
	df->chunks[i] = c;
	df->n++;
	return c;
}

static void chunk_remove(struct dirty_file *df, struct dirty_chunk *c)
{
	size_t i = position(df, c->no);

	memmove(df->chunks + i, df->chunks + i + 1, (df->n - i - 1) * sizeof *df->chunks);
	df->n--;
	free(c);
}

static void layer_reserve(struct layer *l, struct dirty_cost *cost)
{
	uint32_t end = l->base + l->cap;
	uint64_t need = (end > l->below ? end : l->below) + CHUNK_OVERHEAD;

	if (need > l->reserved) {
		cost->disk += need - l->reserved;
		l->reserved = need;
	}
}

/* Where room for [lo, hi) and what is covered begins, a multiple of the least room; *cap: how much, doubled from before. */
static uint32_t layer_room(const struct layer *l, uint32_t lo, uint32_t hi, uint32_t full, uint32_t *cap)
{
	uint32_t base;

	if (l->lo < l->hi) {
		lo = l->lo < lo ? l->lo : lo;
		hi = l->hi > hi ? l->hi : hi;
	}
	base = lo & ~(LAYER_CAP_MIN - 1);
	*cap = l->cap ? l->cap : LAYER_CAP_MIN;
	while (*cap < hi - base)
		*cap *= 2;
	if (*cap > full)
		*cap = full;
	return base < full - *cap ? base : full - *cap;
}

static int layer_grow(struct dirty_file *df, struct layer *l, uint32_t lo, uint32_t hi, struct dirty_cost *cost)
{
	uint32_t full = chunk_size(df), base, cap;
	uint8_t *bytes;

	if (lo == hi || (lo >= l->base && hi <= l->base + l->cap))
		return 0;
	base = layer_room(l, lo, hi, full, &cap);
	bytes = cap == full ? pool_get(df->vol->pool) : malloc(cap);
	if (!bytes)
		return -ENOMEM;
	if (l->hi > l->lo)
		memcpy(bytes + (l->lo - base), layer_at(l, l->lo), l->hi - l->lo);
	cost->memory += cap - l->cap;
	bytes_free(df, l);
	l->bytes = bytes;
	l->base = base;
	l->cap = cap;
	return 0;
}

int dirty_prepare(struct dirty_file *df, uint32_t no, uint32_t lo, uint32_t hi, uint64_t size, struct layer **layer,
		  struct dirty_cost *cost)
{
	struct dirty_chunk *c = dirty_find(df, no);
	uint64_t start = (uint64_t)no * chunk_size(df);
	int r;

	if (!c)
		c = chunk_add(df, no);
	if (!c)
		return -ENOMEM;
	if (!c->cur.used) {
		uint64_t below = size > start ? size - start : 0;

		c->cur = (struct layer){ .used = true, .epoch = df->epoch };
		c->cur.below = below < chunk_size(df) ? (uint32_t)below : chunk_size(df);
	}
	r = layer_grow(df, &c->cur, lo, hi, cost);
	layer_reserve(&c->cur, cost);
	*layer = &c->cur;
	return r;
}

void dirty_write_begin(struct dirty_file *df, uint32_t first, uint32_t last)
{
	df->writing = true;
	df->write_first = first;
	df->write_last = last;
}

void dirty_write_end(struct dirty_file *df)
{
	df->writing = false;
}

static unsigned layer_read(struct dirty_chunk *c, int depth, uint32_t off, uint32_t len, uint8_t *buf,
			   bool under_cur, struct gap *gaps, unsigned n);

/* [off, off + len) lies below layer l: what l cuts off is zero, the rest is the next layer's business. */
static unsigned below_read(struct dirty_chunk *c, int depth, const struct layer *l, uint32_t off,
			   uint32_t len, uint8_t *buf, bool under_cur, struct gap *gaps, unsigned n)
{
	uint32_t known = off < l->below ? l->below - off : 0;

	if (known > len)
		known = len;
	memset(buf + known, 0, len - known);
	return known ? layer_read(c, depth + 1, off, known, buf, under_cur, gaps, n) : n;
}

/*
 * Depth 0: the upper layer, 1: the pinned one, 2: the store. At most three gaps: each layer covers one
 * interval.
 */
static unsigned layer_read(struct dirty_chunk *c, int depth, uint32_t off, uint32_t len, uint8_t *buf,
			   bool under_cur, struct gap *gaps, unsigned n)
{
	const struct layer *l = depth == 0 ? &c->cur : &c->pin;
	uint32_t lo, hi, end = off + len;

	if (depth == 2) {
		gaps[n] = (struct gap){ off, len };
		return n + 1;
	}
	if (!l->used || (depth == 1 && c->cancelled))
		return layer_read(c, depth + 1, off, len, buf, under_cur, gaps, n);
	lo = l->lo > off ? l->lo : off;
	hi = l->hi < end ? l->hi : end;
	if (lo >= hi || (depth == 0 && under_cur))
		return below_read(c, depth, l, off, len, buf, under_cur, gaps, n);
	if (lo > off)
		n = below_read(c, depth, l, off, lo - off, buf, under_cur, gaps, n);
	memcpy(buf + (lo - off), layer_at(l, lo), hi - lo);
	if (hi < end)
		n = below_read(c, depth, l, hi, end - hi, buf + (hi - off), under_cur, gaps, n);
	return n;
}

unsigned dirty_read(struct dirty_file *df, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf,
		    bool under_cur, struct gap gaps[GAPS_MAX])
{
	struct dirty_chunk *c = df ? dirty_find(df, no) : NULL;

	if (c)
		return layer_read(c, 0, off, len, buf, under_cur, gaps, 0);
	gaps[0] = (struct gap){ off, len };
	return 1;
}

static void layer_cut(struct layer *l, uint32_t tail)
{
	if (l->below > tail)
		l->below = tail;
	if (l->hi > tail)
		l->hi = tail;
	if (l->lo > l->hi)
		l->lo = l->hi;
}

void dirty_drop(struct dirty_file *df, uint32_t first, uint32_t last, struct dirty_cost *cost)
{
	size_t end = position(df, first);

	for (size_t i = last == UINT32_MAX ? df->n : position(df, last + 1); i-- > end;) {
		struct dirty_chunk *c = df->chunks[i];

		layer_drop(df, &c->cur, cost);
		if (c->state == CHUNK_ENCODING || c->state == CHUNK_ENCODED) {
			c->cancelled = true;
			continue;
		}
		layer_drop(df, &c->pin, cost);
		chunk_remove(df, c);
	}
}

void dirty_truncate(struct dirty_file *df, uint64_t size, struct dirty_cost *cost)
{
	uint64_t first = (size + chunk_size(df) - 1) / chunk_size(df);
	uint32_t tail = (uint32_t)(size % chunk_size(df));
	struct dirty_chunk *c;

	if (tail) {
		c = dirty_find(df, (uint32_t)(first - 1));
		if (c && c->cur.used)
			layer_cut(&c->cur, tail);
	}
	if (first <= UINT32_MAX)
		dirty_drop(df, (uint32_t)first, UINT32_MAX, cost);
}

static bool claimable(struct dirty_file *df, struct dirty_chunk *c, bool pressure)
{
	const struct layer *l = c->pin.used ? &c->pin : &c->cur;

	return c->state == CHUNK_IDLE && l->used && (pressure || l->epoch <= df->want);
}

/* In flight, and written to since: its newer bytes are to go before those of the chunks behind it. */
static bool goes_again(struct dirty_file *df, struct dirty_chunk *c, bool pressure)
{
	return (c->state == CHUNK_ENCODING || c->state == CHUNK_ENCODED) && c->cur.used &&
	       (pressure || c->cur.epoch <= df->want);
}

struct dirty_chunk *dirty_claim(struct dirty_file *df, bool pressure)
{
	for (int pass = 0; pass <= (int)pressure; pass++) {
		for (size_t i = 0; i < df->n; i++) {
			struct dirty_chunk *c = df->chunks[i];

			/* Chunks reach the index in ascending order: those behind a write wait for it. */
			if (df->writing && c->no >= df->write_first && c->no <= df->write_last)
				break;
			if (goes_again(df, c, pass > 0))
				break;
			if (!claimable(df, c, pass > 0))
				continue;
			if (!c->pin.used) {
				c->pin = c->cur;
				c->cur = (struct layer){ 0 };
			}
			c->state = CHUNK_ENCODING;
			c->next_flight = NULL;
			if (df->flight_last)
				df->flight_last->next_flight = c;
			else
				df->flight_first = c;
			df->flight_last = c;
			return c;
		}
	}
	return NULL;
}

size_t dirty_landed(struct dirty_file *df, struct dirty_chunk **list, size_t max)
{
	size_t n = 0;

	while (n < max && df->flight_first && df->flight_first->state == CHUNK_ENCODED) {
		list[n++] = df->flight_first;
		df->flight_first = df->flight_first->next_flight;
		if (!df->flight_first)
			df->flight_last = NULL;
	}
	return n;
}

void dirty_unpin(struct dirty_file *df, struct dirty_chunk *c, struct dirty_cost *cost)
{
	layer_drop(df, &c->pin, cost);
	c->state = CHUNK_IDLE;
	c->cancelled = false;
	if (!c->cur.used)
		chunk_remove(df, c);
}

void dirty_fail(struct dirty_file *df, struct dirty_chunk *c, struct dirty_cost *cost)
{
	c->state = CHUNK_FAILED;
	if (!c->cur.used) {
		c->cur = c->pin;
		c->pin = (struct layer){ 0 };
	} else if (c->cur.lo == 0 && c->cur.hi >= c->cur.below) {
		layer_drop(df, &c->pin, cost);
	}
}

struct dirty_cost dirty_cost(const struct dirty_file *df)
{
	struct dirty_cost cost = { 0 };

	for (size_t i = 0; i < df->n; i++) {
		cost_add(&cost, &df->chunks[i]->cur);
		cost_add(&cost, &df->chunks[i]->pin);
	}
	return cost;
}

uint64_t dirty_bytes(const struct dirty_file *df)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < df->n; i++) {
		uint32_t cur = df->chunks[i]->cur.hi - df->chunks[i]->cur.lo;
		uint32_t pin = df->chunks[i]->cancelled ? 0 : df->chunks[i]->pin.hi - df->chunks[i]->pin.lo;

		bytes += cur > pin ? cur : pin;
	}
	return bytes;
}

void dirty_retry(struct dirty_file *df)
{
	for (size_t i = 0; i < df->n; i++) {
		if (df->chunks[i]->state == CHUNK_FAILED)
			df->chunks[i]->state = CHUNK_IDLE;
	}
}

bool dirty_pending(struct dirty_file *df, uint64_t target)
{
	for (size_t i = 0; i < df->n; i++) {
		const struct dirty_chunk *c = df->chunks[i];

		if (c->state == CHUNK_FAILED)
			continue;
		if ((c->cur.used && c->cur.epoch <= target) || (c->pin.used && c->pin.epoch <= target))
			return true;
	}
	return false;
}

bool dirty_failed(struct dirty_file *df)
{
	for (size_t i = 0; i < df->n; i++) {
		if (df->chunks[i]->state == CHUNK_FAILED)
			return true;
	}
	return false;
}

bool dirty_beyond(struct dirty_file *df, struct dirty_chunk *const *list, size_t n)
{
	size_t going = 0;

	for (size_t i = 0; i < n; i++)
		going += !list[i]->cur.used && (list[i]->error == 0 || list[i]->cancelled);
	return df->n > going;
}
