/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in a temporary directory, open as a tool has it, with files of known bytes in its root.
 */
#ifndef FIRN_TESTS_FS_FILLED_H
#define FIRN_TESTS_FS_FILLED_H

#include <stddef.h>
#include <stdint.h>

#include "fs/volume/volume.h"

struct filled {
	char dir[256], path[300]; /* the store is path, in dir */
	struct volume *vol;
};

/* All of these fail the test when something else fails. */
int filled_setup(void **state);    /* *state: a struct filled, chunk size 16 KiB */
int filled_teardown(void **state);
void filled_reopen(struct filled *f);
void filled_open(struct filled *f); /* after volume_close */

/* Makes a file in the root; durable after the next volume_commit. */
void filled_put(struct filled *f, const char *name, const void *bytes, size_t n);
/* Reads it back and compares: 0, or the -errno of the read. */
int filled_check(struct filled *f, const char *name, const void *bytes, size_t n);
void filled_remove(struct filled *f, const char *name);

/* Flips a bit of a segment file; the volume may be open. */
void filled_damage(struct filled *f, uint32_t segment, uint64_t offset);

/* A zstd dictionary trained on text of bytes.h; returns its length. */
size_t filled_train_zdict(uint8_t *dict, size_t cap, uint64_t seed);

#endif
