/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codec contexts for readers: made when first needed; the one used last is lent first, so that few ever grow
 * large.
 */
#include "fs/extent/decoder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct decoders {
	pthread_mutex_t mutex;
	pthread_cond_t returned;
	unsigned max, made, n; /* n on the stack */
	struct codec_ctx *unused[];
};

int decoders_create(unsigned max, struct decoders **out)
{
	struct decoders *d = calloc(1, sizeof *d + max * sizeof *d->unused);

	*out = d;
	if (!d)
		return -ENOMEM;
	d->max = max;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->returned, NULL);
	return 0;
}

void decoders_destroy(struct decoders *d)
{
	if (!d)
		return;
	while (d->n > 0)
		codec_ctx_destroy(d->unused[--d->n]);
	pthread_cond_destroy(&d->returned);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

int decoder_get(struct decoders *d, struct codec_ctx **out)
{
	int r = 0;

	*out = NULL;
	pthread_mutex_lock(&d->mutex);
	while (d->n == 0 && d->made == d->max)
		pthread_cond_wait(&d->returned, &d->mutex);
	if (d->n > 0)
		*out = d->unused[--d->n];
	else
		d->made++;
	pthread_mutex_unlock(&d->mutex);
	if (*out)
		return 0;
	r = codec_ctx_create(out);
	if (r) {
		pthread_mutex_lock(&d->mutex);
		d->made--;
		pthread_cond_signal(&d->returned);
		pthread_mutex_unlock(&d->mutex);
	}
	return r;
}

void decoder_put(struct decoders *d, struct codec_ctx *ctx)
{
	pthread_mutex_lock(&d->mutex);
	d->unused[d->n++] = ctx;
	pthread_cond_signal(&d->returned);
	pthread_mutex_unlock(&d->mutex);
}
