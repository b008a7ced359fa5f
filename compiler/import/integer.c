// SPDX-License-Identifier: MIT
/*
 * Importers of integer products as other tools write them. They are taken
 * apart into what they mean: numbers minus a zero point, a float product, and
 * rounding. The scales stay with what they are of: those of weights in the kwarg
 * "scale" of the float constant, those of values in the pair of quantize_linear
 * and dequantize_linear behind each, which given.c understands. Sums of integers
 * are exact in float32 up to 2^24.
 */
#include <stdio.h>

#include "import.h"

/* Input @i minus the zero point at @zero (0: none), as float32. */
static struct fx_node *centered(struct onnx_op *op, size_t i, size_t zero,
				int64_t channel_dim)
{
	const struct fxq_tensor *t = op_type(op, i), *z;
	int64_t shape[FXQ_MAX_RANK];
	struct fx_node *x, *zx;

	if (!t)
		return NULL;
	x = build_cast(op, op->in[i], FXQ_DTYPE_F32);
	if (!zero || zero >= op->n_in || !op->in[zero])
		return x;
	z = op_type(op, zero);
	if (!z)
		return NULL;

	zx = build_cast(op, op->in[zero], FXQ_DTYPE_F32);
	if (z->rank == 1 && t->rank > 1 && channel_dim >= 0) {
		for (uint32_t d = 0; d < t->rank; d++)
			shape[d] = d == channel_dim ? z->dims[0] : 1;
		zx = build_reshape(op, zx, shape, t->rank);
	}
	return build2(op, "sub", x, zx);
}

int import_conv_integer(struct onnx_op *op)
{
	struct fx_node *x = centered(op, 0, 2, -1);
	struct fx_node *w = centered(op, 1, 3, 0);

	return op_output(op, 0, build_cast(op, build_conv(op, x, w, NULL),
					   FXQ_DTYPE_I32));
}

int import_matmul_integer(struct onnx_op *op)
{
	const struct fxq_tensor *a = op_type(op, 0);
	struct fx_node *x, *w;

	if (!a)
		return op->imp->err;
	x = centered(op, 0, 2, (int64_t)a->rank - 2);
	w = centered(op, 1, 3, -1);
	return op_output(op, 0, build_cast(op, build2(op, "matmul", x, w),
					   FXQ_DTYPE_I32));
}

/*
 * If @n has become a constant, it keeps the scales that it was made with, and
 * its zero point as int8 has it. Whether they fit what uses it is seen there, by
 * the values.
 */
static void keep_scales(struct fx_node *n, const struct fx_node *scale,
			const struct fx_node *zero)
{
	int64_t count;
	double *v;

	if (!n || !fx_node_is_const(n) || !fx_node_is_const(scale))
		return;
	count = fxq_tensor_count(&scale->out[0]);
	v = fx_graph_alloc(n->graph, (size_t)count * sizeof(*v));
	for (int64_t i = 0; i < count; i++)
		v[i] = tensor_element(&scale->out[0], i);
	fx_node_set_kwarg(n, "scale", fx_arg_floats(n->graph, v, (size_t)count));
	if (zero && fx_node_is_const(zero) && fxq_tensor_count(&zero->out[0]) == 1)
		fx_node_set_kwarg(n, "zero_point", fx_arg_int(
			(int64_t)tensor_element(&zero->out[0], 0) -
			(zero->out[0].dtype == FXQ_DTYPE_U8 ? 128 : 0)));
}

static struct fx_node *dequantize(struct onnx_op *op, size_t x, size_t scale,
				  size_t zero, int64_t axis)
{
	struct call c = op_call(op, "dequantize_linear");
	struct fx_node *n;

	if (!op_type(op, x) || !op_type(op, scale) || !op_type(op, zero))
		return NULL;
	call_in(&c, op->in[x]);
	call_in(&c, op->in[scale]);
	call_in(&c, op->in[zero]);
	call_int(&c, "axis", axis);
	n = op_build(&c);
	keep_scales(n, op->in[scale], op->in[zero]);
	return n;
}

static struct fx_node *quantize(struct onnx_op *op, struct fx_node *x,
				size_t scale, size_t zero)
{
	struct call c = op_call(op, "quantize_linear");

	if (!op_type(op, scale) || !op_type(op, zero))
		return NULL;
	call_in(&c, x);
	call_in(&c, op->in[scale]);
	call_in(&c, op->in[zero]);
	call_int(&c, "axis", 1);
	return op_build(&c);
}

/* From opset 21 on scales may be given for blocks, and a type be asked for. */
int import_quantization(struct onnx_op *op)
{
	int ret;

	if (op_int(op, "block_size", 0) || op_int(op, "output_dtype", 0))
		return op_fail(op, -ENOTSUP,
			       "scales for blocks, and an output type, are not supported; quantize for each tensor or channel");
	ret = import_direct(op);
	if (!ret && op->n_in > 1 && op_uses_output(op, 0) &&
	    !strcmp(op->row->name, "dequantize_linear"))
		keep_scales(imp_value(op->imp, op->p->output[0]), op->in[1],
			    op->n_in > 2 ? op->in[2] : NULL);
	return ret;
}

/* Inputs: x and its scale and zero point, w and its, y's, bias. */
int import_qlinear_conv(struct onnx_op *op)
{
	struct fx_node *x = dequantize(op, 0, 1, 2, 1);
	struct fx_node *w = dequantize(op, 3, 4, 5, 0);
	struct fx_node *bias = NULL, *unit;

	if (op->n_in > 8 && op->in[8]) {
		unit = build2(op, "mul", op->in[1], op->in[4]);
		bias = build2(op, "mul",
			      build_cast(op, op->in[8], FXQ_DTYPE_F32), unit);
	}
	return op_output(op, 0, quantize(op, build_conv(op, x, w, bias), 6, 7));
}

int import_qlinear_matmul(struct onnx_op *op)
{
	struct fx_node *a = dequantize(op, 0, 1, 2, 0);
	struct fx_node *b = dequantize(op, 3, 4, 5, 1);

	return op_output(op, 0, quantize(op, build2(op, "matmul", a, b), 6, 7));
}
