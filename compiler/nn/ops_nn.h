/* SPDX-License-Identifier: MIT */
/*
 * ops_nn.h - the operators with a network's arithmetic (see ops.h)
 *
 * Tensors, then parameters with their defaults, as torch has them. Padding
 * lists all beginnings, then all ends: [top, left, bottom, right]; one number
 * stands for all. N, C, O, I, G are batch, channels, output and input
 * channels, groups. Sums of float products run bias first, then in the order
 * of the weights; linear adds the bias last.
 *
 *   conv1d, conv2d, conv3d: x (N, C, ...), w (O, I/G, ...), bias (O) or None;
 *	stride=1, padding=0, dilation=1, groups=1
 *   conv_transpose1d, 2d, 3d: x, w (I, O/G, ...), bias; stride=1, padding=0,
 *	output_padding=0, dilation=1, groups=1
 *   linear: x (..., in), w (out, in), bias (out) or None
 *   matmul: a, b; numpy's rules
 *   lstm: x (L, N, I), (N, L, I) if batch_first, or (L, I); then of each layer
 *	and direction w_ih (4H, I), w_hh (4H, H), b_ih (4H), b_hh (4H), without
 *	the last two if bias=0; hidden_size, num_layers=1, bias=1,
 *	batch_first=0, bidirectional=0. Results are every h, the last h and c
 *   batch_norm: x (N, C, ...), weight, bias, mean, var, each (C); eps=1e-5.
 *	weight and bias may be None, here and below
 *   layer_norm: x, weight, bias; axis=-1 or normalized_shape, eps=1e-5,
 *	n_out=1. Further results are mean and inverse deviation
 *   group_norm: x, weight (C), bias (C); num_groups=1, eps=1e-5
 *   instance_norm: x, weight (C), bias (C); eps=1e-5
 *   lrn: x; size, alpha=1e-4, beta=0.75, bias=1 or, as torch calls it, k
 *   lp_normalize: x; axis=-1, p=2
 *   mean_variance_norm: x; dims=[0, 2, 3], eps=1e-9
 *   leaky_relu(negative_slope=0.01)  elu(alpha=1)  selu(alpha, gamma)
 *   celu(alpha=1)  gelu(approximate="none"|"tanh")
 *   hardsigmoid(alpha=1/6, beta=0.5)  hardtanh(min_val=-1, max_val=1)
 *   clamp(min, max; absent: unbounded)  thresholded_relu(alpha=1)
 *   shrink(bias=0, lambd=0.5)  round: half to even
 *   prelu: x, slope: (C), or anything that broadcasts to x from the right
 *   dropout: x, further inputs are not read; n_out=1. A second result is all
 *	true
 *   softmax, log_softmax, hardmax: x; dim=-1
 *   argmax, argmin: x; dim=0, keepdim=1, select_last=0
 *   max_pool1d, 2d, 3d: x; kernel_size, stride=kernel_size, padding=0,
 *	dilation=1, ceil_mode=0, n_out=1. A second result is the index of each
 *	maximum in all of x, columns first if storage_order=1
 *   avg_pool1d, 2d, 3d: x; kernel_size, stride=kernel_size, padding=0,
 *	dilation=1, ceil_mode=0, count_include_pad=1
 *   lp_pool: x of 1 to 3 dimensions; as avg_pool, p=2
 *   global_avg_pool, global_max_pool: x (N, C, ...)
 *   adaptive_avg_pool2d: x (..., H, W); output_size, 0: as it is
 *   resize: x; sizes (of all dimensions, or of the last ones; absent: what
 *	scales make of them), mode="nearest"|"linear"|"cubic",
 *	coordinate_transformation_mode="half_pixel", nearest_mode=
 *	"round_prefer_floor", cubic_coeff_a=-0.75, exclude_outside=0,
 *	extrapolation_value=0, antialias=0, roi (starts, then ends), scales
 *   quantize_linear: x, scale, zero_point (its type is the result's; uint8 if
 *	None); axis=1
 *   dequantize_linear: q, scale, zero_point; axis=1
 *   dynamic_quantize_linear: x; three results: uint8 q, scale, zero point
 *   fake_quantize: x, scale, int32 zero_point or None (one, or one a channel);
 *	quant_min=-128, quant_max=127, axis=1: quantized and dequantized, by
 *	torch's rule, x * (1 / scale). Its gradient takes rounding for no
 *	change, and is 0 where x saturates; that of the scale is LSQ's, or with
 *	clip_only=1 what saturates alone, PACT's; grad_scaling=1 divides it by
 *	the root of elements * quant_max
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
	X(conv_transpose1d, "torch.conv_transpose1d",			\
	  FX_NN_METHOD("conv_transpose1d"), 2, 3, 1, 0)			\
	X(conv_transpose2d, "torch.conv_transpose2d",			\
	  FX_NN_METHOD("conv_transpose2d"), 2, 3, 1, 0)			\
	X(conv_transpose3d, "torch.conv_transpose3d",			\
	  FX_NN_METHOD("conv_transpose3d"), 2, 3, 1, 0)			\
	X(linear, "torch._C._nn.linear", FX_NN_NATIVE("linear"),	\
	  2, 3, 1, 0)							\
	X(matmul, "torch.matmul", FX_NN_METHOD("matmul"), 2, 2, 1, 0)	\
	X(lstm, "fxq.lstm", FX_NN_FUNCTION("lstm"), 3, 63, 3, 0)

#define FX_OPS_NN_NORM(X)						\
	X(batch_norm, "torch.nn.functional.batch_norm",			\
	  FX_NN_FUNCTION("batch_norm"), 5, 5, 1, 0)			\
	X(layer_norm, "torch.nn.functional.layer_norm",			\
	  FX_NN_FUNCTION("layer_norm"), 1, 3, -1, 0)			\
	X(group_norm, "torch.nn.functional.group_norm",			\
	  FX_NN_FUNCTION("group_norm"), 1, 3, 1, 0)			\
	X(instance_norm, "torch.nn.functional.instance_norm",		\
	  FX_NN_FUNCTION("instance_norm"), 1, 3, 1, 0)			\
	X(lrn, "torch.nn.functional.local_response_norm",		\
	  FX_NN_FUNCTION("local_response_norm"), 1, 1, 1, 0)		\
	X(lp_normalize, "torch.nn.functional.normalize",		\
	  FX_NN_FUNCTION("normalize"), 1, 1, 1, 0)			\
	X(mean_variance_norm, "fxq.mean_variance_norm",			\
	  FX_NN_FUNCTION("mean_variance_norm"), 1, 1, 1, 0)

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

#define FX_OPS_NN_PASS(X)						\
	X(prelu, "torch.prelu", FX_NN_METHOD("prelu"), 2, 2, 1, 0)	\
	X(identity, "fxq.identity", FX_NN_FUNCTION("identity"),		\
	  1, 1, 1, FX_OP_POINTWISE | FX_OP_VIEW)			\
	X(dropout, "torch.nn.functional.dropout",			\
	  FX_NN_FUNCTION("dropout"), 1, 3, -1,				\
	  FX_OP_POINTWISE | FX_OP_VIEW)

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
	  FX_NN_FUNCTION("adaptive_avg_pool2d"), 1, 1, 1, 0)		\
	X(lp_pool, "fxq.lp_pool", FX_NN_FUNCTION("lp_pool"),		\
	  1, 1, 1, 0)							\
	X(resize, "torch.nn.functional.interpolate",			\
	  FX_NN_FUNCTION("interpolate"), 1, 1, 1, 0)

#define FX_OPS_NN_QUANTIZE(X)						\
	X(quantize_linear, "fxq.quantize_linear",			\
	  FX_NN_FUNCTION("quantize_linear"), 2, 3, 1, 0)		\
	X(dequantize_linear, "fxq.dequantize_linear",			\
	  FX_NN_FUNCTION("dequantize_linear"), 2, 3, 1, 0)		\
	X(dynamic_quantize_linear, "fxq.dynamic_quantize_linear",	\
	  FX_NN_FUNCTION("dynamic_quantize_linear"), 1, 1, 3, 0)	\
	X(fake_quantize, "torch.fake_quantize_per_channel_affine",	\
	  FX_NN_METHOD("fake_quantize_per_channel_affine"), 2, 3, 1, 0)

#define FX_OPS_NN(X)		\
	FX_OPS_NN_PRODUCT(X)	\
	FX_OPS_NN_NORM(X)	\
	FX_OPS_NN_ACTIVATION(X)	\
	FX_OPS_NN_MATH(X)	\
	FX_OPS_NN_PASS(X)	\
	FX_OPS_NN_CHOICE(X)	\
	FX_OPS_NN_POOL(X)	\
	FX_OPS_NN_QUANTIZE(X)

#endif
