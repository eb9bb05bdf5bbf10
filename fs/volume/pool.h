/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of one size that are used over and over, so that no chunk costs an allocation.
 */
#ifndef FIRN_FS_POOL_H
#define FIRN_FS_POOL_H

#include <stddef.h>

struct pool;

/*
 * Buffers of `size` bytes. Up to `most` unused ones are kept for the next pool_get, until pool_trim lets go of those beyond
 * `keep` that were not needed since it was last called.
 */
int pool_create(size_t size, unsigned keep, unsigned most, struct pool **out);
void pool_trim(struct pool *p);
void pool_destroy(struct pool *p); /* NULL allowed */

void *pool_get(struct pool *p); /* contents undefined; NULL: no memory */
void pool_put(struct pool *p, void *buf); /* NULL allowed */

#endif
