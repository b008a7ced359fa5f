// SPDX-License-Identifier: MIT
/*
 * test_quant_ends.c - inputs and outputs of a network on integers
 *
 * Floats or int8, as the caller and the model want it.
 */
#include "quant_kit.h"

static const struct fx_qconfig int8_ends = { .int8_ends = true };

/* conv2d of 2 channels to 4. */
static struct fx_graph *one_conv(void)
{
	static float w[4 * 2 * 9];
	struct fx_graph *g = fx_graph_new();
	struct fx_node *in[2] = { input(g, 2, 5) };

	gen(w, 72, 7, 0.25f);
	in[1] = constant(g, "w", 4, (int64_t[]){ 4, 2, 3, 3 }, w);
	in[0] = fx_graph_call(g, "conv2d", in, 2, NULL, 0);
	fx_graph_set_output(g, in, 1);
	return g;
}

/* The border is the caller's: no node stands there, and no sums leave. */
static void ends_may_be_int8(void **state)
{
	struct fxq_tensor x = { .dtype = FXQ_DTYPE_F32, .rank = 4,
				.dims = { 1, 2, 5, 5 } }, x8, y, y8;
	struct fx_graph *g = one_conv(), *q;
	struct fx_node *in;

	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, 50, 3, 1);
	q = converted(g, &x);
	assert_int_equal(count(q, "quantize"), 1);
	assert_int_equal(count(q, "dequantize_channels"), 1);
	fx_graph_free(q);

	q = converted_as(g, &x, 1, &int8_ends);
	assert_int_equal(count(q, "quantize"), 0);
	assert_int_equal(count(q, "dequantize"), 0);
	assert_int_equal(count(q, "dequantize_channels"), 0);
	in = fx_graph_first(q);
	assert_int_equal(in->out[0].dtype, FXQ_DTYPE_I8);

	x8 = in->out[0];
	assert_int_equal(fxq_tensor_alloc(&x8), 0);
	for (int i = 0; i < 50; i++)
		((int8_t *)x8.data)[i] =
			fxq_quantize_torch(((float *)x.data)[i], x8.scale,
					   x8.zero_point);
	run(g, &x, &y);
	run(q, &x8, &y8);
	assert_int_equal(y8.dtype, FXQ_DTYPE_I8);
	for (int i = 0; i < fxq_tensor_count(&y); i++)
		assert_float_equal((((int8_t *)y8.data)[i] - y8.zero_point) *
				   y8.scale, ((float *)y.data)[i],
				   2 * y8.scale);
	fxq_tensor_free(&x);
	fxq_tensor_free(&x8);
	fxq_tensor_free(&y);
	fxq_tensor_free(&y8);
	fx_graph_free(q);
	fx_graph_free(g);
}

/* x of (1, 1, 40, 2) @ w of (2, @columns), and the softmax of that. */
static struct fx_graph *choice_of(int64_t columns)
{
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
						 (int64_t[]){ 1, 1, 40, 2 });
	struct fx_node *in[2] = { fx_graph_placeholder(g, "x", &type) }, *y;
	float *w = calloc((size_t)columns * 2, sizeof(*w));

	assert_non_null(w);
	gen(w, (size_t)columns * 2, 7, 1);
	in[1] = constant(g, "w", 2, (int64_t[]){ columns, 2 }, w);
	free(w);
	y = fx_graph_call(g, "linear", in, 2, NULL, 0);
	y = fx_graph_call(g, "softmax", &y, 1, NULL, 0);
	fx_graph_set_output(g, &y, 1);
	return g;
}

/* The device has no softmax this long: the CPU gets what it makes of it. */
static void sums_before_a_long_softmax_are_kept(void **state)
{
	static float x[80];
	struct fxq_tensor in = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					       (int64_t[]){ 1, 1, 40, 2 });
	const struct {
		int64_t columns;
		int kept;
	} cases[] = { { 4096, 0 }, { 4097, 1 } };

	gen(x, 80, 3, 1);
	in.data = x;
	for (size_t i = 0; i < 4; i++) {
		struct fx_graph *g = choice_of(cases[i % 2].columns), *q;

		/* The ends are elsewhere. */
		q = i < 2 ? converted(g, &in) :
			    converted_as(g, &in, 1, &int8_ends);
		assert_int_equal(count(q, "dequantize_channels"),
				 cases[i % 2].kept);
		fx_graph_free(q);
		fx_graph_free(g);
	}
}

static uint32_t type_of_output(const struct fx_graph *g, size_t i)
{
	return fx_graph_output(g)->args[0].items[i].node->out[0].dtype;
}

/* Nothing rounds an input for the CPU, or for nobody. */
static void ends_at_the_cpu_are_floats(void **state)
{
	static float x[4097];
	struct fxq_tensor in[2] = {
		fxq_tensor_type(FXQ_DTYPE_F32, 2, (int64_t[]){ 1, 4097 }),
		fxq_tensor_type(FXQ_DTYPE_F32, 2, (int64_t[]){ 1, 4097 }),
	};
	struct fx_graph *g = fx_graph_new(), *q;
	struct fx_node *out[3];

	in[0].data = in[1].data = x;
	gen(x, 4097, 3, 1);
	out[2] = fx_graph_placeholder(g, "x", &in[0]);
	out[1] = fx_graph_placeholder(g, "z", &in[1]);
	out[0] = fx_graph_call(g, "softmax", &out[2], 1, NULL, 0);
	out[1] = fx_graph_call(g, "relu", &out[1], 1, NULL, 0);
	fx_graph_set_output(g, out, 2);
	q = converted_as(g, in, 2, &int8_ends);
	assert_int_equal(fx_graph_first(q)->out[0].dtype, FXQ_DTYPE_F32);
	assert_int_equal(fx_graph_first(q)->next->out[0].dtype, FXQ_DTYPE_I8);
	assert_int_equal(type_of_output(q, 0), FXQ_DTYPE_F32);
	assert_int_equal(type_of_output(q, 1), FXQ_DTYPE_I8);
	assert_int_equal(count(q, "dequantize"), 0);
	fx_graph_free(q);
	fx_graph_free(g);
}

/* What has no scale in such a model passes through as it came. */
static void ends_without_a_scale_are_floats(void **state)
{
	struct fx_graph *g = fx_graph_new(), *q;
	struct fx_node *x = input(g, 1, 2), *out[3];
	struct fxq_tensor type = x->out[0];
	struct fx_calibration *cal;

	out[0] = fx_graph_placeholder(g, "z", &type);
	out[1] = rounded(g, x, 0.5f, 128, 0.5f);
	out[1] = fx_graph_call(g, "relu", &out[1], 1, NULL, 0);
	out[1] = rounded(g, out[1], 0.25f, 0, 0.25f);
	out[2] = out[1];
	fx_graph_set_output(g, out, 3);
	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &int8_ends, &cal), 0);
	if (fx_convert(g, cal, &int8_ends, &q))
		fail_msg("'%s'", fx_graph_error(g));
	assert_int_equal(fx_graph_first(q)->out[0].dtype, FXQ_DTYPE_I8);
	assert_int_equal(type_of_output(q, 0), FXQ_DTYPE_F32);
	assert_int_equal(type_of_output(q, 1), FXQ_DTYPE_I8);
	assert_int_equal(type_of_output(q, 2), FXQ_DTYPE_I8);
	fx_calibration_free(cal);
	fx_graph_free(q);
	fx_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_may_be_int8),
		cmocka_unit_test(ends_at_the_cpu_are_floats),
		cmocka_unit_test(ends_without_a_scale_are_floats),
		cmocka_unit_test(sums_before_a_long_softmax_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
