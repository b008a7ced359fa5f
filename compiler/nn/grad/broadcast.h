/* SPDX-License-Identifier: MIT */
/*
 * broadcast.h - gradients of what is computed element by element
 *
 * A row function is given dy and two tensors that are broadcast to its shape,
 * and computes the gradient of an operand where the result has its elements;
 * elements of the operand that stood for several get the sum.
 */
#ifndef FXQ_GRAD_BROADCAST_H
#define FXQ_GRAD_BROADCAST_H

#include "../array/array.h"
#include "grad.h"

/*
 * struct broadcast - one gradient
 * @dy, @a, @b: what rows see; data of real, or bool as bytes
 * @dx: the operand's gradient, with the dims that it is broadcast by; without
 *	data nothing is done
 * @threads: as many as may work on it
 */
struct broadcast {
	struct fxq_tensor dy, a, b, dx;
	int threads;
};

/* Returns 0 or a negative errno. */
int broadcast_back(const struct broadcast *b, arr_row_fn row);

/* Defines a row function: @expression over g of dy, a and b of type @b_type. */
#define BROADCAST_ROW(name, b_type, expression)				\
FXQ_CLONES								\
static void name(void *to, const void *const *in, const int *step,	\
		 int64_t n, const struct fxq_call *call)		\
{									\
	const real *gs = in[0], *as = in[1];				\
	const b_type *bs = in[2];					\
	real *d = to;							\
									\
	for (int64_t i = 0; i < n; i++) {				\
		const real g = gs[i * step[0]], a = as[i * step[1]];	\
		const b_type b = bs[i * step[2]];			\
									\
		(void)g, (void)a, (void)b;				\
		d[i] = (real)(expression);				\
	}								\
}

#endif
