/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compactor's thread: takes requests one at a time, lets users pause and stop, and tells how far it is.
 */
#include "fs/compactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

#define THREADS_MAX 256

struct compactor {
	struct volume *vol;
	struct compactor_options opt;
	pthread_t thread;
	struct compact_result result; /* of the run under way: written by compact_run, read in its callbacks */

	pthread_mutex_t mutex;        /* guards what follows; innermost */
	pthread_cond_t wake;          /* the thread waits here for work, its workers while they are paused */
	struct compactor_request request;
	bool requested, end_run, paused, stopped, quit;
	bool end_next;                /* the run that is requested ends as soon as it has begun */
	struct compactor_status status;
};

void compactor_options_init(struct compactor_options *opt)
{
	*opt = (struct compactor_options){
		.automatic = true, .cold_after_hours = 7 * 24, .neural_level = NEURAL_NORMAL,
	};
}

void compactor_figures_take(struct compactor_figures *to, const struct compact_result *r)
{
	*to = (struct compactor_figures){
		.done_bytes = r->figures.done_bytes,
		.total_bytes = r->figures.total_bytes,
		.before_bytes = r->figures.before_bytes,
		.after_bytes = r->figures.after_bytes,
		.milliseconds = (uint64_t)(r->figures.seconds * 1e3),
		.extents = r->extents,
		.moved = r->moved,
		.kept = r->kept,
		.damaged = r->damaged,
		.raced = r->raced,
		.refused = r->refused,
		.segments_removed = r->segments_removed,
		.bytes_reclaimed = r->bytes_reclaimed,
	};
}

static_assert(sizeof(struct compactor_figures) % sizeof(uint64_t) == 0, "only 64-bit members");

static void figures_add(struct compactor_figures *to, const struct compactor_figures *more)
{
	uint64_t sum[sizeof *to / sizeof(uint64_t)], add[sizeof *to / sizeof(uint64_t)];

	memcpy(sum, to, sizeof sum);
	memcpy(add, more, sizeof add);
	for (size_t i = 0; i < sizeof sum / sizeof *sum; i++)
		sum[i] += add[i];
	memcpy(to, sum, sizeof sum);
}

/* A worker is about to take an extent: waits while paused. Non-zero ends the run. */
static int compactor_gate(void *arg)
{
	struct compactor *c = arg;
	bool end;

	pthread_mutex_lock(&c->mutex);
	while (c->paused && !c->end_run)
		pthread_cond_wait(&c->wake, &c->mutex);
	end = c->end_run;
	pthread_mutex_unlock(&c->mutex);
	return end;
}

static int compactor_progress(void *arg, const struct compact_progress *p)
{
	struct compactor *c = arg;
	bool end;

	(void)p;
	pthread_mutex_lock(&c->mutex);
	compactor_figures_take(&c->status.now, &c->result);
	end = c->end_run;
	pthread_mutex_unlock(&c->mutex);
	return end;
}

/* The mutex is held, but not during the run. */
static void compactor_run(struct compactor *c, const struct compactor_request *r, bool automatic)
{
	struct compact_options opt = {
		.tier = (enum compact_tier)r->tier, .neural_level = (int)r->neural_level, .now = r->now, .reclaim = r->reclaim,
		.threads = (int)r->threads, .cold_after_hours = r->cold_after_hours,
		.progress = compactor_progress, .gate = compactor_gate, .arg = c,
	};
	struct compactor_status *s = &c->status;
	int rc;

	s->run++;
	s->active = true;
	s->automatic = automatic;
	s->now = (struct compactor_figures){0};
	c->result = (struct compact_result){0};
	c->end_run = c->end_next;
	c->end_next = false;
	pthread_mutex_unlock(&c->mutex);
	rc = compact_run(c->vol, &opt, &c->result);
	pthread_mutex_lock(&c->mutex);
	compactor_figures_take(&s->now, &c->result);
	figures_add(&s->all, &s->now);
	s->error = rc;
	if (!automatic) {
		s->asked_error = rc;
		s->last_asked = s->now;
	}
	s->active = false;
	s->finished = s->run;
}

static void *compactor_main(void *arg)
{
	struct compactor *c = arg;

	pthread_mutex_lock(&c->mutex);
	while (!c->quit) {
		if (c->requested) {
			struct compactor_request r = c->request;

			c->requested = false;
			compactor_run(c, &r, false);
		} else {
			pthread_cond_wait(&c->wake, &c->mutex);
		}
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

int compactor_create(struct volume *vol, const struct compactor_options *opt)
{
	struct compactor *c;
	int rc;

	if (vol->readonly)
		return -EROFS;
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->vol = vol;
	c->opt = *opt;
	c->stopped = !opt->automatic;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->wake, NULL);
	rc = -pthread_create(&c->thread, NULL, compactor_main, c);
	if (rc < 0) {
		pthread_cond_destroy(&c->wake);
		pthread_mutex_destroy(&c->mutex);
		free(c);
		return rc;
	}
	vol->compactor = c;
	return 0;
}

void compactor_destroy(struct volume *vol)
{
	struct compactor *c = vol->compactor;

	if (!c)
		return;
	pthread_mutex_lock(&c->mutex);
	c->quit = c->end_run = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->mutex);
	free(c);
	vol->compactor = NULL;
}

static bool request_valid(const struct compactor_request *r)
{
	return (r->tier == TIER_WARM || r->tier == TIER_COLD) &&
	       (r->neural_level == NEURAL_FAST || r->neural_level == NEURAL_NORMAL) && r->now <= 1 && r->reclaim <= 1 &&
	       r->threads <= THREADS_MAX;
}

int compactor_start(struct compactor *c, const struct compactor_request *asked, uint64_t *number)
{
	int rc = 0;

	*number = 0;
	if (!request_valid(asked))
		return -EINVAL;
	pthread_mutex_lock(&c->mutex);
	if (c->requested || (c->status.active && !c->status.automatic)) {
		rc = -EBUSY;
	} else {
		c->request = *asked;
		c->requested = true;
		c->end_run = c->status.active;
		c->paused = false;
		c->status.asked = *number = c->status.run + 1;
		pthread_cond_broadcast(&c->wake);
	}
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

void compactor_pause(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->paused = true;
	pthread_mutex_unlock(&c->mutex);
}

void compactor_resume(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->paused = false;
	c->stopped = !c->opt.automatic;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
}

void compactor_stop(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->end_next = c->requested;
	c->end_run = c->stopped = true;
	c->paused = false;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
}

void compactor_status(struct compactor *c, struct compactor_status *out)
{
	pthread_mutex_lock(&c->mutex);
	*out = c->status;
	if (c->paused)
		out->state = COMPACTOR_PAUSED;
	else if (c->status.active)
		out->state = COMPACTOR_RUNNING;
	else
		out->state = c->stopped ? COMPACTOR_STOPPED : COMPACTOR_IDLE;
	pthread_mutex_unlock(&c->mutex);
}
