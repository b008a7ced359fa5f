// SPDX-License-Identifier: MIT
/*
 * prelu: a slope has the gradients of the negative inputs that it multiplies.
 */
#include "broadcast.h"

BROADCAST_ROW(of_input, real, a > 0 ? g : g * b)
BROADCAST_ROW(of_slope, real, a > 0 ? 0 : g * a)

/* A vector of slopes for channels, shaped so that it broadcasts as one. */
static struct fxq_tensor aligned(const struct fxq_tensor *slope,
				 const struct fxq_tensor *x)
{
	struct fxq_tensor t = *slope;

	if (t.rank != 1 || x->rank < 2 || t.dims[0] != x->dims[1])
		return t;
	t.rank = x->rank - 1;
	for (uint32_t d = 1; d < t.rank; d++)
		t.dims[d] = 1;
	return t;
}

GRAD_KERNEL(prelu)
{
	struct broadcast b = {
		.dy = g->dy[0], .a = g->in[0],
		.b = aligned(&g->in[1], &g->in[0]), .dx = g->dx[0],
		.threads = g->call.threads,
	};
	int ret;

	ret = broadcast_back(&b, of_input);
	b.dx = aligned(&g->dx[1], &g->in[0]);
	return ret ? ret : broadcast_back(&b, of_slope);
}
