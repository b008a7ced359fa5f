// SPDX-License-Identifier: MIT
/*
 * Taking a gradient call apart, and refusing one whose parts do not fit.
 */
#include "grad.h"

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

/* Kernels of the forward pass know reals as float32. */
static struct fxq_tensor forward_view(const struct fxq_tensor *t)
{
	struct fxq_tensor view = *t;

	if (view.dtype == REAL_DTYPE)
		view.dtype = FXQ_DTYPE_F32;
	return view;
}

static int read_forward(struct fxq_call *call, struct grad *g)
{
	uint32_t n_in = call->n_out, n_out = (call->n_in - n_in) / 2;

	if (!n_in || call->n_in < n_in || (call->n_in - n_in) % 2 || !n_out)
		return kern_refuse(call, -EINVAL,
				   "%u tensors are no inputs, results and their gradients for %u inputs",
				   call->n_in, n_in);
	if (n_in > GRAD_MAX || n_out > GRAD_MAX)
		return kern_refuse(call, -E2BIG,
				   "a gradient is of at most %d inputs and results",
				   GRAD_MAX);

	g->call = *call;
	g->call.n_in = n_in;
	g->call.n_out = n_out;
	g->call.in = g->in;
	g->call.out = g->out;
	for (uint32_t i = 0; i < n_in; i++)
		g->in[i] = forward_view(&call->in[i]);
	g->dy = call->in + n_in + n_out;
	g->dx = call->out;
	return 0;
}

/* The results have the types that the shape function gives them. */
static int check_results(struct fxq_call *call, fxq_call_fn infer,
			 struct grad *g)
{
	uint32_t n_in = g->call.n_in;
	int ret;

	ret = infer(&g->call);
	if (ret) {
		memcpy(call->error, g->call.error, sizeof(call->error));
		return ret;
	}
	for (uint32_t i = 0; i < g->call.n_out; i++) {
		struct fxq_tensor y = forward_view(&call->in[n_in + i]);

		if (!same_type(&y, &g->out[i]))
			return kern_refuse(call, -EINVAL,
					   "result %u does not have the inferred type",
					   i);
		g->out[i] = y;
	}
	return 0;
}

static int check_data(struct fxq_call *call, const struct grad *g)
{
	for (uint32_t i = 0; i < g->call.n_in + g->call.n_out; i++)
		if (call->in[i].dtype != FXQ_DTYPE_NONE && !call->in[i].data &&
		    fxq_tensor_count(&call->in[i]))
			return kern_refuse(call, -EINVAL,
					   "tensor %u has no data", i);
	for (uint32_t i = 0; i < g->call.n_out; i++)
		if (g->dy[i].data &&
		    !same_type(&g->dy[i], &call->in[g->call.n_in + i]))
			return kern_refuse(call, -EINVAL,
					   "the gradient of result %u is not like the result",
					   i);
	for (uint32_t i = 0; i < g->call.n_in; i++)
		if (g->dx[i].data && (g->dx[i].dtype != REAL_DTYPE ||
				      !same_type(&g->dx[i], &call->in[i])))
			return kern_refuse(call, -EINVAL,
					   "the gradient of input %u is not like the input",
					   i);
	return 0;
}

static bool is_used(const struct grad *g)
{
	for (uint32_t i = 0; i < g->call.n_out; i++)
		if (g->dy[i].data)
			return true;
	return false;
}

int grad_run(struct fxq_call *call, fxq_call_fn infer, grad_fn fn)
{
	struct grad g;
	int ret;

	ret = read_forward(call, &g);
	if (!ret)
		ret = check_results(call, infer, &g);
	if (!ret)
		ret = check_data(call, &g);
	if (ret)
		return ret;

	if (!is_used(&g)) {
		for (uint32_t i = 0; i < g.call.n_in; i++)
			grad_dx_zeroed(&g, i);
		return 0;
	}

	ret = fn(&g);
	if (ret)
		memcpy(call->error, g.call.error, sizeof(call->error));
	return ret;
}

const real *grad_in(const struct grad *g, uint32_t i)
{
	return kern_has(&g->call, i) ? g->in[i].data : NULL;
}

const real *grad_out(const struct grad *g, uint32_t i)
{
	return i < g->call.n_out ? g->out[i].data : NULL;
}

const real *grad_dy(const struct grad *g, uint32_t i)
{
	return i < g->call.n_out ? g->dy[i].data : NULL;
}

real *grad_dx(const struct grad *g, uint32_t i)
{
	return i < g->call.n_in ? g->dx[i].data : NULL;
}

real *grad_dx_zeroed(const struct grad *g, uint32_t i)
{
	real *dx = grad_dx(g, i);

	if (dx)
		memset(dx, 0, fxq_tensor_bytes(&g->dx[i]));
	return dx;
}

int grad_threads(const struct grad *g, double work)
{
	return parallel_threads(g->call.threads, work);
}
