// SPDX-License-Identifier: MIT
/*
 * cumsum: an element is in every sum from its own on, so that its gradient is
 * the running sum of gradients from the other end.
 */
#include "../array/array.h"
#include "grad.h"

GRAD_KERNEL(cumsum)
{
	struct fxq_tensor in[2] = { g->dy[0], g->in[1] }, to = g->dx[0];
	struct fxq_attr attrs[3];
	struct fxq_call back = g->call;
	int64_t reverse = kern_int(&g->call, "reverse", 0);
	const struct fxq_attr *dim = fxq_call_attr(&g->call, "dim");

	if (!to.data)
		return 0;
	back.in = in;
	back.out = &to;
	back.attrs = attrs;
	back.n_attrs = 0;
	attrs[back.n_attrs++] = (struct fxq_attr){
		.name = "reverse", .type = FXQ_ATTR_INT, .i = !reverse };
	attrs[back.n_attrs++] = (struct fxq_attr){
		.name = "exclusive", .type = FXQ_ATTR_INT,
		.i = kern_int(&g->call, "exclusive", 0) };
	if (dim)
		attrs[back.n_attrs++] = *dim;
	return eval_cumsum(&back);
}
