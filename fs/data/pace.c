/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The figures by which a flush in a hurry chooses between LZ4 and raw.
 */
#include "fs/data/pace.h"

#define WEIGHT 8u         /* of the past against the newest figure, plus one */
#define MEASURE_EVERY 16u /* chunks */
#define SYNC_MIN (1u << 20) /* less says more about the latency of the disk than about its speed */
#define PS_PER_NS 1000u
#define RATIO_ONE 1024u

void pace_init(struct pace *p)
{
	*p = (struct pace){ 0 };
	pthread_mutex_init(&p->mutex, NULL);
}

void pace_fini(struct pace *p)
{
	pthread_mutex_destroy(&p->mutex);
}

/* Never 0 again, which means unknown. */
static void average(uint64_t *figure, uint64_t fresh)
{
	if (*figure > 0)
		fresh = (*figure * (WEIGHT - 1) + fresh) / WEIGHT;
	*figure = fresh > 0 ? fresh : 1;
}

static uint64_t each(uint64_t ns, uint64_t bytes)
{
	return ns * PS_PER_NS / bytes;
}

void pace_encoded(struct pace *p, uint64_t plain, uint64_t frame, uint64_t ns)
{
	if (plain < PACE_MIN)
		return;
	pthread_mutex_lock(&p->mutex);
	average(&p->encode, each(ns, plain));
	average(&p->ratio, frame * RATIO_ONE / plain);
	pthread_mutex_unlock(&p->mutex);
}

void pace_appended(struct pace *p, uint64_t bytes, uint64_t ns)
{
	pthread_mutex_lock(&p->mutex);
	if (bytes >= PACE_MIN)
		average(&p->append, each(ns, bytes));
	p->unsynced += bytes;
	pthread_mutex_unlock(&p->mutex);
}

uint64_t pace_sync_begin(struct pace *p)
{
	uint64_t bytes;

	pthread_mutex_lock(&p->mutex);
	bytes = p->unsynced;
	p->unsynced = 0;
	pthread_mutex_unlock(&p->mutex);
	return bytes;
}

void pace_synced(struct pace *p, uint64_t bytes, uint64_t ns)
{
	if (bytes < SYNC_MIN)
		return;
	pthread_mutex_lock(&p->mutex);
	average(&p->sync, each(ns, bytes));
	pthread_mutex_unlock(&p->mutex);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Workers encode and append side by side; the disk syncs once for all of them, while they go on. So what a byte costs one
 * worker is the larger of the two.
 */
bool pace_raw_wins(struct pace *p, unsigned workers)
{
	uint64_t raw, packed;
	bool wins;

	pthread_mutex_lock(&p->mutex);
	raw = larger(p->append, p->sync * workers);
	packed = larger(p->encode + p->append * p->ratio / RATIO_ONE, p->sync * workers * p->ratio / RATIO_ONE);
	wins = p->encode > 0 && p->append > 0 && raw < packed;
	p->hurried = wins ? p->hurried + 1 : 0;
	if (p->hurried == MEASURE_EVERY) {
		p->hurried = 0;
		wins = false;
	}
	pthread_mutex_unlock(&p->mutex);
	return wins;
}
