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
