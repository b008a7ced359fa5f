// SPDX-License-Identifier: MIT
/*
 * ONNX files that nobody should have to trust: cut off, with flipped bits,
 * nested without end, cyclic, with sizes that no memory holds. Each is refused
 * with a sentence and leaves nothing behind; that nothing is read or written
 * out of place is for the sanitizers, under which these tests run as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#include "onnx_writer.h"

/* Where a failed import must leave what it was given. */
static struct fx_graph *const untouched = (struct fx_graph *)-1;

static int import(const struct ow *w, struct fx_graph **ret_g, char *error,
		  size_t size)
{
	struct ow exact = { 0 };
	int ret;

	/* A copy of exactly the size: reading past it is seen. */
	exact.data = malloc(w->size ? w->size : 1);
	if (w->size)
		memcpy(exact.data, w->data, w->size);
	*ret_g = untouched;
	error[0] = '\0';
	ret = fx_import_onnx_memory(exact.data, w->size, NULL, ret_g, error,
				    size);
	free(exact.data);
	return ret;
}

static void assert_refused(const struct ow *w, const char *sentence)
{
	struct fx_graph *g;
	char error[512];
	int ret;

	ret = import(w, &g, error, sizeof(error));
	if (!ret || !strstr(error, sentence))
		print_message("%d: %s\n", ret, error);
	assert_true(ret < 0);
	assert_ptr_equal(g, untouched);
	assert_non_null(strstr(error, sentence));
}

/* Ends a graph with input x and output y, and frees it after the test. */
static void refuse(struct ow *w, const char *sentence)
{
	ow_value(w, OW_INPUT, "x", 1, OW_DIMS(1, 4));
	ow_value(w, OW_OUTPUT, "y", 1, OW_DIMS(1, 4));
	ow_end(w);
	assert_refused(w, sentence);
	free(w->data);
}

static void add_weights(struct ow *w, const char *name, int64_t rows,
			int64_t cols)
{
	float *v = calloc(rows * cols, sizeof(*v));

	for (int64_t i = 0; i < rows * cols; i++)
		v[i] = (i % 7) - 3;
	ow_tensor(w, 5, name, 1, OW_DIMS(rows, cols), v,
		  rows * cols * sizeof(*v));
	free(v);
}

/* A sound model of several operators, and 8 KiB of weights. */
static struct ow sound_model(void)
{
	static const int64_t shape[] = { 1, 32 }, axes[] = { 1 };
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Gemm", "first", OW_NAMES("x", "w"), "a");
	ow_attr_int(&w, "transB", 1);
	ow_end(&w);
	ow_node(&w, "Relu", "second", OW_NAMES("a"), "b");
	ow_end(&w);
	ow_node(&w, "Reshape", "third", OW_NAMES("b", "shape"), "c");
	ow_end(&w);
	ow_node(&w, "ReduceMean", "fourth", OW_NAMES("c"), "d");
	ow_attr_ints(&w, "axes", axes, 1);
	ow_end(&w);
	ow_node(&w, "Mul", "fifth", OW_NAMES("d", "c"), "y");
	ow_end(&w);
	add_weights(&w, "w", 32, 64);
	ow_tensor(&w, 5, "shape", 7, OW_DIMS(2), shape, sizeof(shape));
	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(1, 64));
	ow_value(&w, OW_OUTPUT, "y", 1, OW_DIMS(1, 32));
	ow_end(&w);
	return w;
}

static void the_sound_model_is_sound(void **state)
{
	struct ow w = sound_model();
	struct fx_graph *g;
	char error[512];

	assert_int_equal(import(&w, &g, error, sizeof(error)), 0);
	assert_int_equal(fx_graph_lint(g), 0);
	fx_graph_free(g);
	free(w.data);
}

static void a_file_cut_off_anywhere_is_refused(void **state)
{
	struct ow w = sound_model();
	size_t full = w.size;

	for (w.size = 0; w.size < full; w.size += w.size < 600 ? 1 : 97)
		assert_refused(&w, "");
	free(w.data);
}

/* Many a flipped bit makes another sound model; none may do harm. */
static void flipped_bits_do_no_harm(void **state)
{
	struct ow w = sound_model();
	uint32_t random = 1;
	size_t refused = 0;

	for (int i = 0; i < 6000; i++) {
		struct fx_graph *g;
		char error[512];
		size_t at;

		random = random * 1664525 + 1013904223;
		/* Half of the flips go where structure is: weights are last. */
		at = (random >> 8) % (i & 1 ? w.size : 280);
		w.data[at] ^= 1u << (random >> 5 & 7);
		if (import(&w, &g, error, sizeof(error))) {
			assert_ptr_equal(g, untouched);
			assert_true(error[0]);
			refused++;
		} else {
			fx_graph_free(g);
		}
		w.data[at] ^= 1u << (random >> 5 & 7);
	}
	assert_true(refused > 1000);
	free(w.data);
}

static void rubbish_is_refused(void **state)
{
	struct ow w = { 0 };

	assert_refused(&w, "no graph");
	ow_raw(&w, "\x89PNG\r\n\x1a\n", 8);
	assert_refused(&w, "not a sound file");
	free(w.data);
}

/* graph { node { attribute { g { node … as deep as @levels. */
static struct ow nested(int levels)
{
	struct ow inner = { 0 };

	for (int i = 0; i < levels; i++) {
		static const int fields[] = { 6, 5, 1 };	/* g, attribute, node */

		for (int k = 0; k < 3; k++) {
			struct ow outer = { 0 };

			ow_bytes(&outer, fields[k], inner.data, inner.size);
			free(inner.data);
			inner = outer;
		}
	}
	return inner;
}

static void deep_nesting_is_refused_before_it_is_followed(void **state)
{
	struct ow body = nested(5000), w = { 0 };

	ow_bytes(&w, 7, body.data, body.size);
	assert_refused(&w, "nested deeper than 64 levels");
	free(body.data);
	free(w.data);
}

static void a_graph_given_twice_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_bytes(&w, 7, "", 0);
	ow_bytes(&w, 7, "", 0);
	assert_refused(&w, "occurs twice");
	free(w.data);
}

static void millions_of_empty_messages_are_refused(void **state)
{
	struct ow body = { 0 }, w = { 0 };

	for (int i = 0; i < 3000000; i++)
		ow_bytes(&body, 1, "", 0);
	ow_bytes(&w, 7, body.data, body.size);
	assert_refused(&w, "more than 2^21 messages");
	free(body.data);
	free(w.data);
}

static void a_cycle_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Add", "round", OW_NAMES("x", "b"), "a");
	ow_end(&w);
	ow_node(&w, "Relu", "about", OW_NAMES("a"), "b");
	ow_end(&w);
	refuse(&w, "node 'round' (Add): its input 'b' is made only later");
}

static void a_node_that_feeds_itself_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Relu", "self", OW_NAMES("y"), "y");
	ow_end(&w);
	refuse(&w, "in a cycle");
}

static void a_value_nobody_makes_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Add", "lonely", OW_NAMES("x", "nobody"), "y");
	ow_end(&w);
	refuse(&w, "node 'lonely' (Add): its input 'nobody' is made by nobody");
}

static void a_value_made_twice_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Relu", "one", OW_NAMES("x"), "y");
	ow_end(&w);
	ow_node(&w, "Relu", "two", OW_NAMES("x"), "y");
	ow_end(&w);
	refuse(&w, "'y' is made twice");
}

static void two_inputs_of_one_name_are_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(1));
	refuse(&w, "'x' is made twice");
}

/* A model that adds an initializer of the given dims, with 16 bytes, to x. */
static void refuse_tensor(const int64_t *dims, int rank, const char *sentence)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_node(&w, "Add", "sum", OW_NAMES("x", "t"), "y");
	ow_end(&w);
	ow_tensor(&w, 5, "t", 1, dims, rank, "0123456789abcdef", 16);
	refuse(&w, sentence);
}

static void sizes_that_do_not_fit_the_data_are_refused(void **state)
{
	refuse_tensor(OW_DIMS(5), "needs 20 bytes, 16 are there");
	refuse_tensor(OW_DIMS(3), "needs 12 bytes, 16 are there");
	refuse_tensor(OW_DIMS(-4), "dimension 0 is -4");
	refuse_tensor(OW_DIMS(1ll << 40), "larger than 4 GiB");
	refuse_tensor(OW_DIMS(1ll << 32, 1ll << 32), "larger than 4 GiB");
	refuse_tensor(OW_DIMS(1ll << 62, 4, 0), "larger than 4 GiB");
	refuse_tensor(OW_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 4), "9 dimensions");
}

static void an_oversized_input_is_refused(void **state)
{
	struct ow w = { 0 };

	ow_model(&w, 13);
	ow_value(&w, OW_INPUT, "big", 1,
		 OW_DIMS(1ll << 40, 1ll << 40, 1ll << 40));
	refuse(&w, "input 'big' would be larger than 4 GiB");
}

/* y = operator(t…) with integer tensors for inputs, all of them constant. */
static void refuse_constants(const char *op, int n, const int64_t *const *in,
			     const int *count, const char *sentence)
{
	static const char *const names[] = { "i0", "i1", "i2", "i3" };
	struct ow w = { 0 };

	ow_model(&w, 13);
	for (int i = 0; i < n; i++)
		ow_tensor(&w, 5, names[i], 7, (const int64_t[]){ count[i] },
			  count[i] >= 0, in[i],
			  (count[i] >= 0 ? count[i] : 1) * 8);
	ow_node(&w, op, "bomb", names, n, "y");
	ow_end(&w);
	refuse(&w, sentence);
}

static void small_constants_cannot_make_large_ones(void **state)
{
	static const int64_t big[] = { 1ll << 20, 1ll << 20, 4 };
	static const int64_t one[] = { 1 }, zero[] = { 0 };
	static const int64_t most[] = { INT64_MAX }, least[] = { INT64_MIN };
	const int64_t *in[] = { big, big, one, one };

	refuse_constants("ConstantOfShape", 1, in, (int[]){ 3 },
			 "node 'bomb' (ConstantOfShape)");
	in[0] = one;
	refuse_constants("Expand", 2, in, (int[]){ 1, 2 }, "larger");
	in[1] = most;
	refuse_constants("Tile", 2, in, (int[]){ 1, 1 }, "larger");
	in[1] = (const int64_t[]){ INT64_MIN, INT64_MAX };
	refuse_constants("Pad", 2, in, (int[]){ 1, 2 }, "padded beyond reason");
	in[0] = least;
	in[1] = most;
	refuse_constants("Range", 3, in, (int[]){ -1, -1, -1 }, "has no end");
	in[2] = zero;
	refuse_constants("Range", 3, in, (int[]){ -1, -1, -1 }, "has no end");
}

/* Doubling a constant again and again: folding has to stop somewhere. */
static void a_chain_of_concats_is_not_computed_for_ever(void **state)
{
	static const char *const names[] = {
		"w", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9",
		"c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18",
		"c19", "c20", "c21", "c22", "c23", "c24", "c25", "c26", "c27",
	};
	struct ow w = { 0 };

	ow_model(&w, 13);
	add_weights(&w, "w", 16, 64);
	for (int i = 0; i < 27; i++) {
		ow_node(&w, "Concat", names[i + 1],
			OW_NAMES(names[i], names[i]), names[i + 1]);
		ow_attr_int(&w, "axis", 0);
		ow_end(&w);
	}
	ow_node(&w, "Add", "end", OW_NAMES("x", "c27"), "y");
	ow_end(&w);
	refuse(&w, "larger than 4 GiB");
}

static void bad_attributes_are_refused(void **state)
{
	static const int64_t huge[] = { INT64_MAX, INT64_MAX, INT64_MAX,
					INT64_MAX };
	struct ow w = { 0 };
	float kernel[9] = { 0 };

	ow_model(&w, 13);
	ow_tensor(&w, 5, "k", 1, OW_DIMS(1, 1, 3, 3), kernel, sizeof(kernel));
	ow_value(&w, OW_INPUT, "image", 1, OW_DIMS(1, 1, 8, 8));
	ow_node(&w, "Conv", "conv", OW_NAMES("image", "k"), "y");
	ow_attr_ints(&w, "pads", huge, 4);
	ow_end(&w);
	refuse(&w, "node 'conv' (Conv): pads holds");

	w = (struct ow){ 0 };
	ow_model(&w, 13);
	ow_node(&w, "Softmax", "soft", OW_NAMES("x"), "y");
	ow_attr_int(&w, "axis", INT64_MIN);
	ow_end(&w);
	refuse(&w, "node 'soft' (Softmax)");

	w = (struct ow){ 0 };
	ow_model(&w, 13);
	ow_node(&w, "Relu", "odd", OW_NAMES("x"), "y");
	ow_attr_int(&w, "surprise", 1);
	ow_end(&w);
	refuse(&w, "attribute 'surprise' is not known");
}

/* Every operator the importer knows, and one that nobody does. */
static const char *const operators[] = {
	"Abs", "Acos", "Acosh", "Adagrad", "Adam", "Add", "And", "ArgMax",
	"ArgMin", "Asin", "Asinh", "Atan", "Atanh", "AveragePool",
	"BatchNormalization", "Bernoulli", "BitShift", "BitwiseAnd",
	"BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil",
	"Celu", "Clip", "Compress", "Concat", "ConcatFromSequence", "Constant",
	"ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "Cos",
	"Cosh", "CumSum", "DepthToSpace", "DequantizeLinear", "Div", "Dropout",
	"DynamicQuantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp",
	"Expand", "EyeLike", "Flatten", "Floor", "GRU", "Gather",
	"GatherElements", "GatherND", "Gelu", "Gemm", "GlobalAveragePool",
	"GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual",
	"GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax",
	"Identity", "If", "InstanceNormalization", "IsInf", "IsNaN", "LRN",
	"LSTM", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual",
	"Log", "LogSoftmax", "Loop", "LpNormalization", "LpPool", "MatMul",
	"MatMulInteger", "Max", "MaxPool", "Mean", "MeanVarianceNormalization",
	"Min", "Mish", "Mod", "Momentum", "Mul", "Multinomial", "Neg",
	"NegativeLogLikelihoodLoss", "NonMaxSuppression", "NonZero", "Not",
	"OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "Or",
	"PRelu", "Pad", "Pow", "QLinearConv", "QLinearMatMul",
	"QuantizeLinear", "RNN", "RandomNormal", "RandomNormalLike",
	"RandomUniform", "RandomUniformLike", "Range", "Reciprocal",
	"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
	"ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
	"ReduceSumSquare", "Relu", "Reshape", "Resize", "ReverseSequence",
	"Round", "Scan", "Scatter", "ScatterElements", "ScatterND", "Selu",
	"SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase",
	"SequenceInsert", "SequenceLength", "SequenceMap", "Shape", "Shrink",
	"Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax",
	"SoftmaxCrossEntropyLoss", "Softplus", "Softsign", "SpaceToDepth",
	"Split", "SplitToSequence", "Sqrt", "Squeeze", "StringConcat",
	"StringNormalizer", "StringSplit", "Sub", "Sum", "Tan", "Tanh",
	"TfIdfVectorizer", "ThresholdedRelu", "Tile", "TopK", "Transpose",
	"Trilu", "Unique", "Unsqueeze", "Upsample", "Where", "Xor",
	"Fancy",
};

/* Inputs that are absent, too many or of one shape: anything but a crash. */
static void no_operator_trusts_its_inputs(void **state)
{
	static const char *const inputs[][5] = {
		{ "" }, { "x" }, { "", "x" }, { "x", "", "x" },
		{ "", "", "", "x" }, { "x", "x", "x", "x", "x" },
		{ "x", "i", "i", "i", "i" }, { "i", "x", "x" }, { "i", "i" },
	};
	static const int64_t opsets[] = { 6, 9, 10, 12, 13, 18, 22 };
	static const int64_t ints[] = { 1, 0 };

	for (size_t k = 0; k < 9 * 7 * sizeof(operators) / sizeof(char *); k++) {
		const char *const *in = inputs[k % 9];
		struct fx_graph *g;
		struct ow w = { 0 };
		char error[512];
		int n = 0;

		while (n < 5 && in[n])
			n++;
		ow_model(&w, opsets[k / 9 % 7]);
		ow_tensor(&w, 5, "i", 7, OW_DIMS(2), ints, sizeof(ints));
		ow_node(&w, operators[k / 63], "node", in, n, "y");
		ow_end(&w);
		ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(1, 4));
		ow_value(&w, OW_OUTPUT, "y", 1, OW_DIMS(1, 4));
		ow_end(&w);
		if (import(&w, &g, error, sizeof(error)))
			assert_non_null(strstr(error, "node 'node'"));
		else
			fx_graph_free(g);
		free(w.data);
	}
}

static void external_data_cannot_leave_the_folder(void **state)
{
	static const char *const places[] = {
		"/etc/passwd", "../secret", "a/../../secret", "..",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char path[] = "/tmp/fxq-onnx-XXXXXX", error[512];
		struct fx_graph *g = untouched;
		struct ow w = { 0 };
		FILE *f;

		ow_model(&w, 13);
		ow_node(&w, "Add", "sum", OW_NAMES("x", "t"), "y");
		ow_end(&w);
		ow_begin(&w, 5);
		ow_int(&w, 1, 4);
		ow_int(&w, 2, 1);
		ow_str(&w, 8, "t");
		ow_begin(&w, 13);
		ow_str(&w, 1, "location");
		ow_str(&w, 2, places[i]);
		ow_end(&w);
		ow_int(&w, 14, 1);
		ow_end(&w);
		ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
		ow_value(&w, OW_OUTPUT, "y", 1, OW_DIMS(4));
		ow_end(&w);

		f = fdopen(mkstemp(path), "w");
		assert_non_null(f);
		fwrite(w.data, 1, w.size, f);
		fclose(f);
		assert_true(fx_import_onnx(path, NULL, &g, error,
					   sizeof(error)) < 0);
		assert_ptr_equal(g, untouched);
		assert_non_null(strstr(error, "not below the model's folder"));
		assert_refused(&w, "the model is in memory");
		remove(path);
		free(w.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sound_model_is_sound),
		cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
		cmocka_unit_test(flipped_bits_do_no_harm),
		cmocka_unit_test(rubbish_is_refused),
		cmocka_unit_test(deep_nesting_is_refused_before_it_is_followed),
		cmocka_unit_test(a_graph_given_twice_is_refused),
		cmocka_unit_test(millions_of_empty_messages_are_refused),
		cmocka_unit_test(a_cycle_is_refused),
		cmocka_unit_test(a_node_that_feeds_itself_is_refused),
		cmocka_unit_test(a_value_nobody_makes_is_refused),
		cmocka_unit_test(a_value_made_twice_is_refused),
		cmocka_unit_test(two_inputs_of_one_name_are_refused),
		cmocka_unit_test(sizes_that_do_not_fit_the_data_are_refused),
		cmocka_unit_test(an_oversized_input_is_refused),
		cmocka_unit_test(small_constants_cannot_make_large_ones),
		cmocka_unit_test(a_chain_of_concats_is_not_computed_for_ever),
		cmocka_unit_test(bad_attributes_are_refused),
		cmocka_unit_test(no_operator_trusts_its_inputs),
		cmocka_unit_test(external_data_cannot_leave_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
