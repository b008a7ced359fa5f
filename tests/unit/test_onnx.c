// SPDX-License-Identifier: MIT
/*
 * What the importer makes of small models: the canonical form that later
 * passes rely on, shapes that users bind, and the sentences for what is not
 * supported. What operators compute is for ONNX's conformance cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#include "onnx_writer.h"

static const float ones[4096] = { 1, 1, 1, 1 };

static int import_with(const struct ow *w, const struct fx_import_options *o,
		       struct fx_graph **ret_g, char *error, size_t size)
{
	*ret_g = NULL;
	error[0] = '\0';
	return fx_import_onnx_memory(w->data, w->size, o, ret_g, error, size);
}

/* Ends the model with output "y" and imports it, which must work. */
static struct fx_graph *import(struct ow *w)
{
	struct fx_graph *g;
	char error[512];

	ow_value(w, OW_OUTPUT, "y", 1, NULL, -1);
	ow_end(w);
	if (import_with(w, NULL, &g, error, sizeof(error)))
		print_message("%s\n", error);
	assert_non_null(g);
	assert_int_equal(fx_graph_lint(g), 0);
	free(w->data);
	return g;
}

static void refuse(struct ow *w, int err, const char *sentence)
{
	struct fx_graph *g;
	char error[512];

	ow_value(w, OW_OUTPUT, "y", 1, NULL, -1);
	ow_end(w);
	assert_int_equal(import_with(w, NULL, &g, error, sizeof(error)), err);
	if (!strstr(error, sentence))
		print_message("%s\n", error);
	assert_non_null(strstr(error, sentence));
	assert_null(g);
	free(w->data);
}

static struct ow begin(int64_t opset)
{
	struct ow w = { 0 };

	ow_model(&w, opset);
	return w;
}

/* The node that makes the graph's only output. */
static struct fx_node *last(const struct fx_graph *g)
{
	return fx_node_in(fx_graph_output(g), 0);
}

static void assert_ints(const struct fx_node *n, const char *name,
			const int64_t *want, int count)
{
	int64_t v[16];

	assert_int_equal(fx_node_ints(n, name, v, 16), count);
	for (int i = 0; i < count; i++)
		assert_int_equal(v[i], want[i]);
}

static void assert_shape(const struct fx_node *n, const int64_t *want,
			 int rank)
{
	assert_int_equal(n->out[0].rank, rank);
	for (int i = 0; i < rank; i++)
		assert_int_equal(n->out[0].dims[i], want[i]);
}

static void a_constant_shape_becomes_a_kwarg(void **state)
{
	static const int64_t shape[] = { 0, -1, 2 };
	struct ow w = begin(13);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(3, 8));
	ow_tensor(&w, 5, "shape", 7, OW_DIMS(3), shape, sizeof(shape));
	ow_node(&w, "Reshape", "re", OW_NAMES("x", "shape"), "y");
	ow_end(&w);
	g = import(&w);

	assert_true(fx_node_is(last(g), "reshape"));
	assert_int_equal(last(g)->n_args, 1);
	assert_ints(last(g), "shape", OW_DIMS(3, -1, 2));
	assert_shape(last(g), OW_DIMS(3, 4, 2));
	assert_string_equal(last(g)->source, "re");
	fx_graph_free(g);
}

static void what_depends_on_a_shape_is_computed(void **state)
{
	static const int64_t index = 1;
	struct ow w = begin(13);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(2, 6));
	ow_tensor(&w, 5, "one", 7, OW_DIMS(1), &index, sizeof(index));
	ow_node(&w, "Shape", "", OW_NAMES("x"), "s");
	ow_end(&w);
	ow_node(&w, "Gather", "", OW_NAMES("s", "one"), "n");
	ow_end(&w);
	ow_node(&w, "Concat", "", OW_NAMES("n", "one", "one"), "shape");
	ow_attr_int(&w, "axis", 0);
	ow_end(&w);
	ow_node(&w, "Expand", "", OW_NAMES("x", "shape"), "y");
	ow_end(&w);
	g = import(&w);

	assert_shape(last(g), OW_DIMS(6, 2, 6));
	assert_ints(last(g), "sizes", OW_DIMS(6, 1, 1));
	assert_string_equal(last(g)->source, "Expand_3");
	fx_graph_free(g);
}

static void gemm_with_constant_weights_is_a_linear_layer(void **state)
{
	struct ow w = begin(13);
	struct fx_graph *g;
	const float *weight;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(5, 2));
	ow_tensor(&w, 5, "w", 1, OW_DIMS(2, 3), ones, 6 * 4);
	ow_tensor(&w, 5, "b", 1, OW_DIMS(1, 3), ones, 3 * 4);
	ow_node(&w, "Gemm", "fc", OW_NAMES("x", "w", "b"), "y");
	ow_attr_float(&w, "alpha", 0.5);
	ow_attr_float(&w, "beta", 2);
	ow_end(&w);
	g = import(&w);

	assert_true(fx_node_is(last(g), "linear"));
	assert_shape(fx_node_in(last(g), 1), OW_DIMS(3, 2));
	assert_shape(fx_node_in(last(g), 2), OW_DIMS(3));
	weight = fx_node_in(last(g), 1)->out[0].data;
	assert_true(weight[0] == 0.5f);
	assert_true(((float *)fx_node_in(last(g), 2)->out[0].data)[0] == 2);
	assert_shape(last(g), OW_DIMS(5, 3));
	fx_graph_free(g);
}

/* The scales that weights @n came with are @want, of which there are @count. */
static void assert_scales(const struct fx_node *n, const float *want,
			  size_t count)
{
	const struct fx_arg *scale = fx_node_kwarg(n, "scale");

	assert_true(fx_node_is_const(n));
	assert_non_null(scale);
	assert_int_equal(scale->count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(scale->items[i].f == (double)want[i]);
}

static const float scales[] = { 0.25f, 0.5f, 2 };
static const int8_t bytes[] = { 3, -3, 1, 127, 2, -127 };

/* Weights of two rows, a scale for each column, which is an output. */
static void weights_that_are_transposed_keep_their_scales(void **state)
{
	struct ow w = begin(13);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(5, 2));
	ow_tensor(&w, 5, "q", 3, OW_DIMS(2, 3), bytes, sizeof(bytes));
	ow_tensor(&w, 5, "s", 1, OW_DIMS(3), scales, sizeof(scales));
	ow_node(&w, "DequantizeLinear", "dq", OW_NAMES("q", "s"), "w");
	ow_attr_int(&w, "axis", 1);
	ow_end(&w);
	ow_node(&w, "MatMul", "fc", OW_NAMES("x", "w"), "y");
	ow_end(&w);
	g = import(&w);

	assert_true(fx_node_is(last(g), "linear"));
	assert_shape(fx_node_in(last(g), 1), OW_DIMS(3, 2));
	assert_scales(fx_node_in(last(g), 1), scales, 3);
	fx_graph_free(g);
}

static const uint8_t zero_u8, middle_u8 = 128;

static void qlinear_conv_keeps_its_scales(void **state)
{
	struct ow w = begin(13);
	struct fx_graph *g;
	struct fx_node *conv;

	ow_value(&w, OW_INPUT, "x", 2, OW_DIMS(1, 1, 2, 2));
	ow_tensor(&w, 5, "q", 2, OW_DIMS(1, 1, 1, 1), bytes, 1);
	ow_tensor(&w, 5, "s", 1, OW_DIMS(), scales, 4);
	ow_tensor(&w, 5, "z", 2, OW_DIMS(), &zero_u8, 1);
	ow_tensor(&w, 5, "m", 2, OW_DIMS(), &middle_u8, 1);
	ow_node(&w, "QLinearConv", "conv",
		OW_NAMES("x", "s", "z", "q", "s", "m", "s", "z"), "y");
	ow_end(&w);
	g = import(&w);

	assert_true(fx_node_is(last(g), "quantize_linear"));
	conv = fx_node_in(last(g), 0);
	assert_true(fx_node_is(conv, "conv2d"));
	assert_scales(fx_node_in(conv, 1), scales, 1);
	fx_graph_free(g);
}

static void import_conv(const char *mode, const int64_t *want)
{
	static const int64_t two[] = { 2, 2 };
	struct ow w = begin(13);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(1, 1, 6, 7));
	ow_tensor(&w, 5, "w", 1, OW_DIMS(2, 1, 3, 3), ones, 18 * 4);
	ow_node(&w, "Conv", "conv", OW_NAMES("x", "w"), "y");
	ow_attr_str(&w, "auto_pad", mode);
	ow_attr_ints(&w, "strides", two, 2);
	ow_end(&w);
	g = import(&w);

	assert_true(fx_node_is(last(g), "conv2d"));
	assert_ints(last(g), "padding", want, 4);
	assert_ints(last(g), "stride", two, 2);
	fx_graph_free(g);
}

/* 6 → 3 takes one more row, 7 → 4 two more columns. */
static void automatic_padding_becomes_numbers(void **state)
{
	import_conv("SAME_UPPER", (const int64_t[]){ 0, 1, 1, 1 });
	import_conv("SAME_LOWER", (const int64_t[]){ 1, 1, 0, 1 });
	import_conv("VALID", (const int64_t[]){ 0, 0, 0, 0 });
}

static void bounds_of_a_clip_are_kwargs_in_any_opset(void **state)
{
	static const float bounds[] = { 0, 6 };
	struct ow w = begin(6);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_node(&w, "Clip", "c", OW_NAMES("x"), "y");
	ow_attr_float(&w, "min", 0);
	ow_attr_float(&w, "max", 6);
	ow_end(&w);
	g = import(&w);
	assert_true(fx_node_is(last(g), "clamp"));
	assert_true(fx_node_float(last(g), "max", 0) == 6);
	fx_graph_free(g);

	w = begin(13);
	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_tensor(&w, 5, "max", 1, NULL, 0, &bounds[1], 4);
	ow_node(&w, "Clip", "c", OW_NAMES("x", "", "max"), "y");
	ow_end(&w);
	g = import(&w);
	assert_true(fx_node_is(last(g), "clamp"));
	assert_int_equal(last(g)->n_args, 1);
	assert_null(fx_node_kwarg(last(g), "min"));
	assert_true(fx_node_float(last(g), "max", 0) == 6);
	fx_graph_free(g);
}

static void an_initializer_nobody_uses_is_left_out(void **state)
{
	struct ow w = begin(13);
	struct fx_graph *g;
	int n = 0;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_value(&w, OW_INPUT, "w", 1, OW_DIMS(4));
	ow_tensor(&w, 5, "w", 1, OW_DIMS(4), ones, 16);
	ow_tensor(&w, 5, "v", 1, OW_DIMS(4), ones, 16);
	ow_node(&w, "Add", "sum", OW_NAMES("x", "w"), "y");
	ow_end(&w);
	g = import(&w);
	fx_for_each_node(node, g)
		n++;
	/* x, w (an input with a value is a constant), add, output */
	assert_int_equal(n, 4);
	fx_graph_free(g);
}

static void names_of_outputs_are_kept(void **state)
{
	struct ow w = begin(13);
	struct fx_graph *g;

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_node(&w, "Relu", "r", OW_NAMES("x"), "y");
	ow_end(&w);
	ow_value(&w, OW_OUTPUT, "x", 1, NULL, -1);
	g = import(&w);
	assert_string_equal(fx_graph_output(g)->source, "x,y");
	fx_graph_free(g);
}

/* A model with the open input x [n, 3, n]. */
static struct ow open_model(void)
{
	struct ow w = begin(13);

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(-1, 3, -1));
	ow_node(&w, "Relu", "r", OW_NAMES("x"), "y");
	ow_end(&w);
	ow_value(&w, OW_OUTPUT, "y", 1, NULL, -1);
	ow_end(&w);
	return w;
}

static void an_open_dimension_asks_for_the_flag(void **state)
{
	struct ow w = open_model();
	struct fx_graph *g;
	char error[512];

	assert_int_equal(import_with(&w, NULL, &g, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "--shape x=1x3x<n>"));
	free(w.data);
}

static void a_binding_gives_the_shape(void **state)
{
	struct fx_import_options o = { .n_shapes = 1 };
	struct fx_shape_binding b;
	struct ow w = open_model();
	struct fx_graph *g;
	char error[512];

	assert_int_equal(fx_parse_shape("x=2x3x5", &b, NULL, 0), 0);
	o.shapes = &b;
	assert_int_equal(import_with(&w, &o, &g, error, sizeof(error)), 0);
	assert_shape(last(g), OW_DIMS(2, 3, 5));
	fx_graph_free(g);

	assert_int_equal(fx_parse_shape("2x4x5", &b, NULL, 0), 0);
	assert_int_equal(import_with(&w, &o, &g, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "dimension 1 of input 'x' is 3"));

	assert_int_equal(fx_parse_shape("z=2x3x5", &b, NULL, 0), 0);
	assert_int_equal(import_with(&w, &o, &g, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "no such input"));
	free(w.data);
}

static void an_open_batch_alone_has_a_default(void **state)
{
	const struct fx_import_options o = { .default_batch = 1 };
	struct ow w = begin(13), open = open_model();
	struct fx_graph *g;
	char error[512];

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(-1, 3));
	ow_node(&w, "Relu", "r", OW_NAMES("x"), "y");
	ow_end(&w);
	ow_value(&w, OW_OUTPUT, "y", 1, NULL, -1);
	ow_end(&w);
	assert_int_equal(import_with(&w, &o, &g, error, sizeof(error)), 0);
	assert_shape(last(g), OW_DIMS(1, 3));
	fx_graph_free(g);
	free(w.data);

	assert_int_equal(import_with(&open, &o, &g, error, sizeof(error)),
			 -EINVAL);
	free(open.data);
}

static void shapes_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "x=", "1x0x3", "x=1x", "x=1,3", "x=ax3", "x=-1x3", "1xx3",
		"1x1x1x1x1x1x1x1x1", "x=99999999999999999999",
	};
	struct fx_shape_binding b = { .rank = 77 };
	char error[512];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(fx_parse_shape(bad[i], &b, error,
						sizeof(error)), -EINVAL);
		assert_non_null(strstr(error, "1x3x224x224"));
	}
	assert_int_equal(b.rank, 77);
}

static void refuse_op(const char *op, const char *sentence)
{
	struct ow w = begin(16);

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_node(&w, op, "here", OW_NAMES("x"), "y");
	ow_end(&w);
	refuse(&w, -ENOTSUP, sentence);
}

static void what_is_not_supported_names_operator_node_and_remedy(void **state)
{
	refuse_op("If", "node 'here' (If): control flow is not supported; unroll it when exporting, or cut the model there");
	refuse_op("LSTM", "node 'here' (LSTM): recurrent layers");
	refuse_op("SequenceAt", "node 'here' (SequenceAt): sequences");
	refuse_op("Fancy", "node 'here' (Fancy): fxq does not have this operator; wrap it or cut the model there");
	refuse_op("Upsample", "node 'here' (Upsample): fxq does not have this operator as opset 16 defines it");
}

static void types_without_kernels_are_refused(void **state)
{
	struct ow w = begin(13);

	ow_value(&w, OW_INPUT, "x", 10, OW_DIMS(4));
	ow_node(&w, "Relu", "r", OW_NAMES("x"), "y");
	ow_end(&w);
	refuse(&w, -ENOTSUP, "input 'x' is float16, which fxq does not have; convert the model to float32");
}

static void a_shape_that_only_a_run_knows_is_refused(void **state)
{
	struct ow w = begin(13);

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_node(&w, "NonZero", "where", OW_NAMES("x"), "y");
	ow_end(&w);
	refuse(&w, -ENOTSUP, "node 'where' (NonZero): how many elements are not zero is known only when the model runs");
}

static void an_opset_of_the_future_is_refused(void **state)
{
	struct ow w = begin(23);

	ow_value(&w, OW_INPUT, "x", 1, OW_DIMS(4));
	ow_node(&w, "Relu", "r", OW_NAMES("x"), "y");
	ow_end(&w);
	refuse(&w, -ENOTSUP, "the model is of opset 23, the newest that fxq knows is 22; export it with that opset");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constant_shape_becomes_a_kwarg),
		cmocka_unit_test(what_depends_on_a_shape_is_computed),
		cmocka_unit_test(gemm_with_constant_weights_is_a_linear_layer),
		cmocka_unit_test(weights_that_are_transposed_keep_their_scales),
		cmocka_unit_test(qlinear_conv_keeps_its_scales),
		cmocka_unit_test(automatic_padding_becomes_numbers),
		cmocka_unit_test(bounds_of_a_clip_are_kwargs_in_any_opset),
		cmocka_unit_test(an_initializer_nobody_uses_is_left_out),
		cmocka_unit_test(names_of_outputs_are_kept),
		cmocka_unit_test(an_open_dimension_asks_for_the_flag),
		cmocka_unit_test(a_binding_gives_the_shape),
		cmocka_unit_test(an_open_batch_alone_has_a_default),
		cmocka_unit_test(shapes_that_are_none_are_refused),
		cmocka_unit_test(what_is_not_supported_names_operator_node_and_remedy),
		cmocka_unit_test(types_without_kernels_are_refused),
		cmocka_unit_test(an_opset_of_the_future_is_refused),
		cmocka_unit_test(a_shape_that_only_a_run_knows_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
