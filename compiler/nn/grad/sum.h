/* SPDX-License-Identifier: MIT */
/*
 * sum.h - sums over everything but a channel, and over what was broadcast
 *
 * They are in double. A sum is one chain of additions, each of which waits for
 * the last: so every sixteenth element belongs to one of sixteen chains.
 */
#ifndef FXQ_GRAD_SUM_H
#define FXQ_GRAD_SUM_H

#include "grad.h"

/* Of values; of their squared distances from @from; of products. */
double sum_of(const real *v, int64_t n);
double sum_of_squares(const real *v, int64_t n, double from);
double sum_of_products(const real *a, const real *b, int64_t n);

/* For each channel of (N, C, …), the type of @v, the sum; @to may be NULL. */
void sum_channels(const struct grad *g, const real *v,
		  const struct fxq_tensor *type, real *to);

/*
 * Sums what was broadcast from a tensor of @to_type: the gradient of every
 * element it was copied to. Returns 0 or -ENOMEM.
 */
int sum_to(const real *v, const struct fxq_tensor *type, real *to,
	   const struct fxq_tensor *to_type);

#endif
