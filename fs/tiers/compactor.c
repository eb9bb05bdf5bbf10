/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compactor's thread: takes requests one at a time, lets users pause and stop, and tells how far it is.
 */
#include "fs/tiers/compactor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/tiers/background.h"
#include "fs/tiers/crew.h"
#include "fs/tiers/gain.h"
#include "fs/tiers/load.h"

#define THREADS_MAX 256

#define LOOK_SECONDS 5         /* between looks for work of its own      */
#define WATCH_NS 50000000L     /* between looks at what others do        */
#define BATTERY_EVERY 100u     /* of those looks                         */
#define PLAN_EXTENTS (1u << 18)
#define NICE 10

struct compactor {
	struct volume *vol;
	struct compactor_options opt;
	pthread_t thread;
	struct background background; /* used by the thread alone, as is: */
	struct compact_result result;
	struct gain gain;
	int end;                      /* atomic: 1 ends the run under way */
	bool watched;                 /* the run under way lets others go first */

	pthread_mutex_t mutex;        /* guards what follows; the crew's mutex may be taken inside */
	pthread_cond_t wake;          /* the thread waits here, for work or while it may not work  */
	struct compactor_request request;
	bool requested, paused, stopped, quit;
	unsigned excluders;           /* that wait for the run to end: none begins */
	bool end_next;                /* the run that is requested ends as soon as it has begun     */
	struct crew *crew;            /* of the run under way                                       */
	unsigned allowed;             /* how many of the crew may work; written as an atomic         */
	struct load load;             /* of a run of its own                                        */
	bool watching;                /* as watched, until the run ends */
	uint64_t waits_since;         /* ms, when it began to let others go first; 0 it does not    */
	enum compactor_reason waits_for;
	struct compactor_status status;
};

void compactor_options_init(struct compactor_options *opt)
{
	*opt = (struct compactor_options){
		.automatic = true, .patient = true, .cold_after_hours = 7 * 24, .neural_level = NEURAL_NORMAL,
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

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Counts the pause up to now. Mutex held. */
static void waits_end(const struct compactor *c, struct compactor_status *s)
{
	uint64_t ms = now_ms() - c->waits_since;

	s->paused_ms += ms;
	s->by_reason[c->waits_for].ms += ms;
}

/* Lets as many of the crew work as may. Mutex held. */
static void compactor_allow(struct compactor *c)
{
	unsigned allowed;
	bool waits;

	if (!c->crew)
		return;
	allowed = crew_threads(c->crew);
	if (c->watching && c->load.allowed < allowed)
		allowed = c->load.allowed;
	if (c->paused)
		allowed = 0;
	if (__atomic_load_n(&c->end, __ATOMIC_RELAXED))
		allowed = crew_threads(c->crew); /* they see it and do nothing */
	__atomic_store_n(&c->allowed, allowed, __ATOMIC_RELAXED);
	waits = c->watching && allowed == 0 && !c->paused;
	if (waits && c->waits_since == 0) {
		c->waits_since = now_ms();
		c->waits_for = c->load.reason;
		c->status.pauses++;
		c->status.by_reason[c->waits_for].n++;
	} else if (!waits && c->waits_since > 0) {
		waits_end(c, &c->status);
		c->waits_since = 0;
	}
	crew_allow(c->crew, allowed);
	pthread_cond_broadcast(&c->wake);
}

/* The run under way is to end. Mutex held. */
static void compactor_end(struct compactor *c)
{
	__atomic_store_n(&c->end, 1, __ATOMIC_RELAXED);
	if (c->crew)
		crew_hurry(c->crew);
	compactor_allow(c);
}

/* Watches what others do, and lets them go first. */
static void *watch_main(void *arg)
{
	const struct timespec pause = {.tv_nsec = WATCH_NS};
	struct compactor *c = arg;
	struct load_reading r = {0};
	bool go_on = true;

	for (unsigned n = 0; go_on; n++) {
		load_read(&r, n % BATTERY_EVERY == 0);
		r.own = crew_cpu(c->crew);
		r.requests = __atomic_load_n(&c->vol->requests, __ATOMIC_RELAXED);
		pthread_mutex_lock(&c->mutex);
		if (n == 0)
			load_init(&c->load, crew_threads(c->crew), &r);
		else
			load_judge(&c->load, &r);
		compactor_allow(c);
		go_on = c->watching;
		pthread_mutex_unlock(&c->mutex);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The thread is between two pieces of work: waits while nobody may work. */
static void compactor_gate(void *arg)
{
	struct compactor *c = arg;

	if (__atomic_load_n(&c->allowed, __ATOMIC_RELAXED) > 0)
		return;
	pthread_mutex_lock(&c->mutex);
	while (c->allowed == 0 && !__atomic_load_n(&c->end, __ATOMIC_RELAXED))
		pthread_cond_wait(&c->wake, &c->mutex);
	pthread_mutex_unlock(&c->mutex);
}

static int compactor_progress(void *arg, const struct compact_progress *p)
{
	struct compactor *c = arg;

	(void)p;
	pthread_mutex_lock(&c->mutex);
	compactor_figures_take(&c->status.now, &c->result);
	pthread_mutex_unlock(&c->mutex);
	return __atomic_load_n(&c->end, __ATOMIC_RELAXED);
}

/* Nothing is locked. */
static int compactor_work(struct compactor *c, const struct compactor_request *r)
{
	struct compact_options opt;
	pthread_t watch;
	int rc;

	compact_options_init(&opt);
	opt.tier = (enum compact_tier)r->tier;
	opt.neural_level = (int)r->neural_level;
	opt.now = r->now;
	opt.reclaim = r->reclaim;
	opt.cold_after_hours = r->cold_after_hours;
	opt.after_given = r->after_given;
	opt.level_given = r->level_given;
	opt.crew = c->crew;
	opt.gain = &c->gain;
	opt.lazy = true;
	opt.plan_extents = PLAN_EXTENTS;
	opt.end = &c->end;
	opt.gate = compactor_gate;
	opt.progress = compactor_progress;
	opt.arg = c;
	if (c->watched && pthread_create(&watch, NULL, watch_main, c) != 0)
		return -EAGAIN;
	rc = compact_run(c->vol, &opt, &c->result);
	if (c->watched) {
		pthread_mutex_lock(&c->mutex);
		c->watching = false;
		pthread_mutex_unlock(&c->mutex);
		pthread_join(watch, NULL);
	}
	return rc;
}

static void run_begin(struct compactor *c, struct crew *crew, bool automatic)
{
	struct compactor_status *s = &c->status;

	s->run++;
	s->active = true;
	s->automatic = automatic;
	s->now = (struct compactor_figures){0};
	c->result = (struct compact_result){0};
	c->crew = crew;
	c->load = (struct load){.reason = COMPACTOR_FREELY};
	c->watching = c->watched = automatic && c->opt.patient;
	__atomic_store_n(&c->end, c->end_next || c->quit, __ATOMIC_RELAXED);
	c->end_next = false;
	compactor_allow(c);
}

static void run_end(struct compactor *c, bool automatic, int rc)
{
	struct compactor_status *s = &c->status;

	c->paused = c->paused && automatic;
	compactor_end(c); /* nobody waits any more */
	c->crew = NULL;
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

/* The mutex is held, but not during the run. */
static int compactor_run(struct compactor *c, const struct compactor_request *r, bool automatic)
{
	struct crew *crew;
	int rc = crew_create(r->threads, true, &crew);

	if (rc == 0) {
		run_begin(c, crew, automatic);
		pthread_mutex_unlock(&c->mutex);
		rc = compactor_work(c, r);
		pthread_mutex_lock(&c->mutex);
		run_end(c, automatic, rc);
		crew_destroy(crew);
	} else if (!automatic) {
		c->status.asked_error = rc;
		c->status.finished = ++c->status.run;
	}
	return rc;
}

static void compactor_rest(struct compactor *c)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOOK_SECONDS;
	if (c->stopped || c->paused)
		pthread_cond_wait(&c->wake, &c->mutex);
	else
		pthread_cond_timedwait(&c->wake, &c->mutex, &until);
}

/* The mutex is held, but not while it looks. */
static bool compactor_due(struct compactor *c, struct compactor_request *r)
{
	bool due;

	if (c->stopped || c->paused)
		return false;
	pthread_mutex_unlock(&c->mutex);
	due = background_due(c->vol, &c->opt, &c->background, r);
	pthread_mutex_lock(&c->mutex);
	return due && !c->stopped && !c->paused && !c->requested && !c->quit && c->excluders == 0;
}

/* Its own work is short pieces that hold what others may wait for, so it is a little less urgent, but never idle. */
static void *compactor_main(void *arg)
{
	struct compactor *c = arg;
	struct compactor_request r;

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	pthread_mutex_lock(&c->mutex);
	while (!c->quit) {
		if (c->requested) {
			r = c->request;
			c->requested = false;
			compactor_run(c, &r, false);
		} else if (compactor_due(c, &r)) {
			int rc = compactor_run(c, &r, true);

			pthread_mutex_unlock(&c->mutex);
			background_done(c->vol, &c->background, rc);
			pthread_mutex_lock(&c->mutex);
		} else if (!c->requested && !c->quit) {
			compactor_rest(c);
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
	c->quit = true;
	compactor_end(c);
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
	       r->neural_level <= INT_MAX && neural_level_name((int)r->neural_level) && r->now <= 1 && r->reclaim <= 1 &&
	       r->after_given <= 1 && r->level_given <= 1 &&
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
		c->paused = false;
		if (c->status.active)
			compactor_end(c);
		c->status.asked = *number = c->status.run + 1;
		pthread_cond_broadcast(&c->wake);
	}
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

int compactor_exclude(struct compactor *c, int (*work)(void *arg), void *arg)
{
	int rc = -EAGAIN;

	pthread_mutex_lock(&c->mutex);
	c->excluders++;
	if (c->status.active && c->status.automatic)
		compactor_end(c);
	while (c->status.active && c->status.automatic && !c->requested)
		pthread_cond_wait(&c->wake, &c->mutex);
	if (!c->status.active && !c->requested)
		rc = work(arg);
	c->excluders--;
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

void compactor_pause(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->paused = true;
	compactor_allow(c);
	pthread_mutex_unlock(&c->mutex);
}

void compactor_resume(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->paused = false;
	c->stopped = !c->opt.automatic;
	compactor_allow(c);
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
}

void compactor_stop(struct compactor *c)
{
	pthread_mutex_lock(&c->mutex);
	c->end_next = c->requested;
	c->stopped = true;
	c->paused = false;
	if (c->status.active)
		compactor_end(c);
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->mutex);
}

void compactor_status(struct compactor *c, struct compactor_status *out)
{
	pthread_mutex_lock(&c->mutex);
	*out = c->status;
	if (c->status.active && c->watching)
		out->reason = c->load.reason;
	else if (!c->status.active && c->status.error == -ENOSPC)
		out->reason = COMPACTOR_FULL;
	if (c->waits_since > 0)
		waits_end(c, out);
	if (c->paused)
		out->state = COMPACTOR_PAUSED;
	else if (c->status.active && c->waits_since > 0)
		out->state = COMPACTOR_WAITING;
	else if (c->status.active)
		out->state = COMPACTOR_RUNNING;
	else
		out->state = c->stopped ? COMPACTOR_STOPPED : COMPACTOR_IDLE;
	pthread_mutex_unlock(&c->mutex);
}
