/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaying a log: the store as a crash after any of its entries may leave it.
 *
 * What was synced is there. Of the writes, truncations and punched holes since a file's last sync, and of the names made and removed
 * since their directory's, any part may be there: which, a variant and a seed decide.
 */
#ifndef FIRN_TESTS_CRASH_REPLAY_H
#define FIRN_TESTS_CRASH_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/log.h"

enum replay_variant {
	REPLAY_KEEP,       /* everything: the process was killed, not the machine                            */
	REPLAY_DROP,       /* nothing that was not synced                                                    */
	REPLAY_DATA,       /* all data, no names                                                             */
	REPLAY_NAMES,      /* all names, no data                                                             */
	REPLAY_SUBSET,     /* each change or not, whatever was made before or after it                       */
	REPLAY_TORN,       /* each sector of 512 bytes or not; names in order, up to somewhere               */
	REPLAY_LAST,       /* of each file only the latest change, and all names                             */
	REPLAY_BUT_ONE,    /* everything but one change                                                      */
	REPLAY_GARBAGE,    /* torn, and what lies behind a file's synced end may hold anything               */
	REPLAY_VARIANTS
};
extern const char *const replay_names[REPLAY_VARIANTS];

struct replay;

/* Reads the log from its beginning; -EIO: it is cut short, -ENOTSUP: it holds a LOG_UNKNOWN. */
int replay_open(int log_fd, struct replay **out);
void replay_close(struct replay *rp);

/* Points: 0 .. replay_points, the crash comes after so many entries. Moving back starts from the beginning. */
size_t replay_points(const struct replay *rp);
void replay_go(struct replay *rp, size_t point);
const struct log_entry *replay_entry(const struct replay *rp, size_t i); /* the i-th, from 0 */

/* Whether a variant can differ from REPLAY_KEEP here. */
bool replay_pending(const struct replay *rp);

/* Chooses what is there and returns a hash of it. */
uint64_t replay_choose(struct replay *rp, enum replay_variant variant, uint64_t seed);
/* Writes what was chosen to the directory dir, which is emptied before. 0 or -errno. */
int replay_write(const struct replay *rp, const char *dir);

/* splitmix64 */
uint64_t replay_random(uint64_t *state);

#endif
