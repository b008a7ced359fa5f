/* SPDX-License-Identifier: MIT */
/*
 * parallel.h - fork and join: one function over numbered tasks
 *
 * Tasks are handed out one at a time in order of their numbers, each to
 * whichever thread is free. A task computes outputs of its own, so results
 * depend neither on how many threads there are nor on who ran what.
 */
#ifndef FXQ_KERNELS_PARALLEL_H
#define FXQ_KERNELS_PARALLEL_H

#include <stdint.h>

/* @thread, from 0 to the number of threads - 1, names the scratch it may use. */
typedef void (*parallel_fn)(void *ctx, int64_t task, int thread);

/*
 * How many of @threads are worth starting for @work multiplications or as
 * costly steps; at least 1. Loading and storing an element is as costly as
 * PARALLEL_ELEMENT of them.
 */
#define PARALLEL_ELEMENT	8
int parallel_threads(int threads, double work);

/* More than that are not started. */
#define PARALLEL_THREADS_MAX	64

/*
 * Runs @fn for tasks 0 to @n - 1 on up to @threads threads, the caller's among
 * them, and returns when all are done. Threads that cannot be started are done
 * without.
 */
void parallel_for(int threads, int64_t n, parallel_fn fn, void *ctx);

#endif
