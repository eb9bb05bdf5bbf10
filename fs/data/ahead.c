/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams of readers, a bounded queue of chunks that they will want, and the threads that decode them.
 *
 * The threads have codec contexts of their own and a lower priority than who serves requests, so that no reader
 * waits for what is only likely to be read; who wants a chunk that is on its way waits for it in the cache.
 */
#include "fs/data/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/data/cache.h"
#include "fs/data/chunk.h"
#include "fs/extent/models.h"

#define STREAMS 16u
#define WINDOW_FIRST 2u
#define WINDOW_PER_THREAD 3u
#define QUEUE_MAX 64u
/* Requests of one reader reach us on several threads, hence a little out of order. */
#define DISORDER 8u
#define NICE 5

/* A reader that goes through a file; end: chunks before it have been asked for. */
struct stream {
	uint64_t ino, end, used;
	uint32_t last, window;
};

/* A chunk, or (ino 0) the model that the cold data needs. */
struct wanted {
	uint64_t ino;
	uint32_t no;
};

struct ahead {
	struct volume *vol;
	unsigned window_max; /* 0: the cache is too small to read ahead into */
	pthread_t *threads;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;
	uint64_t clock;
	struct stream streams[STREAMS];
	struct wanted queue[QUEUE_MAX]; /* a ring */
	unsigned first, n, thread_count;
	bool stop;
};

/*
 * Enough to keep all threads at work, for what is read ahead of a reader who stops is wasted; and at most a
 * quarter of the cache.
 */
static unsigned window_max(const struct volume *vol)
{
	uint64_t chunks = vol->opt.cache_bytes / vol->super.chunk_size / 4;
	unsigned enough = WINDOW_PER_THREAD * vol->opt.workers;

	return chunks < WINDOW_FIRST ? 0 : chunks < enough ? (unsigned)chunks : enough;
}

int ahead_create(struct volume *vol)
{
	struct ahead *a = calloc(1, sizeof *a);

	if (a)
		a->threads = calloc(vol->opt.workers, sizeof *a->threads);
	if (!a || !a->threads) {
		free(a);
		return -ENOMEM;
	}
	a->vol = vol;
	a->window_max = window_max(vol);
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->work, NULL);
	vol->ahead = a;
	return 0;
}

void ahead_destroy(struct volume *vol)
{
	struct ahead *a = vol->ahead;

	if (!a)
		return;
	pthread_mutex_lock(&a->mutex);
	a->stop = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->mutex);
	for (unsigned i = 0; i < a->thread_count; i++)
		pthread_join(a->threads[i], NULL);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->mutex);
	free(a->threads);
	free(a);
	vol->ahead = NULL;
}

static void model_fetch(struct volume *vol)
{
	struct codec_model *model;

	if (models_get(vol, models_active(vol, MODEL_NEURAL), &model) == 0)
		codec_model_put(model); /* the set keeps it */
}

static void chunk_fetch(struct volume *vol, struct codec_ctx **ctx, const struct wanted *w)
{
	struct extent e = { 0 };
	struct index_op op;
	uint64_t id;
	int r = *ctx ? 0 : codec_ctx_create(ctx);

	if (r)
		return;
	index_begin(vol->index, &op);
	r = chunk_lookup(&op, w->ino, w->no, &id);
	if (r == 0 && id)
		r = extent_get(&op, id, &e);
	index_end(&op);
	if (r == 0 && e.id && e.codec == CODEC_NEURAL)
		cache_fetch(vol, *ctx, &e);
}

static void *worker_run(void *arg)
{
	struct ahead *a = arg;
	struct codec_ctx *ctx = NULL;

	(void)!nice(NICE); /* this thread alone, on Linux; a wish */
	pthread_mutex_lock(&a->mutex);
	while (!a->stop) {
		struct wanted w;

		if (a->n == 0) {
			pthread_cond_wait(&a->work, &a->mutex);
			continue;
		}
		w = a->queue[a->first];
		a->first = (a->first + 1) % QUEUE_MAX;
		a->n--;
		pthread_mutex_unlock(&a->mutex);
		if (w.ino)
			chunk_fetch(a->vol, &ctx, &w);
		else
			model_fetch(a->vol);
		pthread_mutex_lock(&a->mutex);
	}
	pthread_mutex_unlock(&a->mutex);
	codec_ctx_destroy(ctx);
	return NULL;
}

/* Mutex held. */
static void work_announce(struct ahead *a)
{
	if (a->n == 0)
		return;
	while (a->thread_count < a->vol->opt.workers) {
		if (pthread_create(&a->threads[a->thread_count], NULL, worker_run, a))
			break;
		a->thread_count++;
	}
	pthread_cond_broadcast(&a->work);
}

static bool is_near(const struct stream *s, uint64_t ino, uint32_t no)
{
	uint64_t ahead = (uint64_t)s->last + DISORDER;

	return s->used && s->ino == ino && no <= ahead && (uint64_t)no + DISORDER >= s->last;
}

/* The stream that the chunk belongs to, else a fresh one in the place of the one that has been still for longest. */
static struct stream *stream_find(struct ahead *a, uint64_t ino, uint32_t no)
{
	struct stream *oldest = &a->streams[0];

	for (unsigned i = 0; i < STREAMS; i++) {
		struct stream *s = &a->streams[i];

		if (is_near(s, ino, no))
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	*oldest = (struct stream){ .ino = ino, .last = no, .end = (uint64_t)no + 1 };
	return oldest;
}

static void stream_advance(struct ahead *a, struct stream *s, uint32_t no)
{
	uint64_t end;

	s->last = no;
	s->window = s->window ? s->window * 2 : WINDOW_FIRST;
	if (s->window > a->window_max)
		s->window = a->window_max;
	end = (uint64_t)no + 1 + s->window;
	if (end > UINT32_MAX)
		end = UINT32_MAX;
	if (s->end <= no)
		s->end = (uint64_t)no + 1;
	for (; s->end < end && a->n < QUEUE_MAX; s->end++, a->n++)
		a->queue[(a->first + a->n) % QUEUE_MAX] = (struct wanted){ s->ino, (uint32_t)s->end };
}

void ahead_note(struct volume *vol, uint64_t ino, uint32_t no)
{
	struct ahead *a = vol->ahead;
	struct stream *s;

	if (a->window_max == 0)
		return;
	pthread_mutex_lock(&a->mutex);
	s = stream_find(a, ino, no);
	s->used = ++a->clock;
	if (no > s->last)
		stream_advance(a, s, no);
	work_announce(a);
	pthread_mutex_unlock(&a->mutex);
}

void ahead_model(struct volume *vol)
{
	struct ahead *a = vol->ahead;

	if (models_active(vol, MODEL_NEURAL) == 0)
		return;
	pthread_mutex_lock(&a->mutex);
	if (a->n < QUEUE_MAX)
		a->queue[(a->first + a->n++) % QUEUE_MAX] = (struct wanted){ 0 };
	work_announce(a);
	pthread_mutex_unlock(&a->mutex);
}
