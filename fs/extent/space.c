/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room on the disk beneath: the disk is asked at most once a second, or when the budget of the last answer is
 * spent.
 */
#include "fs/extent/space.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/extent/thaw.h"

#define RESERVE_MAX (32u << 20)
#define ASK_AGAIN_NS 1000000000
#define PLENTY_SHARE 8u

int space_create(struct volume *vol)
{
	vol->space = calloc(1, sizeof *vol->space);
	if (!vol->space)
		return -ENOMEM;
	pthread_mutex_init(&vol->space->mutex, NULL);
	return 0;
}

void space_destroy(struct volume *vol)
{
	if (!vol->space)
		return;
	pthread_mutex_destroy(&vol->space->mutex);
	free(vol->space);
	vol->space = NULL;
}

uint64_t space_reserve(uint64_t total)
{
	return total / 100 < RESERVE_MAX ? total / 100 : RESERVE_MAX;
}

static int space_ask(struct volume *vol, uint64_t need)
{
	struct space *sp = vol->space;
	struct segments_space disk;
	int64_t now = volume_now();
	uint64_t reserved;
	int r = 0;

	pthread_mutex_lock(&sp->mutex);
	if (sp->budget >= need && now - sp->asked < ASK_AGAIN_NS && now >= sp->asked) {
		pthread_mutex_unlock(&sp->mutex);
		return 0;
	}
	reserved = sp->reserved;
	pthread_mutex_unlock(&sp->mutex);
	r = segments_space(vol->segments, &disk);
	if (r)
		return r;
	pthread_mutex_lock(&sp->mutex);
	/* What is flushed while the disk answers may be missing in its answer: it still counts as reserved. */
	reserved = (reserved > sp->reserved ? reserved : sp->reserved) + space_reserve(disk.total);
	sp->budget = disk.available > reserved ? disk.available - reserved : 0;
	sp->asked = now;
	sp->plenty = sp->budget > disk.total / PLENTY_SHARE;
	if (sp->budget < need)
		r = -ENOSPC;
	pthread_mutex_unlock(&sp->mutex);
	return r;
}

/* Copies that can be made again go first. */
int space_check(struct volume *vol, uint64_t need)
{
	int r = space_ask(vol, need);

	return r == -ENOSPC && thaw_drop(vol) ? space_ask(vol, need) : r;
}

static int scratch_ask(struct volume *vol, uint64_t need)
{
	struct space *sp = vol->space;
	struct segments_space disk;
	uint64_t kept;
	int r = segments_space(vol->segments, &disk);

	if (r)
		return r;
	pthread_mutex_lock(&sp->mutex);
	kept = sp->reserved + space_reserve(disk.total) / 2;
	pthread_mutex_unlock(&sp->mutex);
	return disk.available >= kept && disk.available - kept >= need ? 0 : -ENOSPC;
}

uint64_t space_kept(struct space *sp, uint64_t total)
{
	uint64_t reserved;

	pthread_mutex_lock(&sp->mutex);
	reserved = sp->reserved;
	pthread_mutex_unlock(&sp->mutex);
	return reserved + space_reserve(total);
}

bool space_pressed(struct space *sp, uint64_t reserved)
{
	bool pressed;

	pthread_mutex_lock(&sp->mutex);
	pressed = sp->plenty && sp->reserved > reserved;
	pthread_mutex_unlock(&sp->mutex);
	return pressed;
}

int space_scratch(struct volume *vol, uint64_t need)
{
	int r = scratch_ask(vol, need);

	return r == -ENOSPC && thaw_drop(vol) ? scratch_ask(vol, need) : r;
}

void space_take(struct space *sp, uint64_t bytes)
{
	pthread_mutex_lock(&sp->mutex);
	sp->reserved += bytes;
	sp->budget -= bytes < sp->budget ? bytes : sp->budget;
	pthread_mutex_unlock(&sp->mutex);
}

void space_give(struct space *sp, uint64_t bytes)
{
	pthread_mutex_lock(&sp->mutex);
	sp->reserved -= bytes < sp->reserved ? bytes : sp->reserved;
	pthread_mutex_unlock(&sp->mutex);
}
