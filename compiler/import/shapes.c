// SPDX-License-Identifier: MIT
/*
 * Importers of operators about shapes whose attributes have changed meaning,
 * or whose result needs a look at the input's shape.
 */
#include <stdio.h>

#include "import.h"

/* Zeros, which stand for the input's dimension, are resolved here. */
int import_reshape(struct onnx_op *op)
{
	const struct fx_node *x = op->n_in ? op->in[0] : NULL;
	bool keep_zero = op_int(op, "allowzero", 0);
	int64_t shape[FXQ_MAX_RANK];
	struct call c;
	int n;

	n = op_const_ints(op, 1, shape, FXQ_MAX_RANK);
	if (n == -ENODATA) {
		c = op_call(op, "reshape");
		call_in(&c, op->in[0]);
		call_in(&c, op->in[1]);
		call_int(&c, "allowzero", keep_zero);
		return op_output(op, 0, op_build(&c));
	}
	if (n == -ENOENT)
		return op_fail(op, -EINVAL, "no shape is given");
	if (n < 0)
		return n;

	for (int i = 0; i < n; i++)
		if (!shape[i] && !keep_zero && x && type_known(x) &&
		    (uint32_t)i < x->out[0].rank)
			shape[i] = x->out[0].dims[i];
	c = op_call(op, "reshape");
	call_in(&c, op->in[0]);
	call_ints(&c, "shape", shape, n);
	call_int(&c, "allowzero", 1);
	return op_output(op, 0, op_build(&c));
}

/* ONNX flattens both sides of the axis; torch, and we, the far side only. */
int import_flatten(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	int64_t axis = op_int(op, "axis", 1), shape[2] = { 1, 1 };
	struct call c;

	if (!t)
		return op->imp->err;
	if (axis < 0)
		axis += t->rank;
	if (axis < 0 || axis > t->rank)
		return op_fail(op, -EINVAL, "axis %lld of a tensor of rank %u",
			       (long long)axis, t->rank);
	if (axis != 1 || t->rank < 2) {
		for (uint32_t d = 0; d < t->rank; d++)
			shape[d >= axis] *= t->dims[d];
		return op_output(op, 0, build_reshape(op, op->in[0], shape, 2));
	}

	c = op_call(op, "flatten");
	call_in(&c, op->in[0]);
	call_int(&c, "start_dim", 1);
	return op_output(op, 0, op_build(&c));
}

int import_split(struct onnx_op *op)
{
	struct call c = op_call(op, "split");
	size_t n = op->p->n_output;
	int ret;

	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	ret = apply_rules(op, &c);
	if (ret)
		return ret;
	if (op->imp->opset >= 18 && op_int(op, "num_outputs", n) != (int64_t)n)
		return op_fail(op, -EINVAL,
			       "num_outputs is %lld, but there are %zu",
			       (long long)op_int(op, "num_outputs", n), n);
	call_int(&c, "n_out", n);
	return op_outputs(op, &c, 64);
}

int import_several(struct onnx_op *op)
{
	struct call c = op_call(op, op->row->name);
	int ret;

	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	ret = apply_rules(op, &c);
	if (ret)
		return ret;
	return op_outputs(op, &c, 4);
}

/*
 * Before opset 13 these worked on a matrix: the dimensions from the axis on
 * were one.
 */
int import_softmax_2d(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	int64_t axis = op_int(op, "axis", 1), shape[2] = { 1, 1 };
	struct call c = op_call(op, op->row->name);
	struct fx_node *x;

	if (!t)
		return op->imp->err;
	if (axis < 0)
		axis += t->rank;
	if (axis < 0 || axis > t->rank)
		return op_fail(op, -EINVAL, "axis %lld of a tensor of rank %u",
			       (long long)axis, t->rank);
	if (axis + 1 == t->rank) {
		call_in(&c, op->in[0]);
		call_int(&c, "dim", axis);
		return op_output(op, 0, op_build(&c));
	}

	for (uint32_t d = 0; d < t->rank; d++)
		shape[d >= axis] *= t->dims[d];
	call_in(&c, build_reshape(op, op->in[0], shape, 2));
	call_int(&c, "dim", 1);
	x = op_build(&c);
	if (!x)
		return op->imp->err;
	return op_output(op, 0, build_reshape(op, x, t->dims, t->rank));
}
