/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - what the network operators share: parameters and refusals
 *
 * Each operator's shape function checks everything that its kernel relies on.
 * The kernel starts with kern_begin(), which asks the shape function again and
 * compares: a call whose outputs were sized by somebody else, from a file for
 * instance, is refused and not overrun.
 */
#ifndef FXQ_KERNELS_KERNEL_H
#define FXQ_KERNELS_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "../ops_nn.h"

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS_NN(X)
#undef X

/* Writes the sentence of a refusal and returns @err. */
int kern_refuse(struct fxq_call *call, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the @i-th tensor is given. */
bool kern_has(const struct fxq_call *call, uint32_t i);

/* Parameters; an absent one has the value @def. */
int64_t kern_int(const struct fxq_call *call, const char *name, int64_t def);
double kern_float(const struct fxq_call *call, const char *name, double def);
const char *kern_str(const struct fxq_call *call, const char *name,
		     const char *def);
/*
 * Reads @n integers of at least @min and less than 2^31; one alone stands for
 * all of them, and none for @n times @def.
 */
int kern_ints(struct fxq_call *call, const char *name, int64_t *v, uint32_t n,
	      int64_t def, int64_t min);
/* Reads a dimension, -rank <= dim < @rank, made positive. */
int kern_dim(struct fxq_call *call, const char *name, int64_t def,
	     uint32_t rank, uint32_t *ret);

/* Refuse unless input @i is given, as @dtype, with at least @rank dims. */
int kern_need_any(struct fxq_call *call, uint32_t i);
int kern_need(struct fxq_call *call, uint32_t i, uint32_t dtype);
int kern_need_rank(struct fxq_call *call, uint32_t i, uint32_t rank);
/* Refuses unless the optional input @i is absent or float32 of @n elements. */
int kern_need_vector(struct fxq_call *call, uint32_t i, const char *what,
		     int64_t n);

/* Sets the type of result @i; refuses what cannot be addressed. */
int kern_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		 uint32_t rank, const int64_t *dims);
int kern_same_out(struct fxq_call *call);	/* as input 0 */
/* Refuses a call that wants more than @most results. */
int kern_most_outs(struct fxq_call *call, uint32_t most);

/* Refuses unless all data is there and the results are what @infer says. */
int kern_begin(struct fxq_call *call, fxq_call_fn infer);

/* Data of input @i; NULL if it is absent. */
const void *kern_data(const struct fxq_call *call, uint32_t i);
/* Product of dims [from, to). */
int64_t kern_product(const struct fxq_tensor *t, uint32_t from, uint32_t to);

#endif
