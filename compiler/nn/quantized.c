// SPDX-License-Identifier: MIT
/*
 * quantized.c - what operators do with quantized tensors
 *
 * A call whose first tensor is quantized is an operator on integers: this file
 * says which, for what a float graph calls and for torch's calls on quantized
 * tensors. It is said once, for tensors that are there and for the nodes of a
 * graph that is written; both have scale and zero point.
 *
 * Unsigned tensors are kept as q - 128 with zero point z - 128, so that all are
 * int8: a zero point that a graph shows is moved by 128 if its type is quint8.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <fxq/fxq_arith.h>

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

static void set_scale(fxv v, float scale, int zero_point)
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

static const struct fxq_attr *find_attr(const struct operation *o,
					const char *name)
{
	for (size_t i = 0; i < o->n_attrs; i++)
		if (!strcmp(o->attrs[i].name, name))
			return &o->attrs[i];
	return NULL;
}

/* The attributes that the float operator had, and the integer one has not. */
static void drop_attrs(struct operation *o)
{
	o->n_attrs = 0;
}

/* Same scale and zero point as the first tensor. */
static void keep_scale(struct operation *o, unsigned int clamp)
{
	const struct fxq_tensor *x = value_type(o->in[0]);

	put_operation_result(o, x->scale, x->zero_point, clamp);
}

/* Handlers: turn @o into an integer operation; -EINVAL with the sentence. */

static int write_max_pool(struct operation *o, char *error)
{
	o->op = "qmax_pool2d";
	keep_scale(o, 0);
	return 0;
}

/* m = 1 / n, as the arithmetic has it for equal scales. */
static int write_mean_pool(struct operation *o, char *error)
{
	const struct fxq_tensor *x = value_shape(o->in[0]);
	float scale = x->scale;

	if (x->dtype == FXQ_DTYPE_NONE || x->rank != 4)
		return refuse(error, "a pool over all of an image needs its size: give the type of the graph's inputs first");
	o->op = "qmean_pool2d";
	drop_attrs(o);
	put_operation_float(o, "m", scale / (scale *
					     (float)(x->dims[2] * x->dims[3])));
	keep_scale(o, 0);
	return 0;
}

/* A window's multiplier for each count of elements that may be inside. */
static int write_avg_pool(struct operation *o, char *error)
{
	const struct fxq_attr *kernel = find_attr(o, "kernel_size");
	float scale = value_type(o->in[0])->scale;
	int64_t n = kernel->ints[0] * kernel->ints[1];

	o->in[1] = fx_zeros(n);
	o->n_in = 2;
	if (!fx_data(o->in[1]))
		return refuse(error, "no memory for a table");
	for (int64_t i = 0; i < n; i++)
		((float *)o->in[1].tensor->t.data)[i] =
			scale / (scale * (float)(i + 1));
	o->op = "qavg_pool2d";
	keep_scale(o, 0);
	return 0;
}

static int write_clamp(struct operation *o, unsigned int clamp)
{
	o->op = "qrequant";
	drop_attrs(o);
	put_operation_float(o, "m", 1);
	keep_scale(o, clamp);
	return 0;
}

static int write_relu(struct operation *o, char *error)
{
	return write_clamp(o, QUANTIZED_RELU);
}

static int write_relu6(struct operation *o, char *error)
{
	return write_clamp(o, QUANTIZED_RELU6);
}

/* A table of f over all values of the input. */
static int write_table(struct operation *o, double (*f)(double), float scale,
		       int zero_point, char *error)
{
	const struct fxq_tensor *x = value_type(o->in[0]);
	int64_t n = 256;
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, 1, &n);
	int8_t table[256];

	for (int q = -128; q < 128; q++)
		table[q + 128] = fxq_q_double(f((double)x->scale *
						(q - x->zero_point)) /
					      (double)scale, zero_point,
					      -128, 127);
	t.data = table;
	o->op = "qlut";
	o->in[1] = fx_copy_of(&t);
	o->n_in = 2;
	drop_attrs(o);
	put_operation_float(o, "scale", scale);
	put_operation_int(o, "zero_point", zero_point);
	return 0;
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* Torch's fixed scales: 256 steps over [0, 1) and [-1, 1). */
static int write_sigmoid(struct operation *o, char *error)
{
	return write_table(o, sigmoid, 1.0f / 256, -128, error);
}

static int write_tanh(struct operation *o, char *error)
{
	return write_table(o, tanh, 2.0f / 256, 0, error);
}

/* The other parts come into the scale of the first. */
static int write_concat(struct operation *o, char *error)
{
	const struct fxq_tensor *x = value_type(o->in[0]);

	for (size_t i = 1; i < o->n_in; i++) {
		const struct fxq_tensor *t = value_type(o->in[i]);

		if (!value_is_quantized(o->in[i]))
			return refuse(error, "part %zu is not quantized, as the first one is",
				      i);
		if (t->scale != x->scale || t->zero_point != x->zero_point)
			o->in[i] = quantized_rescale(o->in[i], x->scale,
						     x->zero_point);
	}
	return 0;
}

static int write_as_is(struct operation *o, char *error)
{
	return 0;
}

static const struct handler {
	const char *op;
	int (*write)(struct operation *o, char *error);
} handlers[] = {
	{ "max_pool2d", write_max_pool },
	{ "avg_pool2d", write_avg_pool },
	{ "global_avg_pool", write_mean_pool },
	{ "relu", write_relu },
	{ "relu6", write_relu6 },
	{ "sigmoid", write_sigmoid },
	{ "tanh", write_tanh },
	{ "concat", write_concat },
	{ "dequantize", write_as_is },
	{ "dequantize_channels", write_as_is },
};

/* What moves elements and computes none is the same for integers. */
static bool only_moves(const char *name)
{
	const struct fx_op *op = fx_op_find(name);

	return op && op->flags & (FX_OP_VIEW | FX_OP_MOVES);
}

static const struct handler *handler_of(const char *op)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strcmp(handlers[i].op, op))
			return &handlers[i];
	return NULL;
}

bool quantized_has(const struct operation *o)
{
	const struct fxq_attr *ceil = find_attr(o, "ceil_mode");

	return (handler_of(o->op) || only_moves(o->op)) && !(ceil && ceil->i);
}

static fxv run_integers(const struct fx_loc *at, struct operation *o)
{
	const struct fxq_tensor x = *value_type(o->in[0]);
	fxv y = operation_compute(at, o);

	/* Integer operators say the scale of their result themselves. */
	if (only_moves(o->op) && !fx_error(y))
		set_scale(y, x.scale, x.zero_point);
	return y;
}

fxv quantized_run(const struct fx_loc *at, const struct operation *operation)
{
	struct operation o = *operation;
	const struct handler *handler;
	char error[FXQ_ERROR_MAX];

	/* The integers of a copy stand where they stood. */
	for (size_t i = 0; i < o.n_attrs; i++)
		if (o.attrs[i].type == FXQ_ATTR_INTS)
			o.attrs[i].ints = memcpy(o.ints[i],
						 operation->attrs[i].ints,
						 o.attrs[i].count * 8);

	handler = handler_of(o.op);
	if (!handler && !only_moves(o.op))
		return fx_poison(at, -EINVAL, "%s has no integer form: dequantize its input first",
				 o.op);
	if (handler && handler->write(&o, error))
		return fx_poison(at, -EINVAL, "%s of a quantized tensor: %s",
				 operation->op, error);
	return run_integers(at, &o);
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
static int int8_zero_point(fxv zero_point, fxv dtype)
{
	bool is_signed = dtype.kind == FX_VALUE_NAME &&
			 !strcmp(dtype.s, "torch.qint8");

	return (int)fx_int(zero_point) - (is_signed ? 0 : 128);
}

fxv run_quantize_per_tensor(const struct fx_loc *at, const fxv *in,
			    const fxv *options)
{
	struct operation o = { .op = "quantize", .n_in = 1, .in = { in[0] } };
	int z = int8_zero_point(options[1], options[2]);

	put_operation_float(&o, "scale", (float)fx_float(options[0]));
	put_operation_int(&o, "zero_point", z);
	return operation_compute(at, &o);
}

/* A number times a tensor only changes what its integers stand for. */
static fxv scale_by(const struct fx_loc *at, fxv x, double by,
		    unsigned int clamp)
{
	const struct fxq_tensor *t = value_type(x);
	struct operation o = { .op = "qrequant", .n_in = 1, .in = { x } };

	if (!(by > 0))
		return fx_poison(at, -EINVAL, "a quantized tensor times %g: only what is above 0 keeps the order of its values",
				 by);
	put_operation_float(&o, "m", 1);
	put_operation_result(&o, t->scale * (float)by, t->zero_point, clamp);
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
	bool product = !strcmp(op, "qmul");

	if (!value_is_quantized(in[0]) || !value_is_quantized(in[1]))
		return fx_poison(at, -EINVAL, "quantized tensors are expected: quantize them first");
	if (product) {
		put_operation_float(&o, "m", (a->scale * b->scale) / scale);
	} else {
		put_operation_float(&o, "m_a", a->scale / scale);
		put_operation_float(&o, "m_b", b->scale / scale);
	}
	put_operation_result(&o, scale,
			     int8_zero_point(options[1], options[2]), clamp);
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
