/* SPDX-License-Identifier: MIT */
/*
 * grad_cases.h - on what test_grad tries each gradient
 */
#ifndef GRAD_CASES_H
#define GRAD_CASES_H

#include "grad_definitions.h"

#define CASE_MAX_IN	5
#define CASE_MAX_ATTRS	8

/*
 * struct grad_input - numbers from @lo to @hi, of which integers are whole
 */
struct grad_input {
	uint32_t dtype;
	double lo, hi;
	uint32_t rank;
	int64_t dims[5];
};

/*
 * struct grad_case
 * @op, @define: the operator and what it computes
 * @n_out: results; 0: one
 * @is_random: the kernel draws numbers, and is not compared with @define
 */
struct grad_case {
	const char *op;
	define_fn define;
	uint32_t n_out;
	bool is_random;
	struct grad_input in[CASE_MAX_IN];
	struct fxq_attr attrs[CASE_MAX_ATTRS];
};

#define RANK(...)	(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))
#define REALS(lo, hi, ...)	\
	{ FXQ_DTYPE_F32, lo, hi, RANK(__VA_ARGS__), { __VA_ARGS__ } }
#define WHOLE(lo, hi, ...)	\
	{ FXQ_DTYPE_I64, lo, hi, RANK(__VA_ARGS__), { __VA_ARGS__ } }
#define BOOLS(...)	\
	{ FXQ_DTYPE_BOOL, 0, 1, RANK(__VA_ARGS__), { __VA_ARGS__ } }
#define ABSENT			{ FXQ_DTYPE_NONE }
#define X_OF(...)		REALS(-1, 1, __VA_ARGS__)

#define INT(key, v)	{ .name = key, .type = FXQ_ATTR_INT, .count = 1, .i = v }
#define FLOAT(key, v)	{ .name = key, .type = FXQ_ATTR_FLOAT, .count = 1, .f = v }
#define STR(key, v)	{ .name = key, .type = FXQ_ATTR_STRING, .count = 1, .s = v }
#define INTS(key, ...)							\
	{ .name = key, .type = FXQ_ATTR_INTS, .count = RANK(__VA_ARGS__), \
	  .ints = (const int64_t[]){ __VA_ARGS__ } }

#define CASE(name, define_name, inputs, ...)				\
	{ .op = #name, .define = define_##define_name,			\
	  .in = { UNWRAP inputs }, .attrs = { __VA_ARGS__ } }
#define UNWRAP(...)	__VA_ARGS__

/* One function of a value each, over a stretch that holds its corners. */
#define VALUES(name, lo, hi, ...)	\
	CASE(name, name, (REALS(lo, hi, 4, 25)), __VA_ARGS__)

static const struct grad_case grad_cases[] = {
	CASE(conv1d, conv, (X_OF(2, 3, 11), X_OF(4, 3, 3), X_OF(4)),
	     INTS("stride", 2), INTS("padding", 1, 2)),
	CASE(conv2d, conv, (X_OF(3, 2, 4, 5), X_OF(3, 2, 3, 3), X_OF(3)),
	     INT("padding", 1)),
	CASE(conv2d, conv, (X_OF(2, 4, 5, 6), X_OF(2, 2, 3, 2)),
	     INTS("stride", 2, 3), INTS("padding", 2, 0, 1, 1),
	     INTS("dilation", 1, 2), INT("groups", 2)),
	CASE(conv2d, conv, (X_OF(2, 5, 4, 4), X_OF(3, 5, 1, 1), X_OF(3))),
	CASE(conv2d, conv, (X_OF(2, 3, 4, 5), X_OF(3, 1, 3, 3), X_OF(3)),
	     INT("padding", 1), INT("groups", 3), INT("stride", 2)),
	CASE(conv3d, conv, (X_OF(1, 2, 3, 4, 2), X_OF(2, 2, 2, 3, 2), X_OF(2)),
	     INTS("stride", 2, 1, 1), INTS("padding", 1, 0, 1, 0, 1, 0)),
	CASE(conv_transpose1d, conv_transpose,
	     (X_OF(2, 3, 5), X_OF(3, 4, 3), X_OF(4)),
	     INT("stride", 2), INTS("output_padding", 1)),
	CASE(conv_transpose2d, conv_transpose,
	     (X_OF(2, 2, 3, 4), X_OF(2, 2, 3, 2), X_OF(4)),
	     INTS("stride", 2, 1), INTS("padding", 1, 0, 1, 1),
	     INT("groups", 2), INT("dilation", 2)),
	CASE(conv_transpose2d, conv_transpose,
	     (X_OF(2, 3, 3, 3), X_OF(3, 2, 1, 1))),
	CASE(conv_transpose3d, conv_transpose,
	     (X_OF(1, 2, 3, 2, 3), X_OF(2, 2, 2, 2, 1), X_OF(2)),
	     INT("stride", 2)),
	CASE(linear, linear, (X_OF(5, 7), X_OF(4, 7), X_OF(4))),
	CASE(linear, linear, (X_OF(2, 3, 6), X_OF(5, 6))),
	CASE(matmul, matmul, (X_OF(4, 5), X_OF(5, 3))),
	CASE(matmul, matmul, (X_OF(2, 1, 4, 5), X_OF(3, 5, 2))),
	CASE(matmul, matmul, (X_OF(5), X_OF(2, 5, 3))),
	CASE(matmul, matmul, (X_OF(2, 4, 5), X_OF(5))),

	CASE(batch_norm, batch_norm,
	     (X_OF(3, 4, 5), X_OF(4), X_OF(4), X_OF(4), REALS(0.5, 2, 4)),
	     FLOAT("eps", 1e-3)),
	CASE(batch_norm, batch_norm,
	     (X_OF(3, 4), X_OF(4), X_OF(4), X_OF(4), REALS(0.5, 2, 4))),
	{ .op = "batch_norm_train", .define = define_batch_norm_train,
	  .n_out = 3, .in = { X_OF(4, 3, 2, 5), X_OF(3), X_OF(3) } },
	{ .op = "batch_norm_train", .define = define_batch_norm_train,
	  .n_out = 3, .in = { REALS(4, 7, 6, 3), ABSENT, X_OF(3) },
	  .attrs = { FLOAT("eps", 1e-2) } },

	CASE(layer_norm, layer_norm, (X_OF(4, 6), X_OF(6), X_OF(6))),
	{ .op = "layer_norm", .define = define_layer_norm, .n_out = 3,
	  .in = { X_OF(3, 2, 4), X_OF(2, 4), X_OF(2, 4) },
	  .attrs = { INTS("normalized_shape", 2, 4), FLOAT("eps", 1e-2) } },
	CASE(group_norm, group_norm, (X_OF(2, 6, 2, 3), X_OF(6), X_OF(6)),
	     INT("num_groups", 3)),
	CASE(group_norm, group_norm, (X_OF(2, 4, 5))),
	CASE(instance_norm, instance_norm, (X_OF(2, 3, 2, 4), X_OF(3), X_OF(3))),
	CASE(softmax, softmax, (X_OF(3, 7))),
	CASE(softmax, softmax, (X_OF(2, 5, 3)), INT("dim", 1)),
	CASE(log_softmax, log_softmax, (X_OF(2, 5, 3)), INT("dim", 1)),

	VALUES(identity, -2, 2),
	CASE(dropout, view, (X_OF(3, 4))),
	VALUES(relu, -2, 2),
	VALUES(relu6, -3, 9),
	VALUES(leaky_relu, -2, 2),
	VALUES(leaky_relu, -2, 2, FLOAT("negative_slope", 0.25)),
	VALUES(elu, -3, 2, FLOAT("alpha", 0.7)),
	VALUES(selu, -3, 2),
	VALUES(celu, -3, 2, FLOAT("alpha", 1.5)),
	VALUES(gelu, -4, 4),
	VALUES(gelu, -4, 4, STR("approximate", "tanh")),
	VALUES(silu, -6, 6),
	VALUES(mish, -6, 6),
	VALUES(hardswish, -5, 5),
	VALUES(hardsigmoid, -5, 5),
	VALUES(hardsigmoid, -5, 5, FLOAT("alpha", 0.2), FLOAT("beta", 0.4)),
	VALUES(sigmoid, -6, 6),
	VALUES(tanh, -3, 3),
	VALUES(softplus, -5, 5),
	VALUES(softsign, -3, 3),
	VALUES(hardtanh, -2, 2),
	VALUES(hardtanh, -2, 2, FLOAT("min_val", -0.3), FLOAT("max_val", 1.2)),
	VALUES(clamp, -2, 2, FLOAT("max", 0.8)),
	VALUES(thresholded_relu, -2, 2, FLOAT("alpha", 0.5)),
	VALUES(shrink, -2, 2, FLOAT("bias", 0.2)),
	VALUES(erf, -2, 2),
	VALUES(exp, -3, 3),
	VALUES(log, 0.2, 5),
	VALUES(sqrt, 0.2, 5),
	VALUES(reciprocal, 0.3, 3),
	VALUES(neg, -2, 2),
	VALUES(abs, -2, 2),
	VALUES(sign, -2, 2),
	VALUES(floor, -4, 4),
	VALUES(ceil, -4, 4),
	VALUES(round, -4, 4),
	VALUES(sin, -4, 4),
	VALUES(cos, -4, 4),
	VALUES(tan, -1.2, 1.2),
	VALUES(asin, -0.9, 0.9),
	VALUES(acos, -0.9, 0.9),
	VALUES(atan, -3, 3),
	VALUES(sinh, -2, 2),
	VALUES(cosh, -2, 2),
	VALUES(asinh, -3, 3),
	VALUES(acosh, 1.2, 4),
	VALUES(atanh, -0.9, 0.9),

	CASE(add, add, (X_OF(2, 3, 4), X_OF(2, 3, 4))),
	CASE(add, add, (X_OF(2, 3, 4), X_OF(3, 1))),
	CASE(sub, sub, (X_OF(4), X_OF(2, 3, 4))),
	CASE(mul, mul, (X_OF(2, 3, 4), X_OF(2, 1, 4))),
	CASE(mul, mul, (X_OF(5, 1), X_OF(1, 6))),
	CASE(div, div, (X_OF(3, 4), REALS(0.5, 2, 3, 4))),
	CASE(div, div, (X_OF(3, 4), REALS(0.5, 2, 1))),
	CASE(pow, pow, (REALS(0.3, 2, 3, 4), X_OF(4))),
	CASE(minimum, minimum, (X_OF(3, 4), X_OF(4))),
	CASE(maximum, maximum, (X_OF(3, 4), X_OF(3, 4))),

	CASE(where, where, (BOOLS(3, 1), X_OF(3, 4), X_OF(4))),
	CASE(prelu, prelu, (X_OF(2, 3, 4), X_OF(3))),
	CASE(prelu, prelu, (X_OF(2, 3, 4), X_OF(1))),
	CASE(prelu, prelu, (X_OF(2, 3, 4), X_OF(3, 4))),

	CASE(max_pool1d, max_pool, (X_OF(2, 3, 11)), INT("kernel_size", 3),
	     INT("stride", 2), INT("padding", 1)),
	CASE(max_pool2d, max_pool, (X_OF(2, 3, 6, 8)), INT("kernel_size", 2)),
	CASE(max_pool2d, max_pool, (X_OF(2, 2, 7, 8)),
	     INTS("kernel_size", 3, 2), INTS("stride", 1, 2),
	     INTS("padding", 1, 0, 1, 1), INTS("dilation", 1, 2),
	     INT("ceil_mode", 1)),
	CASE(max_pool3d, max_pool, (X_OF(1, 2, 4, 5, 4)),
	     INTS("kernel_size", 2, 3, 2), INT("stride", 1)),
	CASE(global_max_pool, global_max_pool, (X_OF(2, 3, 4, 5))),
	CASE(avg_pool1d, avg_pool, (X_OF(2, 3, 9)), INT("kernel_size", 3)),
	CASE(avg_pool2d, avg_pool, (X_OF(2, 3, 6, 7)),
	     INTS("kernel_size", 3, 2), INT("stride", 2),
	     INTS("padding", 1, 1, 1, 0)),
	CASE(avg_pool2d, avg_pool, (X_OF(2, 2, 6, 7)), INT("kernel_size", 3),
	     INT("stride", 2), INT("padding", 1), INT("ceil_mode", 1),
	     INT("count_include_pad", 0)),
	CASE(avg_pool3d, avg_pool, (X_OF(1, 2, 4, 4, 4)),
	     INT("kernel_size", 2), INT("ceil_mode", 1)),
	CASE(global_avg_pool, global_avg_pool, (X_OF(2, 3, 4, 5))),
	CASE(adaptive_avg_pool2d, adaptive_avg_pool2d, (X_OF(2, 3, 7, 5)),
	     INTS("output_size", 3, 2)),

	CASE(reshape, view, (X_OF(3, 4)), INTS("shape", 2, 6)),
	CASE(flatten, view, (X_OF(2, 3, 4)), INT("start_dim", 1)),
	CASE(squeeze, view, (X_OF(2, 1, 4)), INTS("dims", 1)),
	CASE(unsqueeze, view, (X_OF(2, 4)), INTS("dims", 1)),
	CASE(cast, view, (X_OF(2, 4)), INT("to", FXQ_DTYPE_F32)),

	CASE(permute, permute, (X_OF(2, 3, 4)), INTS("dims", 2, 0, 1)),
	CASE(concat, concat, (X_OF(2, 3, 4), X_OF(2, 1, 4), X_OF(2, 2, 4)),
	     INT("dim", 1)),
	{ .op = "split", .define = define_split, .n_out = 3,
	  .in = { X_OF(2, 6, 2) },
	  .attrs = { INT("dim", 1), INTS("sizes", 3, 1, 2), INT("n_out", 3) } },
	CASE(slice, slice, (X_OF(3, 7, 2)), INTS("starts", 1),
	     INTS("ends", 100), INTS("axes", 1), INTS("steps", 2)),
	CASE(expand, expand, (X_OF(3, 1)), INTS("sizes", 2, 3, 4)),
	CASE(tile, tile, (X_OF(2, 3)), INTS("repeats", 2, 2)),
	CASE(pad, pad, (X_OF(2, 3, 4)), INTS("pads", 0, 1, 2, 1, 0, 1),
	     FLOAT("value", 0)),
	CASE(pad, pad, (X_OF(3, 4), ABSENT, X_OF(1)), INTS("pads", 1, 0, 2, 1)),
	CASE(pad, pad, (X_OF(4, 4)), INTS("pads", 1, 2, 3, 0),
	     STR("mode", "reflect")),
	CASE(pad, pad, (X_OF(2, 3)), INTS("pads", 1, 2, 3, 0),
	     STR("mode", "edge")),
	CASE(depth_to_space, depth_to_space, (X_OF(2, 8, 2, 3)),
	     INT("block", 2)),
	CASE(depth_to_space, depth_to_space, (X_OF(1, 8, 2, 3)),
	     INT("block", 2), STR("mode", "CRD")),
	CASE(space_to_depth, space_to_depth, (X_OF(2, 2, 4, 6)),
	     INT("block", 2)),
	CASE(reverse_sequence, reverse_sequence, (X_OF(4, 3, 2), WHOLE(0, 4, 3))),
	CASE(trilu, trilu, (X_OF(4, 5)), INT("k", 1)),
	CASE(gather, gather, (X_OF(6, 3), WHOLE(0, 5, 2, 4))),
	CASE(gather, gather, (X_OF(2, 5, 3), WHOLE(0, 4, 7)), INT("dim", 1)),
	CASE(gather_elements, gather_elements, (X_OF(4, 5), WHOLE(0, 4, 4, 6)),
	     INT("dim", 1)),
	CASE(gather_nd, gather_nd, (X_OF(3, 3, 2), WHOLE(0, 2, 5, 2))),

	CASE(reduce_sum, reduce_sum, (X_OF(2, 3, 4)), INTS("dims", 1)),
	CASE(reduce_sum, reduce_sum, (X_OF(3, 4)), INT("keepdim", 0)),
	CASE(reduce_mean, reduce_mean, (X_OF(2, 3, 4)), INTS("dims", 1),
	     INT("keepdim", 0)),
	CASE(reduce_max, reduce_max, (X_OF(2, 5, 4)), INTS("dims", 1)),
	CASE(reduce_min, reduce_min, (X_OF(3, 4)), INT("keepdim", 0)),
	CASE(reduce_l1, reduce_l1, (X_OF(2, 3, 4)), INTS("dims", 2)),
	CASE(reduce_l2, reduce_l2, (X_OF(2, 3, 4)), INTS("dims", 2)),
	CASE(reduce_sum_square, reduce_sum_square, (X_OF(2, 3, 4)),
	     INTS("dims", 0)),
	CASE(reduce_log_sum, reduce_log_sum, (REALS(0.3, 2, 3, 4)),
	     INTS("dims", 0)),
	CASE(reduce_log_sum_exp, reduce_log_sum_exp, (X_OF(3, 4)),
	     INTS("dims", 1), INT("keepdim", 0)),

	CASE(cumsum, cumsum, (X_OF(3, 5)), INT("dim", 1)),
	CASE(cumsum, cumsum, (X_OF(4, 2), WHOLE(0, 0, 1)), INT("reverse", 1),
	     INT("exclusive", 1)),

	CASE(resize, resize, (X_OF(1, 2, 3, 4)), INTS("sizes", 1, 2, 6, 10),
	     STR("coordinate_transformation_mode", "asymmetric"),
	     STR("nearest_mode", "floor")),
	CASE(resize, resize, (X_OF(2, 1, 3, 4)), INTS("sizes", 2, 1, 5, 7),
	     STR("mode", "linear")),
	CASE(resize, resize, (X_OF(1, 2, 5, 6)), INTS("sizes", 1, 2, 3, 4),
	     STR("mode", "linear"),
	     STR("coordinate_transformation_mode", "align_corners")),

	{ .op = "dropout_train", .define = define_dropout_train, .n_out = 2,
	  .is_random = true, .in = { X_OF(4, 10) },
	  .attrs = { FLOAT("p", 0.3) } },
	CASE(cross_entropy, cross_entropy, (X_OF(5, 4), WHOLE(0, 3, 5))),
	CASE(cross_entropy, cross_entropy, (X_OF(3, 4, 2, 2),
	     WHOLE(0, 3, 3, 2, 2)), FLOAT("label_smoothing", 0.1),
	     INT("ignore_index", 2)),
	CASE(cross_entropy, cross_entropy, (X_OF(5, 4), WHOLE(0, 3, 5)),
	     STR("reduction", "none"), FLOAT("label_smoothing", 0.2)),
	CASE(mse_loss, mse_loss, (X_OF(5, 4), X_OF(5, 4))),
	CASE(mse_loss, mse_loss, (X_OF(5, 4), X_OF(5, 4)),
	     STR("reduction", "sum")),
	CASE(mse_loss, mse_loss, (X_OF(5, 4), X_OF(5, 4)),
	     STR("reduction", "none")),
};

#define GRAD_CASES	(sizeof(grad_cases) / sizeof(grad_cases[0]))

#endif
