// SPDX-License-Identifier: MIT
/*
 * Importers of matrix products. With constant weights they become the linear
 * layer that they are, weights as (out, in), scaling folded in; a product of
 * two computed matrices stays a matmul.
 */
#include <stdio.h>

#include "import.h"

static struct fx_node *transpose2(struct onnx_op *op, struct fx_node *x)
{
	return build_permute(op, x, (const int64_t[]){ 1, 0 }, 2);
}

static struct fx_node *scale(struct onnx_op *op, struct fx_node *x, double by)
{
	if (by == 1 || !x)
		return x;
	return build2(op, "mul", x,
		      build_scalar(op, x->out[0].dtype, by));
}

/* C as the bias of a linear layer with @n outputs; NULL if it is not one. */
static struct fx_node *as_bias(struct onnx_op *op, struct fx_node *c,
			       int64_t n)
{
	const struct fxq_tensor *t = &c->out[0];
	struct call call;

	if (!fx_node_is_const(c) || t->rank > 2 ||
	    (t->rank == 2 && t->dims[0] != 1))
		return NULL;
	if (fxq_tensor_count(t) == n)
		return build_reshape(op, c, &n, 1);
	if (fxq_tensor_count(t) != 1)
		return NULL;

	call = op_call(op, "expand");
	call_in(&call, build_reshape(op, c, NULL, 0));
	call_ints(&call, "sizes", &n, 1);
	return op_build(&call);
}

static struct fx_node *build_linear(struct onnx_op *op, struct fx_node *x,
				    struct fx_node *weight,
				    struct fx_node *bias)
{
	struct call c = op_call(op, "linear");

	call_in(&c, x);
	call_in(&c, weight);
	call_in(&c, bias);
	return op_build(&c);
}

int import_gemm(struct onnx_op *op)
{
	const struct fxq_tensor *a = op_type(op, 0), *b = op_type(op, 1);
	bool trans_a = op_int(op, "transA", 0), trans_b = op_int(op, "transB", 0);
	double alpha = op_float(op, "alpha", 1), beta = op_float(op, "beta", 1);
	struct fx_node *x, *w, *c = NULL, *bias = NULL;

	if (op->imp->opset < 7)
		op_int(op, "broadcast", 0);
	if (!a || !b || (op->n_in > 2 && op->in[2] && !op_type(op, 2)))
		return op->imp->err;
	if (a->rank != 2 || b->rank != 2)
		return op_fail(op, -EINVAL,
			       "its operands have ranks %u and %u, not 2",
			       a->rank, b->rank);

	x = trans_a ? transpose2(op, op->in[0]) : op->in[0];
	if (op->n_in > 2 && op->in[2])
		c = scale(op, op->in[2], beta);
	if (fx_node_is_const(op->in[1]) && a->dtype == FXQ_DTYPE_F32) {
		w = trans_b ? op->in[1] : transpose2(op, op->in[1]);
		w = scale(op, w, alpha);
		if (c && w)
			bias = as_bias(op, c, w->out[0].dims[0]);
		x = build_linear(op, x, w, bias);
	} else {
		w = trans_b ? transpose2(op, op->in[1]) : op->in[1];
		x = scale(op, build2(op, "matmul", x, w), alpha);
	}
	if (c && !bias && x)
		x = build2(op, "add", x, c);
	return op_output(op, 0, x);
}

int import_matmul(struct onnx_op *op)
{
	const struct fxq_tensor *a = op_type(op, 0), *b = op_type(op, 1);

	if (!a || !b)
		return op->imp->err;
	if (b->rank == 2 && a->rank && fx_node_is_const(op->in[1]) &&
	    !fx_node_is_const(op->in[0]) && a->dtype == FXQ_DTYPE_F32)
		return op_output(op, 0,
				 build_linear(op, op->in[0],
					      transpose2(op, op->in[1]),
					      NULL));
	return op_output(op, 0, build2(op, "matmul", op->in[0], op->in[1]));
}
