/* SPDX-License-Identifier: MIT */
/*
 * grad.h - what gradient kernels share
 *
 * A gradient kernel is told what its operator was given and has answered, and
 * how the loss changes with each answer; it tells how the loss changes with
 * each input (see struct fx_op). GRAD_KERNEL takes the forward call out of
 * that, lets the operator's shape function check it as if it ran once more,
 * and compares every gradient's type with its tensor's.
 */
#ifndef FXQ_GRAD_H
#define FXQ_GRAD_H

#include "../kernels/clones.h"
#include "../kernels/kernel.h"
#include "../kernels/parallel.h"
#include "../ops_grad.h"
#include "../ops_train.h"
#include "real.h"

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS_TRAIN(X)
#undef X

#define GRAD_MAX	64	/* inputs or results of an operator */

/*
 * struct grad - a call of a gradient kernel, sorted
 * @call: the forward call, as its shape function and the readers of its
 *	  parameters take it: reals are float32 whatever they are
 * @in, @out: what it points to, results with their data
 * @dy, @dx: gradients of the results and of the inputs
 */
struct grad {
	struct fxq_call call;
	struct fxq_tensor in[GRAD_MAX], out[GRAD_MAX];
	const struct fxq_tensor *dy;
	struct fxq_tensor *dx;
};

typedef int (*grad_fn)(struct grad *g);

/* Checks the call and runs @fn; all zeros if no result has a gradient. */
int grad_run(struct fxq_call *call, fxq_call_fn infer, grad_fn fn);

/* Heads the definition of grad_NAME: what follows runs on a sound call. */
#define GRAD_KERNEL(name) GRAD_KERNEL_OF(name, infer_##name)
#define GRAD_KERNEL_OF(name, infer)					\
	static int back_##name(struct grad *g);				\
									\
	int grad_##name(struct fxq_call *call)				\
	{								\
		return grad_run(call, infer, back_##name);		\
	}								\
									\
	static int back_##name(struct grad *g)

/* Data of input, result, its gradient; NULL if absent. */
const real *grad_in(const struct grad *g, uint32_t i);
const real *grad_out(const struct grad *g, uint32_t i);
const real *grad_dy(const struct grad *g, uint32_t i);
/* Where the gradient of input @i goes; NULL if nobody wants it. */
real *grad_dx(const struct grad *g, uint32_t i);
/* The same, filled with zeros. */
real *grad_dx_zeroed(const struct grad *g, uint32_t i);

/* Threads for @work multiplications, and @n elements cut into that many. */
int grad_threads(const struct grad *g, double work);
static inline int64_t grad_cut(int64_t n, int64_t part, int64_t parts)
{
	return n / parts * part + (part < n % parts ? part : n % parts);
}

#endif
