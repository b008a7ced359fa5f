/* SPDX-License-Identifier: MIT */
/*
 * nn_table.h - the arguments of every module class and function, as lists
 *
 * Each list names the arguments of one constructor or function in torch's
 * order, with torch's defaults: X(type, name, default, attribute). From it
 * follow the struct that makes `Conv2d(3, 8, 3, .padding = 1)` C, the way a
 * call is printed, and the parameters its operator is given.
 *
 * Types: INT, FLOAT, BOOL, STR, VALUE (an fxv: a tuple, a number by fx_value()),
 * PAIR, a height and a width, which is given either as one number, `.stride = 2`,
 * or as two, `.stride_hw = {2, 1}`, and ENDS, a PAIR that may also be given for
 * each end of an image, `.padding_tlbr = {0, 0, 1, 1}`, which torch has not.
 *
 * attribute says how the operator takes it: NO (not at all), FIXED (not at all,
 * and nothing but the default is offered), INT, FLOAT, STR, INTS (height, width),
 * PADS (top, left, bottom, right), KERNEL (as INTS, and None means kernel_size),
 * or LIST (one integer or several). Of an INT, which stands for all sides of a
 * window in one dimension or in three, INTS, PADS and KERNEL are one number.
 */
#ifndef FXQ_NN_TABLE_H
#define FXQ_NN_TABLE_H

#include <fxq/value.h>

/* An argument that must be given. */
#define FX_REQUIRED	{ .kind = FX_VALUE_DEFAULT }

/* Module classes */

/* @SIDES, @ENDS: of an image; or INT, INT for one number that all have. */
#define FX_OPTIONS_CONV(X, SIDES, ENDS)		\
	X(INT,   in_channels,  FX_REQUIRED, NO)	\
	X(INT,   out_channels, FX_REQUIRED, NO)	\
	X(SIDES, kernel_size,  FX_REQUIRED, NO)	\
	X(SIDES, stride,       FX_INT(1), INTS)	\
	X(ENDS,  padding,      FX_INT(0), PADS)	\
	X(SIDES, dilation,     FX_INT(1), INTS)	\
	X(INT,   groups,       FX_INT(1), INT)	\
	X(BOOL,  bias,         FX_BOOL(true), NO)
#define FX_OPTIONS_Conv1d(X)	FX_OPTIONS_CONV(X, INT, INT)
#define FX_OPTIONS_Conv2d(X)	FX_OPTIONS_CONV(X, PAIR, ENDS)
#define FX_OPTIONS_Conv3d(X)	FX_OPTIONS_CONV(X, INT, INT)

#define FX_OPTIONS_CONV_TRANSPOSE(X, SIDES, ENDS)	\
	X(INT,   in_channels,  FX_REQUIRED, NO)		\
	X(INT,   out_channels, FX_REQUIRED, NO)		\
	X(SIDES, kernel_size,  FX_REQUIRED, NO)		\
	X(SIDES, stride,       FX_INT(1), INTS)		\
	X(ENDS,  padding,      FX_INT(0), PADS)		\
	X(SIDES, output_padding, FX_INT(0), INTS)	\
	X(INT,   groups,       FX_INT(1), INT)		\
	X(BOOL,  bias,         FX_BOOL(true), NO)	\
	X(SIDES, dilation,     FX_INT(1), INTS)
#define FX_OPTIONS_ConvTranspose1d(X)	FX_OPTIONS_CONV_TRANSPOSE(X, INT, INT)
#define FX_OPTIONS_ConvTranspose2d(X)	FX_OPTIONS_CONV_TRANSPOSE(X, PAIR, ENDS)

#define FX_OPTIONS_Linear(X)			\
	X(INT,   in_features,  FX_REQUIRED, NO)	\
	X(INT,   out_features, FX_REQUIRED, NO)	\
	X(BOOL,  bias,         FX_BOOL(true), NO)

#define FX_OPTIONS_BATCH_NORM(X)			\
	X(INT,   num_features, FX_REQUIRED, NO)		\
	X(FLOAT, eps,          FX_FLOAT(1e-5), FLOAT)	\
	X(FLOAT, momentum,     FX_FLOAT(0.1), NO)
#define FX_OPTIONS_BatchNorm1d(X)	FX_OPTIONS_BATCH_NORM(X)
#define FX_OPTIONS_BatchNorm2d(X)	FX_OPTIONS_BATCH_NORM(X)
#define FX_OPTIONS_BatchNorm3d(X)	FX_OPTIONS_BATCH_NORM(X)

#define FX_OPTIONS_LayerNorm(X)				\
	X(PAIR,  normalized_shape, FX_REQUIRED, LIST)	\
	X(FLOAT, eps,          FX_FLOAT(1e-5), FLOAT)	\
	X(BOOL,  elementwise_affine, FX_BOOL(true), NO)

#define FX_OPTIONS_GroupNorm(X)				\
	X(INT,   num_groups,   FX_REQUIRED, INT)	\
	X(INT,   num_channels, FX_REQUIRED, NO)		\
	X(FLOAT, eps,          FX_FLOAT(1e-5), FLOAT)	\
	X(BOOL,  affine,       FX_BOOL(true), NO)

#define FX_OPTIONS_Embedding(X)				\
	X(INT,   num_embeddings, FX_REQUIRED, NO)	\
	X(INT,   embedding_dim, FX_REQUIRED, NO)	\
	X(INT,   padding_idx,  FX_NONE, NO)

#define FX_OPTIONS_POOL(X, SIDES, ENDS)			\
	X(SIDES, kernel_size,  FX_REQUIRED, INTS)	\
	X(SIDES, stride,       FX_NONE, KERNEL)		\
	X(ENDS,  padding,      FX_INT(0), PADS)

/* The function has the last two the other way round. */
#define FX_OPTIONS_MAX_POOL_CLASS(X, SIDES, ENDS)	\
	FX_OPTIONS_POOL(X, SIDES, ENDS)			\
	X(SIDES, dilation,     FX_INT(1), INTS)		\
	X(BOOL,  return_indices, FX_BOOL(false), FIXED)	\
	X(BOOL,  ceil_mode,    FX_BOOL(false), INT)
#define FX_OPTIONS_MaxPool1d(X)	FX_OPTIONS_MAX_POOL_CLASS(X, INT, INT)
#define FX_OPTIONS_MaxPool2d(X)	FX_OPTIONS_MAX_POOL_CLASS(X, PAIR, ENDS)

#define FX_OPTIONS_MAX_POOL(X, SIDES, ENDS)			\
	FX_OPTIONS_POOL(X, SIDES, ENDS)			\
	X(SIDES, dilation,     FX_INT(1), INTS)		\
	X(BOOL,  ceil_mode,    FX_BOOL(false), INT)	\
	X(BOOL,  return_indices, FX_BOOL(false), FIXED)
#define FX_OPTIONS_max_pool1d(X)	FX_OPTIONS_MAX_POOL(X, INT, INT)
#define FX_OPTIONS_max_pool2d(X)	FX_OPTIONS_MAX_POOL(X, PAIR, ENDS)

#define FX_OPTIONS_AVG_POOL(X, SIDES, ENDS)			\
	FX_OPTIONS_POOL(X, SIDES, ENDS)			\
	X(BOOL,  ceil_mode,    FX_BOOL(false), INT)	\
	X(BOOL,  count_include_pad, FX_BOOL(true), INT)
#define FX_OPTIONS_avg_pool1d(X)	FX_OPTIONS_AVG_POOL(X, INT, INT)
#define FX_OPTIONS_avg_pool2d(X)	FX_OPTIONS_AVG_POOL(X, PAIR, ENDS)
#define FX_OPTIONS_AvgPool1d(X)	FX_OPTIONS_AVG_POOL(X, INT, INT)
#define FX_OPTIONS_AvgPool2d(X)	FX_OPTIONS_AVG_POOL(X, PAIR, ENDS)

#define FX_OPTIONS_ADAPTIVE_POOL(X, SIDES)	\
	X(SIDES, output_size,  FX_REQUIRED, INTS)
#define FX_OPTIONS_adaptive_avg_pool1d(X)	FX_OPTIONS_ADAPTIVE_POOL(X, INT)
#define FX_OPTIONS_adaptive_avg_pool2d(X)	FX_OPTIONS_ADAPTIVE_POOL(X, PAIR)
#define FX_OPTIONS_AdaptiveAvgPool1d(X)	FX_OPTIONS_ADAPTIVE_POOL(X, INT)
#define FX_OPTIONS_AdaptiveAvgPool2d(X)	FX_OPTIONS_ADAPTIVE_POOL(X, PAIR)

#define FX_OPTIONS_Upsample(X)				\
	X(PAIR,  size,         FX_NONE, NO)		\
	X(FLOAT, scale_factor, FX_NONE, NO)		\
	X(STR,   mode,         FX_STR("nearest"), NO)	\
	X(BOOL,  align_corners, FX_NONE, NO)

#define FX_OPTIONS_Flatten(X)			\
	X(INT,   start_dim,    FX_INT(1), INT)	\
	X(INT,   end_dim,      FX_INT(-1), INT)

#define FX_OPTIONS_Softmax(X)			\
	X(INT,   dim,          FX_REQUIRED, INT)

#define FX_OPTIONS_Dropout(X)			\
	X(FLOAT, p,            FX_FLOAT(0.5), NO)	\
	X(BOOL,  inplace,      FX_BOOL(false), NO)

#define FX_OPTIONS_INPLACE(X)	\
	X(BOOL,  inplace,      FX_BOOL(false), NO)

#define FX_OPTIONS_ReLU(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_ReLU6(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_SiLU(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_Hardswish(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_Sigmoid(X)
#define FX_OPTIONS_Identity(X)
#define FX_OPTIONS_Sequential(X)
#define FX_OPTIONS_ModuleList(X)
#define FX_OPTIONS_ModuleDict(X)

#define FX_OPTIONS_leaky_relu(X)			\
	X(FLOAT, negative_slope, FX_FLOAT(0.01), FLOAT)	\
	X(BOOL,  inplace,      FX_BOOL(false), NO)
#define FX_OPTIONS_LeakyReLU(X)	FX_OPTIONS_leaky_relu(X)

#define FX_OPTIONS_PReLU(X)				\
	X(INT,   num_parameters, FX_INT(1), NO)		\
	X(FLOAT, init,         FX_FLOAT(0.25), NO)

#define FX_OPTIONS_gelu(X)				\
	X(STR,   approximate,  FX_STR("none"), STR)
#define FX_OPTIONS_GELU(X)	FX_OPTIONS_gelu(X)

#define FX_OPTIONS_hardsigmoid(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_Hardsigmoid(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_Tanh(X)
#define FX_OPTIONS_FloatFunctional(X)

#define FX_OPTIONS_LSTM(X)				\
	X(INT,   input_size,   FX_REQUIRED, NO)		\
	X(INT,   hidden_size,  FX_REQUIRED, INT)	\
	X(INT,   num_layers,   FX_INT(1), INT)		\
	X(BOOL,  bias,         FX_BOOL(true), INT)	\
	X(BOOL,  batch_first,  FX_BOOL(false), INT)	\
	X(FLOAT, dropout,      FX_FLOAT(0), FIXED)	\
	X(BOOL,  bidirectional, FX_BOOL(false), INT)	\
	X(INT,   proj_size,    FX_INT(0), FIXED)

#define FX_OPTIONS_MultiheadAttention(X)		\
	X(INT,   embed_dim,    FX_REQUIRED, NO)		\
	X(INT,   num_heads,    FX_REQUIRED, NO)		\
	X(FLOAT, dropout,      FX_FLOAT(0), FIXED)	\
	X(BOOL,  bias,         FX_BOOL(true), NO)	\
	X(BOOL,  add_bias_kv,  FX_BOOL(false), FIXED)	\
	X(BOOL,  add_zero_attn, FX_BOOL(false), FIXED)	\
	X(INT,   kdim,         FX_NONE, FIXED)		\
	X(INT,   vdim,         FX_NONE, FIXED)		\
	X(BOOL,  batch_first,  FX_BOOL(false), NO)

/* The scale with which an input is quantized; None: it is observed. */
#define FX_OPTIONS_QuantStub(X)	\
	X(FLOAT, scale,        FX_FLOAT(1.0 / 128), NO)
#define FX_OPTIONS_DeQuantStub(X)

/* X(class) */
#define FX_CLASSES(X)		\
	X(Conv2d)		\
	X(Linear)		\
	X(BatchNorm2d)		\
	X(ReLU)			\
	X(ReLU6)		\
	X(Sigmoid)		\
	X(SiLU)			\
	X(Hardswish)		\
	X(Softmax)		\
	X(MaxPool2d)		\
	X(AvgPool2d)		\
	X(AdaptiveAvgPool2d)	\
	X(Flatten)		\
	X(Dropout)		\
	X(Identity)		\
	X(Sequential)		\
	X(ModuleList)		\
	X(ModuleDict)		\
	X(LSTM)			\
	X(Conv1d)		\
	X(Conv3d)		\
	X(ConvTranspose1d)	\
	X(ConvTranspose2d)	\
	X(BatchNorm1d)		\
	X(BatchNorm3d)		\
	X(LayerNorm)		\
	X(GroupNorm)		\
	X(Embedding)		\
	X(LeakyReLU)		\
	X(PReLU)		\
	X(GELU)			\
	X(Hardsigmoid)		\
	X(Tanh)			\
	X(MaxPool1d)		\
	X(AvgPool1d)		\
	X(AdaptiveAvgPool1d)	\
	X(Upsample)		\
	X(MultiheadAttention)	\
	X(FloatFunctional)	\
	X(QuantStub)		\
	X(DeQuantStub)

/* Functions, whose tensors come before the arguments listed here */

#define FX_OPTIONS_WINDOW(X, SIDES, ENDS)	\
	X(SIDES, stride,       FX_INT(1), INTS)	\
	X(ENDS,  padding,      FX_INT(0), PADS)	\
	X(SIDES, dilation,     FX_INT(1), INTS)	\
	X(INT,   groups,       FX_INT(1), INT)
#define FX_OPTIONS_conv1d(X)	FX_OPTIONS_WINDOW(X, INT, INT)
#define FX_OPTIONS_conv2d(X)	FX_OPTIONS_WINDOW(X, PAIR, ENDS)
#define FX_OPTIONS_conv3d(X)	FX_OPTIONS_WINDOW(X, INT, INT)

#define FX_OPTIONS_WINDOW_TRANSPOSE(X, SIDES, ENDS)	\
	X(SIDES, stride,       FX_INT(1), INTS)		\
	X(ENDS,  padding,      FX_INT(0), PADS)		\
	X(SIDES, output_padding, FX_INT(0), INTS)	\
	X(INT,   groups,       FX_INT(1), INT)		\
	X(SIDES, dilation,     FX_INT(1), INTS)
#define FX_OPTIONS_conv_transpose1d(X)	FX_OPTIONS_WINDOW_TRANSPOSE(X, INT, INT)
#define FX_OPTIONS_conv_transpose2d(X)	\
	FX_OPTIONS_WINDOW_TRANSPOSE(X, PAIR, ENDS)

#define FX_OPTIONS_prelu(X)
#define FX_OPTIONS_embedding(X)

#define FX_OPTIONS_softmax(X)			\
	X(INT,   dim,          FX_NONE, INT)	\
	X(INT,   _stacklevel,  FX_INT(3), NO)	\
	X(STR,   dtype,        FX_NONE, FIXED)

#define FX_OPTIONS_log_softmax(X)	FX_OPTIONS_softmax(X)

#define FX_OPTIONS_elu(X)			\
	X(FLOAT, alpha,        FX_FLOAT(1.0), FLOAT)	\
	X(BOOL,  inplace,      FX_BOOL(false), NO)
#define FX_OPTIONS_hardtanh(X)			\
	X(FLOAT, min_val,      FX_FLOAT(-1.0), FLOAT)	\
	X(FLOAT, max_val,      FX_FLOAT(1.0), FLOAT)	\
	X(BOOL,  inplace,      FX_BOOL(false), NO)
#define FX_OPTIONS_softplus(X)			\
	X(FLOAT, beta,         FX_FLOAT(1.0), FIXED)	\
	X(FLOAT, threshold,    FX_FLOAT(20.0), FIXED)
#define FX_OPTIONS_selu(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_mish(X)	FX_OPTIONS_INPLACE(X)

#define FX_OPTIONS_argmax(X)			\
	X(INT,   dim,          FX_NONE, INT)	\
	X(BOOL,  keepdim,      FX_BOOL(false), INT)

#define FX_OPTIONS_flatten(X)			\
	X(INT,   start_dim,    FX_INT(0), INT)	\
	X(INT,   end_dim,      FX_INT(-1), INT)

#define FX_OPTIONS_cat(X)			\
	X(INT,   dim,          FX_INT(0), INT)
#define FX_OPTIONS_stack(X)			\
	X(INT,   dim,          FX_INT(0), INT)

/* Sizes and dimensions as tuples: fx_reshape(x, fx_tuple(1, -1)) */
#define FX_OPTIONS_reshape(X)			\
	X(VALUE, shape,        FX_REQUIRED, LIST)
#define FX_OPTIONS_permute(X)			\
	X(VALUE, dims,         FX_REQUIRED, LIST)
#define FX_OPTIONS_transpose(X)			\
	X(INT,   dim0,         FX_REQUIRED, INT)	\
	X(INT,   dim1,         FX_REQUIRED, INT)
/* Of a size that is 1; without dim, all of them. */
#define FX_OPTIONS_squeeze(X)			\
	X(INT,   dim,          FX_NONE, INT)
#define FX_OPTIONS_unsqueeze(X)			\
	X(INT,   dim,          FX_REQUIRED, INT)
/* Before and behind the last dimension, the one before it, and so on. */
#define FX_OPTIONS_pad(X)			\
	X(VALUE, pad,          FX_REQUIRED, LIST)	\
	X(STR,   mode,         FX_STR("constant"), STR)	\
	X(FLOAT, value,        FX_NONE, FLOAT)
#define FX_OPTIONS_pixel_shuffle(X)		\
	X(INT,   upscale_factor, FX_REQUIRED, INT)
#define FX_OPTIONS_mean(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_sum(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_amax(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_amin(X)	FX_OPTIONS_REDUCE(X)

#define FX_OPTIONS_relu(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_relu6(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_silu(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_hardswish(X)	FX_OPTIONS_INPLACE(X)
#define FX_OPTIONS_sigmoid(X)
#define FX_OPTIONS_tanh(X)
#define FX_OPTIONS_softsign(X)
#define FX_OPTIONS_exp(X)
#define FX_OPTIONS_log(X)
#define FX_OPTIONS_sqrt(X)
#define FX_OPTIONS_reciprocal(X)
#define FX_OPTIONS_abs(X)
#define FX_OPTIONS_sign(X)
#define FX_OPTIONS_floor(X)
#define FX_OPTIONS_ceil(X)
#define FX_OPTIONS_round(X)
#define FX_OPTIONS_sin(X)
#define FX_OPTIONS_cos(X)
#define FX_OPTIONS_erf(X)
#define FX_OPTIONS_minimum(X)
#define FX_OPTIONS_maximum(X)
#define FX_OPTIONS_where(X)
#define FX_OPTIONS_bmm(X)
#define FX_OPTIONS_neg(X)
#define FX_OPTIONS_linear(X)
#define FX_OPTIONS_add(X)
#define FX_OPTIONS_sub(X)
#define FX_OPTIONS_mul(X)
#define FX_OPTIONS_div(X)
#define FX_OPTIONS_pow(X)
#define FX_OPTIONS_floordiv(X)
#define FX_OPTIONS_matmul(X)
#define FX_OPTIONS_invert(X)
#define FX_OPTIONS_eq(X)
#define FX_OPTIONS_lt(X)
#define FX_OPTIONS_le(X)
#define FX_OPTIONS_gt(X)
#define FX_OPTIONS_ge(X)
#define FX_OPTIONS_getitem(X)
#define FX_OPTIONS_getattr(X)
#define FX_OPTIONS_len(X)
#define FX_OPTIONS_torch_add(X)
#define FX_OPTIONS_torch_mul(X)
#define FX_OPTIONS_torch_matmul(X)
#define FX_OPTIONS_aten_relu(X)
#define FX_OPTIONS_assert_fn(X)
#define FX_OPTIONS_assert(X)
#define FX_OPTIONS_assert_is_none(X)

#define FX_OPTIONS_cross_entropy(X)			\
	X(INT,   ignore_index, FX_INT(-100), INT)	\
	X(FLOAT, label_smoothing, FX_FLOAT(0.0), FLOAT)
#define FX_OPTIONS_mse_loss(X)

/* Integers of a type, "torch.quint8": each stands for (q - zero_point) * scale. */
#define FX_OPTIONS_quantize_per_tensor(X)		\
	X(VALUE, scale,        FX_REQUIRED, NO)		\
	X(VALUE, zero_point,   FX_REQUIRED, NO)		\
	X(VALUE, dtype,        FX_REQUIRED, NO)
/* Of quantized tensors; or, without options, of one and a number. */
#define FX_OPTIONS_QUANTIZED(X)				\
	X(VALUE, scale,        FX_NONE, NO)		\
	X(VALUE, zero_point,   FX_NONE, NO)		\
	X(VALUE, dtype,        FX_NONE, NO)
#define FX_OPTIONS_quantized_add(X)	FX_OPTIONS_QUANTIZED(X)
#define FX_OPTIONS_quantized_add_relu(X)	FX_OPTIONS_QUANTIZED(X)
#define FX_OPTIONS_quantized_mul(X)	FX_OPTIONS_QUANTIZED(X)
#define FX_OPTIONS_quantized_mul_relu(X)	FX_OPTIONS_QUANTIZED(X)
#define FX_OPTIONS_quantized_sub(X)	FX_OPTIONS_QUANTIZED(X)
#define FX_OPTIONS_quantized_matmul(X)	FX_OPTIONS_QUANTIZED(X)

#define FX_OPTIONS_clamp(X)			\
	X(FLOAT, min,          FX_NONE, FLOAT)	\
	X(FLOAT, max,          FX_NONE, FLOAT)

#define FX_OPTIONS_split(X)				\
	X(INT,   split_size_or_sections, FX_REQUIRED, NO) \
	X(INT,   dim,          FX_INT(0), NO)

#define FX_OPTIONS_interpolate(X)			\
	X(VALUE, size,         FX_NONE, NO)		\
	X(FLOAT, scale_factor, FX_NONE, NO)		\
	X(STR,   mode,         FX_STR("nearest"), NO)	\
	X(BOOL,  align_corners, FX_NONE, NO)		\
	X(BOOL,  recompute_scale_factor, FX_NONE, NO)	\
	X(BOOL,  antialias,    FX_BOOL(false), NO)

/* Methods of tensors: fx_method(x, mean, .dim = fx_tuple(2, 3)) */

#define FX_OPTIONS_method_relu(X)
#define FX_OPTIONS_method_dequantize(X)
#define FX_OPTIONS_method_flatten(X)	FX_OPTIONS_flatten(X)
#define FX_OPTIONS_REDUCE(X)			\
	X(VALUE, dim,          FX_NONE, LIST)	\
	X(BOOL,  keepdim,      FX_BOOL(false), INT)
#define FX_OPTIONS_method_sum(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_method_mean(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_method_amax(X)	FX_OPTIONS_REDUCE(X)
#define FX_OPTIONS_method_amin(X)	FX_OPTIONS_REDUCE(X)

#define FX_OPTIONS_method_sigmoid(X)
#define FX_OPTIONS_method_tanh(X)
#define FX_OPTIONS_method_exp(X)
#define FX_OPTIONS_method_log(X)
#define FX_OPTIONS_method_sqrt(X)
#define FX_OPTIONS_method_abs(X)
#define FX_OPTIONS_method_contiguous(X)
#define FX_OPTIONS_method_clone(X)
#define FX_OPTIONS_method_detach(X)
#define FX_OPTIONS_method_t(X)
#define FX_OPTIONS_DIM(X)			\
	X(INT,   dim,          FX_REQUIRED, INT)
#define FX_OPTIONS_method_softmax(X)	FX_OPTIONS_DIM(X)
#define FX_OPTIONS_method_log_softmax(X)	FX_OPTIONS_DIM(X)
#define FX_OPTIONS_method_argmax(X)	FX_OPTIONS_argmax(X)
#define FX_OPTIONS_method_clamp(X)	FX_OPTIONS_clamp(X)
#define FX_OPTIONS_method_transpose(X)	FX_OPTIONS_transpose(X)
#define FX_OPTIONS_method_squeeze(X)	FX_OPTIONS_squeeze(X)
#define FX_OPTIONS_method_unsqueeze(X)	FX_OPTIONS_unsqueeze(X)

/* Of all elements. */
#define FX_OPTIONS_method_max(X)		\
	X(BOOL,  keepdim,      FX_BOOL(false), INT)

#define FX_OPTIONS_chunk(X)			\
	X(INT,   chunks,       FX_REQUIRED, NO)	\
	X(INT,   dim,          FX_INT(0), NO)
#define FX_OPTIONS_method_chunk(X)	FX_OPTIONS_chunk(X)

#define FX_OPTIONS_method_size(X)		\
	X(INT,   dim,          FX_NONE, NO)

/* A list of integers, given one by one. */
#define FX_OPTIONS_SIZES(X)			\
	X(INT,   size0,        FX_NONE, INT)	\
	X(INT,   size1,        FX_NONE, INT)	\
	X(INT,   size2,        FX_NONE, INT)	\
	X(INT,   size3,        FX_NONE, INT)	\
	X(INT,   size4,        FX_NONE, INT)	\
	X(INT,   size5,        FX_NONE, INT)
#define FX_OPTIONS_method_view(X)	FX_OPTIONS_SIZES(X)
#define FX_OPTIONS_method_reshape(X)	FX_OPTIONS_SIZES(X)
#define FX_OPTIONS_method_permute(X)	FX_OPTIONS_SIZES(X)
#define FX_OPTIONS_method_expand(X)	FX_OPTIONS_SIZES(X)
#define FX_OPTIONS_method_repeat(X)	FX_OPTIONS_SIZES(X)

#define FX_OPTIONS_method_to(X)			\
	X(VALUE, dtype,        FX_NONE, NO)	\
	X(STR,   device,       FX_NONE, NO)

#define FX_OPTIONS_method_add_(X)		\
	X(VALUE, other,        FX_REQUIRED, NO)	\
	X(INT,   alpha,        FX_INT(1), NO)

/*
 * X(function, operator, tensors, record): what the tracer records, as torch
 * does. FX_AS_WRITTEN: what the call gave, by position or name as it gave it.
 * A number n: every argument, the first n by position, defaults included; so
 * torch records functions that are written in Python.
 */
#define FX_AS_WRITTEN	(-1)
#define FX_FUNCTIONS(X)							\
	X(conv2d,	"conv2d",		3, FX_AS_WRITTEN)	\
	X(linear,	"linear",		3, FX_AS_WRITTEN)	\
	X(relu,		"relu",			1, 0)			\
	X(relu6,	"relu6",		1, 0)			\
	X(silu,		"silu",			1, 0)			\
	X(hardswish,	"hardswish",		1, 0)			\
	X(sigmoid,	"sigmoid",		1, FX_AS_WRITTEN)	\
	X(tanh,		"tanh",			1, FX_AS_WRITTEN)	\
	X(neg,		"neg",			1, FX_AS_WRITTEN)	\
	X(softmax,	"softmax",		1, 0)			\
	X(argmax,	"argmax",		1, FX_AS_WRITTEN)	\
	X(max_pool2d,	"max_pool2d",		1, 1)			\
	X(avg_pool2d,	"avg_pool2d",		1, FX_AS_WRITTEN)	\
	X(adaptive_avg_pool2d, "adaptive_avg_pool2d", 1, 1)		\
	X(flatten,	"flatten",		1, FX_AS_WRITTEN)	\
	X(cat,		"concat",		1, FX_AS_WRITTEN)	\
	X(add,		"add",			2, FX_AS_WRITTEN)	\
	X(sub,		"sub",			2, FX_AS_WRITTEN)	\
	X(mul,		"mul",			2, FX_AS_WRITTEN)	\
	X(clamp,	"clamp",		1, FX_AS_WRITTEN)	\
	X(cross_entropy, "cross_entropy",	2, FX_AS_WRITTEN)	\
	X(mse_loss,	"mse_loss",		2, FX_AS_WRITTEN)	\
	X(conv1d,	"conv1d",		3, FX_AS_WRITTEN)	\
	X(conv3d,	"conv3d",		3, FX_AS_WRITTEN)	\
	X(conv_transpose1d, "conv_transpose1d",	3, FX_AS_WRITTEN)	\
	X(conv_transpose2d, "conv_transpose2d",	3, FX_AS_WRITTEN)	\
	X(leaky_relu,	"leaky_relu",		1, 0)			\
	X(prelu,	"prelu",		2, FX_AS_WRITTEN)	\
	X(gelu,		"gelu",			1, FX_AS_WRITTEN)	\
	X(hardsigmoid,	"hardsigmoid",		1, 0)			\
	X(max_pool1d,	"max_pool1d",		1, 1)			\
	X(avg_pool1d,	"avg_pool1d",		1, FX_AS_WRITTEN)	\
	X(log_softmax,	"log_softmax",		1, 0)			\
	X(elu,		"elu",			1, 0)			\
	X(selu,		"selu",			1, 0)			\
	X(mish,		"mish",			1, 0)			\
	X(hardtanh,	"hardtanh",		1, 0)			\
	X(softsign,	"softsign",		1, 0)			\
	X(softplus,	"softplus",		1, FX_AS_WRITTEN)	\
	X(exp,		"exp",			1, FX_AS_WRITTEN)	\
	X(log,		"log",			1, FX_AS_WRITTEN)	\
	X(sqrt,		"sqrt",			1, FX_AS_WRITTEN)	\
	X(reciprocal,	"reciprocal",		1, FX_AS_WRITTEN)	\
	X(abs,		"abs",			1, FX_AS_WRITTEN)	\
	X(sign,		"sign",			1, FX_AS_WRITTEN)	\
	X(floor,	"floor",		1, FX_AS_WRITTEN)	\
	X(ceil,		"ceil",			1, FX_AS_WRITTEN)	\
	X(round,	"round",		1, FX_AS_WRITTEN)	\
	X(sin,		"sin",			1, FX_AS_WRITTEN)	\
	X(cos,		"cos",			1, FX_AS_WRITTEN)	\
	X(erf,		"erf",			1, FX_AS_WRITTEN)	\
	X(minimum,	"minimum",		2, FX_AS_WRITTEN)	\
	X(maximum,	"maximum",		2, FX_AS_WRITTEN)	\
	X(where,	"where",		3, FX_AS_WRITTEN)	\
	X(reshape,	"reshape",		1, FX_AS_WRITTEN)	\
	X(permute,	"permute",		1, FX_AS_WRITTEN)	\
	X(squeeze,	"squeeze",		1, FX_AS_WRITTEN)	\
	X(unsqueeze,	"unsqueeze",		1, FX_AS_WRITTEN)	\
	X(pad,		"pad",			1, FX_AS_WRITTEN)	\
	X(pixel_shuffle, "depth_to_space",	1, FX_AS_WRITTEN)	\
	X(sum,		"reduce_sum",		1, FX_AS_WRITTEN)	\
	X(mean,		"reduce_mean",		1, FX_AS_WRITTEN)	\
	X(amax,		"reduce_max",		1, FX_AS_WRITTEN)	\
	X(amin,		"reduce_min",		1, FX_AS_WRITTEN)

/*
 * X(function, name, operator or NULL, tensors, record, path, repr, flags): those
 * that a graph shows otherwise than their operator, or that have none. name is
 * the node's; path, repr and flags are as in struct fx_op.
 */
#define FX_IN_C(name)	"<built-in method " name " of type object>"
#define FX_NATIVE(name)	"<built-in function " name ">"
#define FX_SPELLINGS(X)							\
	X(div, "truediv", "div", 2, FX_AS_WRITTEN,			\
	  "{0} / {1}", FX_NATIVE("truediv"), 0)				\
	X(pow, "pow", "pow", 2, FX_AS_WRITTEN,				\
	  "{0} ** {1}", FX_NATIVE("pow"), 0)				\
	X(floordiv, "floordiv", NULL, 2, FX_AS_WRITTEN,			\
	  "{0} // {1}", FX_NATIVE("floordiv"), 0)			\
	X(matmul, "matmul", "matmul", 2, FX_AS_WRITTEN,			\
	  "{0} @ {1}", FX_NATIVE("matmul"), 0)				\
	X(invert, "invert", "bitwise_not", 1, FX_AS_WRITTEN,		\
	  "~{0}", FX_NATIVE("invert"), 0)				\
	X(eq, "eq", "equal", 2, FX_AS_WRITTEN,				\
	  "{0} == {1}", FX_NATIVE("eq"), 0)				\
	X(lt, "lt", "less", 2, FX_AS_WRITTEN,				\
	  "{0} < {1}", FX_NATIVE("lt"), 0)				\
	X(le, "le", "less_equal", 2, FX_AS_WRITTEN,			\
	  "{0} <= {1}", FX_NATIVE("le"), 0)				\
	X(gt, "gt", "greater", 2, FX_AS_WRITTEN,			\
	  "{0} > {1}", FX_NATIVE("gt"), 0)				\
	X(ge, "ge", "greater_equal", 2, FX_AS_WRITTEN,			\
	  "{0} >= {1}", FX_NATIVE("ge"), 0)				\
	X(getitem, "getitem", NULL, 2, FX_AS_WRITTEN,			\
	  "{0}[{1}]", FX_NATIVE("getitem"), 0)				\
	X(getattr, "getattr", NULL, 2, FX_AS_WRITTEN,			\
	  "getattr", FX_NATIVE("getattr"), 0)				\
	X(len, "len", NULL, 1, FX_AS_WRITTEN,				\
	  "len", FX_NATIVE("len"), FX_OP_ANNOUNCED)			\
	X(torch_add, "add", "add", 2, FX_AS_WRITTEN,			\
	  "torch.add", FX_IN_C("add"), 0)				\
	X(torch_mul, "mul", "mul", 2, FX_AS_WRITTEN,			\
	  "torch.mul", FX_IN_C("mul"), 0)				\
	X(torch_matmul, "matmul", "matmul", 2, FX_AS_WRITTEN,		\
	  "torch.matmul", FX_IN_C("matmul"), 0)				\
	X(aten_relu, "relu", "relu", 1, FX_AS_WRITTEN,			\
	  "torch.ops.aten.relu", "aten.relu", 0)			\
	X(adaptive_avg_pool1d, "adaptive_avg_pool1d",			\
	  "adaptive_avg_pool2d", 1, FX_AS_WRITTEN,			\
	  "torch.adaptive_avg_pool1d", FX_IN_C("adaptive_avg_pool1d"), 0) \
	X(split, "split", NULL, 1, FX_AS_WRITTEN,			\
	  "torch.functional.split", "<function split>", 0)		\
	X(chunk, "chunk", NULL, 1, FX_AS_WRITTEN,			\
	  "torch.chunk", FX_IN_C("chunk"), 0)				\
	X(stack, "stack", "concat", 1, FX_AS_WRITTEN,			\
	  "torch.stack", FX_IN_C("stack"), 0)				\
	X(transpose, "transpose", "permute", 1, FX_AS_WRITTEN,		\
	  "torch.transpose", FX_IN_C("transpose"), 0)			\
	X(bmm, "bmm", "matmul", 2, FX_AS_WRITTEN,			\
	  "torch.bmm", FX_IN_C("bmm"), 0)				\
	X(interpolate, "interpolate", "resize", 1, 0,			\
	  "torch.nn.functional.interpolate", "<function interpolate>", 0) \
	X(quantize_per_tensor, "quantize_per_tensor", NULL, 1,		\
	  FX_AS_WRITTEN, "torch.quantize_per_tensor",			\
	  FX_IN_C("quantize_per_tensor"), 0)				\
	X(quantized_add, "add", NULL, 2, FX_AS_WRITTEN,			\
	  "torch.ops.quantized.add", "quantized.add", 0)		\
	X(quantized_add_relu, "add_relu", NULL, 2, FX_AS_WRITTEN,	\
	  "torch.ops.quantized.add_relu", "quantized.add_relu", 0)	\
	X(quantized_mul, "mul", NULL, 2, FX_AS_WRITTEN,			\
	  "torch.ops.quantized.mul", "quantized.mul", 0)		\
	X(quantized_mul_relu, "mul_relu", NULL, 2, FX_AS_WRITTEN,	\
	  "torch.ops.quantized.mul_relu", "quantized.mul_relu", 0)	\
	X(quantized_sub, "sub", NULL, 2, FX_AS_WRITTEN,			\
	  "fxq.quantized_sub", "<function quantized_sub>", 0)		\
	X(quantized_matmul, "matmul", NULL, 2, FX_AS_WRITTEN,		\
	  "torch.ops.quantized.matmul", "quantized.matmul", 0)		\
	X(assert_fn, "assert_fn", NULL, 1, FX_AS_WRITTEN,		\
	  "torch.fx.proxy.assert_fn", "<function assert_fn>",		\
	  FX_OP_IMPURE)							\
	X(assert, "_assert", NULL, 2, FX_AS_WRITTEN,			\
	  "torch._assert", "<function _assert>", FX_OP_IMPURE)		\
	X(assert_is_none, "_assert_is_none", NULL, 2, FX_AS_WRITTEN,	\
	  "torch.fx._symbolic_trace._assert_is_none",			\
	  "<function _assert_is_none>", FX_OP_IMPURE)

/* X(method, operator or NULL) */
#define FX_METHODS(X)			\
	X(relu,		"relu")		\
	X(flatten,	"flatten")	\
	X(sum,		"reduce_sum")	\
	X(mean,		"reduce_mean")	\
	X(amax,		"reduce_max")	\
	X(max,		"reduce_max")	\
	X(amin,		"reduce_min")	\
	X(argmax,	"argmax")	\
	X(sigmoid,	"sigmoid")	\
	X(tanh,		"tanh")		\
	X(softmax,	"softmax")	\
	X(log_softmax,	"log_softmax")	\
	X(exp,		"exp")		\
	X(log,		"log")		\
	X(sqrt,		"sqrt")		\
	X(abs,		"abs")		\
	X(clamp,	"clamp")	\
	X(chunk,	NULL)		\
	X(size,		NULL)		\
	X(view,		"reshape")	\
	X(reshape,	"reshape")	\
	X(permute,	"permute")	\
	X(transpose,	"permute")	\
	X(t,		"permute")	\
	X(squeeze,	"squeeze")	\
	X(unsqueeze,	"unsqueeze")	\
	X(expand,	"expand")	\
	X(repeat,	"tile")		\
	X(contiguous,	"identity")	\
	X(clone,	"identity")	\
	X(detach,	"identity")	\
	X(to,		NULL)		\
	X(add_,		NULL)		\
	X(dequantize,	"dequantize")

/*
 * The struct of a list: its arguments, then the pairs among them again, each with
 * its ends if it may have them. The last member is always named, so that a compiler
 * asked to warn of members without initialiser does not: to leave an argument out
 * is what one does here.
 */
struct fx_pair {
	int64_t h, w;
};

struct fx_ends {
	int64_t top, left, bottom, right;
};

/* Of known size, so that an argument is found by its place in the list. */
#define FX_OPTION_SLOT			__attribute__((aligned(8)))
#define FX_OPTION_C_INT(name)		FX_OPTION_SLOT int64_t name;
#define FX_OPTION_C_PAIR(name)		FX_OPTION_SLOT int64_t name;
#define FX_OPTION_C_ENDS(name)		FX_OPTION_SLOT int64_t name;
#define FX_OPTION_C_FLOAT(name)		FX_OPTION_SLOT double name;
#define FX_OPTION_C_BOOL(name)		FX_OPTION_SLOT bool name;
#define FX_OPTION_C_STR(name)		FX_OPTION_SLOT const char *name;
#define FX_OPTION_C_VALUE(name)		FX_OPTION_SLOT fxv name;
#define FX_OPTION_HW_INT(name)
#define FX_OPTION_HW_PAIR(name)		FX_OPTION_SLOT struct fx_pair name##_hw;
#define FX_OPTION_HW_ENDS(name)		\
	FX_OPTION_HW_PAIR(name) FX_OPTION_SLOT struct fx_ends name##_tlbr;
#define FX_OPTION_HW_FLOAT(name)
#define FX_OPTION_HW_BOOL(name)
#define FX_OPTION_HW_STR(name)
#define FX_OPTION_HW_VALUE(name)
#define FX_OPTION_C(type, name, ...)	FX_OPTION_C_##type(name)
#define FX_OPTION_HW(type, name, ...)	FX_OPTION_HW_##type(name)
#define FX_OPTIONS_STRUCT(id, ...)		\
	struct fx_options_##id {		\
		FX_OPTIONS_##id(FX_OPTION_C)	\
		FX_OPTIONS_##id(FX_OPTION_HW)	\
		bool given;			\
	};
FX_CLASSES(FX_OPTIONS_STRUCT)
FX_FUNCTIONS(FX_OPTIONS_STRUCT)
FX_SPELLINGS(FX_OPTIONS_STRUCT)
#define FX_OPTIONS_STRUCT_OF_METHOD(id, ...)	FX_OPTIONS_STRUCT(method_##id)
FX_METHODS(FX_OPTIONS_STRUCT_OF_METHOD)

#define FX_OPTIONS(id, ...)	\
	(&(const struct fx_options_##id){ __VA_ARGS__ __VA_OPT__(,) .given = true })

#endif /* FXQ_NN_TABLE_H */
