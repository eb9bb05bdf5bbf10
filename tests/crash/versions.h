/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few files of which each always holds one whole version: a new one is written beside it, as editors do, and takes its place. What a crash
 * leaves is a version that was begun, none older than what was acknowledged.
 *
 * Each file belongs to one thread at a time. What was begun and acknowledged goes into the log as one number, LOG_ACK.
 */
#ifndef FIRN_TESTS_CRASH_VERSIONS_H
#define FIRN_TESTS_CRASH_VERSIONS_H

#include "tests/crash/work.h"

#define VERSION_FILES 4u
#define VERSION_MAX 250u

void versions_start(void);

/*
 * Makes the next version: every eighth is no file at all. sync: it is acknowledged when it is there, else with a later one. 0, or the first
 * error that the volume gave: the version counts as begun.
 */
int versions_next(struct work *w, unsigned file, bool sync);
bool versions_left(unsigned file);

/* For an oracle: acked is of the last LOG_ACK. */
bool versions_oracle(struct volume *vol, uint64_t acked, char problem[256]);
/* What was acknowledged until now, for a look at a volume that goes on. */
uint64_t versions_acked(void);

#endif
