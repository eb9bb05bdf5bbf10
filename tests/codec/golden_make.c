/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the golden files anew: golden_make DIR. Run by hand (make golden) when a format that was never released changes; files of a released format
 * version are kept for ever and new ones get new names.
 */
#include <stdlib.h>

#include "codec/neural.h"
#include "model/context.h"
#include "tests/codec/golden.h"

static uint8_t plain[CODEC_PLAIN_MAX], out[2 * CODEC_PLAIN_MAX];

static void put(const char *dir, const char *name, const void *head, size_t head_len, const void *bytes, size_t len)
{
	char path[4400];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(head, 1, head_len, f) != head_len || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "golden_make: %s: %s\n", what, strerror(-rc));
	exit(1);
}

/* Contexts 0, step, 2 step ...; weights below size, random. */
static struct model *model_make(uint32_t hidden, uint32_t step, uint32_t dict_len, int size, uint64_t seed)
{
	struct model_shape shape = {.hidden = hidden, .dict_len = dict_len};
	struct model *m;

	for (uint32_t id = 0; id < CTX_IDS; id += step) {
		shape.context_ids[shape.contexts] = (uint8_t)id;
		shape.rows_log2[shape.contexts++] = (uint8_t)(4 + id % 3);
	}
	check(model_create(&shape, &m), "model");
	for (uint32_t k = 0; k < shape.contexts; k++)
		for (uint32_t i = 0; i < hidden << shape.rows_log2[k]; i++)
			m->embed[k][i] = (int8_t)((int)(bytes_next(&seed) % (unsigned)(2 * size)) - size);
	for (uint32_t j = 0; j < hidden; j++)
		m->bias[j] = (int16_t)((int)(bytes_next(&seed) % (size > 100 ? 60000 : 64)) - (size > 100 ? 30000 : 0));
	for (uint32_t i = 0; i < MODEL_NODES * hidden; i++)
		m->out[i] = (int16_t)((int)(bytes_next(&seed) % (size > 100 ? 8001 : 1001)) - (size > 100 ? 4000 : 500));
	for (uint32_t i = 0; i < MODEL_NODES; i++)
		m->out_bias[i] = (int32_t)bytes_next(&seed) >> (size > 100 ? 5 : 12);
	if (dict_len)
		bytes_text(m->dict, dict_len, seed);
	check(model_index_dict(m), "dictionary");
	return m;
}

static struct codec_model *neural_put(const char *dir, unsigned number, struct model *m)
{
	struct codec_model *loaded;
	uint8_t *bytes;
	char name[64];
	size_t len;

	check(model_save(m, &bytes, &len), "save");
	snprintf(name, sizeof name, "%s.model", golden_models[number - 1].name);
	put(dir, name, "", 0, bytes, len);
	check(codec_model_load(CODEC_MODEL_NEURAL, bytes, len, &loaded), name);
	free(bytes);
	model_destroy(m);
	return loaded;
}

static struct codec_model *zdict_put(const char *dir)
{
	static uint8_t samples[64 * 2000], dict[4096];
	struct codec_model *loaded;
	size_t sizes[64], len;

	for (unsigned i = 0; i < 64; i++) {
		sizes[i] = 2000;
		bytes_text(samples + 2000 * i, 2000, i);
	}
	check(codec_train_zdict(samples, sizes, 64, dict, sizeof dict, &len), "zstd dictionary");
	put(dir, "zstd.model", "", 0, dict, len);
	check(codec_model_load(CODEC_MODEL_ZDICT, dict, len, &loaded), "zstd dictionary");
	return loaded;
}

static void frame_put(const char *dir, struct codec_ctx *ctx, enum codec_id codec, int level, unsigned number,
		      const struct codec_model *model, unsigned kind, uint32_t n)
{
	uint8_t head[GOLDEN_ENVELOPE] = {(uint8_t)codec, (uint8_t)level, (uint8_t)number, (uint8_t)kind, (uint8_t)n,
					 (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
	char name[64];
	size_t len;

	golden_plain(kind, plain, n);
	check(codec_encode(ctx, codec, level, model, plain, n, out, sizeof out, &len), "encode");
	snprintf(name, sizeof name, "%s-%s%d-%u.frame", number ? golden_models[number - 1].name : "none", codec_name(codec), level, kind);
	put(dir, name, head, sizeof head, out, len);
}

int main(int argc, char **argv)
{
	static const uint32_t lengths[GOLDEN_KINDS] = {1, 700, 5000, 3000, 9000, 9000};
	struct codec_model *models[GOLDEN_MODELS];
	struct model *text = model_make(64, 1, 3000, 12, 1);
	struct train_chunk chunk = {plain, 60000};
	struct codec_ctx *ctx;

	if (argc != 2)
		return 64;
	golden_plain(2, plain, chunk.len);
	check(neural_calibrate(text, &chunk, 1, NULL), "calibrate");
	models[0] = neural_put(argv[1], 1, text);
	models[1] = neural_put(argv[1], 2, model_make(32, 5, 0, 12, 2));
	models[2] = neural_put(argv[1], 3, model_make(128, 3, 500, 128, 3));
	models[3] = zdict_put(argv[1]);
	check(codec_ctx_create(&ctx), "context");
	for (unsigned kind = 0; kind < GOLDEN_KINDS; kind++) {
		frame_put(argv[1], ctx, CODEC_RAW, 0, 0, NULL, kind, lengths[kind] < 100 ? 1 : 100);
		frame_put(argv[1], ctx, CODEC_LZ4, 1, 0, NULL, kind, lengths[kind]);
		frame_put(argv[1], ctx, CODEC_ZSTD, 19, 0, NULL, kind, lengths[kind]);
		frame_put(argv[1], ctx, CODEC_ZSTD, 12, 4, models[3], kind, lengths[kind]);
		for (unsigned m = 0; m < 3; m++)
			for (int level = NEURAL_FAST; level <= NEURAL_DENSE; level++)
				frame_put(argv[1], ctx, CODEC_NEURAL, level, m + 1, models[m], kind, m ? lengths[kind] / 4 + 1 : lengths[kind]);
	}
	codec_ctx_destroy(ctx);
	for (unsigned m = 0; m < GOLDEN_MODELS; m++)
		codec_model_put(models[m]);
	return 0;
}
