// SPDX-License-Identifier: MIT
/*
 * classes.c - the module classes: what each is made of, and the table of them
 *
 * Most classes are an operator with parameters, and a row says it all. The rest
 * have a forward of their own: batch norm and dropout, which train differently
 * from how they evaluate, and those that only pass values on.
 */
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

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

/* Its functions call what observes in its quantized form. */
static int init_float_functional(struct fx_module *m)
{
	fx_add_module(m, "activation_post_process", Identity());
	return 0;
}

static fxv no_functional(const struct fx_loc *at)
{
	return fx_poison(at, -EINVAL, "this is no FloatFunctional");
}

fxv fx_ff_result(const struct fx_loc *at, struct fx_module *ff, fxv value)
{
	const struct fx_member *observer =
		ff && ff->n_members ? &ff->members[0] : NULL;

	if (!observer || !observer->module)
		return no_functional(at);
	return fx_call_at(at, observer->module, FX_ARGS(value));
}

fxv fx_ff_unobserved(const struct fx_loc *at, struct fx_module *ff, fxv value)
{
	if (!ff || !ff->n_members || !ff->members[0].module)
		return no_functional(at);
	return value;
}

/* The table */

static const char *const all_parameters[] = { "*", NULL };
static const char *const weight_only[] = { "weight", NULL };
static const char *const weight_bias[] = { "weight", "bias", NULL };
static const char *const batch_norm_operands[] = {
	"weight", "bias", "running_mean", "running_var", NULL
};

#define LEAF	.flags = FX_CLASS_LEAF

CLASS(Conv1d, LEAF, .op = "conv1d", .operands = weight_bias,
      .init = init_conv1d)
CLASS(Conv2d, LEAF, .op = "conv2d", .operands = weight_bias,
      .init = init_conv2d)
CLASS(Conv3d, LEAF, .op = "conv3d", .operands = weight_bias,
      .init = init_conv3d)
CLASS(ConvTranspose1d, LEAF, .op = "conv_transpose1d", .operands = weight_bias,
      .init = init_conv_transpose1d)
CLASS(ConvTranspose2d, LEAF, .op = "conv_transpose2d", .operands = weight_bias,
      .init = init_conv_transpose2d)
CLASS(Linear, LEAF, .op = "linear", .operands = weight_bias,
      .init = init_linear)
CLASS(Embedding, LEAF, .op = "gather", .operands = weight_only,
      .init = init_embedding)
#define BATCH_NORM(id)							\
	CLASS(id, LEAF | FX_CLASS_BATCH_NORM, .op = "batch_norm",	\
	      .operands = batch_norm_operands, .init = init_batch_norm,	\
	      .forward = forward_batch_norm)
BATCH_NORM(BatchNorm1d)
BATCH_NORM(BatchNorm2d)
BATCH_NORM(BatchNorm3d)
CLASS(LayerNorm, LEAF, .op = "layer_norm", .operands = weight_bias,
      .init = init_layer_norm)
CLASS(GroupNorm, LEAF, .op = "group_norm", .operands = weight_bias,
      .init = init_group_norm)
CLASS(ReLU, LEAF, .op = "relu")
CLASS(ReLU6, LEAF, .op = "relu6")
CLASS(Sigmoid, LEAF, .op = "sigmoid")
CLASS(SiLU, LEAF, .op = "silu")
CLASS(Hardswish, LEAF, .op = "hardswish")
CLASS(LeakyReLU, LEAF, .op = "leaky_relu")
CLASS(PReLU, LEAF, .op = "prelu", .operands = weight_only, .init = init_prelu)
CLASS(GELU, LEAF, .op = "gelu")
CLASS(Hardsigmoid, LEAF, .op = "hardsigmoid")
CLASS(Tanh, LEAF, .op = "tanh")
CLASS(Softmax, LEAF, .op = "softmax")
CLASS(MaxPool1d, LEAF, .op = "max_pool1d")
CLASS(AvgPool1d, LEAF, .op = "avg_pool1d")
CLASS(AdaptiveAvgPool1d, LEAF, .op = "adaptive_avg_pool2d")
CLASS(Upsample, LEAF, .op = "resize")
CLASS(MaxPool2d, LEAF, .op = "max_pool2d")
CLASS(AvgPool2d, LEAF, .op = "avg_pool2d")
CLASS(AdaptiveAvgPool2d, LEAF, .op = "adaptive_avg_pool2d")
CLASS(Flatten, LEAF, .op = "flatten")
CLASS(Dropout, LEAF | FX_CLASS_IDENTITY, .forward = forward_dropout)
CLASS(Identity, LEAF | FX_CLASS_IDENTITY, .forward = forward_identity)
CLASS(Sequential, .forward = forward_sequential)
CLASS(ModuleList)
CLASS(ModuleDict)
CLASS(LSTM, LEAF, .op = "lstm", .operands = all_parameters, .init = init_lstm,
      .forward = forward_lstm)
CLASS(MultiheadAttention, LEAF, .init = init_attention,
      .forward = forward_attention, .method = &attention_method)
CLASS(FloatFunctional, .init = init_float_functional)
CLASS(QuantStub, .flags = FX_CLASS_IDENTITY, .forward = forward_identity)
CLASS(DeQuantStub, .flags = FX_CLASS_IDENTITY, .forward = forward_identity)

static const struct fx_class *const classes[] = {
#define ENTRY(id)	&fx_class_##id,
	FX_CLASSES(ENTRY)
#undef ENTRY
};

const struct fx_class *class_named(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (!strcmp(classes[i]->name, name))
			return classes[i];
	return NULL;
}
