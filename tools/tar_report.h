/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What writing and reading an archive tell while they work, and what they did.
 */
#ifndef FIRN_TOOLS_TAR_REPORT_H
#define FIRN_TOOLS_TAR_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct tar_counts {
	uint64_t names, bytes;
	uint64_t problems; /* told so far: what is not as it should be in the copy */
	uint64_t stream;   /* bytes of the archive itself                          */
};

struct tar_report {
	/* problem: the copy lacks something; else what no archive can hold. */
	void (*say)(void *arg, const char *path, const char *why, bool problem);
	/* Non-zero: stop, -EINTR. */
	int (*progress)(void *arg, const struct tar_counts *counts);
	void *arg;
};

/* "WHO: PATH: why", one line on stderr whatever bytes the path has. */
void tar_report_print(const char *who, const char *path, const char *why);

#endif
