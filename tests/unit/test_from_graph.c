// SPDX-License-Identifier: MIT
/*
 * test_from_graph.c - an imported graph goes through the verbs
 *
 * The trained networks of the examples, and one with every way in which an
 * operator becomes part of a model: the model has the graph's bits, is prepared
 * and converted, and what comes of it runs on the embedded machine with the bits
 * of the CPU.
 */
#include "from_graph_kit.h"

static struct fx_graph *import(const char *path)
{
	struct fx_import_options options = { .default_batch = 1 };
	char error[FXQ_ERROR_MAX];
	struct fx_graph *g;

	if (fx_import_onnx(path, &options, &g, error, sizeof(error)))
		fail_msg("%s", error);
	return g;
}

static void a_trained_network_is_all_integers(void **state)
{
	go_through_the_verbs(import(MODELS "/fmnist_res.onnx"), "fmnist_res",
			     20, 1, 1, BORDERS);
}

static void one_with_clamps_is_too(void **state)
{
	go_through_the_verbs(import(MODELS "/fmnist_mb.onnx"), "fmnist_mb",
			     15, 1, 1, BORDERS);
}

static void layers_are_called_as_the_model_does(void **state)
{
	struct fx_graph *g = import(MODELS "/fmnist_res.onnx");
	struct fx_module *m = model_of(g);
	struct fx_module *conv = fx_module_at(m, "0_0_0_Conv");

	assert_non_null(conv);
	assert_string_equal(conv->class->name, "Conv2d");
	assert_non_null(fx_module_tensor(m, "6_Gemm.weight"));
	fx_for_each_node(n, m->graph)
		assert_int_not_equal(n->opcode, FX_GET_ATTR);
	fx_graph_free(g);		/* the model needs it no more */
	assert_string_equal(fx_module_at(m, "1_a_a_2_Relu")->class->name,
			    "ReLU");
	fx_module_put(m);
}

static struct fx_graph *mixed(void)
{
	struct fx_node *x, *y, *parts;
	struct fx_graph *g = graph_of(1, &x);
	struct fx_node *b = floats(g, "b", FX_DIMS(4), 0.2f);

	x = conv(g, x, 1);
	x = fx_graph_call(g, "batch_norm", IN(x, b, b, b, b),
			  WITH({ "eps", fx_arg_float(1e-3) }));
	y = fx_graph_call(g, "prelu", IN(x, floats(g, "s", FX_DIMS(4, 1, 1),
						   -0.5f)), NULL, 0);
	/* A kernel without bias, and an addition with the number first. */
	x = fx_graph_call(g, "add", IN(floats(g, "half", FX_DIMS(), 0.5f),
				       conv(g, y, 1)), NULL, 0);
	parts = fx_graph_call(g, "split", IN(x),
			      WITH({ "dim", fx_arg_int(1) },
				   { "n_out", fx_arg_int(2) }));
	x = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(1) }));
	y = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(0) }));
	x = fx_graph_call(g, "concat", IN(x, y), WITH({ "dim", fx_arg_int(1) }));
	x = conv(g, x, 2);
	x = fx_graph_call(g, "elu", IN(x), NULL, 0);
	x = fx_graph_call(g, "reshape", IN(x),
			  WITH({ "shape", INTS(g, 1, 4, -1) }));
	x = fx_graph_call(g, "permute", IN(x), WITH({ "dims", INTS(g, 0, 2, 1) }));
	x = fx_graph_call(g, "linear", IN(x, floats(g, "fc", FX_DIMS(3, 4), -0.4f),
					  floats(g, "fb", FX_DIMS(3), -0.1f)),
			  NULL, 0);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void what_no_module_does_stays_an_operator(void **state)
{
	static const char *const targets[] = {
		"conv2d", "batch_norm", "prelu", "conv2d_1", "add", "fxq.split",
		"getitem", "getitem", "cat", "conv2d_2", "fxq.elu", "view",
		"permute", "linear",
	};
	struct fx_graph *g = mixed();
	struct fx_module *m = model_of(g);
	size_t i = 0;

	fx_for_each_node(n, m->graph)
		if (n->opcode != FX_PLACEHOLDER && n->opcode != FX_OUTPUT)
			assert_string_equal(n->target, targets[i++]);
	assert_int_equal(i, sizeof(targets) / sizeof(*targets));
	assert_computes(g, m);
	fx_module_put(m);
	fx_graph_free(g);
}

/* As compile leaves it: nobody who has but the file is to say so. */
static void what_is_too_long_for_integers_stays_float(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = fx_graph_call(g, "resize", IN(conv(g, x, 1)),
			  WITH({ "sizes", INTS(g, 1, 4, 36, 36) },
			       { "mode", fx_arg_str("nearest") }));
	x = fx_graph_call(g, "reshape", IN(x),
			  WITH({ "shape", INTS(g, 1, 4 * 36 * 36) }));
	x = fx_graph_call(g, "softmax", IN(x), WITH({ "dim", fx_arg_int(1) }));
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	go_through_the_verbs(g, "long", 20, 1, 1, BORDERS + 1);
}

/* Two lists of floats beside one another, which no function has. */
static void an_operator_keeps_all_its_numbers(void **state)
{
	static const double roi[] = { 0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9 };
	static const double scales[] = { 1, 1, 1.5, 2 };
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);
	struct fx_module *m;

	x = fx_graph_call(g, "resize", IN(x), WITH(
		{ "coordinate_transformation_mode",
		  fx_arg_str("tf_crop_and_resize") },
		{ "mode", fx_arg_str("linear") },
		{ "roi", fx_arg_floats(g, roi, 8) },
		{ "scales", fx_arg_floats(g, scales, 4) }));
	fx_graph_set_output(g, &x, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	m = model_of(g);
	assert_int_equal(count_calls(m, "fxq.resize"), 1);
	assert_computes(g, m);
	fx_module_put(m);
	fx_graph_free(g);
}

static void operators_stay_float_between_integers(void **state)
{
	go_through_the_verbs(mixed(), "mixed", 20, 3, 3, 0);
}

/* Nothing is left to observe, so nothing runs before it is converted. */
static void scales_that_a_graph_brings_are_kept(void **state)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_graph *g = quantized();
	struct fx_module *m = model_of(g), *prepared, *gm;
	fxv x = input_of(g, 3), y;
	struct fxq_tensor wanted;
	size_t differ = 0;

	prepared = prepare_calibration_fx(m,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	gm = convert_fx(prepared);
	y = call(gm, x);
	if (fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(g));
	/* Steps of the last scale, at most one beside the graph's own. */
	for (int64_t i = 0; i < fxq_tensor_count(&wanted); i++) {
		float a = ((float *)wanted.data)[i] * 8;
		float b = ((float *)fx_data(y)->data)[i] * 8;

		assert_true(b == rintf(b));
		assert_true(fabsf(a - b) <= 1);
		differ += a != b;
	}
	print_message("%zu of %lld differ by a step\n", differ,
		      (long long)fxq_tensor_count(&wanted));
	assert_true(differ < 20);
	assert_int_equal(count_calls(gm, "quantize_per_tensor"), 1);
	assert_int_equal(count_calls(gm, "dequantize"), 1);
	assert_device(gm, x, y, BORDERS);
	fxq_tensor_free(&wanted);
	fx_release(y);
	fx_release(x);
	fx_qconfig_put(&qconfig);
	fx_module_put(gm);
	fx_module_put(prepared);
	fx_module_put(m);
	fx_graph_free(g);
}

static void assert_refused(struct fx_graph *g, const char *sentence)
{
	struct fx_module *m = fx_module_of_graph(g);
	fxv y = fx_call(m, fx_none);

	assert_string_equal(m->error, sentence);
	assert_non_null(strstr(fx_error(y), sentence));
	fx_drop(y);
	fx_module_put(m);
	fx_graph_free(g);
}

static void what_a_model_cannot_be_is_refused(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(5, &x);

	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "the graph has 5 inputs; a module made of a graph has at most 4");

	g = graph_of(1, &x);
	x = fx_graph_call(g, "split", IN(x), WITH({ "n_out", fx_arg_int(6) }));
	x = fx_graph_call(g, "getitem", IN(x), WITH({ "index", fx_arg_int(5) }));
	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "split: split has 1 tensors, 1 parameters and 6 results; a module's call has at most 64, 16 and 4");

	g = graph_of(1, &x);
	x = fx_graph_call(g, "reshape", IN(x), WITH({ "shape", {
		.kind = FX_ARG_LIST, .count = 2, .items = (struct fx_arg[]){
			fx_arg_int(-1), fx_arg_float(4) } } }));
	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "reshape: 'shape' is no list of integers or of floats");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trained_network_is_all_integers),
		cmocka_unit_test(one_with_clamps_is_too),
		cmocka_unit_test(layers_are_called_as_the_model_does),
		cmocka_unit_test(what_no_module_does_stays_an_operator),
		cmocka_unit_test(what_is_too_long_for_integers_stays_float),
		cmocka_unit_test(an_operator_keeps_all_its_numbers),
		cmocka_unit_test(operators_stay_float_between_integers),
		cmocka_unit_test(scales_that_a_graph_brings_are_kept),
		cmocka_unit_test(what_a_model_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
