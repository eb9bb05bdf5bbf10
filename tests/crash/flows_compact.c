/* SPDX-License-Identifier: BSD-2-Clause */
/* Recompaction with the segments that it empties, an index written anew, and models that come, are used and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/extent/models.h"
#include "fs/tiers/compact.h"
#include "fs/tiers/models_upload.h"
#include "tests/codec/bytes.h"
#include "tests/crash/fault.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"

#define FILES 24u

static bool faulty; /* one sync fails in this log */

static void text_write(struct work *w, unsigned i, uint64_t seed)
{
	char name[16];

	snprintf(name, sizeof name, "t%u", i);
	(void)work_write_text(w, name, 3000 + i * 700, seed);
}

static void fill(struct work *w, uint64_t log)
{
	char name[16];

	w->random = log;
	for (unsigned i = 0; i < FILES; i++)
		text_write(w, i, log + i);
	(void)work_commit(w);
	for (unsigned i = 0; i < FILES; i += 3) {
		snprintf(name, sizeof name, "t%u", i);
		(void)work_unlink(w, name);
	}
	for (unsigned i = 0; i < FILES; i += 4)
		(void)work_write(w, "noise", i * 5000, 5000);
}

bool compact_prepare(struct work *w, uint64_t log)
{
	work_create(w);
	work_open(w);
	fill(w, log);
	return work_close(w) == 0;
}

static void compact(struct work *w, enum compact_tier tier)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = tier;
	opt.now = true;
	opt.threads = 1;
	work_maybe(w);
	if (compact_run(w->vol, &opt, &result) == 0)
		work_durable(w);
	else if (!faulty)
		abort();
}

void compact_flow_run(struct work *w, uint64_t log)
{
	struct fault_plan plan = { .calls = 1u << FAULT_SYNC, .nth = 1 + log / 2 % 40, .error = EIO };

	work_open(w);
	work_durable(w);
	faulty = log % 2;
	if (faulty)
		fault_start(&plan);
	compact(w, TIER_WARM);
	(void)work_unlink(w, "t1");
	(void)work_write(w, "t2", 100 * log, 3000);
	(void)work_commit(w);
	compact(w, TIER_COLD);
	(void)work_write(w, "t5", 0, 2000);
	(void)work_fsync(w, "t5");
	if (faulty)
		fault_stop(NULL);
	faulty = false;
	if (work_close(w))
		abort();
}

/* A dictionary of text like that of the files. */
size_t model_dictionary(uint8_t *dict, size_t cap, uint64_t seed)
{
	enum { N = 60, LEN = 1000 };
	uint8_t *samples = malloc(N * LEN);
	size_t sizes[N], len;

	if (!samples)
		abort();
	for (size_t i = 0; i < N; i++) {
		bytes_text(samples + i * LEN, LEN, seed + i);
		sizes[i] = LEN;
	}
	if (codec_train_zdict(samples, sizes, N, dict, cap, &len))
		abort();
	free(samples);
	return len;
}

void model_run(struct work *w, uint64_t log)
{
	static uint8_t dict[4096];
	uint16_t number;

	work_open(w);
	work_durable(w);
	for (unsigned i = 1; i <= 3; i++) {
		size_t len = model_dictionary(dict, sizeof dict, log * 1000 + i * 100);

		if (models_add(w->vol, MODEL_ZDICT, i != 2, dict, len, &number) || work_commit(w))
			abort();
		record_mark(LOG_ACK, number);
		compact(w, TIER_WARM);
		if (models_reap(w->vol, false) < 0 || work_commit(w))
			abort();
		text_write(w, 1 + i, log + 77 * i);
	}
	if (work_close(w))
		abort();
}

/* A model comes in pieces, as a training outside the daemon sends it; here and there the sender begins anew, or something is written between two. */
static uint64_t upload(struct work *w, const uint8_t *bytes, size_t len)
{
	struct models_piece *piece = calloc(1, sizeof *piece);
	uint64_t number, stop = replay_random(&w->random) % 3 == 0 ? len / 2 : len;

	if (!piece)
		abort();
	piece->kind = MODEL_ZDICT;
	piece->total = (uint32_t)len;
	for (size_t at = 0; at < len; at += piece->len) {
		if (at >= stop) /* begins anew, once */
			stop = len, at = 0;
		piece->offset = (uint32_t)at;
		piece->len = (uint32_t)(len - at < MODELS_PIECE_MAX ? len - at : MODELS_PIECE_MAX);
		memcpy(piece->bytes, bytes + at, piece->len);
		(void)work_write(w, "meanwhile", at, 700);
		work_maybe(w); /* the last piece commits */
		if (models_upload(w->vol, piece))
			abort();
	}
	work_durable(w);
	number = piece->number;
	free(piece);
	return number;
}

void upload_run(struct work *w, uint64_t log)
{
	static uint8_t dict[60000];

	w->random = log;
	work_open(w);
	work_durable(w);
	for (unsigned i = 1; i <= 3; i++) {
		size_t len = model_dictionary(dict, sizeof dict, log * 1000 + i * 100);
		uint64_t number = upload(w, dict, len);

		if (number == 0)
			abort();
		record_mark(LOG_ACK, number);
		if (i % 2 == log % 2)
			compact(w, TIER_WARM);
	}
	if (work_close(w))
		abort();
}

/* Every model that is listed can be loaded, and the active one is `least` or a later one. */
static bool models_good(struct volume *vol, uint64_t least, char problem[256])
{
	struct model_info *list;
	size_t n;
	bool good = models_list(vol, &list, &n) == 0;

	for (size_t i = 0; good && i < n; i++) {
		struct codec_model *model = NULL;

		good = models_get(vol, list[i].number, &model) == 0 && model;
		codec_model_put(model);
		if (!good)
			snprintf(problem, 256, "model %u cannot be loaded", list[i].number);
	}
	if (good && models_active(vol, MODEL_ZDICT) < least) {
		snprintf(problem, 256, "model %u is active, %u was acknowledged", models_active(vol, MODEL_ZDICT),
			 (unsigned)least);
		good = false;
	}
	if (n > 0)
		free(list);
	return good;
}

/* The second one was added as a candidate. */
bool model_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	return models_good(vol, acked == 2 ? 0 : acked, problem);
}

bool upload_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	return models_good(vol, acked, problem);
}

/* The index is written anew while names and files come and go around it, a lone write error among them. */
void index_run(struct work *w, uint64_t log)
{
	struct fault_plan plan = { .calls = 1u << FAULT_SYNC | 1u << FAULT_WRITE, .nth = 1 + log / 2 % 12, .error = EIO };
	char name[16];

	w->random = log;
	work_open(w);
	work_durable(w);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 30; i++) {
			snprintf(name, sizeof name, "n%u-%u", round, i);
			(void)work_make(w, name, S_IFREG | 0644);
		}
		for (unsigned i = 0; i < 20; i++) {
			snprintf(name, sizeof name, "n%u-%u", round ? round - 1 : 0, i);
			(void)work_unlink(w, name);
		}
		(void)work_write(w, "t2", 100 * round, 3000);
		for (int i = 0; i < 3; i++) /* commits may leave changes of their own */
			if (work_commit(w))
				abort();
		if (log % 2)
			fault_start(&plan);
		if (index_repack(w->vol->index, w->vol->dirfd) && log % 2 == 0)
			abort();
		if (log % 2)
			fault_stop(NULL);
		(void)work_write(w, "t5", 0, 2000);
		(void)work_fsync(w, "t5");
	}
	if (work_close(w))
		abort();
}
