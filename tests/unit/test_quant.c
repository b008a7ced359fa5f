// SPDX-License-Identifier: MIT
/*
 * test_quant.c - scales, weights and the conversion of a graph
 *
 * Answers come from torch 1.13 (tests/golden/quant), or follow from the
 * arithmetic in a line that stands beside the test.
 */
#include <float.h>
#include <unistd.h>

#include "quant_kit.h"

/* conv 1x1 with one channel: weight @w, bias @b. */
static struct fx_graph *one_weight(float w, float b, struct fx_node **ret)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *in[3] = { input(g, 1, 2) };

	in[1] = constant(g, "w", 4, (int64_t[]){ 1, 1, 1, 1 }, &w);
	in[2] = constant(g, "b", 1, (int64_t[]){ 1 }, &b);
	*ret = fx_graph_call(g, "conv2d", in, 3, NULL, 0);
	fx_graph_set_output(g, ret, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	return g;
}

static void a_dead_channel_gets_a_scale_that_holds_its_bias(void **state)
{
	struct range r = { 0, 1 };
	struct layer_weights w;
	struct fx_node *conv;
	struct fx_graph *g = one_weight(0, 4.0f, &conv);

	/* 4 / (1e-3 * FLT_EPSILON) would be 3.4e10, beyond 32 bits. */
	assert_int_equal(quantize_layer(g, conv, 1e-3f, 0.1f, &r, false, &w), 0);
	assert_true(w.scale[0] > FLT_EPSILON);
	assert_float_equal((double)w.bias[0] * 1e-3 * (double)w.scale[0], 4,
			   1e-6);
	fx_graph_free(g);
}

static void a_bias_that_cannot_fit_is_refused_by_name(void **state)
{
	struct range r = { 0, 1000 };
	struct layer_weights w;
	struct fx_node *conv;
	struct fx_graph *g = one_weight(1e-6f, 1e6f, &conv);

	/* The least scale that holds the bias rounds the weight to zero. */
	assert_int_equal(quantize_layer(g, conv, 1e-3f, 1e-6f, &r, false, &w),
			 -ERANGE);
	assert_non_null(strstr(fx_graph_error(g), "conv2d"));
	assert_non_null(strstr(fx_graph_error(g), "channel 0"));
	fx_graph_free(g);
}

/* conv, batch norm, x * relu6(x + 3) / 6. */
static struct fx_graph *block(void)
{
	static float w[4 * 2 * 9], ones[4] = { 1, 2, 0.5f, 1 };
	static float mean[4] = { 0.1f, -0.2f, 0, 0.3f };
	const float three = 3, six = 6;
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 2, 5), *c, *a;
	struct fx_node *in[5] = { x };

	gen(w, 72, 7, 0.25f);
	in[1] = constant(g, "w", 4, (int64_t[]){ 4, 2, 3, 3 }, w);
	c = fx_graph_call(g, "conv2d", in, 2, NULL, 0);
	in[0] = c;
	in[1] = constant(g, "gamma", 1, (int64_t[]){ 4 }, ones);
	in[2] = constant(g, "beta", 1, (int64_t[]){ 4 }, mean);
	in[3] = constant(g, "mean", 1, (int64_t[]){ 4 }, mean);
	in[4] = constant(g, "var", 1, (int64_t[]){ 4 }, ones);
	c = fx_graph_call(g, "batch_norm", in, 5, NULL, 0);
	in[0] = c;
	in[1] = constant(g, "three", 0, NULL, &three);
	a = fx_graph_call(g, "add", in, 2, NULL, 0);
	in[0] = fx_graph_call(g, "relu6", &a, 1, NULL, 0);
	in[1] = c;
	in[0] = fx_graph_call(g, "mul", in, 2, NULL, 0);
	in[1] = constant(g, "six", 0, NULL, &six);
	in[0] = fx_graph_call(g, "div", in, 2, NULL, 0);
	in[0] = fx_graph_call(g, "global_avg_pool", in, 1, NULL, 0);
	fx_graph_set_output(g, in, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	return g;
}

static void fusing_keeps_the_values(void **state)
{
	struct fx_graph *g = block(), *fused = fx_graph_copy(g);
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, 2, 5, 5 });
	struct fxq_tensor want, got;

	assert_int_equal(fx_fuse(fused), 0);
	assert_int_equal(count(fused, "batch_norm"), 0);
	assert_int_equal(count(fused, "conv2d"), 1);
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, 50, 3, 1);
	run(g, &x, &want);
	run(fused, &x, &got);
	/* Folding reorders fp32 products: a few units in the last place. */
	for (int i = 0; i < 4; i++)
		assert_float_equal(((float *)got.data)[i],
				   ((float *)want.data)[i], 1e-5);
	fxq_tensor_free(&x);
	fxq_tensor_free(&want);
	fxq_tensor_free(&got);
	fx_graph_free(g);
	fx_graph_free(fused);
}

static void a_spelled_out_activation_becomes_the_layers_table(void **state)
{
	struct fx_qconfig config = { 0 };
	struct fx_graph *g = block(), *q;
	struct fx_calibration *cal;
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, 2, 5, 5 });
	struct fxq_tensor want, got;

	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, 50, 3, 1);
	assert_int_equal(fx_calibration_feed(cal, &x, 1, 1), 0);
	assert_int_equal(fx_calibration_batches(cal), 1);
	assert_int_equal(fx_convert(g, cal, &config, &q), 0);
	assert_int_equal(count(q, "qconv2d"), 1);
	assert_int_equal(count(q, "qlut"), 0);
	assert_int_equal(count(q, "mul"), 0);
	fx_for_each_node(n, q) {
		if (fx_node_is(n, "qconv2d"))
			assert_non_null(fx_node_in(n, 6));
	}
	run(g, &x, &want);
	run(q, &x, &got);
	/* Two roundings to 8 bits of values below 4: within a few steps. */
	for (int i = 0; i < 4; i++)
		assert_float_equal(((float *)got.data)[i],
				   ((float *)want.data)[i], 0.05);
	fxq_tensor_free(&x);
	fxq_tensor_free(&want);
	fxq_tensor_free(&got);
	fx_calibration_free(cal);
	fx_graph_free(q);
	fx_graph_free(g);
}

static struct fx_node *pair(struct fx_graph *g, const char *op,
			    struct fx_node *a, struct fx_node *b)
{
	return fx_graph_call(g, op, (struct fx_node *[]){ a, b }, 2, NULL, 0);
}

/* Both give the same of @in but for @off; they and @in are freed. */
static void expect_close(struct fx_graph *g, struct fx_graph *q,
			 struct fxq_tensor *in, float off)
{
	struct fxq_tensor want, got;

	run(g, in, &want);
	run(q, in, &got);
	assert_int_equal(fxq_tensor_count(&got), fxq_tensor_count(&want));
	for (int64_t i = 0; i < fxq_tensor_count(&want); i++)
		assert_float_equal(((float *)got.data)[i],
				   ((float *)want.data)[i], off);
	fxq_tensor_free(in);
	fxq_tensor_free(&want);
	fxq_tensor_free(&got);
	fx_graph_free(q);
	fx_graph_free(g);
}

/*
 * Scores of queries and keys that a number scales and positions shift:
 * (x @ x') / 4 - p, as integers within a step or so of float.
 */
static void constants_and_scales_become_integers(void **state)
{
	static float p[25];
	const float four = 4, minus = -1;
	struct fx_graph *g = fx_graph_new(), *q;
	struct fx_node *x = input(g, 1, 5), *k, *y;
	struct fx_kwarg order = { "dims", fx_arg_ints(g,
				  (int64_t[]){ 0, 1, 3, 2 }, 4) };
	struct fxq_tensor in = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					       (int64_t[]){ 1, 1, 5, 5 });

	gen(p, 25, 11, 1);
	k = fx_graph_call(g, "permute", &x, 1, &order, 1);
	y = pair(g, "matmul", x, k);
	y = pair(g, "div", y, constant(g, "four", 0, NULL, &four));
	y = pair(g, "sub", constant(g, "p", 2, (int64_t[]){ 5, 5 }, p), y);
	y = pair(g, "mul", y, constant(g, "minus", 0, NULL, &minus));
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fxq_tensor_alloc(&in), 0);
	gen(in.data, 25, 4, 1);
	q = converted(g, &in);
	assert_int_equal(count(q, "qscale"), 1);
	assert_int_equal(count(q, "qsub"), 1);
	assert_int_equal(count(q, "qlut"), 1);	/* -1 is no scale */
	expect_close(g, q, &in, 0.06);
}

/* The largest value that @g's x is taken to have, of one lonely 100. */
static float largest_of(const struct fx_qconfig *config, bool with_norm)
{
	static float x[10000];
	struct fx_graph *g = fx_graph_new();
	struct fx_node *n = input(g, 1, 100), *y;
	struct fxq_tensor in = n->out[0];
	struct fx_calibration *cal;
	struct range r;

	gen(x, 10000, 5, 1);
	x[17] = 100;
	in.data = x;
	y = fx_graph_call(g, with_norm ? "layer_norm" : "relu", &n, 1, NULL, 0);
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, &in, 1, 1), 0);
	assert_int_equal(calibration_range(cal, n, &r), 0);
	fx_calibration_free(cal);
	fx_graph_free(g);
	return r.max;
}

static void attention_has_lonely_values_cut_off(void **state)
{
	const struct fx_qconfig tuned = { .tune = true }, plain = { 0 };
	const struct fx_qconfig asked = { .observer = FX_OBSERVER_MIN_MAX,
					  .tune = true };

	assert_true(largest_of(&tuned, true) < 100);
	assert_float_equal(largest_of(&tuned, false), 100, 0);
	assert_float_equal(largest_of(&plain, true), 100, 0);
	assert_float_equal(largest_of(&asked, true), 100, 0);
}

/* What is joined has one scale: there a number makes a table. */
static void a_scale_that_is_settled_is_kept(void **state)
{
	const float part = 0.01f;
	struct fx_graph *g = fx_graph_new(), *q;
	struct fx_node *x = input(g, 1, 5), *y;
	struct fx_kwarg dim = { "dim", fx_arg_int(1) };
	struct fxq_tensor in = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					       (int64_t[]){ 1, 1, 5, 5 });

	y = pair(g, "matmul", x, x);
	y = pair(g, "mul", y, constant(g, "part", 0, NULL, &part));
	y = fx_graph_call(g, "concat", (struct fx_node *[]){ x, y }, 2, &dim,
			  1);
	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fxq_tensor_alloc(&in), 0);
	gen(in.data, 25, 4, 1);
	q = converted(g, &in);
	assert_int_equal(count(q, "qscale"), 0);
	assert_int_equal(count(q, "qlut"), 1);
	expect_close(g, q, &in, 0.06);
}

/*
 * Weights are 3 and -128 quarters, and say so; fxq's own would not reach -128.
 * The sum is in units of an eighth about 10 - 128.
 */
static void scales_that_the_model_brings_are_kept(void **state)
{
	static float w[4] = { 0.75f, 0.75f, 0.75f, -32 };
	const double quarter = 0.25;
	struct fx_qconfig config = { 0 };
	struct fx_graph *g = fx_graph_new(), *q;
	struct fx_calibration *cal;
	struct fx_node *x = input(g, 1, 2), *in[2];
	const struct fx_node *conv = NULL;

	in[0] = rounded(g, x, 0.5f, 128, 0.5f);
	in[1] = constant(g, "w", 4, (int64_t[]){ 1, 1, 2, 2 }, w);
	fx_node_set_kwarg(in[1], "scale", fx_arg_floats(g, &quarter, 1));
	in[0] = fx_graph_call(g, "conv2d", in, 2, NULL, 0);
	in[0] = rounded(g, in[0], 0.125f, 10, 0.125f);
	fx_graph_set_output(g, in, 1);
	assert_int_equal(fx_fuse(g), 0);
	assert_true(fx_scales_given(g));
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fx_convert(g, cal, &config, &q), 0);
	fx_for_each_node(n, q)
		conv = fx_node_is(n, "qconv2d") ? n : conv;
	assert_non_null(conv);
	assert_float_equal(conv->out[0].scale, 0.125f, 0);
	assert_int_equal(conv->out[0].zero_point, 10 - 128);
	assert_int_equal(((int8_t *)fx_node_in(conv, 1)->out[0].data)[0], 3);
	assert_int_equal(((int8_t *)fx_node_in(conv, 1)->out[0].data)[3], -128);
	assert_float_equal(fx_node_in(conv, 0)->out[0].scale, 0.5f, 0);
	fx_calibration_free(cal);
	fx_graph_free(q);
	fx_graph_free(g);
}

/* Rounded with one scale and read with another: that is a function, and stays. */
static void a_pair_that_does_not_agree_stays(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *y = rounded(g, input(g, 1, 2), 0.5f, 128, 0.25f);

	fx_graph_set_output(g, &y, 1);
	assert_int_equal(fx_fuse(g), 0);
	assert_false(fx_scales_given(g));
	assert_int_equal(count(g, "dequantize_linear"), 1);
	fx_graph_free(g);
}

static void a_value_never_seen_is_refused_by_name(void **state)
{
	struct fx_qconfig config = { 0 };
	struct fx_graph *g = block(), *q = NULL;
	struct fx_calibration *cal;

	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_true(fx_convert(g, cal, &config, &q) < 0);
	assert_null(q);
	assert_non_null(strstr(fx_graph_error(g), "calibrate"));
	fx_calibration_free(cal);
	fx_graph_free(g);
}

static void saved_scales_give_the_same_graph(void **state)
{
	struct fx_qconfig config = { 0 };
	struct fx_graph *g = block(), *a, *b;
	struct fx_calibration *cal, *again;
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, 2, 5, 5 });
	struct fxq_tensor ya, yb;
	char path[] = "/tmp/fxq-scales-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, 50, 3, 1);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, &x, 1, 1), 0);
	assert_int_equal(fx_calibration_save(cal, path), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &again), 0);
	assert_int_equal(fx_calibration_load(again, path), 0);
	assert_int_equal(fx_convert(g, cal, &config, &a), 0);
	assert_int_equal(fx_convert(g, again, &config, &b), 0);
	run(a, &x, &ya);
	run(b, &x, &yb);
	assert_memory_equal(ya.data, yb.data, 4 * sizeof(float));
	unlink(path);
	close(fd);
	fxq_tensor_free(&x);
	fxq_tensor_free(&ya);
	fxq_tensor_free(&yb);
	fx_calibration_free(cal);
	fx_calibration_free(again);
	fx_graph_free(a);
	fx_graph_free(b);
	fx_graph_free(g);
}

/* 33100 products of -255 and -255 are 2152327500: less 2^32, -2142639796. */
static void a_long_matrix_product_wraps_as_the_machines(void **state)
{
	enum { K = 33100 };
	static int8_t x[K];
	const struct fxq_attr attrs[] = {
		{ .name = "m", .type = FXQ_ATTR_FLOAT, .f = 0x1p-24 },
		{ .name = "scale", .type = FXQ_ATTR_FLOAT, .f = 1 },
	};
	struct fxq_tensor in[2], out;
	struct fxq_call call = { .n_in = 2, .n_out = 1, .in = in, .out = &out,
				 .n_attrs = 2, .attrs = attrs };
	int8_t y = 0;

	memset(x, -128, sizeof(x));
	in[0] = fxq_tensor_type(FXQ_DTYPE_I8, 2, (int64_t[]){ 1, K });
	in[1] = fxq_tensor_type(FXQ_DTYPE_I8, 2, (int64_t[]){ K, 1 });
	in[0].zero_point = in[1].zero_point = 127;
	in[0].data = in[1].data = x;
	assert_int_equal(infer_qmatmul(&call), 0);
	out.data = &y;
	assert_int_equal(eval_qmatmul(&call), 0);
	/* -2142639796 / 2^24 is -127.7 */
	assert_int_equal(y, -128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_channel_gets_a_scale_that_holds_its_bias),
		cmocka_unit_test(a_bias_that_cannot_fit_is_refused_by_name),
		cmocka_unit_test(fusing_keeps_the_values),
		cmocka_unit_test(a_spelled_out_activation_becomes_the_layers_table),
		cmocka_unit_test(constants_and_scales_become_integers),
		cmocka_unit_test(attention_has_lonely_values_cut_off),
		cmocka_unit_test(a_scale_that_is_settled_is_kept),
		cmocka_unit_test(scales_that_the_model_brings_are_kept),
		cmocka_unit_test(a_pair_that_does_not_agree_stays),
		cmocka_unit_test(a_value_never_seen_is_refused_by_name),
		cmocka_unit_test(saved_scales_give_the_same_graph),
		cmocka_unit_test(a_long_matrix_product_wraps_as_the_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
