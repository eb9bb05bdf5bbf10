/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small store that has something of everything, made anew: what corpora are cut from, and what hostile records are put into.
 */
#ifndef FIRN_TESTS_FUZZ_SMALL_STORE_H
#define FIRN_TESTS_FUZZ_SMALL_STORE_H

#include <stdint.h>

#include "fs/volume/volume.h"

/* In the directory path, which is not there yet. 0 or -errno. More of it the larger `files` is. */
int small_store_make(const char *path, unsigned files);
int small_store_open(const char *path, bool readonly, struct volume **out);

#define SMALL_STORE_CHUNK 4096u

/*
 * Files of one directory as one input: before each its name, from a list (0: index.mdb, n: segment n), in a byte, and its length in 4, little-endian.
 */
int small_store_pack(const char *path, uint8_t *buf, size_t cap, size_t *len);
/* The store that an input describes, in the directory path, which is made. What does not fit the form ends it. */
int small_store_unpack(const uint8_t *bytes, size_t len, const char *path);

/* A directory that is there for scratch, in memory if possible; and all below a path, which itself goes, too. */
int small_store_scratch(char *path, size_t cap);
void small_store_remove(const char *path);

#endif
