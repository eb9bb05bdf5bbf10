/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flusher's workers and its lists of dirty files.
 */
#include "fs/data/flush.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "fs/data/commit.h"
#include "fs/data/encode.h"
#include "fs/extent/space.h"

#define PUBLISH_BATCH 32u
/* Without any progress for so long, a writer that waits for room gets an error instead. */
#define ROOM_WAIT_SECONDS 10

static uint64_t background(const struct flusher *fl)
{
	return fl->vol->opt.dirty_bytes / 4;
}

static void list_append(struct flusher *fl, struct dirty_file *df)
{
	df->next = NULL;
	df->prev = fl->last;
	*(fl->last ? &fl->last->next : &fl->first) = df;
	fl->last = df;
	df->listed = true;
}

static void list_remove(struct flusher *fl, struct dirty_file *df)
{
	*(df->prev ? &df->prev->next : &fl->first) = df->next;
	*(df->next ? &df->next->prev : &fl->last) = df->prev;
	df->listed = false;
}

static void wanted_append(struct flusher *fl, struct dirty_file *df)
{
	df->ready = true;
	if (df->queued || !df->listed)
		return;
	df->queued = true;
	df->next_wanted = NULL;
	*(fl->wanted_last ? &fl->wanted_last->next_wanted : &fl->wanted_first) = df;
	fl->wanted_last = df;
}

static void wanted_remove(struct flusher *fl, struct dirty_file *df)
{
	struct dirty_file *before = NULL;

	if (!df->queued)
		return;
	for (struct dirty_file *it = fl->wanted_first; it != df; it = it->next_wanted)
		before = it;
	*(before ? &before->next_wanted : &fl->wanted_first) = df->next_wanted;
	if (fl->wanted_last == df)
		fl->wanted_last = before;
	df->queued = false;
}

void flusher_use(struct flusher *fl, struct dirty_file *df)
{
	pthread_mutex_lock(&fl->mutex);
	df->users++;
	pthread_mutex_unlock(&fl->mutex);
}

void flusher_want(struct flusher *fl, struct dirty_file *df)
{
	pthread_mutex_lock(&fl->mutex);
	wanted_append(fl, df);
	pthread_cond_broadcast(&fl->work);
	pthread_mutex_unlock(&fl->mutex);
}

void flusher_unuse(struct flusher *fl, struct dirty_file *df)
{
	struct inode *inode;
	bool last;

	pthread_mutex_lock(&fl->mutex);
	last = --df->users == 0 && !df->listed;
	pthread_mutex_unlock(&fl->mutex);
	if (!last)
		return;
	inode = df->inode;
	dirty_file_destroy(df);
	if (inode)
		inode_put(inode, 1);
}

void flusher_unlist(struct flusher *fl, struct dirty_file *df)
{
	pthread_mutex_lock(&fl->mutex);
	list_remove(fl, df);
	wanted_remove(fl, df);
	pthread_mutex_unlock(&fl->mutex);
}

void flusher_relist(struct flusher *fl, struct dirty_file *df)
{
	pthread_mutex_lock(&fl->mutex);
	list_append(fl, df);
	df->ready = true;
	pthread_mutex_unlock(&fl->mutex);
}

void flusher_release(struct volume *vol, const struct dirty_cost *cost)
{
	struct flusher *fl = vol->flusher;

	space_give(fl->vol->space, cost->disk);
	pthread_mutex_lock(&fl->mutex);
	fl->bytes -= cost->memory;
	pthread_cond_broadcast(&fl->room);
	pthread_mutex_unlock(&fl->mutex);
}

int flusher_write_begin(struct inode *inode, uint32_t first, uint32_t last, struct dirty_file **out)
{
	struct flusher *fl = inode->vol->flusher;
	struct dirty_file *fresh = NULL;
	int r;

	pthread_mutex_lock(&inode->data_mutex);
	if (!inode->dirty) {
		pthread_mutex_unlock(&inode->data_mutex);
		r = dirty_file_create(inode, &fresh);
		if (r)
			return r;
		inode_ref(inode);
		pthread_mutex_lock(&inode->data_mutex);
		fresh->emptied = inode->emptied;
		inode->dirty = fresh; /* nobody else makes one: the inode lock is held exclusively */
		pthread_mutex_lock(&fl->mutex);
		list_append(fl, fresh);
		pthread_mutex_unlock(&fl->mutex);
	}
	*out = inode->dirty;
	dirty_write_begin(inode->dirty, first, last);
	pthread_mutex_unlock(&inode->data_mutex);
	return 0;
}

void flusher_write_end(struct dirty_file *df, const struct dirty_cost *cost)
{
	struct flusher *fl = df->vol->flusher;

	space_take(fl->vol->space, cost->disk);
	pthread_mutex_lock(&df->inode->data_mutex);
	dirty_write_end(df);
	pthread_mutex_lock(&fl->mutex);
	fl->bytes += cost->memory;
	df->ready = true;
	if (df->waiters > 0)
		wanted_append(fl, df);
	if (df->waiters > 0 || fl->bytes - fl->claimed > background(fl))
		pthread_cond_signal(&fl->work);
	pthread_mutex_unlock(&fl->mutex);
	pthread_mutex_unlock(&df->inode->data_mutex);
}

void flusher_cut(struct dirty_file *df, bool emptied)
{
	struct flusher *fl = df->vol->flusher;

	pthread_mutex_lock(&fl->mutex);
	df->emptied |= emptied;
	pthread_mutex_unlock(&fl->mutex);
	if (df->waiters > 0)
		flusher_want(fl, df); /* a worker finds what is left: the record, or nothing */
}

/*
 * A file to work on: one that is wanted, else under memory pressure the one that is dirty for longest. Mutex
 * held.
 */
static struct dirty_file *file_pick(struct flusher *fl)
{
	struct dirty_file *df;

	for (df = fl->wanted_first; df; df = df->next_wanted) {
		if (!df->parked)
			return df;
	}
	if (fl->bytes - fl->claimed <= background(fl))
		return NULL;
	for (df = fl->first; df; df = df->next) {
		if (df->ready && !df->parked)
			return df;
	}
	return NULL;
}

/*
 * Claims the next chunk; NULL: there is none, and others need not look. *bare: the file has no chunk left but
 * is not clean either.
 */
static struct dirty_chunk *chunk_claim(struct flusher *fl, struct dirty_file *df, bool *bare)
{
	struct dirty_chunk *c;

	pthread_mutex_lock(&df->inode->data_mutex);
	pthread_mutex_lock(&fl->mutex);
	c = dirty_claim(df, fl->bytes - fl->claimed > background(fl));
	if (c) {
		fl->claimed += c->pin.cap;
	} else {
		df->ready = false;
		wanted_remove(fl, df);
		pthread_cond_broadcast(&df->changed); /* what they wait for may have been truncated away */
	}
	*bare = !c && df->n == 0 && df->listed && !df->writing && !df->publishing && !df->store_error;
	if (*bare)
		df->publishing = true;
	pthread_mutex_unlock(&fl->mutex);
	pthread_mutex_unlock(&df->inode->data_mutex);
	return c;
}

/*
 * Publishes what is ready, in the order of the claims; one worker at a time does it for a file, the others
 * hand over to him. Who has published must look for chunks again: others did not while he was at it.
 */
static void file_publish(struct dirty_file *df)
{
	struct dirty_chunk *list[PUBLISH_BATCH];
	size_t n;

	pthread_mutex_lock(&df->inode->data_mutex);
	while ((n = dirty_landed(df, list, PUBLISH_BATCH)) > 0) {
		pthread_mutex_unlock(&df->inode->data_mutex);
		flush_publish(df, list, n);
		pthread_mutex_lock(&df->inode->data_mutex);
	}
	df->publishing = false;
	pthread_mutex_unlock(&df->inode->data_mutex);
}

/* True: nobody publishes, so the caller does. */
static bool chunk_hand_over(struct dirty_file *df, struct dirty_chunk *encoded)
{
	bool publish;

	pthread_mutex_lock(&df->inode->data_mutex);
	encoded->state = CHUNK_ENCODED;
	publish = !df->publishing;
	df->publishing = true;
	pthread_mutex_unlock(&df->inode->data_mutex);
	return publish;
}

/*
 * Whether a chunk is to be stored raw: when there is so much to encode, whole chunks counted, that somebody waits or will soon,
 * if that is faster and the disk has plenty of room.
 */
static bool in_hurry(struct flusher *fl)
{
	const struct volume_options *opt = &fl->vol->opt;

	if (opt->hot != HOT_AUTO)
		return opt->hot == HOT_RAW;
	return space_pressed(fl->vol->space, opt->dirty_bytes / 2) && pace_raw_wins(&fl->pace, fl->thread_count);
}

/* Flushes chunks of a file as long as there are any to claim. */
static void file_work(struct flusher *fl, struct dirty_file *df, struct encoder *enc)
{
	struct dirty_chunk *c;
	bool bare;

	while ((c = chunk_claim(fl, df, &bare)) || bare) {
		if (c) {
			encode_chunk(enc, fl->vol, df->inode->ino, c, in_hurry(fl));
			if (c->extent.id && c->extent.codec == CODEC_RAW && c->extent.level == RAW_UNTRIED)
				__atomic_fetch_add(&fl->untried, 1, __ATOMIC_RELAXED);
			if (!chunk_hand_over(df, c))
				continue;
		} else {
			flush_publish(df, NULL, 0);
		}
		file_publish(df);
	}
}

static void *worker_run(void *arg)
{
	struct flusher *fl = arg;
	struct encoder enc = { 0 };
	struct dirty_file *df;

	pthread_mutex_lock(&fl->mutex);
	while (!fl->stop) {
		df = file_pick(fl);
		if (!df) {
			pthread_cond_wait(&fl->work, &fl->mutex);
			continue;
		}
		df->users++;
		pthread_mutex_unlock(&fl->mutex);
		file_work(fl, df, &enc);
		flusher_unuse(fl, df);
		pthread_mutex_lock(&fl->mutex);
	}
	pthread_mutex_unlock(&fl->mutex);
	encoder_fini(&enc);
	return NULL;
}

int flusher_create(struct volume *vol)
{
	struct flusher *fl = calloc(1, sizeof *fl);
	int r = 0;

	if (!fl)
		return -ENOMEM;
	vol->flusher = fl;
	fl->vol = vol;
	pace_init(&fl->pace);
	pthread_mutex_init(&fl->mutex, NULL);
	pthread_cond_init(&fl->work, NULL);
	pthread_cond_init(&fl->room, NULL);
	fl->threads = calloc(vol->opt.workers, sizeof *fl->threads);
	if (!fl->threads)
		r = -ENOMEM;
	while (r == 0 && !vol->readonly && fl->thread_count < vol->opt.workers) {
		r = -pthread_create(&fl->threads[fl->thread_count], NULL, worker_run, fl);
		fl->thread_count += r == 0;
	}
	if (r)
		flusher_destroy(vol);
	return r;
}

void flusher_destroy(struct volume *vol)
{
	struct flusher *fl = vol->flusher;

	if (!fl)
		return;
	pthread_mutex_lock(&fl->mutex);
	fl->stop = true;
	pthread_cond_broadcast(&fl->work);
	pthread_mutex_unlock(&fl->mutex);
	for (unsigned i = 0; i < fl->thread_count; i++)
		pthread_join(fl->threads[i], NULL);
	while (fl->first) {
		struct dirty_file *df = fl->first;

		list_remove(fl, df);
		df->inode->dirty = NULL;
		inode_put(df->inode, 1);
		dirty_file_destroy(df);
	}
	pthread_cond_destroy(&fl->room);
	pthread_cond_destroy(&fl->work);
	pthread_mutex_destroy(&fl->mutex);
	pace_fini(&fl->pace);
	free(fl->threads);
	free(fl);
	vol->flusher = NULL;
}

int flusher_wait_room(struct volume *vol)
{
	struct flusher *fl = vol->flusher;
	struct timespec until;
	uint64_t failures, published;
	int r = 0;

	pthread_mutex_lock(&fl->mutex);
	failures = fl->failures;
	while (r == 0 && fl->bytes >= vol->opt.dirty_bytes) {
		if (fl->error)
			volume_commit_kick(vol); /* tries again what failed */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += ROOM_WAIT_SECONDS;
		published = fl->published;
		pthread_cond_broadcast(&fl->work);
		r = pthread_cond_timedwait(&fl->room, &fl->mutex, &until);
		if (r == ETIMEDOUT)
			r = published == fl->published && fl->error ? fl->error : 0;
		else if (fl->failures != failures && published == fl->published)
			r = fl->error;
		else
			r = 0;
	}
	pthread_mutex_unlock(&fl->mutex);
	return r;
}
