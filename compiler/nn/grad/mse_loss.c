// SPDX-License-Identifier: MIT
/*
 * mse_loss: the squared difference of two tensors of one shape.
 */
#include "loss.h"
#include "sum.h"

int infer_mse_loss(struct fxq_call *call)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	int ret;

	for (uint32_t i = 0; i < 2; i++) {
		ret = kern_need(call, i, FXQ_DTYPE_F32);
		if (ret)
			return ret;
	}
	if (a->rank != b->rank ||
	    memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims)))
		return kern_refuse(call, -EINVAL,
				   "the two inputs have different shapes");
	return loss_set_out(call, a);
}

int eval_mse_loss(struct fxq_call *call)
{
	int64_t n = fxq_tensor_count(&call->in[0]);
	enum reduction reduction;
	const real *a, *b;
	double sum = 0;
	real *y;
	int ret;

	ret = kern_begin(call, infer_mse_loss);
	if (!ret)
		ret = loss_reduction(call, &reduction);
	if (ret)
		return ret;

	a = call->in[0].data;
	b = call->in[1].data;
	y = call->out[0].data;
	for (int64_t i = 0; i < n; i++) {
		double d = (double)a[i] - b[i];

		if (reduction == REDUCE_NONE)
			y[i] = (real)(d * d);
		sum += d * d;
	}
	if (reduction != REDUCE_NONE)
		y[0] = (real)(reduction == REDUCE_MEAN ? sum / (double)n : sum);
	return 0;
}

GRAD_KERNEL(mse_loss)
{
	const real *a = grad_in(g, 0), *b = grad_in(g, 1);
	real *da = grad_dx(g, 0), *db = grad_dx(g, 1);
	int64_t n = fxq_tensor_count(&g->in[0]);
	const real *dy = grad_dy(g, 0);
	enum reduction reduction;
	int ret;

	ret = loss_reduction(&g->call, &reduction);
	if (ret)
		return ret;

	for (int64_t i = 0; i < n; i++) {
		double d = 2 * ((double)a[i] - b[i]) *
			   dy[reduction == REDUCE_NONE ? i : 0];

		if (reduction == REDUCE_MEAN)
			d /= (double)n;
		if (da)
			da[i] = (real)d;
		if (db)
			db[i] = (real)-d;
	}
	return 0;
}
