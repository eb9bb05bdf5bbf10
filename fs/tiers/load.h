/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How busy others are: what background work reads to stay out of their way.
 */
#ifndef FIRN_FS_LOAD_H
#define FIRN_FS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/tiers/compactor.h"

/* Counters that only grow, as read at one moment; what the system does not tell stays 0. */
struct load_reading {
	uint64_t at;           /* ns, monotonic                                                */
	uint64_t cpu_stall;    /* us in which some task waited for a processor, ours included  */
	uint64_t io_stall;     /* us in which some task waited for I/O                         */
	uint64_t busy, ticks;  /* of all processors, idle included in ticks                    */
	uint64_t own;          /* ns of processor time of the background work; the caller's    */
	uint64_t requests;     /* of the mount; the caller's                                   */
	bool battery;          /* right now                                                    */
};

/* Reads /proc and, when battery is wished to be known, /sys; own and requests are left as they are. */
void load_read(struct load_reading *r, bool battery);

struct load {
	unsigned processors;
	struct load_reading last;  /* of the last judgement                 */
	struct load_reading quiet; /* when all was quiet for the first time */
	unsigned allowed;
	enum compactor_reason reason;
};

/* Begins with none allowed: it takes a quiet time first. */
void load_init(struct load *l, unsigned processors, const struct load_reading *r);

/*
 * Takes a later reading and says in l->allowed how many threads may work now, and in l->reason why not all of them. Work ends at the first reading
 * that shows others waiting, and begins again on the processors that stayed idle over a time of quiet.
 */
void load_judge(struct load *l, const struct load_reading *r);

#endif
