/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network trained on a sample, calibrated, and weighed against the bytes that it costs.
 */
#include "tools/train_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/neural.h"
#include "index/format.h"
#include "tools/train_value.h"

/*
 * A byte of the model is stored one and a quarter times. And the denser the level, the more of what the rows know it learns from the dictionary and the
 * chunk: their weights are worth less than the loss of the network alone says. Measured (model/EXPERIMENTS.md), and flat around these.
 */
static uint64_t net_worth(const struct net_options *opt)
{
	static const unsigned shares[] = {[NEURAL_FAST] = 1, [NEURAL_NORMAL] = 2, [NEURAL_DENSE] = 8};

	return opt->learnable * MODEL_STRIPS / ((MODEL_STRIPS + 1) * shares[opt->level]);
}

static int net_make(struct train_parts *parts, struct model_shape *shape, struct model **out)
{
	int rc = parts_pick_dict(parts, shape->dict_len);

	if (rc < 0)
		return rc;
	shape->dict_len = (uint32_t)parts->dict.bytes;
	rc = model_create(shape, out);
	return rc < 0 ? rc : train_join_dict(*out, parts->dict.chunks, parts->dict.n);
}

/* What the store would save: the validation chunks stand for the whole, the dictionary's chunks for themselves. */
static int net_weigh(const struct train_parts *parts, const struct net_options *opt, struct net_choice *c)
{
	struct value_candidate candidates[2] = {{CODEC_ZSTD, 19, opt->zdict}, {CODEC_NEURAL, opt->level, NULL}};
	const struct train_part *groups[2] = {&parts->valid, &parts->dict};
	struct value without[2], with[2];
	struct codec_model *model;
	double rest;
	int rc = codec_model_load(CODEC_MODEL_NEURAL, c->bytes, c->len, &model);

	candidates[1].model = model;
	for (int g = 0; rc == 0 && g < 2; g++) {
		rc = value_measure(groups[g]->chunks, groups[g]->n, candidates, 1, opt->train.threads, &without[g]);
		if (rc == 0)
			rc = value_measure(groups[g]->chunks, groups[g]->n, candidates, 2, opt->train.threads, &with[g]);
	}
	codec_model_put(model);
	if (rc < 0)
		return rc;
	rest = (double)opt->learnable - (double)with[1].plain;
	c->bits_without = 8 * value_ratio(&without[0]);
	c->bits_with = 8 * value_ratio(&with[0]);
	c->saves = (c->bits_without - c->bits_with) / 8 * (rest > 0 ? rest : 0) + (double)without[1].stored -
		   (double)with[1].stored;
	c->costs = (double)model_stored((uint32_t)c->len);
	return 0;
}

int net_choose(struct train_parts *parts, const struct net_options *opt, struct net_choice *out)
{
	struct train_options train = opt->train;
	struct train_progress last = {0};
	struct model *m = NULL;
	int rc;

	*out = (struct net_choice){0};
	train.worth_bytes = net_worth(opt);
	rc = train_propose_shape(opt->learnable, opt->level, &out->shape);
	if (rc == 0)
		rc = net_make(parts, &out->shape, &m);
	if (rc == 0)
		rc = train_model(m, parts->train.chunks, parts->train.n, parts->valid.chunks, parts->valid.n, &train, &last);
	if (rc == 0)
		rc = neural_calibrate(m, parts->calibration.chunks, parts->calibration.n, NULL);
	if (rc == 0)
		rc = model_save(m, &out->bytes, &out->len);
	model_destroy(m);
	out->seconds = last.seconds;
	if (rc == 0 && out->len > MODEL_BYTES_MAX)
		rc = -EFBIG;
	return rc == 0 ? net_weigh(parts, opt, out) : rc;
}

void net_free(struct net_choice *c)
{
	free(c->bytes);
	*c = (struct net_choice){0};
}
