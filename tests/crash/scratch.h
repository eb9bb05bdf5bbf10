/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Temporary directories, in memory where there is some: $TMPDIR, else /dev/shm, else /tmp.
 */
#ifndef FIRN_TESTS_CRASH_SCRATCH_H
#define FIRN_TESTS_CRASH_SCRATCH_H

#include <stddef.h>

int scratch_make(char *path, size_t cap); /* 0 or -errno; the path has no symlinks in it */
void scratch_remove(const char *path);

#endif
