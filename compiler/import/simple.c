// SPDX-License-Identifier: MIT
/*
 * Importers of elementwise operators, constants and types that need a few
 * lines each.
 */
#include <math.h>
#include <stdio.h>

#include "import.h"

/*
 * Until opset 6 the second operand was either of the same shape or, with
 * broadcast=1, aligned to the first at the dimension "axis"; without an axis,
 * at the last one, as it is now.
 */
int import_binary_6(struct onnx_op *op)
{
	const struct fxq_tensor *a = op_type(op, 0), *b = op_type(op, 1);
	int64_t axis = op_int(op, "axis", -1), shape[FXQ_MAX_RANK];
	struct fx_node *second;

	if (!a || !b)
		return op->imp->err;
	second = op->in[1];
	op_int(op, "broadcast", 0);
	if (op_attr(op, "axis")) {
		if (axis < 0)
			axis += a->rank;
		if (axis < 0 || axis + b->rank > a->rank)
			return op_fail(op, -EINVAL,
				       "axis %lld for operands of rank %u and %u",
				       (long long)axis, a->rank, b->rank);
		for (uint32_t d = axis; d < a->rank; d++)
			shape[d - axis] = d - axis < b->rank ?
					  b->dims[d - axis] : 1;
		second = build_reshape(op, second, shape, a->rank - axis);
	}
	return op_output(op, 0, build2(op, op->row->name, op->in[0], second));
}

/* Sum, Max, Min of any number: a chain of operators of two. */
static struct fx_node *chain(struct onnx_op *op, const char *name)
{
	struct fx_node *x = op->n_in ? op->in[0] : NULL;

	for (size_t i = 1; i < op->n_in && x; i++)
		x = build2(op, name, x, op->in[i]);
	return x;
}

int import_variadic(struct onnx_op *op)
{
	return op_output(op, 0, chain(op, op->row->name));
}

int import_mean(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	struct fx_node *n;

	if (!t)
		return op->imp->err;
	n = build_scalar(op, t->dtype, op->n_in);
	return op_output(op, 0, build2(op, "div", chain(op, "add"), n));
}

int import_constant(struct onnx_op *op)
{
	const Onnx__AttributeProto *a;
	char error[FXQ_ERROR_MAX];
	struct fxq_tensor t = { 0 };
	struct fx_node *n;
	int ret;

	if ((a = op_attr(op, "value")) && a->t) {
		ret = tensor_from_proto(a->t, op->imp->dir, &t, error,
					sizeof(error));
		if (ret)
			return op_fail(op, ret, "%s", error);
		n = build_constant(op, &t);
		fxq_tensor_free(&t);
		return op_output(op, 0, n);
	}
	if ((a = op_attr(op, "value_float"))) {
		t.dtype = FXQ_DTYPE_F32;
		t.data = (void *)&a->f;
	} else if ((a = op_attr(op, "value_int"))) {
		t.dtype = FXQ_DTYPE_I64;
		t.data = (void *)&a->i;
	} else if ((a = op_attr(op, "value_floats")) && a->n_floats) {
		t = fxq_tensor_type(FXQ_DTYPE_F32, 1,
				    (int64_t[]){ a->n_floats });
		t.data = a->floats;
	} else if ((a = op_attr(op, "value_ints")) && a->n_ints) {
		t = fxq_tensor_type(FXQ_DTYPE_I64, 1, (int64_t[]){ a->n_ints });
		t.data = a->ints;
	} else {
		return op_fail(op, -ENOTSUP,
			       "its value is not a tensor of numbers");
	}
	return op_output(op, 0, build_constant(op, &t));
}

int import_constant_of_shape(struct onnx_op *op)
{
	const Onnx__AttributeProto *a = op_attr(op, "value");
	struct call c = op_call(op, "constant_of_shape");
	uint32_t dtype = FXQ_DTYPE_F32;
	char error[FXQ_ERROR_MAX];
	struct fxq_tensor t;
	double v = 0;
	int ret;

	if (a && a->t) {
		ret = tensor_from_proto(a->t, op->imp->dir, &t, error,
					sizeof(error));
		if (ret)
			return op_fail(op, ret, "%s", error);
		dtype = t.dtype;
		if (fxq_tensor_count(&t) == 1)
			v = tensor_element(&t, 0);
		fxq_tensor_free(&t);
	}
	call_in(&c, op->n_in ? op->in[0] : NULL);
	call_int(&c, "dtype", dtype);
	call_float(&c, "value", v);
	return op_output(op, 0, op_build(&c));
}

static int read_dtype(struct onnx_op *op, const char *attr, int64_t def,
		      uint32_t *ret)
{
	int64_t number = op_int(op, attr, def);

	*ret = onnx_dtype(number);
	if (*ret != FXQ_DTYPE_NONE)
		return 0;
	return op_fail(op, -ENOTSUP, "there are no elements that are %s",
		       onnx_dtype_name(number));
}

int import_cast(struct onnx_op *op)
{
	struct call c = op_call(op, "cast");
	uint32_t dtype;
	int ret;

	ret = read_dtype(op, "to", 0, &dtype);
	if (ret)
		return ret;
	op_attr(op, "saturate");	/* is about float8 alone */
	call_in(&c, op->n_in ? op->in[0] : NULL);
	call_int(&c, "to", dtype);
	return op_output(op, 0, op_build(&c));
}

int import_cast_like(struct onnx_op *op)
{
	const struct fxq_tensor *like = op_type(op, 1);
	struct call c = op_call(op, "cast");

	if (!like)
		return op->imp->err;
	op_attr(op, "saturate");
	call_in(&c, op->in[0]);
	call_int(&c, "to", like->dtype);
	return op_output(op, 0, op_build(&c));
}

/* Identity and the like need no operator, only another name. */
int import_identity(struct onnx_op *op)
{
	if (!op->n_in)
		return op_fail(op, -EINVAL, "input 0 is missing");
	return op_output(op, 0, op->in[0]);
}

/* Without training nothing is dropped, and the mask is all ones. */
int import_dropout(struct onnx_op *op)
{
	double training = 0;
	struct call c;
	int ret;

	op_float(op, "ratio", 0.5);
	op_int(op, "seed", 0);
	ret = op_const_float(op, 2, &training);
	if (op->imp->opset < 7)
		training = !op_int(op, "is_test", 0);
	if (ret == -ENODATA || training)
		return op_fail(op, -ENOTSUP,
			       "it is in training mode; export the model for inference");
	if (ret && ret != -ENOENT)
		return ret;
	ret = import_identity(op);
	if (ret || !op_uses_output(op, 1))
		return ret;

	c = op_call(op, "constant_of_shape");
	call_in(&c, build1(op, "shape", op->in[0]));
	call_int(&c, "dtype", op->imp->opset < 10 ? FXQ_DTYPE_F32 :
						    FXQ_DTYPE_BOOL);
	call_float(&c, "value", 1);
	return op_output(op, 1, op_build(&c));
}

int import_eye_like(struct onnx_op *op)
{
	struct call c = op_call(op, "eye_like");
	uint32_t dtype;
	int ret;

	call_in(&c, op->n_in ? op->in[0] : NULL);
	call_int(&c, "k", op_int(op, "k", 0));
	if (op_attr(op, "dtype")) {
		ret = read_dtype(op, "dtype", 1, &dtype);
		if (ret)
			return ret;
		call_int(&c, "dtype", dtype);
	}
	return op_output(op, 0, op_build(&c));
}

/* Bound @i of a Clip; *ret keeps its value if there is none. */
static int read_bound(struct onnx_op *op, size_t i, const char *attr,
		      double *ret)
{
	int err;

	if (op->row->since < 11) {
		*ret = op_float(op, attr, *ret);
		return 0;
	}
	err = op_const_float(op, i, ret);
	return err == -ENOENT ? 0 : err;
}

static struct fx_node *bounded(struct onnx_op *op, const char *name, size_t i,
			       struct fx_node *x)
{
	if (i >= op->n_in || !op->in[i])
		return x;
	return build2(op, name, x, op->in[i]);
}

int import_clip(struct onnx_op *op)
{
	const struct fxq_tensor *t = op_type(op, 0);
	double low = -INFINITY, high = INFINITY;
	struct call c = op_call(op, "clamp");
	int ret;

	if (!t)
		return op->imp->err;
	ret = read_bound(op, 1, "min", &low);
	if (!ret)
		ret = read_bound(op, 2, "max", &high);
	if (ret && ret != -ENODATA)
		return ret;
	if (ret == -ENODATA || t->dtype != FXQ_DTYPE_F32) {
		struct fx_node *x = bounded(op, "maximum", 1, op->in[0]);

		if (x)
			x = bounded(op, "minimum", 2, x);
		return op_output(op, 0, x);
	}

	call_in(&c, op->in[0]);
	if (low > -INFINITY)
		call_float(&c, "min", low);
	if (high < INFINITY)
		call_float(&c, "max", high);
	return op_output(op, 0, op_build(&c));
}

/* A slope that has one element, or one for each channel, in torch's shape. */
static struct fx_node *channel_slope(struct onnx_op *op,
				     const struct fxq_tensor *x,
				     const struct fxq_tensor *slope)
{
	int64_t n = fxq_tensor_count(slope), channels;
	uint32_t back = slope->rank;

	channels = x->rank > 1 ? x->dims[1] : 1;
	if (n != 1 && n != channels)
		return NULL;
	/* All of it must lie along dimension 1; before opset 7 it always did. */
	if (n != 1 && op->imp->opset >= 7 &&
	    (back != x->rank - 1 || slope->dims[0] != n) &&
	    (back != x->rank || slope->dims[1] != n))
		return NULL;
	return build_reshape(op, op->in[1], &n, 1);
}

int import_prelu(struct onnx_op *op)
{
	const struct fxq_tensor *x = op_type(op, 0), *slope = op_type(op, 1);
	struct fx_node *s;
	int64_t shape[2];

	if (!x || !slope)
		return op->imp->err;
	s = channel_slope(op, x, slope);
	if (!s && slope->rank == 1) {
		/* Along the last dimension, which torch would not think. */
		shape[0] = 1;
		shape[1] = slope->dims[0];
		s = build_reshape(op, op->in[1], shape, 2);
	}
	if (op->imp->err)
		return op->imp->err;
	return op_output(op, 0, build2(op, "prelu", op->in[0],
				       s ? s : op->in[1]));
}
