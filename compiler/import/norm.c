/* SPDX-License-Identifier: MIT */
/*
 * Importers of normalizations.
 */
#include <stdio.h>

#include "import.h"

int import_batch_norm(struct onnx_op *op)
{
	struct call c = make(op, "batch_norm");

	op_float(op, "momentum", 0.9);
	if (op->imp->opset < 7 && !op_int(op, "is_test", 0))
		return op_fail(op, -ENOTSUP,
			       "it is in training mode; export the model for inference");
	if (op_int(op, "training_mode", 0) || !op_int(op, "spatial", 1))
		return op_fail(op, -ENOTSUP,
			       "it is in training mode, or not spatial; export the model for inference");
	for (size_t i = 0; i < op->n_in; i++)
		with(&c, op->in[i]);
	with_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	return op_output(op, 0, build(&c));
}

/* Mean and 1 / deviation over the dimensions from @axis on, for who asks. */
static int layer_statistics(struct onnx_op *op, const struct fxq_tensor *t,
			    int64_t axis, double eps)
{
	int64_t dims[FXQ_MAX_RANK];
	size_t n = 0;
	struct fx_node *mean, *x;
	int ret;

	for (int64_t d = axis; d < t->rank; d++)
		dims[n++] = d;
	mean = build_reduce(op, "reduce_mean", op->in[0], dims, n, true);
	x = build2(op, "sub", op->in[0], mean);
	x = build2(op, "mul", x, x);
	x = build_reduce(op, "reduce_mean", x, dims, n, true);
	x = build2(op, "add", x, build_scalar(op, t->dtype, eps));
	x = build1(op, "reciprocal", build1(op, "sqrt", x));
	ret = op_output(op, 1, mean);
	return ret ? ret : op_output(op, 2, x);
}

int import_layer_norm(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	double eps = op_float(op, "epsilon", 1e-5);
	int64_t axis = op_int(op, "axis", -1);
	struct call c = make(op, "layer_norm");
	int ret;

	if (!t)
		return op->imp->err;
	if (axis < 0)
		axis += t->rank;
	if (axis < 0 || axis >= t->rank)
		return op_fail(op, -EINVAL, "axis %lld of a tensor of rank %u",
			       (long long)axis, t->rank);
	if (op_int(op, "stash_type", 1) != 1)
		return op_fail(op, -ENOTSUP, "stash_type is not float");

	for (size_t i = 0; i < op->n_in; i++)
		with(&c, op->in[i]);
	with_ints(&c, "normalized_shape", &t->dims[axis], t->rank - axis);
	with_float(&c, "eps", eps);
	ret = op_output(op, 0, build(&c));
	if (!ret && (op_uses_output(op, 1) || op_uses_output(op, 2)))
		ret = layer_statistics(op, t, axis, eps);
	return ret;
}

int import_instance_norm(struct onnx_op *op)
{
	struct call c = make(op, "instance_norm");

	for (size_t i = 0; i < op->n_in; i++)
		with(&c, op->in[i]);
	with_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	return op_output(op, 0, build(&c));
}

/* Repeats each of @n elements until there are @channels. */
static struct fx_node *per_channel(struct onnx_op *op, size_t i,
				   int64_t channels)
{
	const struct fxq_tensor *t = op_type(op, i);
	struct fx_node *x;
	struct call c;
	int64_t n;

	if (!t)
		return NULL;
	n = fxq_tensor_count(t);
	if (n == channels)
		return op->in[i];
	if (t->rank != 1 || !n || channels % n) {
		op_fail(op, -EINVAL, "%lld scales for %lld channels",
			(long long)n, (long long)channels);
		return NULL;
	}
	x = build_reshape(op, op->in[i], (const int64_t[]){ n, 1 }, 2);
	c = make(op, "expand");
	with(&c, x);
	with_ints(&c, "sizes", (const int64_t[]){ n, channels / n }, 2);
	return build_reshape(op, build(&c), &channels, 1);
}

/* Until opset 20 scale and bias were given for each group. */
int import_group_norm(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	struct call c = make(op, "group_norm");

	if (!t)
		return op->imp->err;
	if (t->rank < 3)
		return op_fail(op, -EINVAL, "its input has rank %u", t->rank);
	op_int(op, "stash_type", 1);
	with(&c, op->in[0]);
	with(&c, per_channel(op, 1, t->dims[1]));
	with(&c, per_channel(op, 2, t->dims[1]));
	with_int(&c, "num_groups", op_int(op, "num_groups", 1));
	with_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	if (op->imp->err)
		return op->imp->err;
	return op_output(op, 0, build(&c));
}

int import_lp_norm(struct onnx_op *op)
{
	int64_t p = op_int(op, "p", 2), axis = op_int(op, "axis", -1);
	struct fx_node *norm;

	if (p != 1 && p != 2)
		return op_fail(op, -EINVAL, "p is %lld, not 1 or 2",
			       (long long)p);
	norm = build_reduce(op, p == 1 ? "reduce_l1" : "reduce_l2",
			    op->n_in ? op->in[0] : NULL, &axis, 1, true);
	return op_output(op, 0, build2(op, "div", op->in[0], norm));
}

/* ONNX defines it by a formula; the small number is in that formula. */
int import_mvn(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	int64_t axes[FXQ_MAX_RANK] = { 0, 2, 3 };
	struct fx_node *mean, *x, *var;
	int n;

	if (!t)
		return op->imp->err;
	n = op_ints(op, "axes", axes, FXQ_MAX_RANK);
	if (n == -ENOENT)
		n = 3;
	if (n < 0)
		return n;
	mean = build_reduce(op, "reduce_mean", op->in[0], axes, n, true);
	x = build2(op, "sub", op->in[0], mean);
	var = build_reduce(op, "reduce_mean", build2(op, "mul", x, x), axes, n,
			   true);
	var = build2(op, "add", build1(op, "sqrt", var),
		     build_scalar(op, t->dtype, 1e-9));
	return op_output(op, 0, build2(op, "div", x, var));
}
