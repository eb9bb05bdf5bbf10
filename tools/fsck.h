/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsck.firn: what the command line asked for, and the run that does it.
 */
#ifndef FIRN_TOOLS_FSCK_H
#define FIRN_TOOLS_FSCK_H

#include "fs/check/check.h"
#include "tools/json.h"
#include "tools/progress.h"

/* Exit codes of fsck(8), to be added. */
enum {
	FSCK_OK = 0,
	FSCK_CORRECTED = 1,
	FSCK_LEFT = 4,
	FSCK_FAILED = 8,
	FSCK_USAGE = 16,
	FSCK_CANCELLED = 32,
};

enum fsck_mode { FSCK_ASK, FSCK_LIST, FSCK_PREEN, FSCK_REPAIR };

struct fsck {
	const char *store;
	enum fsck_mode mode;
	bool data, rebuild, json, quiet, progress;
};

/* Lists, mends as the mode says, checks again. Returns the exit status. */
int fsck_run(const struct fsck *f);

#endif
