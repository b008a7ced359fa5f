// SPDX-License-Identifier: MIT
/*
 * classes.c - the module classes: what each is made of, and the table of them
 *
 * Most classes are an operator with parameters, and a row says it all. The rest
 * have a forward of their own: batch norm and dropout, which train differently
 * from how they evaluate, and those that only pass values on.
 */
#include <errno.h>
#include <math.h>

#include "nn_priv.h"

/* A parameter that training starts from: uniform, as torch bounds it. */
static void add_uniform(struct fx_module *m, const char *name, double fan_in,
			const int64_t *dims)
{
	fxv v = fx_full_of(0.0f, dims);

	if (v.kind == FX_VALUE_TENSOR)
		random_fill(&v.tensor->t, (float)(1.0 / sqrt(fan_in)));
	fx_add_parameter(m, name, v);
}

static int init_conv2d(struct fx_module *m)
{
	int64_t in = module_int(m, "in_channels");
	int64_t out = module_int(m, "out_channels");
	int64_t groups = module_int(m, "groups");
	int64_t kh = module_pair(m, "kernel_size", 0);
	int64_t kw = module_pair(m, "kernel_size", 1);
	double fan_in;

	if (in < 1 || out < 1 || kh < 1 || kw < 1 || groups < 1)
		return module_fail(m, -EINVAL, "channels, groups and kernel_size are at least 1");
	if (in % groups || out % groups)
		return module_fail(m, -EINVAL, "groups must divide in_channels and out_channels");

	fan_in = (double)(in / groups) * kh * kw;
	add_uniform(m, "weight", fan_in, FX_DIMS(out, in / groups, kh, kw));
	if (fx_truth(module_option(m, "bias")))
		add_uniform(m, "bias", fan_in, FX_DIMS(out));
	return 0;
}

static int init_linear(struct fx_module *m)
{
	int64_t in = module_int(m, "in_features");
	int64_t out = module_int(m, "out_features");

	if (in < 1 || out < 1)
		return module_fail(m, -EINVAL, "features are at least 1");

	add_uniform(m, "weight", in, FX_DIMS(out, in));
	if (fx_truth(module_option(m, "bias")))
		add_uniform(m, "bias", in, FX_DIMS(out));
	return 0;
}

static int init_batch_norm(struct fx_module *m)
{
	struct fxq_tensor count = { .dtype = FXQ_DTYPE_I64 };
	int64_t n = module_int(m, "num_features");

	if (n < 1)
		return module_fail(m, -EINVAL, "num_features is at least 1");

	fx_add_parameter(m, "weight", fx_ones(n));
	fx_add_parameter(m, "bias", fx_zeros(n));
	fx_add_buffer(m, "running_mean", fx_zeros(n));
	fx_add_buffer(m, "running_var", fx_ones(n));
	fx_add_buffer(m, "num_batches_tracked", fx_copy_of(&count));
	return 0;
}

static fxv forward_identity(struct fx_module *m, const fxv *args)
{
	return args[0];
}

static fxv forward_sequential(struct fx_module *m, const fxv *args)
{
	const struct fx_loc *at = context.at;
	fxv x = args[0];

	for (size_t i = 0; i < m->n_members; i++)
		x = fx_call_at(at, m->members[i].module, FX_ARGS(x));
	return x;
}

/* In training each element is dropped with probability p, the rest scaled. */
static fxv forward_dropout(struct fx_module *m, const fxv *args)
{
	double p = module_float(m, "p");
	struct operation o = {
		.op = "dropout_train", .n_in = 1, .in = { args[0] },
		.n_attrs = 2, .attrs = {
			{ "p", FXQ_ATTR_FLOAT, 1, .f = p },
			{ "seed", FXQ_ATTR_INT, 1 },
		},
	};
	fxv result[2];

	if (!m->training || p == 0)
		return args[0];
	o.attrs[1].i = random_bits();
	operation_results(context.at, &o, result, 2);
	return result[0];
}

/* The table */

static const char *const weight_bias[] = { "weight", "bias", NULL };
static const char *const batch_norm_operands[] = {
	"weight", "bias", "running_mean", "running_var", NULL
};

#define LEAF	.flags = FX_CLASS_LEAF

CLASS(Conv2d, LEAF, .op = "conv2d", .operands = weight_bias,
      .init = init_conv2d)
CLASS(Linear, LEAF, .op = "linear", .operands = weight_bias,
      .init = init_linear)
CLASS(BatchNorm2d, LEAF | FX_CLASS_BATCH_NORM, .op = "batch_norm",
      .operands = batch_norm_operands, .init = init_batch_norm,
      .forward = forward_batch_norm)
CLASS(ReLU, LEAF, .op = "relu")
CLASS(ReLU6, LEAF, .op = "relu6")
CLASS(Sigmoid, LEAF, .op = "sigmoid")
CLASS(SiLU, LEAF, .op = "silu")
CLASS(Hardswish, LEAF, .op = "hardswish")
CLASS(Softmax, LEAF, .op = "softmax")
CLASS(MaxPool2d, LEAF, .op = "max_pool2d")
CLASS(AvgPool2d, LEAF, .op = "avg_pool2d")
CLASS(AdaptiveAvgPool2d, LEAF, .op = "adaptive_avg_pool2d")
CLASS(Flatten, LEAF, .op = "flatten")
CLASS(Dropout, LEAF | FX_CLASS_IDENTITY, .forward = forward_dropout)
CLASS(Identity, LEAF | FX_CLASS_IDENTITY, .forward = forward_identity)
CLASS(Sequential, .forward = forward_sequential)
CLASS(ModuleList)
CLASS(ModuleDict)
CLASS(LSTM, LEAF, .init = init_lstm, .forward = forward_lstm)
CLASS(QuantStub, .flags = FX_CLASS_IDENTITY, .forward = forward_identity)
CLASS(DeQuantStub, .flags = FX_CLASS_IDENTITY, .forward = forward_identity)
