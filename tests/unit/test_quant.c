// SPDX-License-Identifier: MIT
/*
 * test_quant.c - observers, scales, weights and the conversion of a graph
 *
 * Answers come from torch 1.13 (tests/golden/quant), or follow from the
 * arithmetic in a line that stands beside the test.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include <fxq/fxq_arith.h>

#include "quant/quant_priv.h"
#include "quant/reference.h"

/* The generator behind the goldens: s * 1664525 + 1013904223. */
static void gen(float *x, size_t n, uint32_t seed, float scale)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 64 * scale;
	}
}

#define BATCH	(2 * 3 * 4 * 4)

/* The three batches that each golden observer has seen. */
static void golden_batch(int i, bool positive, float *x)
{
	static const float scale[] = { 1, 0.5f, 2 };

	gen(x, BATCH, 10 + (uint32_t)i, scale[i]);
	for (int k = 0; k < BATCH; k++) {
		x[k] += i == 1 ? 0.75f : 0;
		if (positive)
			x[k] = fabsf(x[k]) + 0.1f;
	}
}

static json_t *load(const char *name)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_QUANT, name);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static const char *text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static double first(json_t *o, const char *key)
{
	return json_number_value(json_array_get(json_object_get(o, key), 0));
}

/* Checks every affine int8 golden of @kind; returns how many there were. */
static int check_observer(const char *kind, enum fx_observer observer)
{
	json_t *root = load("observers.json"), *o;
	struct fx_qconfig config = { .observer = observer };
	int found = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "results"), i, o) {
		bool positive = !strcmp(text(o, "data"), "positive");
		struct observer *mine;
		struct qparams q;
		float x[BATCH];

		if (strcmp(text(o, "observer"), kind) ||
		    strcmp(text(o, "dtype"), "torch.qint8") ||
		    strcmp(text(o, "qscheme"), "torch.per_tensor_affine"))
			continue;
		mine = observer_new(&config);
		for (int k = 0; k < 3; k++) {
			golden_batch(k, positive, x);
			observer_feed(mine, x, BATCH);
		}
		q = affine_qparams(observer_range(mine));
		assert_float_equal(q.scale, (float)first(o, "scale"), 0);
		assert_int_equal(q.zero_point, (int)first(o, "zero_point"));
		observer_free(mine);
		found++;
	}
	json_decref(root);
	return found;
}

static void min_max_is_torchs(void **state)
{
	assert_int_equal(check_observer("MinMaxObserver",
					FX_OBSERVER_MIN_MAX), 2);
}

static void histogram_is_torchs(void **state)
{
	assert_int_equal(check_observer("HistogramObserver",
					FX_OBSERVER_HISTOGRAM), 2);
}

static void moving_average_is_torchs(void **state)
{
	assert_int_equal(check_observer("MovingAverageMinMaxObserver",
					FX_OBSERVER_MOVING_AVERAGE), 2);
}

/* Wherever they are among how many values, and whatever is no number. */
static void extremes_are_found_anywhere(void **state)
{
	struct fx_qconfig config = { .observer = FX_OBSERVER_MIN_MAX };
	float x[100];

	for (int n = 2; n <= 100; n++)
		for (int at = 0; at < n; at++) {
			struct observer *o = observer_new(&config);

			for (int i = 0; i < n; i++)
				x[i] = i % 3 ? 0.25f : i % 2 ? NAN : -INFINITY;
			x[at] = -3;
			x[(at + n / 2) % n] = 5;
			observer_feed(o, x, n);
			assert_true(observer_range(o).min == -3);
			assert_true(observer_range(o).max == 5);
			observer_free(o);
		}
}

static void nothing_finite_is_nothing_seen(void **state)
{
	struct fx_qconfig config = { .observer = FX_OBSERVER_MIN_MAX };
	struct observer *o = observer_new(&config);
	float x[40];

	for (int i = 0; i < 40; i++)
		x[i] = i % 2 ? NAN : INFINITY;
	observer_feed(o, x, 40);
	assert_false(observer_seen(o));
	observer_free(o);
}

static void quantizing_rounds_as_torch_does(void **state)
{
	json_t *root = load("rounding.json"), *set;
	int checked = 0;
	size_t i;

	json_array_foreach(root, i, set) {
		json_t *x = json_object_get(set, "x");
		json_t *q = json_object_get(set, "qint8");
		float scale = (float)json_number_value(
			json_object_get(set, "scale"));
		int zero = (int)json_integer_value(json_object_get(set, "zp"));

		for (size_t k = 0; x && q && k < json_array_size(x); k++) {
			float v = (float)json_number_value(json_array_get(x, k));
			int want = (int)json_integer_value(json_array_get(q, k));

			assert_int_equal(fxq_quantize_torch(v, scale, zero),
					 want);
			checked++;
		}
	}
	json_decref(root);
	assert_true(checked > 20);
}

static void a_clamp_comes_before_rounding(void **state)
{
	assert_int_equal(fxq_q(1e30f, 3, -128, 127), 127);
	assert_int_equal(fxq_q(-1e30f, 3, -128, 127), -128);
	assert_int_equal(fxq_q(NAN, 3, -128, 127), -128);
	assert_int_equal(fxq_q(0.5f, 0, -128, 127), 0);
	assert_int_equal(fxq_q(1.5f, 0, -128, 127), 2);
	assert_int_equal(fxq_q(-2.5f, 1, -128, 127), -1);
}

/* 99 % in [-1, 1], one value at 100: the tail is what percentile drops. */
static void percentile_and_mse_drop_a_lonely_tail(void **state)
{
	struct fx_qconfig percentile = { .observer = FX_OBSERVER_PERCENTILE,
					 .percentile = 99 };
	struct fx_qconfig mse = { .observer = FX_OBSERVER_MSE };
	struct observer *p = observer_new(&percentile);
	struct observer *m = observer_new(&mse);
	float x[10000];

	for (int i = 0; i < 10000; i++)
		x[i] = (float)(i % 201 - 100) / 100;
	x[5000] = 100;
	observer_feed(p, x, 10000);
	observer_feed(m, x, 10000);
	assert_true(observer_range(p).max < 1.2f);
	assert_true(observer_range(p).min < -0.95f);
	assert_true(observer_range(m).max <= 100);
	observer_free(p);
	observer_free(m);
}

static void the_histogram_widens_without_losing_count(void **state)
{
	struct fx_qconfig config = { .observer = FX_OBSERVER_PERCENTILE,
				     .percentile = 100 };
	struct observer *o = observer_new(&config);
	float small[2] = { -0.25f, 0.25f }, large[2] = { -3, 700 };

	observer_feed(o, small, 2);
	observer_feed(o, large, 2);
	assert_float_equal(observer_range(o).min, -3, 0.5);
	assert_float_equal(observer_range(o).max, 700, 0.5);
	observer_free(o);
}

static struct fx_node *constant(struct fx_graph *g, const char *name,
				uint32_t rank, const int64_t *dims,
				const float *v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	t.data = (void *)v;
	return fx_graph_constant(g, name, &t);
}

static struct fx_node *input(struct fx_graph *g, int64_t c, int64_t h)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, c, h, h });

	return fx_graph_placeholder(g, "x", &t);
}

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

static int count(struct fx_graph *g, const char *op)
{
	int n = 0;

	fx_for_each_node(node, g)
		n += fx_node_is(node, op);
	return n;
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

static void run(struct fx_graph *g, const struct fxq_tensor *x,
		struct fxq_tensor *y)
{
	struct fx_run options = { .threads = 1 };

	assert_int_equal(fx_graph_run(g, &options, x, 1, y, 1), 0);
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

/* Fuses, calibrates on one batch and converts @g of the inputs @x. */
static struct fx_graph *converted_as(struct fx_graph *g,
				     const struct fxq_tensor *x, size_t n,
				     const struct fx_qconfig *config)
{
	struct fx_calibration *cal;
	struct fx_graph *q;

	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, x, n, 1), 0);
	if (fx_convert(g, cal, config, &q))
		fail_msg("'%s'", fx_graph_error(g));
	fx_calibration_free(cal);
	return q;
}

static struct fx_graph *converted(struct fx_graph *g,
				  const struct fxq_tensor *x)
{
	return converted_as(g, x, 1, &(const struct fx_qconfig){ 0 });
}

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

static struct fx_node *scalar_of(struct fx_graph *g, const char *name,
				 uint32_t dtype, const void *value)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, 0, NULL);

	t.data = (void *)value;
	return fx_graph_constant(g, name, &t);
}

/* @x rounded to uint8 of scale @s about @z, and read with scale @as. */
static struct fx_node *rounded(struct fx_graph *g, struct fx_node *x, float s,
			       uint8_t z, float as)
{
	struct fx_node *in[3] = { x };

	in[1] = scalar_of(g, "s", FXQ_DTYPE_F32, &s);
	in[2] = scalar_of(g, "z", FXQ_DTYPE_U8, &z);
	in[0] = fx_graph_call(g, "quantize_linear", in, 3, NULL, 0);
	in[1] = scalar_of(g, "as", FXQ_DTYPE_F32, &as);
	return fx_graph_call(g, "dequantize_linear", in, 3, NULL, 0);
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
		cmocka_unit_test(min_max_is_torchs),
		cmocka_unit_test(moving_average_is_torchs),
		cmocka_unit_test(histogram_is_torchs),
		cmocka_unit_test(extremes_are_found_anywhere),
		cmocka_unit_test(nothing_finite_is_nothing_seen),
		cmocka_unit_test(quantizing_rounds_as_torch_does),
		cmocka_unit_test(a_clamp_comes_before_rounding),
		cmocka_unit_test(percentile_and_mse_drop_a_lonely_tail),
		cmocka_unit_test(the_histogram_widens_without_losing_count),
		cmocka_unit_test(a_dead_channel_gets_a_scale_that_holds_its_bias),
		cmocka_unit_test(a_bias_that_cannot_fit_is_refused_by_name),
		cmocka_unit_test(fusing_keeps_the_values),
		cmocka_unit_test(ends_may_be_int8),
		cmocka_unit_test(ends_at_the_cpu_are_floats),
		cmocka_unit_test(ends_without_a_scale_are_floats),
		cmocka_unit_test(a_spelled_out_activation_becomes_the_layers_table),
		cmocka_unit_test(constants_and_scales_become_integers),
		cmocka_unit_test(sums_before_a_long_softmax_are_kept),
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
