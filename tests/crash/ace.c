/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every sequence of up to four operations on a handful of names, in the manner of ACE (Mohan et al., "Finding Crash-Consistency Bugs
 * with Bounded Black-Box Crash Testing", OSDI 2018). What crashes in all but the last operation leave, the shorter sequences show.
 */
#include <stdlib.h>

#include "tests/crash/flows.h"
#include "tests/crash/record.h"

static int reopen(struct work *w)
{
	int r = work_close(w);

	work_open(w);
	return r;
}

enum { OPERATIONS = 26 };
const unsigned ace_operations = OPERATIONS;

static int operation_do(struct work *w, unsigned which)
{
	switch (which) {
	case 0: return work_make(w, "b", S_IFREG | 0600);
	case 1: return work_write(w, "a", 6000, 5000);
	case 2: return work_write(w, "a", 1000, 3000);
	case 3: return work_write(w, "b", 0, 5000);
	case 4: return work_write(w, "d/a", 0, 9000);
	case 5: return work_write(w, "a", 30000, 10);
	case 6: return work_truncate(w, "a", 2500);
	case 7: return work_truncate(w, "a", 20000);
	case 8: return work_truncate(w, "b", 0);
	case 9: return work_rename(w, "a", "b");
	case 10: return work_rename(w, "b", "a");
	case 11: return work_rename(w, "a", "d/a");
	case 12: return work_rename(w, "d", "e");
	case 13: return work_unlink(w, "a");
	case 14: return work_unlink(w, "b");
	case 15: return work_link(w, "a", "d/l");
	case 16: return work_make(w, "e", S_IFDIR | 0755);
	case 17: return work_rmdir(w, "e");
	case 18: return work_symlink(w, "s", "d/a");
	case 19: return work_xattr(w, "a", 3000);
	case 20: return work_chmod(w, "a", 0400);
	case 21: return work_fsync(w, "a");
	case 22: return work_fsync(w, "b");
	case 23: return work_flush(w, "a");
	case 24: return work_commit(w);
	default: return reopen(w);
	}
}

void ace_operation(struct work *w, unsigned which)
{
	(void)operation_do(w, which % OPERATIONS);
}

enum { N1 = OPERATIONS, N2 = N1 * OPERATIONS, N3 = N2 * OPERATIONS, N4 = N3 * OPERATIONS };
const uint64_t ace_logs = N1 + N2 + N3 + N4;

/* The sequence with this number; shorter ones first. Those of three and four come in an order that mixes them. */
static unsigned sequence(uint64_t log, unsigned ops[4])
{
	unsigned n = 1;
	uint64_t size = N1;

	while (log >= size) {
		log -= size;
		size *= OPERATIONS;
		n++;
	}
	if (n > 2)
		log = log * 7919 % size; /* a prime that does not divide 26^n */
	for (unsigned i = 0; i < n; i++) {
		ops[i] = (unsigned)(log % OPERATIONS);
		log /= OPERATIONS;
	}
	return n;
}

/* The store at the start: a file of two chunks, a directory with a file. */
static void start(struct work *w)
{
	work_create(w);
	work_open(w);
	work_write(w, "a", 0, 6000);
	work_make(w, "d", S_IFDIR | 0755);
	work_write(w, "d/f", 0, 100);
}

bool ace_prepare(struct work *w, uint64_t log)
{
	(void)log;
	start(w);
	return work_close(w) == 0;
}

void ace_run(struct work *w, uint64_t log)
{
	unsigned ops[4], n = sequence(log, ops);

	work_open(w);
	work_durable(w);
	for (unsigned i = 0; i < n; i++) {
		if (i + 1 == n)
			record_mark(LOG_HERE, 0);
		(void)operation_do(w, ops[i]);
	}
	if (work_close(w))
		abort();
}
