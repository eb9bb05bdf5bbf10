/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in a directory of its own, opened and closed at will, and files in its root. Failures fail the
 * test.
 */
#ifndef FIRN_TESTS_FS_FIXTURE_H
#define FIRN_TESTS_FS_FIXTURE_H

#include "fs/data/file.h"
#include "fs/names/inode.h"

struct fixture {
	char dir[256];   /* temporary; the store is in it, as "store" */
	char path[300];
	struct volume_options opt;
	struct volume *vol; /* NULL while closed */
};

/* A fresh store, open. Change opt and use fixture_reopen for other options than the defaults. */
void fixture_init(struct fixture *f, uint32_t chunk_size);
/* Closes when open (whatever the result) and removes all. */
void fixture_fini(struct fixture *f);

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f); /* must succeed */
void fixture_reopen(struct fixture *f);

struct inode *fixture_make(struct fixture *f, const char *name); /* a new file */
struct inode *fixture_find(struct fixture *f, const char *name);
void fixture_unlink(struct fixture *f, const char *name);

/* The whole file must read as these bytes. */
/* Lets hours pass for an extent, as its record says; id 0: for all. Dates before 1970 are not reached. */
void fixture_age(struct fixture *f, uint64_t id, uint32_t hours);

void fixture_check(struct inode *inode, const uint8_t *bytes, size_t len);

#endif
