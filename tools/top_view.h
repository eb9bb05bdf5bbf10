/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mount did in an interval, shown as a screen, a line or JSON.
 */
#ifndef FIRN_TOOLS_TOP_VIEW_H
#define FIRN_TOOLS_TOP_VIEW_H

#include <stdio.h>

#include "fs/control/metrics_read.h"
#include "fs/tiers/compactor.h"

struct top_interval {
	const char *path;
	double seconds;
	struct metrics did;        /* in the interval */
	uint64_t requests;
	struct metrics_gauges now; /* at its end      */
	bool compacts;             /* false: mounted read-only, and the rest is zero */
	struct compactor_status compaction; /* at its end, and of its figures what changed: */
	uint64_t plain, in, out;
};

/* A percentage of hits, or -1 when nothing was wanted. */
double top_hits(const struct metrics *did);

void top_screen(FILE *out, const struct top_interval *t);
/* head: the names of the columns before it. */
void top_line(FILE *out, const struct top_interval *t, bool head);
void top_json(FILE *out, const struct top_interval *t);

#endif
