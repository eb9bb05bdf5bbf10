/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn train --auto: whether another training is likely to pay.
 */
#ifndef FIRN_TOOLS_TRAIN_AUTO_H
#define FIRN_TOOLS_TRAIN_AUTO_H

#include "tools/train_target.h"

struct train_need {
	bool has_net;
	double hours;      /* since the active network was made                             */
	uint64_t costs;    /* what it takes on disk, as another one would                   */
	uint64_t learned;  /* stored bytes of what is coded by it                           */
	uint64_t others;   /* likewise of what compresses, and is not                       */
};

/* 0, or -errno. */
int train_need(struct target *t, struct train_need *out);

/*
 * Without a network: when there is enough to learn from. With one: when a day has passed, more than half as much as it codes has come beside it, and what a
 * newer one would save of that, a tenth or so, is more than it costs.
 */
bool train_likely(const struct train_need *n);

#endif
