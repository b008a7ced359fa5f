// SPDX-License-Identifier: MIT
/*
 * ONNX's operators, a row for each range of opsets over which one means the
 * same. Sorted by name, so that a reader finds one; looked up by a walk, for
 * models have far more elements than nodes.
 */
#include <stdio.h>

#include "import.h"

#define NEWEST	1000	/* an opset after all that there are */

#define RULES(...)	(const struct rule[]){ __VA_ARGS__, { RULE_END } }
#define INT(from, to, def)	{ RULE_INT, from, to, { .i = def } }
#define FLOAT(from, to, def)	{ RULE_FLOAT, from, to, { .f = def } }
#define STR(from, to, def)	{ RULE_STR, from, to, { .s = def } }
#define OPT_INT(from, to)	{ RULE_OPT_INT, from, to }
#define INTS(from, to)		{ RULE_INTS, from, to }
#define IN_INTS(n, to)		{ RULE_IN_INTS, NULL, to, { .i = n } }
#define IN_INT(n, to)		{ RULE_IN_INT, NULL, to, { .i = n } }
#define IN_FLOAT(n, to)		{ RULE_IN_FLOAT, NULL, to, { .i = n } }
#define IGNORE(from)		{ RULE_IGNORE, from }

/* An operator of ours with the same inputs, for all opsets. */
#define SAME(onnx, name)	{ onnx, 1, NEWEST, import_direct, name }
#define DIRECT(onnx, since, until, name, ...)	\
	{ onnx, since, until, import_direct, name, RULES(__VA_ARGS__) }
/* Two operands, which before opset 7 were aligned by an attribute. */
#define BINARY(onnx, name)						\
	{ onnx, 1, 6, import_binary_6, name },				\
	{ onnx, 7, NEWEST, import_direct, name }
#define SPECIAL(onnx, since, until, how)	{ onnx, since, until, how }
#define REFUSED(onnx, why)	{ onnx, 1, NEWEST, import_refused, why }

/* The axes of a reduction were an attribute before they were a tensor. */
#define REDUCE(onnx, name, tensor_since)				\
	DIRECT(onnx, 1, tensor_since - 1, name, INTS("axes", "dims"),	\
	       INT("keepdims", "keepdim", 1)),				\
	DIRECT(onnx, tensor_since, NEWEST, name, IN_INTS(1, "dims"),	\
	       INT("keepdims", "keepdim", 1),				\
	       INT("noop_with_empty_axes", "noop_with_empty_axes", 0))

#define CONTROL	"control flow is not supported; unroll it when exporting, or cut the model there"
#define SEQUENCE "sequences of tensors are not supported; wrap this part or cut the model there"
#define RECURRENT "recurrent layers are not supported; export them unrolled, or wrap this one"
#define TEXT	"text is not supported; process it before the model, and cut the model behind this"
#define RANDOM	"random numbers are not supported; make them an input of the model"
#define TRAINING "training is not supported; export the model for inference"

static const struct row rows[] = {
	SAME("Abs", "abs"),
	SAME("Acos", "acos"),
	SAME("Acosh", "acosh"),
	REFUSED("Adagrad", TRAINING),
	REFUSED("Adam", TRAINING),
	BINARY("Add", "add"),
	BINARY("And", "logical_and"),
	DIRECT("ArgMax", 1, NEWEST, "argmax", INT("axis", "dim", 0),
	       INT("keepdims", "keepdim", 1),
	       INT("select_last_index", "select_last", 0)),
	DIRECT("ArgMin", 1, NEWEST, "argmin", INT("axis", "dim", 0),
	       INT("keepdims", "keepdim", 1),
	       INT("select_last_index", "select_last", 0)),
	SAME("Asin", "asin"),
	SAME("Asinh", "asinh"),
	SAME("Atan", "atan"),
	SAME("Atanh", "atanh"),
	SPECIAL("AveragePool", 1, NEWEST, import_avg_pool),
	SPECIAL("BatchNormalization", 6, NEWEST, import_batch_norm),
	REFUSED("Bernoulli", RANDOM),
	DIRECT("BitShift", 11, NEWEST, "shift",
	       STR("direction", "direction", "LEFT")),
	SAME("BitwiseAnd", "bitwise_and"),
	SAME("BitwiseNot", "bitwise_not"),
	SAME("BitwiseOr", "bitwise_or"),
	SAME("BitwiseXor", "bitwise_xor"),
	SPECIAL("Cast", 6, NEWEST, import_cast),
	SPECIAL("CastLike", 15, NEWEST, import_cast_like),
	SAME("Ceil", "ceil"),
	DIRECT("Celu", 12, NEWEST, "celu", FLOAT("alpha", "alpha", 1)),
	SPECIAL("Clip", 6, 10, import_clip),
	SPECIAL("Clip", 11, NEWEST, import_clip),
	DIRECT("Compress", 9, NEWEST, "compress", OPT_INT("axis", "dim")),
	DIRECT("Concat", 4, NEWEST, "concat", INT("axis", "dim", 1)),
	REFUSED("ConcatFromSequence", SEQUENCE),
	SPECIAL("Constant", 1, NEWEST, import_constant),
	SPECIAL("ConstantOfShape", 9, NEWEST, import_constant_of_shape),
	SPECIAL("Conv", 1, NEWEST, import_conv),
	SPECIAL("ConvInteger", 10, NEWEST, import_conv_integer),
	SPECIAL("ConvTranspose", 1, NEWEST, import_conv_transpose),
	SAME("Cos", "cos"),
	SAME("Cosh", "cosh"),
	DIRECT("CumSum", 11, NEWEST, "cumsum", IN_INT(1, "dim"),
	       INT("exclusive", "exclusive", 0), INT("reverse", "reverse", 0)),
	DIRECT("DepthToSpace", 1, NEWEST, "depth_to_space",
	       INT("blocksize", "block", 0), STR("mode", "mode", "DCR")),
	{ "DequantizeLinear", 10, NEWEST, import_quantization,
	  "dequantize_linear", RULES(INT("axis", "axis", 1)) },
	BINARY("Div", "div"),
	SPECIAL("Dropout", 6, NEWEST, import_dropout),
	{ "DynamicQuantizeLinear", 11, NEWEST, import_several,
	  "dynamic_quantize_linear" },
	DIRECT("Einsum", 12, NEWEST, "einsum",
	       STR("equation", "equation", "")),
	DIRECT("Elu", 6, NEWEST, "elu", FLOAT("alpha", "alpha", 1)),
	BINARY("Equal", "equal"),
	SAME("Erf", "erf"),
	SAME("Exp", "exp"),
	DIRECT("Expand", 8, NEWEST, "expand", IN_INTS(1, "sizes")),
	SPECIAL("EyeLike", 9, NEWEST, import_eye_like),
	SPECIAL("Flatten", 1, NEWEST, import_flatten),
	SAME("Floor", "floor"),
	REFUSED("GRU", RECURRENT),
	DIRECT("Gather", 1, NEWEST, "gather", INT("axis", "dim", 0)),
	DIRECT("GatherElements", 11, NEWEST, "gather_elements",
	       INT("axis", "dim", 0)),
	DIRECT("GatherND", 11, NEWEST, "gather_nd",
	       INT("batch_dims", "batch_dims", 0)),
	DIRECT("Gelu", 20, NEWEST, "gelu",
	       STR("approximate", "approximate", "none")),
	SPECIAL("Gemm", 6, NEWEST, import_gemm),
	SAME("GlobalAveragePool", "global_avg_pool"),
	SPECIAL("GlobalLpPool", 2, NEWEST, import_global_lp_pool),
	SAME("GlobalMaxPool", "global_max_pool"),
	BINARY("Greater", "greater"),
	SAME("GreaterOrEqual", "greater_equal"),
	SPECIAL("GroupNormalization", 18, 20, import_group_norm),
	SPECIAL("GroupNormalization", 21, NEWEST, import_group_norm),
	DIRECT("HardSigmoid", 6, NEWEST, "hardsigmoid",
	       FLOAT("alpha", "alpha", 0.2), FLOAT("beta", "beta", 0.5)),
	SAME("HardSwish", "hardswish"),
	{ "Hardmax", 1, 12, import_softmax_2d, "hardmax" },
	DIRECT("Hardmax", 13, NEWEST, "hardmax", INT("axis", "dim", -1)),
	SPECIAL("Identity", 1, NEWEST, import_identity),
	REFUSED("If", CONTROL),
	SPECIAL("InstanceNormalization", 6, NEWEST, import_instance_norm),
	DIRECT("IsInf", 10, NEWEST, "isinf",
	       INT("detect_negative", "detect_negative", 1),
	       INT("detect_positive", "detect_positive", 1)),
	SAME("IsNaN", "isnan"),
	DIRECT("LRN", 1, NEWEST, "lrn", INT("size", "size", 1),
	       FLOAT("alpha", "alpha", 1e-4), FLOAT("beta", "beta", 0.75),
	       FLOAT("bias", "bias", 1)),
	REFUSED("LSTM", RECURRENT),
	SPECIAL("LayerNormalization", 17, NEWEST, import_layer_norm),
	DIRECT("LeakyRelu", 6, NEWEST, "leaky_relu",
	       FLOAT("alpha", "negative_slope", 0.01)),
	BINARY("Less", "less"),
	SAME("LessOrEqual", "less_equal"),
	SAME("Log", "log"),
	{ "LogSoftmax", 1, 12, import_softmax_2d, "log_softmax" },
	DIRECT("LogSoftmax", 13, NEWEST, "log_softmax", INT("axis", "dim", -1)),
	REFUSED("Loop", CONTROL),
	DIRECT("LpNormalization", 1, NEWEST, "lp_normalize",
	       INT("axis", "axis", -1), INT("p", "p", 2)),
	SPECIAL("LpPool", 2, NEWEST, import_lp_pool),
	SPECIAL("MatMul", 1, NEWEST, import_matmul),
	SPECIAL("MatMulInteger", 10, NEWEST, import_matmul_integer),
	{ "Max", 6, NEWEST, import_variadic, "maximum" },
	SPECIAL("MaxPool", 1, NEWEST, import_max_pool),
	{ "Mean", 6, NEWEST, import_mean },
	DIRECT("MeanVarianceNormalization", 9, NEWEST, "mean_variance_norm",
	       INTS("axes", "dims")),
	{ "Min", 6, NEWEST, import_variadic, "minimum" },
	SAME("Mish", "mish"),
	DIRECT("Mod", 10, NEWEST, "mod", INT("fmod", "fmod", 0)),
	REFUSED("Momentum", TRAINING),
	BINARY("Mul", "mul"),
	REFUSED("Multinomial", RANDOM),
	SAME("Neg", "neg"),
	SPECIAL("NegativeLogLikelihoodLoss", 12, NEWEST, import_nll_loss),
	DIRECT("NonMaxSuppression", 10, NEWEST, "non_max_suppression",
	       INT("center_point_box", "center_point_box", 0)),
	SAME("NonZero", "nonzero"),
	SAME("Not", "logical_not"),
	DIRECT("OneHot", 9, NEWEST, "one_hot", INT("axis", "dim", -1)),
	REFUSED("OptionalGetElement", SEQUENCE),
	REFUSED("OptionalHasElement", SEQUENCE),
	REFUSED("Optional", SEQUENCE),
	BINARY("Or", "logical_or"),
	SPECIAL("PRelu", 6, NEWEST, import_prelu),
	DIRECT("Pad", 2, 10, "pad", INTS("pads", "pads"),
	       STR("mode", "mode", "constant"), FLOAT("value", "value", 0)),
	DIRECT("Pad", 11, NEWEST, "pad", IN_INTS(1, "pads"),
	       IN_FLOAT(2, "value"), IN_INTS(3, "axes"),
	       STR("mode", "mode", "constant")),
	BINARY("Pow", "pow"),
	SPECIAL("QLinearConv", 10, NEWEST, import_qlinear_conv),
	SPECIAL("QLinearMatMul", 10, NEWEST, import_qlinear_matmul),
	{ "QuantizeLinear", 10, NEWEST, import_quantization,
	  "quantize_linear",
	  RULES(INT("axis", "axis", 1), IGNORE("saturate")) },
	REFUSED("RNN", RECURRENT),
	REFUSED("RandomNormal", RANDOM),
	REFUSED("RandomNormalLike", RANDOM),
	REFUSED("RandomUniform", RANDOM),
	REFUSED("RandomUniformLike", RANDOM),
	SAME("Range", "range"),
	SAME("Reciprocal", "reciprocal"),
	REDUCE("ReduceL1", "reduce_l1", 18),
	REDUCE("ReduceL2", "reduce_l2", 18),
	REDUCE("ReduceLogSum", "reduce_log_sum", 18),
	REDUCE("ReduceLogSumExp", "reduce_log_sum_exp", 18),
	REDUCE("ReduceMax", "reduce_max", 18),
	REDUCE("ReduceMean", "reduce_mean", 18),
	REDUCE("ReduceMin", "reduce_min", 18),
	REDUCE("ReduceProd", "reduce_prod", 18),
	REDUCE("ReduceSum", "reduce_sum", 13),
	REDUCE("ReduceSumSquare", "reduce_sum_square", 18),
	SAME("Relu", "relu"),
	SPECIAL("Reshape", 5, NEWEST, import_reshape),
	SPECIAL("Resize", 10, NEWEST, import_resize),
	DIRECT("ReverseSequence", 10, NEWEST, "reverse_sequence",
	       INT("batch_axis", "batch_dim", 1),
	       INT("time_axis", "time_dim", 0)),
	SAME("Round", "round"),
	REFUSED("Scan", CONTROL),
	DIRECT("Scatter", 9, 10, "scatter_elements", INT("axis", "dim", 0)),
	DIRECT("ScatterElements", 11, NEWEST, "scatter_elements",
	       INT("axis", "dim", 0), STR("reduction", "reduction", "none")),
	DIRECT("ScatterND", 11, NEWEST, "scatter_nd",
	       STR("reduction", "reduction", "none")),
	DIRECT("Selu", 6, NEWEST, "selu",
	       FLOAT("alpha", "alpha", 1.67326319217681884765625),
	       FLOAT("gamma", "gamma", 1.05070102214813232421875)),
	REFUSED("SequenceAt", SEQUENCE),
	REFUSED("SequenceConstruct", SEQUENCE),
	REFUSED("SequenceEmpty", SEQUENCE),
	REFUSED("SequenceErase", SEQUENCE),
	REFUSED("SequenceInsert", SEQUENCE),
	REFUSED("SequenceLength", SEQUENCE),
	REFUSED("SequenceMap", SEQUENCE),
	DIRECT("Shape", 1, NEWEST, "shape", OPT_INT("start", "start"),
	       OPT_INT("end", "end")),
	DIRECT("Shrink", 9, NEWEST, "shrink", FLOAT("lambd", "lambd", 0.5),
	       FLOAT("bias", "bias", 0)),
	SAME("Sigmoid", "sigmoid"),
	SAME("Sign", "sign"),
	SAME("Sin", "sin"),
	SAME("Sinh", "sinh"),
	SAME("Size", "size"),
	DIRECT("Slice", 1, 9, "slice", INTS("starts", "starts"),
	       INTS("ends", "ends"), INTS("axes", "axes")),
	DIRECT("Slice", 10, NEWEST, "slice", IN_INTS(1, "starts"),
	       IN_INTS(2, "ends"), IN_INTS(3, "axes"), IN_INTS(4, "steps")),
	{ "Softmax", 1, 12, import_softmax_2d, "softmax" },
	DIRECT("Softmax", 13, NEWEST, "softmax", INT("axis", "dim", -1)),
	SPECIAL("SoftmaxCrossEntropyLoss", 12, NEWEST, import_softmax_loss),
	SAME("Softplus", "softplus"),
	SAME("Softsign", "softsign"),
	DIRECT("SpaceToDepth", 1, NEWEST, "space_to_depth",
	       INT("blocksize", "block", 0)),
	{ "Split", 2, 12, import_split, "split",
	  RULES(INT("axis", "dim", 0), INTS("split", "sizes")) },
	{ "Split", 13, NEWEST, import_split, "split",
	  RULES(INT("axis", "dim", 0), IN_INTS(1, "sizes")) },
	REFUSED("SplitToSequence", SEQUENCE),
	SAME("Sqrt", "sqrt"),
	DIRECT("Squeeze", 1, 12, "squeeze", INTS("axes", "dims")),
	DIRECT("Squeeze", 13, NEWEST, "squeeze", IN_INTS(1, "dims")),
	REFUSED("StringConcat", TEXT),
	REFUSED("StringNormalizer", TEXT),
	REFUSED("StringSplit", TEXT),
	BINARY("Sub", "sub"),
	{ "Sum", 6, NEWEST, import_variadic, "add" },
	SAME("Tan", "tan"),
	SAME("Tanh", "tanh"),
	REFUSED("TfIdfVectorizer", TEXT),
	DIRECT("ThresholdedRelu", 10, NEWEST, "thresholded_relu",
	       FLOAT("alpha", "alpha", 1)),
	DIRECT("Tile", 6, NEWEST, "tile", IN_INTS(1, "repeats")),
	{ "TopK", 1, 9, import_several, "top_k",
	  RULES(INT("k", "k", 0), INT("axis", "dim", -1)) },
	{ "TopK", 10, NEWEST, import_several, "top_k",
	  RULES(IN_INT(1, "k"), INT("axis", "dim", -1),
		INT("largest", "largest", 1), INT("sorted", "sorted", 1)) },
	DIRECT("Transpose", 1, NEWEST, "permute", INTS("perm", "dims")),
	DIRECT("Trilu", 14, NEWEST, "trilu", INT("upper", "upper", 1),
	       IN_INT(1, "k")),
	{ "Unique", 11, NEWEST, import_several, "unique",
	  RULES(OPT_INT("axis", "dim"), INT("sorted", "sorted", 1)) },
	DIRECT("Unsqueeze", 1, 12, "unsqueeze", INTS("axes", "dims")),
	DIRECT("Unsqueeze", 13, NEWEST, "unsqueeze", IN_INTS(1, "dims")),
	SPECIAL("Upsample", 7, 9, import_resize),
	SAME("Where", "where"),
	BINARY("Xor", "logical_xor"),
};

const struct row *row_find(const char *op_type, int64_t opset, bool *ret_any)
{
	*ret_any = false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].op_type, op_type))
			continue;
		*ret_any = true;
		if (opset >= rows[i].since && opset <= rows[i].until)
			return &rows[i];
	}
	return NULL;
}

const struct row *row_of_operator(const char *name, int64_t opset)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((rows[i].import == import_direct ||
		     rows[i].import == import_several ||
		     rows[i].import == import_variadic) &&
		    !strcmp(rows[i].name, name) &&
		    opset >= rows[i].since && opset <= rows[i].until)
			return &rows[i];
	return NULL;
}
