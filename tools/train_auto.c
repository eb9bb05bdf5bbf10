/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn train --auto: whether another training is likely to pay.
 */
#include "tools/train_auto.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BYTES (1u << 20) /* stored, for a first network: less never paid */
#define HOURS_MIN 24
#define SAVES_SHARE 10         /* a newer network saves a tenth of what the older one does not know */

struct counter {
	uint16_t net;
	struct train_need *out;
};

static int need_count(void *arg, const struct sample_extent *e)
{
	struct counter *c = arg;

	if (e->codec == CODEC_NEURAL && e->model == c->net)
		c->out->learned += e->stored;
	else if (e->codec != CODEC_RAW)
		c->out->others += e->stored;
	return 0;
}

/* The active network, number 0: none. */
static void need_consider(const struct model_info *m, uint16_t *net, struct train_need *out)
{
	if (m->kind != MODEL_NEURAL || m->state != 1)
		return;
	*net = m->number;
	out->has_net = true;
	out->costs = m->stored;
	out->hours = (double)(volume_now() - m->created) / 3600e9;
}

static int need_net(struct target *t, uint16_t *net, struct train_need *out)
{
	struct control_models c = {.from = 0};
	struct model_info *list;
	size_t n;
	int rc;

	*net = 0;
	if (t->vol) {
		rc = models_list(t->vol, &list, &n);
		for (size_t i = 0; rc == 0 && i < n; i++)
			need_consider(&list[i], net, out);
		if (rc == 0)
			free(list);
		return rc;
	}
	do {
		rc = target_control(t, CONTROL_MODELS, &c);
		for (uint32_t i = 0; rc == 0 && i < c.count && i < CONTROL_MODELS_MAX; i++)
			need_consider(&c.list[i], net, out);
	} while (rc == 0 && c.from > 0);
	return rc;
}

int train_need(struct target *t, struct train_need *out)
{
	struct sample_source source = train_source(t);
	struct counter c = {.out = out};
	int rc;

	*out = (struct train_need){.has_net = false};
	rc = need_net(t, &c.net, out);
	return rc < 0 ? rc : source.scan(source.arg, need_count, &c);
}

bool train_likely(const struct train_need *n)
{
	if (!n->has_net)
		return n->others >= FIRST_BYTES;
	return n->hours >= HOURS_MIN && n->others > n->learned / 2 && n->others / SAVES_SHARE > n->costs;
}
