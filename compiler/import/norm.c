// SPDX-License-Identifier: MIT
/*
 * Importers of normalizations.
 */
#include <stdio.h>

#include "import.h"

int import_batch_norm(struct onnx_op *op)
{
	struct call c = op_call(op, "batch_norm");

	op_float(op, "momentum", 0.9);
	if (op->imp->opset < 7 && !op_int(op, "is_test", 0))
		return op_fail(op, -ENOTSUP,
			       "it is in training mode; export the model for inference");
	if (op_int(op, "training_mode", 0) || !op_int(op, "spatial", 1))
		return op_fail(op, -ENOTSUP,
			       "it is in training mode, or not spatial; export the model for inference");
	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	call_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	return op_output(op, 0, op_build(&c));
}

int import_layer_norm(struct onnx_op *op)
{
	struct call c = op_call(op, "layer_norm");

	if (op_int(op, "stash_type", 1) != 1)
		return op_fail(op, -ENOTSUP, "stash_type is not float");
	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	call_int(&c, "axis", op_int(op, "axis", -1));
	call_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	call_int(&c, "n_out", op->p->n_output);
	return op_outputs(op, &c, 3);
}

int import_instance_norm(struct onnx_op *op)
{
	struct call c = op_call(op, "instance_norm");

	for (size_t i = 0; i < op->n_in; i++)
		call_in(&c, op->in[i]);
	call_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	return op_output(op, 0, op_build(&c));
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
	c = op_call(op, "expand");
	call_in(&c, x);
	call_ints(&c, "sizes", (const int64_t[]){ n, channels / n }, 2);
	return build_reshape(op, op_build(&c), &channels, 1);
}

/* Until opset 20 scale and bias were given for each group. */
int import_group_norm(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	struct call c = op_call(op, "group_norm");

	if (!t)
		return op->imp->err;
	if (t->rank < 3)
		return op_fail(op, -EINVAL, "its input has rank %u", t->rank);
	op_int(op, "stash_type", 1);
	call_in(&c, op->in[0]);
	call_in(&c, per_channel(op, 1, t->dims[1]));
	call_in(&c, per_channel(op, 2, t->dims[1]));
	call_int(&c, "num_groups", op_int(op, "num_groups", 1));
	call_float(&c, "eps", op_float(op, "epsilon", 1e-5));
	if (op->imp->err)
		return op->imp->err;
	return op_output(op, 0, op_build(&c));
}
