/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commit thread and its protocol: flush, freeze, sync segments, commit the index; then what only a
 * durable commit allows.
 */
#include "fs/data/commit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/heat.h"
#include "fs/volume/pool.h"

#define RESULTS 8u

struct result {
	int commit; /* of the commit itself                                   */
	int flush;  /* first failed flush of a file, when the commit went well */
};

struct committer {
	struct volume *vol;
	pthread_t thread;
	bool running;

	struct counters_disk last; /* as this mount stored them last; used by the thread that commits alone */

	pthread_mutex_t mutex;     /* guards what follows */
	pthread_cond_t wake, done;
	uint64_t begun, finished;  /* commits; at most one is under way */
	uint64_t asked;            /* number of the last commit that somebody waits for */
	uint64_t asked_flush;      /* of the last one that must flush all files before  */
	struct timespec flush_due; /* when the timer wants one that does                */
	bool kicked, stop;
	struct result results[RESULTS];
};

int commit_store_counters(struct index_op *op, const struct counters_disk *disk)
{
	return index_put(op, TABLE_META, "counters", 8, disk, sizeof *disk);
}

static void counters_fill(struct volume *vol, uint32_t next_segment, struct counters_disk *disk)
{
	struct extent_totals totals;

	extent_totals(vol, &totals);
	memset(disk, 0, sizeof *disk);
	disk->next_extent = le64_put(extent_peek_id(vol));
	disk->plain_bytes = le64_put(totals.plain_bytes);
	disk->next_segment = le32_put(next_segment);
	disk->next_sequence = le64_put(segments_sequence(vol->segments));
	pthread_mutex_lock(&vol->counters_mutex);
	disk->next_ino = le64_put(vol->counters.next_ino);
	disk->next_todo = le64_put(vol->counters.next_todo);
	disk->commits = le64_put(vol->counters.commits);
	disk->next_model = le32_put(vol->counters.next_model);
	disk->inodes = le64_put(vol->counters.inodes);
	pthread_mutex_unlock(&vol->counters_mutex);
}

/*
 * Runs while no operation is open: counters and tables agree. A commit that would change nothing is not made.
 */
static int commit_hook(struct index_op *op, void *arg)
{
	struct volume *vol = arg;
	struct committer *c = vol->committer;
	struct counters_disk disk;
	uint32_t next_segment;
	int r = extent_map_store(op, vol, &next_segment);

	if (r)
		return r;
	counters_fill(vol, next_segment, &disk);
	if (memcmp(&disk, &c->last, sizeof disk) == 0)
		return 0;
	pthread_mutex_lock(&vol->counters_mutex);
	disk.commits = le64_put(++vol->counters.commits);
	pthread_mutex_unlock(&vol->counters_mutex);
	r = commit_store_counters(op, &disk);
	if (r == 0)
		c->last = disk;
	return r;
}

/*
 * Makes the frozen generation durable: first the bytes that it points to. When their sync fails the generation stays for the
 * next commit, whose segment_sync succeeds only if it has written those bytes again.
 */
static int frozen_commit(struct volume *vol)
{
	struct pace *pace = &vol->flusher->pace;
	uint64_t begin = metrics_clock(), bytes = pace_sync_begin(pace);
	int r = segment_sync(vol->segments);

	if (r == 0)
		pace_synced(pace, bytes, metrics_clock() - begin);
	return r ? r : index_commit(vol->index);
}

static int index_make_durable(struct volume *vol)
{
	int r = index_freeze(vol->index, commit_hook, vol);

	if (r == -EBUSY) {
		r = frozen_commit(vol);
		if (r == 0)
			r = index_freeze(vol->index, commit_hook, vol);
	}
	return r == 1 ? frozen_commit(vol) : r;
}

static struct result commit_run(struct volume *vol, bool flush)
{
	uint64_t began = metrics_clock();
	struct result res;
	int r = 0;

	res.flush = flusher_flush_all(vol, !flush);
	heat_settle(vol, __atomic_load_n(&vol->closing, __ATOMIC_RELAXED));
	res.commit = index_make_durable(vol);
	pool_trim(vol->pool);
	if (res.commit == 0) {
		extent_map_durable(vol);
		r = extent_reap_segments(vol);
		if (r < 0 && res.flush == 0)
			res.flush = r;
	}
	metrics_took(&vol->metrics.commit, began);
	if (res.commit)
		metrics_add(vol, METRIC_COMMIT_ERRORS, 1);
	return res;
}

static void flush_schedule(struct committer *c)
{
	clock_gettime(CLOCK_REALTIME, &c->flush_due);
	c->flush_due.tv_sec += c->vol->opt.commit_seconds;
}

/* Waits for the next reason to commit; true when all files are to be flushed before. Mutex held. */
static bool reason_wait(struct committer *c)
{
	const struct volume_options *opt = &c->vol->opt;
	bool timer = !opt->offline && opt->commit_seconds > 0, due = false;

	while (!c->stop && !c->kicked && !due && c->asked <= c->finished) {
		if (timer)
			due = pthread_cond_timedwait(&c->wake, &c->mutex, &c->flush_due) == ETIMEDOUT;
		else
			pthread_cond_wait(&c->wake, &c->mutex);
	}
	if (timer && !due) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		due = now.tv_sec >= c->flush_due.tv_sec;
	}
	return due || c->kicked || c->asked_flush > c->finished;
}

static void *committer_run(void *arg)
{
	struct committer *c = arg;

	pthread_mutex_lock(&c->mutex);
	flush_schedule(c);
	for (;;) {
		bool flush = reason_wait(c);
		struct result res;

		if (c->stop)
			break;
		c->kicked = false;
		c->begun++;
		pthread_mutex_unlock(&c->mutex);
		res = commit_run(c->vol, flush);
		pthread_mutex_lock(&c->mutex);
		if (flush)
			flush_schedule(c);
		c->finished = c->begun;
		c->results[c->finished % RESULTS] = res;
		pthread_cond_broadcast(&c->done);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

int committer_create(struct volume *vol)
{
	struct committer *c = calloc(1, sizeof *c);
	int r = 0;

	if (!c)
		return -ENOMEM;
	vol->committer = c;
	c->vol = vol;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->wake, NULL);
	pthread_cond_init(&c->done, NULL);
	if (!vol->readonly)
		r = -pthread_create(&c->thread, NULL, committer_run, c);
	c->running = r == 0 && !vol->readonly;
	if (r)
		committer_destroy(vol);
	return r;
}

void committer_destroy(struct volume *vol)
{
	struct committer *c = vol->committer;

	if (!c)
		return;
	pthread_mutex_lock(&c->mutex);
	c->stop = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
	if (c->running)
		pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->done);
	pthread_mutex_destroy(&c->mutex);
	free(c);
	vol->committer = NULL;
}

/*
 * Waits for a commit that begins after the call; a commit under way may have flushed before the caller's last
 * write.
 */
static struct result commit_wait(struct volume *vol, bool flush)
{
	struct committer *c = vol->committer;
	struct result res = { 0 };
	uint64_t number;

	if (!c->running)
		return res;
	pthread_mutex_lock(&c->mutex);
	number = c->begun + 1;
	if (c->asked < number)
		c->asked = number;
	if (flush && c->asked_flush < number)
		c->asked_flush = number;
	pthread_cond_signal(&c->wake);
	while (c->finished < number)
		pthread_cond_wait(&c->done, &c->mutex);
	if (c->finished - number < RESULTS)
		res = c->results[number % RESULTS];
	else
		res = c->results[c->finished % RESULTS]; /* a later one covers the caller as well */
	pthread_mutex_unlock(&c->mutex);
	return res;
}

int commit_join(struct volume *vol)
{
	return commit_wait(vol, false).commit;
}

int volume_commit(struct volume *vol)
{
	struct result res = commit_wait(vol, true);

	return res.commit ? res.commit : res.flush;
}

void volume_commit_kick(struct volume *vol)
{
	struct committer *c = vol->committer;

	if (!c)
		return;
	pthread_mutex_lock(&c->mutex);
	c->kicked = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->mutex);
}
