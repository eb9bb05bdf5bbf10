/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compactor of a mounted volume: one thread that recompacts when asked to, and by itself what has become cold.
 */
#ifndef FIRN_FS_COMPACTOR_H
#define FIRN_FS_COMPACTOR_H

#include "fs/tiers/compact.h"

struct compactor;

struct compactor_options {
	bool automatic;            /* recompacts by itself */
	bool patient;              /* what it does by itself lets everybody else go first */
	unsigned cold_after_hours; /* what is untouched for so long becomes cold; for a seventh of that, warm */
	bool after_given, level_given; /* that and the level count more than the policy of the root directory */
	int neural_level;
	int threads;               /* 0: all cores */
};
void compactor_options_init(struct compactor_options *opt);

/* The structs that follow are also what fs/control/control.h sends: members of fixed size, nothing between them. */
struct compactor_request {
	uint32_t tier;             /* enum compact_tier */
	uint32_t neural_level;
	uint32_t now;              /* 1: all extents    */
	uint32_t reclaim;          /* 1: only collect garbage */
	uint32_t threads;          /* 0: all cores      */
	uint32_t cold_after_hours;
	uint32_t after_given;      /* 1: counts more than the store's default, likewise: */
	uint32_t level_given;
};

struct compactor_figures {
	uint64_t done_bytes, total_bytes, before_bytes, after_bytes, milliseconds;
	uint64_t extents, moved, kept, damaged, raced, refused;
	uint64_t segments_removed, bytes_reclaimed;
};

void compactor_figures_take(struct compactor_figures *to, const struct compact_result *r);

enum compactor_state {
	COMPACTOR_IDLE,    /* waits until something becomes cold, or for a request         */
	COMPACTOR_RUNNING,
	COMPACTOR_WAITING, /* in the middle of a run, lets others go first: reason         */
	COMPACTOR_PAUSED,  /* by a user                                                    */
	COMPACTOR_STOPPED, /* by a user, or automatic is off: runs only when asked         */
};

enum compactor_reason {
	COMPACTOR_FREELY,
	COMPACTOR_CPU,      /* others want the processors              */
	COMPACTOR_IO,       /* others wait for the disks               */
	COMPACTOR_REQUESTS, /* this mount is being used                */
	COMPACTOR_BATTERY,
	COMPACTOR_FULL,     /* the disk is: tries again later          */
	COMPACTOR_REASONS
};

struct compactor_status {
	uint32_t state, reason;
	uint64_t run;           /* number of the run under way or of the last one, from 1   */
	uint64_t finished;      /* runs that have ended                                      */
	uint64_t asked;         /* number of the last run that was asked for, 0 none         */
	uint32_t active;        /* 1: a run is under way                                     */
	uint32_t automatic;     /* 1: that run is the daemon's own                           */
	int32_t error;          /* how the last finished run ended, 0 or -errno              */
	int32_t asked_error;    /* likewise the last one that was asked for                  */
	uint64_t pauses;        /* how often background work let others go first, all runs   */
	uint64_t paused_ms;
	struct {
		uint64_t n, ms;
	} by_reason[COMPACTOR_REASONS]; /* the same, by what it was for at first */
	struct compactor_figures now;        /* of the run under way or the last one       */
	struct compactor_figures last_asked; /* of the last finished one that was asked for */
	struct compactor_figures all;        /* sums of all finished runs                   */
};

/* Starts the thread; sets vol->compactor. volume_close ends it. -EROFS: the volume is read-only. */
int compactor_create(struct volume *vol, const struct compactor_options *opt);
/* Ends a run soon and the thread with it; NULL allowed. */
void compactor_destroy(struct volume *vol);

/* Number of the run in *number. -EBUSY: one that was asked for is under way; the daemon's own makes room. -EINVAL. */
int compactor_start(struct compactor *c, const struct compactor_request *asked, uint64_t *number);
/*
 * Does something while no run is under way and none begins: the daemon's own is ended for it. Returns what work does, or -EAGAIN: one that was asked for is
 * under way.
 */
int compactor_exclude(struct compactor *c, int (*work)(void *arg), void *arg);
void compactor_pause(struct compactor *c);
void compactor_resume(struct compactor *c);
void compactor_stop(struct compactor *c);
void compactor_status(struct compactor *c, struct compactor_status *out);

#endif
