// SPDX-License-Identifier: MIT
/*
 * operation_run.c - operations are computed
 *
 * By the operator's kernel, by what has asked to remember it, or not at all
 * while a graph is made functional: then it is written down.
 */
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

/* A C number as the tensor it stands for, next to the tensors of the call. */
static int number_tensor(fxv v, float *room, struct fxq_tensor *ret)
{
	if (v.kind != FX_VALUE_INT && v.kind != FX_VALUE_FLOAT &&
	    v.kind != FX_VALUE_BOOL)
		return -EINVAL;
	*room = fx_float(v);
	*ret = (struct fxq_tensor){ .dtype = FXQ_DTYPE_F32, .data = room };
	return 0;
}

static int run_op(const struct fx_op *op, struct fxq_call *call)
{
	if (context.recorder)
		return context.recorder->run(context.recorder, op, call);
	return fx_op_run(op, call);
}

void operation_results(const struct fx_loc *at, const struct operation *o,
		       fxv *ret, uint32_t n)
{
	const struct fx_op *op = fx_op_find(o->op);
	struct fxq_tensor in[MAX_ARGS] = { 0 }, out[MAX_RESULTS] = { 0 };
	float numbers[MAX_ARGS];
	struct fxq_call call = {
		.n_in = o->n_in, .n_out = n, .in = in, .out = out,
		.n_attrs = o->n_attrs, .attrs = o->attrs, .threads = 1,
	};
	int err;

	for (uint32_t i = 0; i < n; i++)
		ret[i] = fx_none;
	if (!op) {
		ret[0] = fx_poison(at, -ENOENT,
				   "there is no operator called '%s'", o->op);
		return;
	}

	for (size_t i = 0; i < o->n_in; i++) {
		if (o->in[i].kind == FX_VALUE_TENSOR) {
			in[i] = o->in[i].tensor->t;
		} else if (o->in[i].kind != FX_VALUE_NONE &&
			   number_tensor(o->in[i], &numbers[i], &in[i])) {
			ret[0] = fx_poison(at, -EINVAL,
					   "argument %zu is neither a tensor nor a number",
					   i);
			return;
		}
	}

	err = run_op(op, &call);
	if (err) {
		ret[0] = fx_poison(at, err, "%s", call.error[0] ? call.error :
				   strerror(-err));
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		ret[i] = context.recorder ? fx_view_of(&out[i]) :
					    tensor_value(&out[i]);
}

fxv operation_compute(const struct fx_loc *at, const struct operation *o)
{
	fxv result;

	if (context.rewrite)
		return rewrite_operation(o);
	operation_results(at, o, &result, 1);
	return result;
}

fxv operation_run(const struct fx_loc *at, const struct operation *o)
{
	if (o->n_in && value_is_quantized(o->in[0]))
		return quantized_run(at, o, NULL);
	return operation_compute(at, o);
}
