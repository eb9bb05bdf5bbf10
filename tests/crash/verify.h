/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A workload is recorded, its crashes are replayed, and each store that they leave is opened, read, checked, written to and opened again.
 */
#ifndef FIRN_TESTS_CRASH_VERIFY_H
#define FIRN_TESTS_CRASH_VERIFY_H

#include "fs/volume/volume.h"
#include "tests/crash/replay.h"

struct verify {
	const char *name;      /* of the workload */
	uint64_t log;          /* its number */
	uint64_t seed;
	const char *scratch;   /* a directory of the caller's, for states */
	size_t states_max;     /* of this log */
	bool unborn;           /* the log begins before the store is one: a crash may leave none */
	bool (*mend)(const char *dir, char problem[256]); /* before the store is opened; may be NULL. What stays damaged is then no violation */
	bool (*oracle)(struct volume *vol, uint64_t acked, char problem[256]); /* beside the hashes; may be NULL */
	size_t only_point;     /* 1 + the point to replay alone, 0: all */
	enum replay_variant only_variant;
	uint64_t only_seed;

	uint64_t states, duplicates, violations; /* out */
	uint64_t variants[REPLAY_VARIANTS];
};

/* 0, or -errno when nothing could be replayed. Violations are printed, and their states kept in scratch. */
int verify_log(struct verify *v, int log_fd);

/* Options with which all volumes here are opened. */
void verify_options(struct volume_options *opt);

#endif
