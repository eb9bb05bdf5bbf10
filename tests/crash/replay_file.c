/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of a replayed store. */
#include "tests/crash/replay_file.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 512u

/* At least len bytes long; what is new is zero. */
static void bytes_extend(struct bytes *b, size_t len)
{
	if (len > b->cap) {
		b->cap = len + len / 2 + 4096;
		b->at = realloc(b->at, b->cap);
		if (!b->at)
			abort();
	}
	if (len > b->len) {
		memset(b->at + b->len, 0, len - b->len);
		b->len = len;
	}
}

static void bytes_put(struct bytes *b, uint64_t offset, const void *from, size_t len)
{
	if (len == 0)
		return;
	bytes_extend(b, offset + len);
	memcpy(b->at + offset, from, len);
}

static void apply(struct bytes *b, const struct log_entry *e)
{
	switch (e->type) {
	case LOG_WRITE:
	case LOG_DSYNC:
		bytes_put(b, e->offset, e + 1, e->bytes);
		break;
	case LOG_TRUNCATE:
		bytes_extend(b, e->offset);
		b->len = e->offset;
		break;
	case LOG_PUNCH:
		if (e->offset < b->len)
			memset(b->at + e->offset, 0, e->value < b->len - e->offset ? e->value : b->len - e->offset);
		break;
	default:
		abort();
	}
}

void replay_file_fini(struct replay_file *f)
{
	free(f->durable.at);
	free(f->image.at);
	free(f->list);
	memset(f, 0, sizeof *f);
}

void replay_file_load(struct replay_file *f, const struct log_entry *e)
{
	bytes_put(&f->durable, 0, e + 1, e->bytes);
}

void replay_file_change(struct replay_file *f, const struct log_entry *e)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		f->list = realloc(f->list, f->cap * sizeof *f->list);
		if (!f->list)
			abort();
	}
	f->list[f->n++] = e;
}

void replay_file_sync(struct replay_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		apply(&f->durable, f->list[i]);
	f->n = 0;
}

void replay_file_write_through(struct replay_file *f, const struct log_entry *e)
{
	apply(&f->durable, e);
	f->n -= f->n > 0 && f->list[f->n - 1] == e;
}

/* A write of which each sector arrived or not; a file that it makes longer may have become so without the bytes. */
static void apply_torn(struct bytes *b, const struct log_entry *e, bool garbage, size_t durable_len, uint64_t *random)
{
	const uint8_t *from = (const uint8_t *)(e + 1);
	uint64_t at = e->offset, end = e->offset + e->bytes;

	if (replay_random(random) % 2)
		bytes_extend(b, end);
	while (at < end) {
		uint64_t stop = (at / SECTOR + 1) * SECTOR;
		uint64_t dice = replay_random(random) % 4;

		stop = stop < end ? stop : end;
		if (dice < 2) {
			bytes_put(b, at, from + (at - e->offset), stop - at);
		} else if (dice == 2 && garbage && at >= durable_len) {
			bytes_extend(b, stop);
			for (uint64_t i = at; i < stop; i++)
				b->at[i] = (uint8_t)replay_random(random);
		}
		at = stop;
	}
}

static bool keeps(enum replay_variant variant, size_t i, size_t n, size_t spared, uint64_t *random)
{
	switch (variant) {
	case REPLAY_KEEP:
	case REPLAY_DATA:
		return true;
	case REPLAY_DROP:
	case REPLAY_NAMES:
		return false;
	case REPLAY_LAST:
		return i + 1 == n;
	case REPLAY_BUT_ONE:
		return i != spared;
	default:
		return replay_random(random) % 2;
	}
}

void replay_file_choose(struct replay_file *f, enum replay_variant variant, uint64_t *random)
{
	size_t spared = f->n ? replay_random(random) % f->n : 0;

	f->image.len = 0;
	bytes_put(&f->image, 0, f->durable.at, f->durable.len);
	for (size_t i = 0; i < f->n; i++) {
		const struct log_entry *e = f->list[i];
		bool torn = variant == REPLAY_TORN || variant == REPLAY_GARBAGE;

		if (torn && (e->type == LOG_WRITE || e->type == LOG_DSYNC))
			apply_torn(&f->image, e, variant == REPLAY_GARBAGE && e->type == LOG_WRITE, f->durable.len,
				   random);
		else if (keeps(variant, i, f->n, spared, random))
			apply(&f->image, e);
	}
}
