/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory for one test's store, removed with all it holds; and numbers that are the same in every run.
 */
#ifndef FIRN_TESTS_INDEX_STORE_H
#define FIRN_TESTS_INDEX_STORE_H

#include <stddef.h>
#include <stdint.h>

struct store {
	char path[256];
	int fd;
};

int store_setup(void **state); /* *state: a struct store */
int store_teardown(void **state);

/* For a second store within a test. */
void store_make(struct store *s);
void store_remove(struct store *s);

/* Overwrites, cuts or reads a file of the store; a failure fails the test. */
void store_poke(const struct store *s, const char *name, uint64_t offset, const void *bytes, size_t len);
void store_peek(const struct store *s, const char *name, uint64_t offset, void *bytes, size_t len);
void store_truncate(const struct store *s, const char *name, uint64_t len);
uint64_t store_size(const struct store *s, const char *name);
void store_flip(const struct store *s, const char *name, uint64_t offset);

/* xorshift64*. The seed is not zero. */
uint64_t rng_next(uint64_t *state);

#endif
