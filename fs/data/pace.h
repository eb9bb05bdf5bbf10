/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast chunks are compressed, appended and made durable of late, and whether storing them raw would be faster.
 *
 * All figures are of the wall clock, as many threads see it that do the same: where others take the processors
 * compression is slow, where the disk is slow appending and syncing is. Nothing is known until it has been measured.
 */
#ifndef FIRN_FS_PACE_H
#define FIRN_FS_PACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pace {
	pthread_mutex_t mutex; /* guards what follows; innermost */
	/* moving averages, picoseconds; 0 unknown */
	uint64_t encode;       /* LZ4, for a plain byte  */
	uint64_t append;       /* for a byte of a frame  */
	uint64_t sync;         /* likewise               */
	uint64_t ratio;        /* 1024 times frame by plain bytes */
	uint64_t unsynced;     /* bytes appended since the last sync */
	unsigned hurried;      /* chunks in a row that were to be raw */
};

void pace_init(struct pace *p);
void pace_fini(struct pace *p);

/* Less than so many bytes say more about what each call costs than about speed, and are not counted. */
#define PACE_MIN (16u << 10)

/* What something took, in ns. */
void pace_encoded(struct pace *p, uint64_t plain, uint64_t frame, uint64_t ns);
void pace_appended(struct pace *p, uint64_t bytes, uint64_t ns);
/* Of all that was appended when pace_sync_begin returned `bytes`. */
uint64_t pace_sync_begin(struct pace *p);
void pace_synced(struct pace *p, uint64_t bytes, uint64_t ns);

/*
 * Whether raw chunks would go through faster than compressed ones, when so many workers are at it. Every now and then the
 * answer is no all the same, so that compression is measured anew.
 */
bool pace_raw_wins(struct pace *p, unsigned workers);

#endif
