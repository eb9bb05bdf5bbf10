/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of segment files for reading: a bounded number is kept open, the least recently used one goes.
 */
#ifndef FIRN_INDEX_FDCACHE_H
#define FIRN_INDEX_FDCACHE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define FDCACHE_SLOTS 64
#define SEGMENT_NAME_LEN 12 /* "00000001.seg" */

struct fdcache_slot {
	uint32_t segment; /* 0: empty                                          */
	uint32_t users;
	int fd;
	bool dropped;  /* unlinked: to be closed, never to be given out    */
	uint64_t used; /* clock at the last use                             */
};

struct fdcache {
	int dirfd;             /* borrowed */
	pthread_mutex_t mutex; /* guards what follows */
	uint64_t clock;
	struct fdcache_slot slots[FDCACHE_SLOTS];
};

/* A descriptor in use. */
struct fdcache_ref {
	int fd;
	int slot; /* -1: not kept, closed by put */
};

void fdcache_init(struct fdcache *c, int dirfd);
void fdcache_fini(struct fdcache *c);

int fdcache_get(struct fdcache *c, uint32_t segment, struct fdcache_ref *ref); /* -ENOENT, ... */
void fdcache_put(struct fdcache *c, const struct fdcache_ref *ref);

/* After a segment was unlinked: its descriptor is closed when the last user is done. */
void fdcache_drop(struct fdcache *c, uint32_t segment);

void segment_name(uint32_t segment, char name[SEGMENT_NAME_LEN + 1]);

#endif
