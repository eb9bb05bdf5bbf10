/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What firn estimate says: a table for people, an object for programs.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/estimate.h"
#include "tools/json.h"
#include "tools/progress.h"

static const struct {
	const char *name, *key;
} tiers[ESTIMATE_TIERS] = {
	[ESTIMATE_HOT] = {"as written (LZ4)", "hot"},
	[ESTIMATE_WARM] = {"compacted to warm (zstd)", "warm"},
	[ESTIMATE_FAST] = {"compacted to cold, level fast", "cold_fast"},
	[ESTIMATE_NORMAL] = {"compacted to cold, level normal", "cold_normal"},
	[ESTIMATE_DENSE] = {"compacted to cold, level dense", "cold_dense"},
};

static double estimate_bits(const struct coder_result *r)
{
	return r->plain ? 8 * (double)r->stored / (double)r->plain : 0;
}

/* MB/s of one core. */
static double estimate_speed(const struct coder_result *r, double seconds)
{
	return seconds > 0 ? (double)r->plain / 1e6 / seconds : 0;
}

static uint64_t estimate_model_memory(const struct coder *c)
{
	return c->model ? codec_model_memory(c->model) : 0;
}

static void table_head(const struct estimate *e)
{
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], c[PROGRESS_SIZE];

	printf("%s: %" PRIu64 " files, %s", e->dir, e->figures.files, progress_size(a, (double)e->figures.bytes));
	if (e->figures.unreadable)
		printf(" (%" PRIu64 " could not be read)", e->figures.unreadable);
	printf("\nlearned from %s, judged by %zu chunks (%s) of other files, each coded alone\n\n",
	       progress_size(b, (double)e->train.bytes), e->held.n, progress_size(c, (double)e->held.bytes));
	printf("%-28s %9s %9s %9s %11s %11s\n", "", "bits per", "encode", "decode", "memory of", "memory of");
	printf("%-28s %9s %9s %9s %11s %11s\n", "", "byte", "MB/s", "MB/s", "a worker", "the model");
}

static void table_row(const struct estimate *e, enum estimate_row row)
{
	const struct coder_result *r = &e->result[row];
	char memory[PROGRESS_SIZE] = "-", model[PROGRESS_SIZE] = "-";

	if (!r->len)
		return;
	if (r->memory)
		progress_size(memory, (double)r->memory);
	if (e->coder[row].model)
		progress_size(model, (double)estimate_model_memory(&e->coder[row]));
	printf("%-28s %9.3f %9.2f %9.2f %11s %11s\n", e->coder[row].name, estimate_bits(r), estimate_speed(r, r->encode),
	       estimate_speed(r, r->decode), memory, model);
}

static void table_store(const struct estimate *e, enum estimate_tier tier)
{
	uint64_t bytes = estimate_store(e, tier);
	char buf[PROGRESS_SIZE];

	if (bytes)
		printf("  %-32s %11s %7.1f%%\n", tiers[tier].name, progress_size(buf, (double)bytes),
		       e->figures.bytes ? 100 * (double)bytes / (double)e->figures.bytes : 0);
}

void estimate_table(const struct estimate *e)
{
	char len[PROGRESS_SIZE], saves[PROGRESS_SIZE], costs[PROGRESS_SIZE];

	table_head(e);
	for (unsigned row = 0; row < ROWS; row++)
		table_row(e, (enum estimate_row)row);
	printf("(processor time of one core; memory of a worker is for both directions)\n\n");
	if (!e->model)
		printf("network: none: so little data does not pay for one\n");
	else
		printf("network: %s stored, would %s: saves about %s, costs %s with parity; trained in %.0f s\n",
		       progress_size(len, (double)e->net.len), estimate_net_pays(e) ? "be adopted" : "not be adopted",
		       progress_size(saves, e->net.saves > 0 ? e->net.saves : 0), progress_size(costs, e->net.costs),
		       e->net.seconds);
	printf("\na store, everything counted, would take about\n");
	for (unsigned t = 0; t < ESTIMATE_TIERS; t++)
		table_store(e, (enum estimate_tier)t);
}

static void json_coder(struct json *j, const struct coder *c, const struct coder_result *r)
{
	json_object(j, c->key);
	json_ratio(j, "bits_per_byte", estimate_bits(r));
	json_ratio(j, "encode_mb_s", estimate_speed(r, r->encode));
	json_ratio(j, "decode_mb_s", estimate_speed(r, r->decode));
	json_number(j, "worker_memory", r->memory);
	json_number(j, "model_memory", estimate_model_memory(c));
	json_end(j);
}

static void json_network(struct json *j, const struct estimate *e)
{
	json_object(j, "network");
	json_number(j, "stored_bytes", e->net.len);
	json_number(j, "adopted", estimate_net_pays(e));
	json_number(j, "hidden", e->net.shape.hidden);
	json_number(j, "dictionary_bytes", e->net.shape.dict_len);
	json_ratio(j, "train_seconds", e->net.seconds);
	json_string(j, "kernel", codec_kernel());
	json_end(j);
}

void estimate_json(const struct estimate *e)
{
	struct json j;

	json_begin(&j, stdout);
	json_string(&j, "directory", e->dir);
	json_number(&j, "files", e->figures.files);
	json_number(&j, "file_bytes", e->figures.bytes);
	json_number(&j, "unreadable", e->figures.unreadable);
	json_number(&j, "learned_bytes", e->train.bytes);
	json_number(&j, "held_out_chunks", e->held.n);
	json_number(&j, "held_out_bytes", e->held.bytes);
	json_object(&j, "coders");
	for (unsigned row = 0; row < ROWS; row++)
		if (e->result[row].len)
			json_coder(&j, &e->coder[row], &e->result[row]);
	json_end(&j);
	if (e->model)
		json_network(&j, e);
	json_object(&j, "store_bytes");
	for (unsigned t = 0; t < ESTIMATE_TIERS; t++)
		if (estimate_store(e, (enum estimate_tier)t))
			json_number(&j, tiers[t].key, estimate_store(e, (enum estimate_tier)t));
	json_end(&j);
	json_end(&j);
}
