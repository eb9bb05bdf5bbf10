/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crew of threads that does the parts of a job, at idle priority if wished, while their number can be lowered to none and raised again.
 *
 * Threads of idle priority may be kept from running for long at any instruction: a part must not hold what others wait for, so it begins no
 * operation of the index, does no I/O and commits nothing. That is for the caller's own thread.
 */
#ifndef FIRN_FS_CREW_H
#define FIRN_FS_CREW_H

#include <stdbool.h>
#include <stdint.h>

struct crew;

/* idle: SCHED_IDLE and the idle class of I/O. -ENOMEM, -EAGAIN; a system that refuses the priorities is no error. */
int crew_create(unsigned threads, bool idle, struct crew **out);
void crew_destroy(struct crew *crew); /* NULL allowed; no job under way */

unsigned crew_threads(const struct crew *crew);

/*
 * Does part(arg, i, thread) for i = 0 .. n - 1 in any order, thread = 0 .. threads - 1 telling who, and returns when all are done.
 * done(arg, i) follows each, in the caller's thread; it may be NULL. One job at a time. -ENOMEM: nothing was begun.
 */
int crew_run(struct crew *crew, unsigned n, void (*part)(void *arg, unsigned i, unsigned thread), void (*done)(void *arg, unsigned i),
	     void *arg);

/* From now on only so many take up parts; a part that is begun is ended. Any thread, at any time. */
void crew_allow(struct crew *crew, unsigned threads);

/* The parts under way are waited for: ends the idle priority of the threads, if the system lets us (root, RLIMIT_NICE). */
void crew_hurry(struct crew *crew);

/* Processor time that the threads have taken, ns. */
uint64_t crew_cpu(struct crew *crew);

#endif
