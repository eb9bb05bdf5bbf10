/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults by plan: the n-th call that a volume makes of the functions below fails, once or from then on.
 */
#ifndef FIRN_TESTS_CRASH_FAULT_H
#define FIRN_TESTS_CRASH_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_call {
	FAULT_OPEN, FAULT_WRITE, FAULT_READ, FAULT_SYNC, FAULT_TRUNCATE, FAULT_PUNCH, FAULT_UNLINK, FAULT_MKDIR, FAULT_RENAME,
	FAULT_MMAP, FAULT_MEMORY, FAULT_THREAD, FAULT_CALLS
};
extern const char *const fault_names[FAULT_CALLS];

struct fault_plan {
	unsigned calls;  /* bits of enum fault_call that count */
	uint64_t nth;    /* from 1 */
	bool forever;    /* all that follow fail, too */
	int error;       /* errno */
};

/* Starts counting; nth 0 only counts. */
void fault_start(const struct fault_plan *plan);
/* Stops; returns how many calls were counted, *failed how many of them failed. */
uint64_t fault_stop(uint64_t *failed);

/* For the stand-ins: the errno to fail with, 0 to go on. */
int fault_check(enum fault_call call, const void *caller);

/* Coverage: the places in the program whose calls have been made to fail. */
size_t fault_sites(void (*fn)(void *arg, enum fault_call call, const void *caller, uint64_t failed), void *arg);

#endif
