/* SPDX-License-Identifier: MIT */
/*
 * pool.h - memory that comes back every step
 *
 * A step asks for the same sizes in the same order as the one before. Blocks
 * that were given back are given out again by size, so that after the first
 * step nothing is asked of the system, and pages that were touched stay.
 */
#ifndef FXQ_TRAIN_POOL_H
#define FXQ_TRAIN_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool {
	struct block *blocks;
	size_t n;
};

/* 64-aligned, holding anything; NULL without memory. */
void *pool_get(struct pool *p, size_t bytes);
void pool_put(struct pool *p, void *data);
void pool_put_all(struct pool *p);
void pool_finish(struct pool *p);

#endif
