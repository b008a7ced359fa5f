/* SPDX-License-Identifier: MIT */
/*
 * ops_nn.h - the operators with a network's arithmetic (see ops.h)
 *
 * Tensors, then parameters with their defaults. Padding lists all beginnings,
 * then all ends: [top, left, bottom, right]. N, C, O, I, G stand for batch,
 * channels, output and input channels, groups.
 *
 *   conv1d, conv2d, conv3d: x (N, C, …), w (O, I/G, …), bias (O) or None;
 *	stride=1, padding=0, dilation=1, groups=1
 *   linear: x (…, in), w (out, in), bias (out) or None
 *   batch_norm: x (N, C, …), weight, bias, mean, var, each (C); eps=1e-5.
 *	weight and bias may be None
 *   relu, relu6
 *   softmax, log_softmax, hardmax: x; dim=-1
 *   argmax, argmin: x; dim=0, keepdim=1, select_last=0
 *   max_pool1d, 2d, 3d: x; kernel_size, stride=1, padding=0, dilation=1,
 *	ceil_mode=0, n_out=1. A second result is the index of each maximum in
 *	all of x, columns first if storage_order=1
 *   avg_pool1d, 2d, 3d: x; kernel_size, stride=1, padding=0, dilation=1,
 *	ceil_mode=0, count_include_pad=1
 *   global_avg_pool, global_max_pool: x (N, C, …)
 */
#ifndef FXQ_OPS_NN_H
#define FXQ_OPS_NN_H

/* How torch prints functions of its own, of functional, and of its C side. */
#define FX_NN_METHOD(name)	"<built-in method " name " of type object>"
#define FX_NN_FUNCTION(name)	"<function " name ">"
#define FX_NN_NATIVE(name)	"<built-in function " name ">"
#define FX_NN_DISPATCH		"<function boolean_dispatch.<locals>.fn>"

/* X(name, path, repr, min_in, max_in, n_out, flags) */
#define FX_OPS_NN_PRODUCT(X)						\
	X(conv1d, "torch.conv1d", FX_NN_METHOD("conv1d"), 2, 3, 1, 0)	\
	X(conv2d, "torch.conv2d", FX_NN_METHOD("conv2d"), 2, 3, 1, 0)	\
	X(conv3d, "torch.conv3d", FX_NN_METHOD("conv3d"), 2, 3, 1, 0)	\
	X(linear, "torch._C._nn.linear", FX_NN_NATIVE("linear"),	\
	  2, 3, 1, 0)

#define FX_OPS_NN_NORM(X)						\
	X(batch_norm, "torch.nn.functional.batch_norm",			\
	  FX_NN_FUNCTION("batch_norm"), 5, 5, 1, 0)

#define FX_OPS_NN_ACTIVATION(X)						\
	X(relu, "torch.nn.functional.relu", FX_NN_FUNCTION("relu"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(relu6, "torch.nn.functional.relu6", FX_NN_FUNCTION("relu6"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(leaky_relu, "torch.nn.functional.leaky_relu",			\
	  FX_NN_FUNCTION("leaky_relu"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(elu, "torch.nn.functional.elu", FX_NN_FUNCTION("elu"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(selu, "torch.nn.functional.selu", FX_NN_FUNCTION("selu"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(celu, "torch.nn.functional.celu", FX_NN_FUNCTION("celu"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(gelu, "torch._C._nn.gelu", FX_NN_NATIVE("gelu"),		\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(silu, "torch.nn.functional.silu", FX_NN_FUNCTION("silu"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(mish, "torch.nn.functional.mish", FX_NN_FUNCTION("mish"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(hardswish, "torch.nn.functional.hardswish",			\
	  FX_NN_FUNCTION("hardswish"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(hardsigmoid, "torch.nn.functional.hardsigmoid",		\
	  FX_NN_FUNCTION("hardsigmoid"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(sigmoid, "torch.sigmoid", FX_NN_METHOD("sigmoid"),		\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(tanh, "torch.tanh", FX_NN_METHOD("tanh"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(softplus, "torch._C._nn.softplus", FX_NN_NATIVE("softplus"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(softsign, "torch.nn.functional.softsign",			\
	  FX_NN_FUNCTION("softsign"), 1, 1, 1, FX_OP_POINTWISE)		\
	X(hardtanh, "torch.nn.functional.hardtanh",			\
	  FX_NN_FUNCTION("hardtanh"), 1, 1, 1, FX_OP_POINTWISE)		\
	X(clamp, "torch.clamp", FX_NN_METHOD("clamp"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(thresholded_relu, "fxq.thresholded_relu",			\
	  FX_NN_FUNCTION("thresholded_relu"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(shrink, "fxq.shrink", FX_NN_FUNCTION("shrink"),		\
	  1, 1, 1, FX_OP_POINTWISE)

#define FX_OPS_NN_MATH(X)						\
	X(erf, "torch.erf", FX_NN_METHOD("erf"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(exp, "torch.exp", FX_NN_METHOD("exp"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(log, "torch.log", FX_NN_METHOD("log"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(sqrt, "torch.sqrt", FX_NN_METHOD("sqrt"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(reciprocal, "torch.reciprocal", FX_NN_METHOD("reciprocal"),	\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(neg, "-{0}", "<built-in function neg>",			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(abs, "torch.abs", FX_NN_METHOD("abs"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(sign, "torch.sign", FX_NN_METHOD("sign"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(floor, "torch.floor", FX_NN_METHOD("floor"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(ceil, "torch.ceil", FX_NN_METHOD("ceil"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(round, "torch.round", FX_NN_METHOD("round"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(sin, "torch.sin", FX_NN_METHOD("sin"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(cos, "torch.cos", FX_NN_METHOD("cos"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(tan, "torch.tan", FX_NN_METHOD("tan"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(asin, "torch.asin", FX_NN_METHOD("asin"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(acos, "torch.acos", FX_NN_METHOD("acos"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(atan, "torch.atan", FX_NN_METHOD("atan"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(sinh, "torch.sinh", FX_NN_METHOD("sinh"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(cosh, "torch.cosh", FX_NN_METHOD("cosh"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(asinh, "torch.asinh", FX_NN_METHOD("asinh"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(acosh, "torch.acosh", FX_NN_METHOD("acosh"),			\
	  1, 1, 1, FX_OP_POINTWISE)					\
	X(atanh, "torch.atanh", FX_NN_METHOD("atanh"),			\
	  1, 1, 1, FX_OP_POINTWISE)

#define FX_OPS_NN_CHOICE(X)						\
	X(softmax, "torch.nn.functional.softmax",			\
	  FX_NN_FUNCTION("softmax"), 1, 1, 1, 0)			\
	X(log_softmax, "torch.nn.functional.log_softmax",		\
	  FX_NN_FUNCTION("log_softmax"), 1, 1, 1, 0)			\
	X(hardmax, "fxq.hardmax", FX_NN_FUNCTION("hardmax"), 1, 1, 1, 0)	\
	X(argmax, "torch.argmax", FX_NN_METHOD("argmax"), 1, 1, 1, 0)	\
	X(argmin, "torch.argmin", FX_NN_METHOD("argmin"), 1, 1, 1, 0)

#define FX_OPS_NN_POOL(X)						\
	X(max_pool1d, "torch.nn.functional.max_pool1d", FX_NN_DISPATCH,	\
	  1, 1, -1, 0)							\
	X(max_pool2d, "torch.nn.functional.max_pool2d", FX_NN_DISPATCH,	\
	  1, 1, -1, 0)							\
	X(max_pool3d, "torch.nn.functional.max_pool3d", FX_NN_DISPATCH,	\
	  1, 1, -1, 0)							\
	X(avg_pool1d, "torch.avg_pool1d", FX_NN_METHOD("avg_pool1d"),	\
	  1, 1, 1, 0)							\
	X(avg_pool2d, "torch._C._nn.avg_pool2d",			\
	  FX_NN_NATIVE("avg_pool2d"), 1, 1, 1, 0)			\
	X(avg_pool3d, "torch._C._nn.avg_pool3d",			\
	  FX_NN_NATIVE("avg_pool3d"), 1, 1, 1, 0)			\
	X(global_avg_pool, "fxq.global_avg_pool",			\
	  FX_NN_FUNCTION("global_avg_pool"), 1, 1, 1, 0)		\
	X(global_max_pool, "fxq.global_max_pool",			\
	  FX_NN_FUNCTION("global_max_pool"), 1, 1, 1, 0)		\
	X(adaptive_avg_pool2d, "torch.nn.functional.adaptive_avg_pool2d",	\
	  FX_NN_FUNCTION("adaptive_avg_pool2d"), 1, 1, 1, 0)

#define FX_OPS_NN(X)		\
	FX_OPS_NN_PRODUCT(X)	\
	FX_OPS_NN_NORM(X)	\
	FX_OPS_NN_ACTIVATION(X)	\
	FX_OPS_NN_MATH(X)	\
	FX_OPS_NN_CHOICE(X)	\
	FX_OPS_NN_POOL(X)

#endif
