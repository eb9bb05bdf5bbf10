/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A progress bar on the terminal, for work of which the share done is known; and the wish to stop that a signal carries.
 */
#ifndef FIRN_TOOLS_PROGRESS_H
#define FIRN_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *what; /* borrowed, e.g. "compact" */
	bool on;          /* something is drawn       */
	bool terminal;
	double start, drawn, fraction;
};

/* Draws on stderr when it is a terminal, or when forced (then a line each time). */
void progress_init(struct progress *p, const char *what, bool force);

/* fraction 0..1, below 0 unknown; extra (may be NULL) stands behind the bar. Draws at most a few times a second. */
void progress_update(struct progress *p, double fraction, const char *extra);

/* Draws the last state and ends the line. */
void progress_end(struct progress *p, const char *extra);

/* SIGINT, SIGTERM and SIGHUP from now on only set a flag; the second one of them ends the program. */
void progress_catch_signals(void);
bool progress_interrupted(void);

/* "12.3 MiB", "1.5 GiB", "817 B". Returns buf. */
#define PROGRESS_SIZE 16
char *progress_size(char buf[PROGRESS_SIZE], double bytes);

#endif
