/* SPDX-License-Identifier: MIT */
/*
 * ops_grad.h - the operators that have a gradient
 *
 * From a name here follows grad_NAME, so that one without kernel does not
 * link; test_grad compares each with central differences, and fails if it has
 * no case for one.
 */
#ifndef FXQ_NN_OPS_GRAD_H
#define FXQ_NN_OPS_GRAD_H

#define FX_GRADS_PRODUCT(X)						\
	X(conv1d) X(conv2d) X(conv3d)					\
	X(conv_transpose1d) X(conv_transpose2d) X(conv_transpose3d)	\
	X(linear) X(matmul)

#define FX_GRADS_NORM(X)						\
	X(batch_norm) X(batch_norm_train) X(layer_norm) X(group_norm)	\
	X(instance_norm) X(softmax) X(log_softmax)

#define FX_GRADS_POINTWISE(X)						\
	X(relu) X(relu6) X(leaky_relu) X(elu) X(selu) X(celu) X(gelu)	\
	X(silu) X(mish) X(hardswish) X(hardsigmoid) X(sigmoid) X(tanh)	\
	X(softplus) X(softsign) X(hardtanh) X(clamp)			\
	X(thresholded_relu) X(shrink) X(erf) X(exp) X(log) X(sqrt)	\
	X(reciprocal) X(neg) X(abs) X(sign) X(floor) X(ceil) X(round)	\
	X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh)	\
	X(asinh) X(acosh) X(atanh) X(prelu)

#define FX_GRADS_BINARY(X)						\
	X(add) X(sub) X(mul) X(div) X(pow) X(minimum) X(maximum)	\
	X(where)

#define FX_GRADS_POOL(X)						\
	X(max_pool1d) X(max_pool2d) X(max_pool3d) X(global_max_pool)	\
	X(avg_pool1d) X(avg_pool2d) X(avg_pool3d) X(global_avg_pool)	\
	X(adaptive_avg_pool2d) X(resize)

#define FX_GRADS_VIEW(X)						\
	X(identity) X(dropout) X(reshape) X(flatten) X(squeeze)		\
	X(unsqueeze) X(cast)

#define FX_GRADS_MOVE(X)						\
	X(permute) X(concat) X(split) X(slice) X(expand) X(tile) X(pad)	\
	X(depth_to_space) X(space_to_depth) X(reverse_sequence)		\
	X(trilu) X(gather) X(gather_elements) X(gather_nd)

#define FX_GRADS_REDUCE(X)						\
	X(reduce_sum) X(reduce_mean) X(reduce_max) X(reduce_min)	\
	X(reduce_l1) X(reduce_l2) X(reduce_sum_square)			\
	X(reduce_log_sum) X(reduce_log_sum_exp) X(cumsum)

#define FX_GRADS_LOSS(X)						\
	X(dropout_train) X(cross_entropy) X(mse_loss)

/* Straight through a rounding, which has no differences: see test_observer. */
#define FX_GRADS_STRAIGHT(X)						\
	X(fake_quantize)

#define FX_GRADS(X)		\
	FX_GRADS_PRODUCT(X)	\
	FX_GRADS_NORM(X)	\
	FX_GRADS_POINTWISE(X)	\
	FX_GRADS_BINARY(X)	\
	FX_GRADS_POOL(X)	\
	FX_GRADS_VIEW(X)	\
	FX_GRADS_MOVE(X)	\
	FX_GRADS_REDUCE(X)	\
	FX_GRADS_LOSS(X)	\
	FX_GRADS_STRAIGHT(X)

#include <fxq/fxq_call.h>

#define X(name) int grad_##name(struct fxq_call *call);
FX_GRADS(X)
#undef X

#endif /* FXQ_NN_OPS_GRAD_H */
