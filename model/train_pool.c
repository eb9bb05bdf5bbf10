/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread pool of training: one job at a time, its parts handed out under a lock. */
#include "model/train_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 64

struct worker {
	struct train_pool *pool;
	unsigned number;
	pthread_t thread;
};

struct train_pool {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	void (*part)(void *arg, unsigned i, unsigned thread); /* this and what follows up to quit: protected by lock */
	void *arg;
	unsigned parts, next, finished;
	bool quit;
	unsigned n_workers; /* without the caller's thread */
	struct worker workers[THREADS_MAX - 1];
};

/* Takes parts until none is left. Called and returns with the lock held. */
static void pool_work(struct train_pool *pool, unsigned thread)
{
	while (pool->next < pool->parts) {
		unsigned i = pool->next++;

		pthread_mutex_unlock(&pool->lock);
		pool->part(pool->arg, i, thread);
		pthread_mutex_lock(&pool->lock);
		if (++pool->finished == pool->parts)
			pthread_cond_signal(&pool->done);
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->pool->lock);
	while (!w->pool->quit) {
		pool_work(w->pool, w->number);
		if (!w->pool->quit)
			pthread_cond_wait(&w->pool->work, &w->pool->lock);
	}
	pthread_mutex_unlock(&w->pool->lock);
	return NULL;
}

int train_pool_create(int threads, struct train_pool **out)
{
	struct train_pool *pool = calloc(1, sizeof(*pool));

	*out = NULL;
	if (!pool)
		return -ENOMEM;
	if (threads <= 0)
		threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	while ((int)pool->n_workers + 1 < threads && pool->n_workers < THREADS_MAX - 1) {
		struct worker *w = &pool->workers[pool->n_workers];

		*w = (struct worker){.pool = pool, .number = pool->n_workers + 1};
		if (pthread_create(&w->thread, NULL, worker_run, w))
			break;
		pool->n_workers++;
	}
	*out = pool;
	return 0;
}

void train_pool_destroy(struct train_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_workers; i++)
		pthread_join(pool->workers[i].thread, NULL);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->done);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

unsigned train_pool_threads(const struct train_pool *pool)
{
	return pool->n_workers + 1;
}

void train_pool_run(struct train_pool *pool, unsigned parts, void (*part)(void *arg, unsigned i, unsigned thread), void *arg)
{
	pthread_mutex_lock(&pool->lock);
	pool->part = part;
	pool->arg = arg;
	pool->next = pool->finished = 0;
	pool->parts = parts;
	if (pool->n_workers && parts > 1)
		pthread_cond_broadcast(&pool->work);
	pool_work(pool, 0);
	while (pool->finished < parts)
		pthread_cond_wait(&pool->done, &pool->lock);
	pool->parts = pool->next = 0;
	pthread_mutex_unlock(&pool->lock);
}
