/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A crew of threads: parts are handed out and taken back under one mutex, which nobody but the crew and its caller takes.
 */
#include "fs/tiers/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IOPRIO_IDLE (3 << 13 | 7) /* class, and its only level */
#define IOPRIO_WHO_PROCESS 1

struct hand {
	struct crew *crew;
	unsigned number;
	pthread_t thread;
};

struct crew {
	unsigned threads;
	bool idle;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work, ended;
	unsigned allowed;
	bool quit;
	void (*part)(void *arg, unsigned i, unsigned thread);
	void *arg;
	unsigned n, next;      /* parts of the job, and of them handed out */
	unsigned *done, n_done; /* those done that the caller has not seen, room for n */

	struct hand hands[];
};

static void idle_become(void)
{
	const struct sched_param none = {0};

	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

static void *hand_run(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;

	if (c->idle)
		idle_become();
	pthread_mutex_lock(&c->mutex);
	while (!c->quit) {
		unsigned i;

		if (c->next >= c->n || h->number >= c->allowed) {
			pthread_cond_wait(&c->work, &c->mutex);
			continue;
		}
		i = c->next++;
		pthread_mutex_unlock(&c->mutex);
		c->part(c->arg, i, h->number);
		pthread_mutex_lock(&c->mutex);
		c->done[c->n_done++] = i;
		pthread_cond_signal(&c->ended);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

/* Ends the first n threads. */
static void hands_end(struct crew *c, unsigned n)
{
	pthread_mutex_lock(&c->mutex);
	c->quit = true;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->mutex);
	for (unsigned i = 0; i < n; i++)
		pthread_join(c->hands[i].thread, NULL);
}

static void crew_free(struct crew *c)
{
	pthread_cond_destroy(&c->work);
	pthread_cond_destroy(&c->ended);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

int crew_create(unsigned threads, bool idle, struct crew **out)
{
	struct crew *c;

	*out = NULL;
	if (threads == 0) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		threads = n > 0 ? (unsigned)n : 1;
	}
	c = calloc(1, sizeof *c + threads * sizeof *c->hands);
	if (!c)
		return -ENOMEM;
	c->threads = c->allowed = threads;
	c->idle = idle;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->ended, NULL);
	for (unsigned i = 0; i < threads; i++) {
		struct hand *h = &c->hands[i];
		int rc;

		h->crew = c;
		h->number = i;
		rc = pthread_create(&h->thread, NULL, hand_run, h);
		if (rc != 0) {
			hands_end(c, i);
			crew_free(c);
			return -rc;
		}
	}
	*out = c;
	return 0;
}

void crew_destroy(struct crew *c)
{
	if (!c)
		return;
	hands_end(c, c->threads);
	crew_free(c);
}

unsigned crew_threads(const struct crew *c)
{
	return c->threads;
}

int crew_run(struct crew *c, unsigned n, void (*part)(void *arg, unsigned i, unsigned thread), void (*done)(void *arg, unsigned i),
	     void *arg)
{
	unsigned *list = malloc((n ? n : 1) * sizeof *list);

	if (!list)
		return -ENOMEM;
	pthread_mutex_lock(&c->mutex);
	c->part = part;
	c->arg = arg;
	c->done = list;
	c->n_done = c->next = 0;
	c->n = n;
	pthread_cond_broadcast(&c->work);
	for (unsigned seen = 0; seen < n;) {
		while (seen == c->n_done)
			pthread_cond_wait(&c->ended, &c->mutex);
		pthread_mutex_unlock(&c->mutex);
		if (done)
			done(arg, list[seen]);
		seen++;
		pthread_mutex_lock(&c->mutex);
	}
	c->n = 0;
	c->done = NULL;
	pthread_mutex_unlock(&c->mutex);
	free(list);
	return 0;
}

void crew_allow(struct crew *c, unsigned threads)
{
	pthread_mutex_lock(&c->mutex);
	c->allowed = threads;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->mutex);
}

void crew_hurry(struct crew *c)
{
	const struct sched_param none = {0};

	for (unsigned i = 0; c->idle && i < c->threads; i++)
		(void)pthread_setschedparam(c->hands[i].thread, SCHED_OTHER, &none);
}

uint64_t crew_cpu(struct crew *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < c->threads; i++) {
		struct timespec t;
		clockid_t clock;

		if (pthread_getcpuclockid(c->hands[i].thread, &clock) == 0 && clock_gettime(clock, &t) == 0)
			sum += (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	}
	return sum;
}
