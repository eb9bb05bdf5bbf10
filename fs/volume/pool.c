/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of one size: a bounded stack of unused ones over malloc.
 */
#include "fs/volume/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct pool {
	size_t size;
	pthread_mutex_t mutex;
	unsigned keep, most;
	unsigned n, least; /* guarded by mutex, like the stack; least: the lowest n since pool_trim */
	void *unused[];
};

int pool_create(size_t size, unsigned keep, unsigned most, struct pool **out)
{
	struct pool *p = calloc(1, sizeof *p + most * sizeof *p->unused);

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->size = size;
	p->keep = keep;
	p->most = most;
	pthread_mutex_init(&p->mutex, NULL);
	*out = p;
	return 0;
}

void pool_destroy(struct pool *p)
{
	if (!p)
		return;
	while (p->n > 0)
		free(p->unused[--p->n]);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

void *pool_get(struct pool *p)
{
	void *buf = NULL;

	pthread_mutex_lock(&p->mutex);
	if (p->n > 0)
		buf = p->unused[--p->n];
	if (p->n < p->least)
		p->least = p->n;
	pthread_mutex_unlock(&p->mutex);
	return buf ? buf : malloc(p->size);
}

void pool_put(struct pool *p, void *buf)
{
	if (!buf)
		return;
	pthread_mutex_lock(&p->mutex);
	if (p->n < p->most) {
		p->unused[p->n++] = buf;
		buf = NULL;
	}
	pthread_mutex_unlock(&p->mutex);
	free(buf);
}

void pool_trim(struct pool *p)
{
	void *buf;

	do {
		buf = NULL;
		pthread_mutex_lock(&p->mutex);
		if (p->n > p->keep && p->least > 0) {
			buf = p->unused[--p->n];
			p->least--;
		} else {
			p->least = p->n;
		}
		pthread_mutex_unlock(&p->mutex);
		free(buf);
	} while (buf);
}
