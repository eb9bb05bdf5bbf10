/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn compact on a mounted store: the daemon does the work, this side asks, watches and tells.
 */
#ifndef FIRN_TOOLS_LIVE_H
#define FIRN_TOOLS_LIVE_H

#include "tools/target.h"

enum live_action { LIVE_START, LIVE_PAUSE, LIVE_RESUME, LIVE_STOP, LIVE_STATUS, LIVE_WAIT };

struct live_options {
	enum live_action action;
	struct compactor_request asked; /* for LIVE_START: it is watched until it ends */
	bool progress, quiet, json;
};

/* Returns the exit status; says what failed. A signal ends the watching, not the work. */
int live_compact(struct target *t, const struct live_options *o);

/* "running", "the mount is in use": of struct compactor_status. */
const char *live_state(uint32_t state);
const char *live_reason(uint32_t reason);

/* For both sides: what a run did, unless quiet, and one line about what went wrong. Returns the exit status. */
int compact_outcome(const char *store, const struct compactor_figures *f, int rc, bool quiet);

#endif
