/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that share the parts of one job at a time. The caller works too and waits only for parts that another thread has begun,
 * never for a thread that has not been scheduled: on a busy machine training is then no slower than with one thread, which barriers
 * of all threads at every step do not achieve (measured: 15 times slower).
 */
#ifndef FIRN_MODEL_TRAIN_POOL_H
#define FIRN_MODEL_TRAIN_POOL_H

struct train_pool;

/* threads includes the caller's; 0: one per core. -ENOMEM. Fewer threads than asked for when the system refuses more. */
int train_pool_create(int threads, struct train_pool **out);
void train_pool_destroy(struct train_pool *pool); /* NULL allowed */

/* Threads in the pool, the caller's included. */
unsigned train_pool_threads(const struct train_pool *pool);

/* Calls part(arg, i, thread) for i in 0..parts-1, each once, in any order, on threads numbered from 0; returns when all have returned. */
void train_pool_run(struct train_pool *pool, unsigned parts, void (*part)(void *arg, unsigned i, unsigned thread), void *arg);

#endif
