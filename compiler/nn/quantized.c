// SPDX-License-Identifier: MIT
/*
 * quantized.c - quantized tensors, and torch's calls on them
 *
 * A call whose first tensor is quantized is an operator on integers: integer.c
 * says which, for what a float graph calls, and this file for torch's functions
 * of quantized tensors. It is said once, for tensors that are there and for the
 * nodes of a graph that is written; both have scale and zero point.
 *
 * Unsigned tensors are kept as q - 128 with zero point z - 128, so that all are
 * int8: a zero point that a graph shows is moved by 128 if its type is quint8.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "forms.h"
#include "nn_priv.h"

const struct fxq_tensor *value_type(fxv v)
{
	if (v.kind == FX_VALUE_TENSOR)
		return &v.tensor->t;
	return v.kind == FX_VALUE_NODE ? &v.node->out[0] : NULL;
}

/* Without what inference needs, inference would fail the graph. */
static bool inputs_are_known(const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER &&
		    n->out[0].dtype == FXQ_DTYPE_NONE)
			return false;
	return true;
}

const struct fxq_tensor *value_shape(fxv v)
{
	const struct fxq_tensor *t = value_type(v);

	if (v.kind == FX_VALUE_NODE && t->dtype == FXQ_DTYPE_NONE &&
	    inputs_are_known(v.node->graph))
		fx_graph_infer(v.node->graph);
	return t;
}

void value_set_scale(fxv v, float scale, int zero_point)
{
	struct fxq_tensor *t = (struct fxq_tensor *)value_type(v);

	t->scale = scale;
	t->zero_point = zero_point;
}

bool value_is_quantized(fxv v)
{
	const struct fxq_tensor *t = value_type(v);

	return t && t->scale > 0 && (t->dtype == FXQ_DTYPE_I8 ||
				     t->dtype == FXQ_DTYPE_NONE);
}

void put_operation_int(struct operation *o, const char *name, int64_t i)
{
	o->attrs[o->n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_INT, .count = 1, .i = i };
}

void put_operation_float(struct operation *o, const char *name, float f)
{
	o->attrs[o->n_attrs++] = (struct fxq_attr){
		.name = name, .type = FXQ_ATTR_FLOAT, .count = 1,
		.f = (double)f };
}

void put_operation_result(struct operation *o, float scale, int zero_point,
			  unsigned int clamp)
{
	float six = fxq_rne(6.0f * (1.0f / scale));
	int hi = 127;

	if (clamp == QUANTIZED_RELU6 && six < (float)(127 - zero_point))
		hi = zero_point + (int)six;
	put_operation_float(o, "scale", scale);
	put_operation_int(o, "zero_point", zero_point);
	put_operation_int(o, "lo", clamp ? zero_point : -128);
	put_operation_int(o, "hi", hi);
}

fxv quantized_rescale(fxv x, float scale, int zero_point)
{
	struct operation o = { .op = "qrequant", .n_in = 1, .in = { x } };

	put_operation_float(&o, "m", value_type(x)->scale / scale);
	put_operation_result(&o, scale, zero_point, 0);
	return operation_compute(context.at, &o);
}

/* Torch's functions that give quantized tensors */

/* quint8 unless it is said otherwise. */
static int64_t int8_zero_point(fxv zero_point, fxv dtype)
{
	bool is_signed = dtype.kind == FX_VALUE_NAME &&
			 !strcmp(dtype.s, "torch.qint8");
	int64_t z;

	return __builtin_sub_overflow(fx_int(zero_point), is_signed ? 0 : 128,
				      &z) ? INT64_MIN : z;
}

/* A poison unless a quantized tensor may have these; a graph says anything. */
static fxv check_scale(const struct fx_loc *at, float scale, int64_t zero_point)
{
	if (!isnormal(scale) || scale < 0)
		return fx_poison(at, -EINVAL, "scale %g is no scale: it is above 0, finite, and normal in float32",
				 (double)scale);
	if (zero_point < INT8_MIN || zero_point > INT8_MAX)
		return fx_poison(at, -EINVAL, "a zero point is from -128 to 127 of qint8, from 0 to 255 of quint8; in qint8 this one is %lld",
				 (long long)zero_point);
	return fx_none;
}

fxv run_quantize_per_tensor(const struct fx_loc *at, const fxv *in,
			    const fxv *options)
{
	struct operation o = { .op = "quantize", .n_in = 1, .in = { in[0] } };
	int64_t z = int8_zero_point(options[1], options[2]);
	float scale = (float)fx_float(options[0]);
	fxv wrong = check_scale(at, scale, z);

	if (fx_error(wrong))
		return wrong;
	/* What is quantized comes into another scale. */
	if (value_is_quantized(in[0]))
		return quantized_rescale(in[0], scale, (int)z);
	put_operation_float(&o, "scale", scale);
	put_operation_int(&o, "zero_point", z);
	return operation_compute(at, &o);
}

/* A number times a tensor only changes what its integers stand for. */
static fxv scale_by(const struct fx_loc *at, fxv x, double by,
		    unsigned int clamp)
{
	const struct fxq_tensor *t = value_type(x);
	struct operation o = { .op = "qrequant", .n_in = 1, .in = { x } };
	float scale = t->scale * (float)by;
	fxv wrong;

	if (!(by > 0))
		return fx_poison(at, -EINVAL, "a quantized tensor times %g: only what is above 0 keeps the order of its values",
				 by);
	wrong = check_scale(at, scale, t->zero_point);
	if (fx_error(wrong))
		return wrong;
	put_operation_float(&o, "m", 1);
	put_operation_result(&o, scale, t->zero_point, clamp);
	return operation_compute(at, &o);
}

static bool is_number(fxv v)
{
	return v.kind == FX_VALUE_INT || v.kind == FX_VALUE_FLOAT;
}

/* The two that go in, and the type of quantized integers that comes out. */
static fxv run_binary(const struct fx_loc *at, const char *op, const fxv *in,
		      const fxv *options, unsigned int clamp)
{
	const struct fxq_tensor *a = value_type(in[0]), *b = value_type(in[1]);
	struct operation o = { .op = op, .n_in = 2, .in = { in[0], in[1] } };
	float scale = (float)fx_float(options[0]);
	int64_t z = int8_zero_point(options[1], options[2]);
	bool product = !strcmp(op, "qmul") || !strcmp(op, "qmatmul");
	fxv wrong = check_scale(at, scale, z);

	if (fx_error(wrong))
		return wrong;
	if (!value_is_quantized(in[0]) || !value_is_quantized(in[1]))
		return fx_poison(at, -EINVAL, "quantized tensors are expected: quantize them first");
	if (product) {
		put_operation_float(&o, "m", (a->scale * b->scale) / scale);
	} else {
		put_operation_float(&o, "m_a", a->scale / scale);
		put_operation_float(&o, "m_b", b->scale / scale);
	}
	put_operation_result(&o, scale, (int)z, clamp);
	return operation_compute(at, &o);
}

fxv run_quantized_add(const struct fx_loc *at, const fxv *in,
		      const fxv *options)
{
	return run_binary(at, "qadd", in, options, 0);
}

fxv run_quantized_add_relu(const struct fx_loc *at, const fxv *in,
			   const fxv *options)
{
	return run_binary(at, "qadd", in, options, QUANTIZED_RELU);
}

fxv run_quantized_sub(const struct fx_loc *at, const fxv *in,
		      const fxv *options)
{
	return run_binary(at, "qsub", in, options, 0);
}

fxv run_quantized_matmul(const struct fx_loc *at, const fxv *in,
			 const fxv *options)
{
	const struct fxq_tensor *a = value_shape(in[0]);

	if (a && a->dtype != FXQ_DTYPE_NONE && a->rank &&
	    a->dims[a->rank - 1] > FORM_PRODUCTS)
		return fx_poison(at, -EINVAL, "a product of matrices sums %lld products, more than 32 bits are sure to hold; leave it float",
				 (long long)a->dims[a->rank - 1]);
	return run_binary(at, "qmatmul", in, options, 0);
}

static fxv run_product(const struct fx_loc *at, const fxv *in,
		       const fxv *options, unsigned int clamp)
{
	if (is_number(in[1]))
		return scale_by(at, in[0], fx_float(in[1]), clamp);
	return run_binary(at, "qmul", in, options, clamp);
}

fxv run_quantized_mul(const struct fx_loc *at, const fxv *in,
		      const fxv *options)
{
	return run_product(at, in, options, 0);
}

fxv run_quantized_mul_relu(const struct fx_loc *at, const fxv *in,
			   const fxv *options)
{
	return run_product(at, in, options, QUANTIZED_RELU);
}
