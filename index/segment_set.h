/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of segments as segment.c, segment_set.c and segment_scan.c share it.
 */
#ifndef FIRN_INDEX_SEGMENT_SET_H
#define FIRN_INDEX_SEGMENT_SET_H

#include <pthread.h>

#include "index/fdcache.h"
#include "index/segment.h"

/* An append whose bytes are being written; lives on the writer's stack. */
struct flight {
	uint64_t offset;
	struct flight *next;
};

/* A segment that this process appends or appended to. Guarded by segments.mutex; freed under sync_mutex as
 * well. */
struct head {
	uint32_t segment;
	enum segment_stream stream;
	int fd;          /* -1: sealed, synced and closed                   */
	uint64_t end;    /* the next append's offset                        */
	uint64_t synced; /* bytes before it are durable                     */
	bool sealed;
	bool cut;   /* a write failed: cut the file to end when still  */
	bool dirty; /* written to since the last sync                  */
	int error;  /* of the last sync; 0 when it succeeded           */
	struct flight *flights;
	struct head *next_open; /* list of heads with a descriptor                 */
};

struct segments {
	int dirfd;
	bool readonly;
	uint8_t uuid[16];
	uint32_t segment_size;
	struct fdcache cache;

	pthread_mutex_t sync_mutex; /* one segment_sync or unlink at a time; taken before mutex */
	pthread_mutex_t mutex;      /* guards what follows                                      */
	pthread_cond_t landed;      /* a flight ended                                           */
	uint32_t next;
	uint64_t sequence;
	struct head *streams[STREAM_COUNT];
	struct head *open;
	struct head **heads; /* all of them, ascending segments                          */
	size_t n_heads, cap_heads;
	bool dir_dirty; /* names were made or unlinked since the last sync          */
};

/* All with the mutex held. */
struct head *segments_find(struct segments *ss, uint32_t segment); /* NULL: none */
int segments_add(struct segments *ss, struct head *h);             /* also opens the stream on it; -ENOMEM */
void segments_seal(struct segments *ss, struct head *h);
void segments_close_head(struct segments *ss, struct head *h); /* its descriptor; off the open list */

#endif
