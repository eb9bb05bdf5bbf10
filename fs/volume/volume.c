/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every part of an open volume asks of it: the time, the next inode number, the options it has unless others are given.
 */
#include "fs/volume/volume.h"

#include <time.h>

void volume_options_init(struct volume_options *opt)
{
	*opt = (struct volume_options){
		.commit_seconds = 5,
		.cache_bytes = 64u << 20,
		.thaw_bytes = 256u << 20,
		.dirty_bytes = 64u << 20,
		.role = "firn",
	};
}

int64_t volume_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t volume_next_ino(struct volume *vol)
{
	uint64_t ino;

	pthread_mutex_lock(&vol->counters_mutex);
	ino = vol->counters.next_ino++;
	pthread_mutex_unlock(&vol->counters_mutex);
	return ino;
}
