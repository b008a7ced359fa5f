// SPDX-License-Identifier: MIT
/*
 * Operators that keep elements and their order: so do their gradients. A
 * dropout of a network in evaluation is one of them.
 */
#include "../array/array.h"
#include "grad.h"

static int copy_back(struct grad *g)
{
	real *dx = grad_dx(g, 0);

	if (dx && grad_dy(g, 0))
		memcpy(dx, grad_dy(g, 0), fxq_tensor_bytes(&g->dx[0]));
	else
		grad_dx_zeroed(g, 0);
	for (uint32_t i = 1; i < g->call.n_in; i++)
		grad_dx_zeroed(g, i);
	return 0;
}

#define VIEW(name)			\
GRAD_KERNEL(name)			\
{					\
	return copy_back(g);		\
}

VIEW(identity)
VIEW(dropout)
VIEW(reshape)
VIEW(flatten)
VIEW(squeeze)
VIEW(unsqueeze)

/* To the type that the input has; one to integers has no gradient to give. */
GRAD_KERNEL(cast)
{
	if (g->out[0].dtype != g->in[0].dtype)
		return kern_refuse(&g->call, -EINVAL,
				   "a cast from %s to %s has no gradient",
				   fxq_dtype_name(g->in[0].dtype),
				   fxq_dtype_name(g->out[0].dtype));
	return copy_back(g);
}
