/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training: one pass over shuffled chunks, in lanes, with a schedule that ends at rate zero.
 *
 * The recipe.
 *
 * A step learns BATCH positions: up to LANES chunks are open at once, and each gives the next positions of its chunk (more when fewer
 * chunks are open, so that a batch stays full). There is no recurrence: what a position knows of its past comes through context.c,
 * whose state follows the chunk, so nothing is cut at the edge of a batch. All positions of a batch see the same weights.
 *
 * Then every part of the network is updated from the whole batch: tables by row-wise Adagrad (one sum of squares per row: 1/H of
 * the memory of full Adagrad), position after position; output rows and biases by Adam on the summed gradient. Both
 * rates warm up over the first steps and fall as a cosine to zero at the end of the pass.
 *
 * ONE pass: with more, the tables memorise the chunks and the network stops trusting what it sees in the chunk itself. More data in the
 * pass always helped. Rounding to int8 needs no care beyond saturating the weights where the integers saturate.
 *
 * But a stored model should be coarser. Rounding a row's weights with step d costs about S H d^2 / 24 nats on the trained bytes, where
 * S, Adagrad's sum of mean squared gradients, estimates the curvature, and saves H log 2 nats of the model each time d doubles. With the
 * mount r times as large as what was trained on, the best d is sqrt(12 / (r S)): see train_net_export. Measured, this cuts models to a
 * third or less for 1 to 3 % more coded data, and lands on the best total of a sweep for every r.
 *
 * Determinism. The work of a step is cut into parts that do not depend on the number of threads (a lane; a table; a depth of the
 * bit tree), every part is done by one thread in a fixed order, and parts write to disjoint places. No locks, no atomics, no
 * reductions. Only seconds_max makes the result depend on the machine's speed.
 *
 * The schedule follows the share of the planned bytes that is done. Planned is the whole pass, or what fits into seconds_max at the
 * rate seen so far; when validation has stopped improving, the plan is cut to a short cool-down.
 */
#include "model/train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/context.h"
#include "model/train_net.h"
#include "model/train_pool.h"

#define LANES 32u
#define BATCH 1024u

#define RATE_TABLE 0.06f
#define RATE_DENSE 3e-3f
#define WARM_UP_STEPS 64.0

/* Validation: how often in a pass, on how much, and how many times without a gain of PLATEAU_GAIN end it. */
#define VALIDATIONS 12
#define VALIDATION_SHARE 100 /* of the pass: one in so many bytes each time, five times that at the end; within bounds */
#define VALIDATION_BYTES_MIN (48u << 10)
#define VALIDATION_BYTES_MAX (192u << 10)
#define PLATEAU_PATIENCE 3
#define PLATEAU_GAIN 0.002
#define COOL_DOWN 0.15

#define PROGRESS_SECONDS 0.2
#define LOSS_MIX 0.004 /* weight of a step in the averaged loss */

struct lane {
	struct context *context;
	const struct train_chunk *chunk; /* NULL: no chunk left */
	uint8_t *bytes;                  /* its bytes in their form; room for the longest chunk */
	uint32_t pos;                    /* in the chunk, after this step's share */
	unsigned first, count;           /* share of the batch */
	double bits;                     /* lost in this step */
};

struct trainer {
	struct model *model;
	struct model view; /* the same for contexts, but 0 units wide: they would prefetch integer rows that training does not use */
	const struct train_options *opt;
	const struct train_chunk *valid;
	size_t n_valid;
	struct train_pool *pool;
	struct train_net *net;
	struct train_batch *batch;
	const struct train_chunk **order; /* shuffled */
	size_t n_order, next;
	struct lane lanes[LANES];
	float rate_table; /* of this step */
	struct train_adam adam;

	uint64_t steps;
	uint64_t pass_bytes; /* the whole pass, shorter after a plateau; now.total_bytes is what is planned of it */
	uint64_t next_validation;
	double best; /* validation so far */
	unsigned stale;
	double started, reported;
	struct train_progress now;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Gives every idle lane a chunk and every open lane its share of the batch. Returns the positions given out. */
static unsigned trainer_plan(struct trainer *t)
{
	unsigned open = 0, first = 0;

	for (unsigned l = 0; l < LANES; l++) {
		struct lane *lane = &t->lanes[l];

		if (!lane->chunk || lane->pos == lane->chunk->len) {
			lane->chunk = t->next < t->n_order ? t->order[t->next++] : NULL;
			lane->pos = 0;
		}
		open += lane->chunk != NULL;
	}
	for (unsigned l = 0; l < LANES; l++) {
		struct lane *lane = &t->lanes[l];
		uint32_t share = lane->chunk ? BATCH / open : 0;
		uint32_t left = lane->chunk ? lane->chunk->len - lane->pos : 0;

		lane->first = first;
		lane->count = left < share ? left : share;
		first += lane->count;
	}
	return first;
}

/* Enters the lane's chunk, in the form that an encoder would give it. */
static void lane_begin(struct lane *lane, const struct model *view)
{
	const struct train_chunk *chunk = lane->chunk;
	struct form form;

	form_find(&form, chunk->bytes, chunk->len);
	memcpy(lane->bytes, chunk->bytes, chunk->len);
	form_apply(&form, lane->bytes, chunk->len);
	context_begin(lane->context, view, &form, lane->bytes, chunk->len);
}

/* Lane l's share of the batch: contexts, then forward and backward. */
static void trainer_learn(void *arg, unsigned l, unsigned thread)
{
	struct trainer *t = arg;
	struct lane *lane = &t->lanes[l];
	struct train_batch *b = t->batch;
	uint32_t rows[MODEL_CONTEXTS_MAX];
	const uint8_t *buf;

	(void)thread;
	lane->bits = 0;
	if (lane->count == 0)
		return;
	if (lane->pos == 0)
		lane_begin(lane, &t->view);
	buf = lane->bytes + lane->pos;
	for (unsigned i = 0; i < lane->count; i++) {
		context_rows(lane->context, rows);
		context_update(lane->context, buf[i]);
		b->byte[lane->first + i] = buf[i];
		for (unsigned k = 0; k < t->net->contexts; k++)
			b->rows[k][lane->first + i] = (uint16_t)rows[k];
	}
	lane->pos += lane->count;
	lane->bits = train_net_forward(t->net, b, lane->first, lane->first + lane->count);
	train_net_backward(t->net, b, lane->first, lane->first + lane->count);
}

/* Part p of a step's update: the tables, the depths of the bit tree, the biases. */
static void trainer_update(void *arg, unsigned p, unsigned thread)
{
	struct trainer *t = arg;

	(void)thread;
	if (p < t->net->contexts) {
		train_net_update_table(t->net, t->batch, p, t->rate_table);
	} else if (p < t->net->contexts + TRAIN_PATH) {
		train_net_sum_depth(t->net, t->batch, p - t->net->contexts);
		train_net_update_depth(t->net, p - t->net->contexts, &t->adam);
	} else {
		train_net_sum_bias(t->net, t->batch);
		train_net_update_bias(t->net, &t->adam);
	}
}

/* Rates of the coming step. */
static void trainer_rates(struct trainer *t)
{
	double phase = fmin((double)t->now.done_bytes / (double)t->now.total_bytes, 1.0);
	double scale = (0.5 + 0.5 * cos(3.14159265358979 * phase)) * fmin((double)t->steps / WARM_UP_STEPS, 1.0);
	double dense = t->opt->rate_dense > 0 ? t->opt->rate_dense : RATE_DENSE;

	t->rate_table = (t->opt->rate_table > 0 ? t->opt->rate_table : RATE_TABLE) * (float)scale;
	t->adam = (struct train_adam){.beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f};
	t->adam.rate = (float)(dense * scale * sqrt(1 - pow(t->adam.beta2, (double)t->steps)) /
			       (1 - pow(t->adam.beta1, (double)t->steps)));
}

/* One step. False: no chunk is left. */
static bool trainer_step(struct trainer *t)
{
	unsigned n = trainer_plan(t);
	double bits = 0, mix;

	if (n == 0)
		return false;
	t->steps++;
	t->batch->n = n;
	trainer_rates(t);
	train_pool_run(t->pool, LANES, trainer_learn, t);
	train_pool_run(t->pool, t->net->contexts + TRAIN_PATH + 1, trainer_update, t);
	for (unsigned l = 0; l < LANES; l++)
		bits += t->lanes[l].bits;
	mix = fmax(LOSS_MIX, 1.0 / (double)t->steps);
	t->now.loss += mix * (bits / n - t->now.loss);
	t->now.done_bytes += n;
	return true;
}

static uint64_t trainer_validation_bytes(const struct trainer *t)
{
	uint64_t share = t->pass_bytes / VALIDATION_SHARE;

	share = share > VALIDATION_BYTES_MIN ? share : VALIDATION_BYTES_MIN;
	return share < VALIDATION_BYTES_MAX ? share : VALIDATION_BYTES_MAX;
}

/* Measures on the validation chunks; cuts the plan to a cool-down when that has stopped improving. */
static int trainer_validate(struct trainer *t)
{
	uint64_t done = t->now.done_bytes, cool = (uint64_t)((double)t->pass_bytes * COOL_DOWN);
	int rc;

	if (t->n_valid == 0 || done < t->next_validation)
		return 0;
	t->next_validation = done + t->now.total_bytes / VALIDATIONS;
	train_net_export(t->net, 0, t->model);
	rc = train_evaluate(t->model, t->valid, t->n_valid, trainer_validation_bytes(t), t->opt->threads, &t->now.validation);
	if (rc)
		return rc;
	t->stale++;
	if (t->best < 0 || t->now.validation < t->best * (1 - PLATEAU_GAIN)) {
		t->best = t->now.validation;
		t->stale = 0;
	}
	if (t->stale == PLATEAU_PATIENCE && done + cool < t->now.total_bytes)
		t->now.total_bytes = t->pass_bytes = done + cool;
	return 0;
}

/* Reports a few times a second, and cuts the plan to the time allowed. */
static int trainer_report(struct trainer *t)
{
	double now = seconds(), max = t->opt->seconds_max, left;

	t->now.seconds = now - t->started;
	if (now - t->reported < PROGRESS_SECONDS)
		return 0;
	t->reported = now;
	left = 0.97 * max - t->now.seconds; /* some is kept for the last validation */
	if (max > 0) {
		double done = (double)t->now.done_bytes;
		double plan = done + fmax(left, 0) * done / t->now.seconds;

		t->now.total_bytes = plan < (double)t->pass_bytes ? (uint64_t)plan : t->pass_bytes;
	}
	if (t->opt->progress && t->opt->progress(t->opt->arg, &t->now))
		return -EINTR;
	return 0;
}

/* The final model, as coarse as its worth asks for. */
static void trainer_export(struct trainer *t)
{
	double worth = (double)t->opt->worth_bytes;
	double coarse = worth > 0 ? sqrt(12 * (double)t->now.done_bytes / worth) : 0;

	train_net_export(t->net, (float)coarse, t->model);
}

static int trainer_run(struct trainer *t)
{
	int rc = 0;

	t->started = t->reported = seconds();
	t->pass_bytes = t->now.total_bytes;
	t->next_validation = t->pass_bytes / VALIDATIONS;
	while (rc == 0 && t->now.done_bytes < t->now.total_bytes && trainer_step(t)) {
		rc = trainer_validate(t);
		rc = rc ? rc : trainer_report(t);
	}
	trainer_export(t);
	if (rc == 0 && t->n_valid)
		rc = train_evaluate(t->model, t->valid, t->n_valid, 5 * trainer_validation_bytes(t), t->opt->threads,
				    &t->now.validation);
	t->now.seconds = seconds() - t->started;
	if (rc == 0 && t->opt->progress && t->opt->progress(t->opt->arg, &t->now))
		rc = -EINTR;
	return rc;
}

/* Orders the chunks by a shuffle that depends on seed alone. */
static void trainer_shuffle(struct trainer *t, const struct train_chunk *train, size_t n, uint64_t seed)
{
	uint64_t state = seed ^ 0x6669726eu;

	for (size_t i = 0; i < n; i++) {
		if (train[i].len == 0)
			continue;
		t->order[t->n_order++] = &train[i];
		t->now.total_bytes += train[i].len;
	}
	for (size_t i = t->n_order; i > 1; i--) {
		size_t j;
		const struct train_chunk *swap = t->order[i - 1];

		state = state * 6364136223846793005u + 1442695040888963407u;
		j = (size_t)((state >> 33) % i);
		t->order[i - 1] = t->order[j];
		t->order[j] = swap;
	}
}

static int lane_create(struct lane *lane, size_t longest)
{
	lane->bytes = malloc(longest);
	return lane->bytes ? context_create(&lane->context) : -ENOMEM;
}

static uint32_t trainer_longest(const struct trainer *t)
{
	uint32_t max = 1;

	for (size_t i = 0; i < t->n_order; i++)
		max = t->order[i]->len > max ? t->order[i]->len : max;
	return max;
}

static int trainer_init(struct trainer *t, const struct train_chunk *train, size_t n_train)
{
	int rc;

	t->view = *t->model;
	t->view.shape.hidden = 0;
	t->now.validation = t->best = -1;
	t->order = malloc((n_train ? n_train : 1) * sizeof(*t->order));
	if (!t->order)
		return -ENOMEM;
	trainer_shuffle(t, train, n_train, t->opt->seed);
	if (t->n_order == 0)
		return -EINVAL;
	rc = train_pool_create(t->opt->threads, &t->pool);
	rc = rc ? rc : train_net_create(&t->model->shape, t->opt->seed, &t->net);
	rc = rc ? rc : train_batch_create(t->net, BATCH, &t->batch);
	for (unsigned l = 0; rc == 0 && l < LANES && l < t->n_order; l++)
		rc = lane_create(&t->lanes[l], trainer_longest(t));
	return rc;
}

static void trainer_fini(struct trainer *t)
{
	for (unsigned l = 0; l < LANES; l++) {
		context_destroy(t->lanes[l].context);
		free(t->lanes[l].bytes);
	}
	train_pool_destroy(t->pool);
	train_batch_destroy(t->batch);
	train_net_destroy(t->net);
	free(t->order);
}

int train_model(struct model *m, const struct train_chunk *train, size_t n_train, const struct train_chunk *valid,
		size_t n_valid, const struct train_options *opt, struct train_progress *out)
{
	struct trainer t = {.model = m, .opt = opt, .valid = valid, .n_valid = n_valid};
	int rc = model_shape_check(&m->shape);

	if (rc)
		return rc;
	rc = trainer_init(&t, train, n_train);
	rc = rc ? rc : trainer_run(&t);
	trainer_fini(&t);
	if (out)
		*out = t.now;
	return rc;
}
