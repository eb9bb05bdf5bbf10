/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compactor of a mount does by itself, and when: each step at most once for each state of things that could give it work.
 */
#ifndef FIRN_FS_BACKGROUND_H
#define FIRN_FS_BACKGROUND_H

#include "fs/tiers/compactor.h"

enum background_step {
	BACKGROUND_WARM,    /* what was untouched for a while, with zstd    */
	BACKGROUND_COLD,    /* what was untouched for long: ice             */
	BACKGROUND_RECLAIM, /* garbage beyond a tenth of what is alive      */
	BACKGROUND_STEPS
};

/* What a step's work depends on: as long as this is the same there is none. */
struct background_key {
	uint32_t hour;        /* 0: not yet done          */
	uint16_t zdict, net;
	uint64_t next_extent; /* if what is new counts at once */
	uint64_t garbage;
	uint64_t untried;     /* chunks stored in a hurry by this mount */
};

struct background {
	struct background_key done[BACKGROUND_STEPS];
	enum background_step step; /* last begun, and with which key: */
	struct background_key key;
	int64_t begun, not_before; /* ns */
	unsigned errors;           /* in a row */
	uint64_t untried;          /* as it was at the last look: writers are still at it when there are more */
};

/* The next step that may have work: true, and *out is what to ask for. */
bool background_due(struct volume *vol, const struct compactor_options *opt, struct background *b, struct compactor_request *out);

/* How that step ended. Errors put the next one off, from a minute up to an hour; -EINTR means that it goes on later. */
void background_done(struct volume *vol, struct background *b, int rc);

#endif
