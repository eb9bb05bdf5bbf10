/* SPDX-License-Identifier: BSD-2-Clause */
/* Recompaction with the segments that it empties, and models that come, are used and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "fs/tiers/compact.h"
#include "fs/tiers/models.h"
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
static size_t dictionary(uint8_t *dict, size_t cap, uint64_t seed)
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
		size_t len = dictionary(dict, sizeof dict, log * 1000 + i * 100);

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

/* Every model that is listed can be loaded, and the active one is the last that was acknowledged, or a later one. */
bool model_oracle(struct volume *vol, uint64_t acked, char problem[256])
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
	if (good && acked > 0 && acked != 2 && models_active(vol, MODEL_ZDICT) < acked) {
		snprintf(problem, 256, "model %u is active, %u was acknowledged", models_active(vol, MODEL_ZDICT),
			 (unsigned)acked);
		good = false;
	}
	if (n > 0)
		free(list);
	return good;
}
