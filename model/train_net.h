/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network in float while it is trained: forward, backward and update of each layer, and the export to integers.
 *
 * Shapes: K contexts, H hidden units, N positions of a batch, 8 nodes on a byte's path. A step of training is, over a batch,
 *
 *     forward, backward   each position alone; may run in parallel
 *     update_*            each table, each depth of the bit tree and the biases alone; may run in parallel
 *
 * and every update goes through the positions in order, so results do not depend on who runs what when.
 */
#ifndef FIRN_MODEL_TRAIN_NET_H
#define FIRN_MODEL_TRAIN_NET_H

#include "model/model.h"
#include "model/train_kernel.h"

/* What every row's sum of squares starts with, so that a row's first, noisy gradients do not move it by the full rate. */
#define TRAIN_SQUARES_START 0.05f

/* Weights learned with Adam, their summed gradient and both moments. */
struct train_dense {
	float *w, *g, *m, *v;
};

struct train_net {
	const struct train_kernel *kernel;
	unsigned contexts, hidden;              /* K, H */
	uint32_t rows[MODEL_CONTEXTS_MAX];      /* R_k */
	float *embed[MODEL_CONTEXTS_MAX];       /* [R_k][H] */
	float *squares[MODEL_CONTEXTS_MAX];     /* [R_k] Adagrad: sum of mean squared gradients of the row */
	struct train_dense bias;                /* [H] */
	struct train_dense out;                 /* [MODEL_NODES][H] */
	struct train_dense out_bias;            /* [MODEL_NODES], padded to 256 */
};

struct train_batch {
	unsigned n;                         /* N, positions in use */
	uint16_t *rows[MODEL_CONTEXTS_MAX]; /* [N] row of each table; set by the caller */
	uint8_t *byte;                      /* [N] the byte to learn; set by the caller */
	uint8_t (*node)[TRAIN_PATH];        /* [N][8] */
	float (*err)[TRAIN_PATH];           /* [N][8] dloss/dlogit = p - bit, in nats */
	float *h;                           /* [N][H] hidden vector */
	float *g;                           /* [N][H] dloss/d(sum of rows) */
	float *square;                      /* [N] mean square of g */
};

/* Initialised from seed. -ENOMEM. */
int train_net_create(const struct model_shape *shape, uint64_t seed, struct train_net **out);
void train_net_destroy(struct train_net *net); /* NULL allowed */

int train_batch_create(const struct train_net *net, unsigned capacity, struct train_batch **out);
void train_batch_destroy(struct train_batch *b); /* NULL allowed */

/* The nodes on a byte's path; bit d of the return value (from 7 down to 0) goes with node[7 - d]. */
void train_path(uint8_t byte, uint8_t node[TRAIN_PATH]);

/* Hidden vectors, errors and nodes of positions first..end-1, and no others; returns their loss in bits. */
double train_net_forward(const struct train_net *net, struct train_batch *b, unsigned first, unsigned end);
/* Gradient of the loss of each of these positions, in nats, by the sum of its rows. Needs their forward. */
void train_net_backward(const struct train_net *net, struct train_batch *b, unsigned first, unsigned end);

/* Row-wise Adagrad on table k. */
void train_net_update_table(struct train_net *net, const struct train_batch *b, unsigned k, float rate);
/* Sums the gradients of the output rows at one depth 0..7 of the path (every node has one depth), and one step of Adam with them. */
void train_net_sum_depth(struct train_net *net, const struct train_batch *b, unsigned depth);
void train_net_update_depth(struct train_net *net, unsigned depth, const struct train_adam *a);
/* The same for bias and out_bias. */
void train_net_sum_bias(struct train_net *net, const struct train_batch *b);
void train_net_update_bias(struct train_net *net, const struct train_adam *a);

/*
 * Rounds into the integers of a model of the same shape, saturating. The weights of a table's row are rounded to multiples of a power of
 * two within coarse / sqrt(sum of its mean squared gradients), at least 1/64: the fewer positions a row has served, the
 * fewer bits it gets, down to none. coarse 0: all precision.
 */
void train_net_export(const struct train_net *net, float coarse, struct model *m);

#endif
