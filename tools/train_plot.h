/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The course of a training as an SVG line chart.
 */
#ifndef FIRN_TOOLS_TRAIN_PLOT_H
#define FIRN_TOOLS_TRAIN_PLOT_H

#include <stddef.h>

#include "model/train.h"

#define PLOT_POINTS 1024

struct plot_line {
	size_t n;
	struct plot_point {
		double mb, bits;
	} points[PLOT_POINTS];
};

/* All zero: nothing learned yet. */
struct train_plot {
	struct plot_line loss, validation;
};

/* Remembers a state of the training; of states that differ too little to be seen, only the last. */
void plot_add(struct train_plot *plot, const struct train_progress *p);

/* Writes the chart, also one of nothing, with this title. 0 or -errno. */
int plot_write(const struct train_plot *plot, const char *path, const char *title);

/* The distance of round ticks, 1, 2 or 5 times a power of ten, so that at most `ticks` of them lie in span > 0. */
double plot_tick(double span, unsigned ticks);

#endif
