// SPDX-License-Identifier: MIT
/*
 * test_tune.c - the later passes over calibration's data
 *
 * On a network that eight bits hurt: channels of one value differ by a factor
 * of 64, and a layer of many inputs adds them up.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "quant/quant_priv.h"

#define SIDE	12
#define BATCHES	16
#define PIXELS	(3 * SIDE * SIDE)

static void gen(float *x, size_t n, uint32_t seed, float scale)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 64 * scale;
	}
}

static struct fx_node *weights(struct fx_graph *g, const char *name,
			       int64_t oc, int64_t ic, int64_t k, uint32_t seed)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ oc, ic, k, k });
	struct fx_node *n;

	assert_int_equal(fxq_tensor_alloc(&t), 0);
	gen(t.data, (size_t)fxq_tensor_count(&t), seed,
	    1 / sqrtf((float)(ic * k * k)));
	n = fx_graph_constant(g, name, &t);
	fxq_tensor_free(&t);
	return n;
}

static struct fx_node *conv(struct fx_graph *g, struct fx_node *x,
			    struct fx_node *w, int64_t groups)
{
	struct fx_node *in[2] = { x, w };
	struct fx_kwarg k[2] = {
		{ "padding", fx_arg_int(type_of(w)->dims[2] / 2) },
		{ "groups", fx_arg_int(groups) },
	};

	return fx_graph_call(g, "conv2d", in, 2, k, 2);
}

/* Of eight channels, each is four times the one two before. */
static void skew(struct fx_node *w)
{
	float *v = w->out[0].data;
	int64_t per = fxq_tensor_count(type_of(w)) / 8;

	for (int64_t i = 0; i < 8 * per; i++)
		v[i] *= (float)(1 << 2 * (i / per / 2));
}

static struct fx_graph *network(void)
{
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
			(int64_t[]){ 1, 3, SIDE, SIDE });
	struct fx_node *x = fx_graph_placeholder(g, "x", &type), *w;

	w = weights(g, "w1", 8, 3, 3, 1);
	skew(w);
	x = conv(g, x, w, 1);
	x = fx_graph_call(g, "relu", &x, 1, NULL, 0);
	x = conv(g, x, weights(g, "w2", 8, 1, 3, 2), 8);
	x = fx_graph_call(g, "relu", &x, 1, NULL, 0);
	x = conv(g, x, weights(g, "w3", 4, 8, 1, 3), 1);
	fx_graph_set_output(g, &x, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse(g), 0);
	return g;
}

static struct fxq_tensor picture(uint32_t seed)
{
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 4,
			(int64_t[]){ 1, 3, SIDE, SIDE });

	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, PIXELS, seed, 1);
	return x;
}

static void feed(struct fx_calibration *cal)
{
	for (uint32_t i = 0; i < BATCHES; i++) {
		struct fxq_tensor x = picture(100 + i);

		assert_int_equal(fx_calibration_feed(cal, &x, 1, 1), 0);
		fxq_tensor_free(&x);
	}
}

/* @g as integers, tuned with no more than @passes over the data. */
static struct fx_graph *convert_with(struct fx_graph *g,
				     const struct fx_qconfig *config,
				     int passes)
{
	struct fx_calibration *cal;
	struct fx_graph *q = NULL;
	int pass = 0;

	assert_int_equal(fx_calibration_begin(g, config, &cal), 0);
	do {
		assert_int_equal(fx_calibration_batches(cal), 0);
		feed(cal);
	} while (++pass < passes && fx_calibration_tune(cal));
	assert_int_equal(pass, passes);
	assert_int_equal(fx_convert(g, cal, config, &q), 0);
	fx_calibration_free(cal);
	return q;
}

static struct fx_graph *convert(struct fx_graph *g, bool tune)
{
	return convert_with(g, &(struct fx_qconfig){ .tune = tune },
			    tune ? 3 : 1);
}

static struct fxq_tensor run(struct fx_graph *g, uint32_t seed)
{
	struct fx_run options = { .threads = 1 };
	struct fxq_tensor x = picture(seed), y;

	assert_int_equal(fx_graph_run(g, &options, &x, 1, &y, 1), 0);
	fxq_tensor_free(&x);
	return y;
}

/* Noise of @q against @g over pictures that calibration has not seen. */
static double noise(struct fx_graph *g, struct fx_graph *q)
{
	double sum = 0;

	for (uint32_t i = 0; i < 8; i++) {
		struct fxq_tensor a = run(g, 900 + i), b = run(q, 900 + i);
		const float *x = a.data, *y = b.data;

		for (int64_t k = 0; k < fxq_tensor_count(&a); k++)
			sum += ((double)x[k] - (double)y[k]) *
			       ((double)x[k] - (double)y[k]);
		fxq_tensor_free(&a);
		fxq_tensor_free(&b);
	}
	return sum;
}

static void equal_channels_leave_the_function_as_it_is(void **state)
{
	struct fx_graph *g = network(), *before = fx_graph_copy(g), *q;
	double ratio;

	q = convert(g, true);
	/* Factors and their inverses round: some units of 2^-24. */
	ratio = noise(before, g) / noise(before, q);
	assert_true(ratio < 1e-6);
	assert_true(noise(before, g) > 0);	/* they were not all 1 */
	fx_graph_free(q);
	fx_graph_free(before);
	fx_graph_free(g);
}

static void tuning_takes_noise_away(void **state)
{
	struct fx_graph *g = network(), *as_is = network(), *plain, *tuned;

	plain = convert(as_is, false);
	tuned = convert(g, true);
	/* 3 dB is the least that would be worth a second pass. */
	assert_true(noise(as_is, tuned) < noise(as_is, plain) / 2);
	fx_graph_free(plain);
	fx_graph_free(tuned);
	fx_graph_free(as_is);
	fx_graph_free(g);
}

static void the_same_data_tune_the_same_way(void **state)
{
	struct fx_graph *g = network(), *h = network(), *a, *b;

	a = convert(g, true);
	b = convert(h, true);
	for (uint32_t i = 0; i < 4; i++) {
		struct fxq_tensor x = run(a, 500 + i), y = run(b, 500 + i);

		assert_memory_equal(x.data, y.data, fxq_tensor_bytes(&x));
		fxq_tensor_free(&x);
		fxq_tensor_free(&y);
	}
	fx_graph_free(a);
	fx_graph_free(b);
	fx_graph_free(g);
	fx_graph_free(h);
}

/* Of a layer that sees every window, moments are the plain sums over them. */
static void moments_are_those_of_the_windows(void **state)
{
	struct fx_graph *g = network();
	struct fxq_tensor x = picture(7), y;
	struct fx_node *layer = NULL;
	const float *v = x.data;
	struct moments *m;
	double sum = 0, product = 0;

	fx_for_each_node(n, g)
		if (fx_node_is(n, "conv2d") && !layer)
			layer = n;
	y = *type_of(layer);
	m = moments_new(layer, 1);
	assert_non_null(m);
	assert_int_equal(m->taps, 27);
	moments_feed(m, &x);
	/* There are fewer places than windows wanted: each is taken once. */
	assert_int_equal(m->count, y.dims[2] * y.dims[3]);
	/* Tap 4 is the pixel itself, tap 13 the same in the next channel. */
	for (int i = 0; i < SIDE * SIDE; i++) {
		sum += (double)v[i];
		product += (double)v[i] * (double)v[SIDE * SIDE + i];
	}
	assert_float_equal(m->sum[4], sum, 1e-9);
	assert_float_equal(m->product[13 * 27 + 4], product, 1e-9);
	moments_free(m);
	fxq_tensor_free(&x);
	fx_graph_free(g);
}

/* How far the channels of @q's result are from @g's on average, squared. */
static double shift(struct fx_graph *g, struct fx_graph *q)
{
	double off[4] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < 8; i++) {
		struct fxq_tensor a = run(g, 900 + i), b = run(q, 900 + i);
		const float *x = a.data, *y = b.data;
		int64_t area = fxq_tensor_count(&a) / 4;

		for (int64_t k = 0; k < 4 * area; k++)
			off[k / area] += (double)y[k] - (double)x[k];
		fxq_tensor_free(&a);
		fxq_tensor_free(&b);
	}
	for (int c = 0; c < 4; c++)
		sum += off[c] * off[c];
	return sum;
}

/* A range that leaves a tenth of the values out shifts whatever follows. */
static void biases_take_back_what_is_shifted(void **state)
{
	const struct fx_qconfig config = {
		.tune = true, .observer = FX_OBSERVER_PERCENTILE,
		.percentile = 90,
	};
	struct fx_graph *g = network(), *h = network(), *as_is = network();
	struct fx_graph *two, *three;

	two = convert_with(g, &config, 2);
	three = convert_with(h, &config, 3);
	assert_true(shift(as_is, three) < shift(as_is, two) / 100);
	assert_true(noise(as_is, three) < noise(as_is, two));
	fx_graph_free(two);
	fx_graph_free(three);
	fx_graph_free(as_is);
	fx_graph_free(g);
	fx_graph_free(h);
}

/* Of one batch, whatever is off may be chance: nothing is taken back. */
static void expect_no_shift(struct fx_graph *g, struct fxq_tensor x, int layers)
{
	const struct fx_qconfig config = { .tune = true };
	struct fx_calibration *cal;

	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	do
		assert_int_equal(fx_calibration_feed(cal, &x, 1, 1), 0);
	while (fx_calibration_tune(cal));
	fx_for_each_node(n, g) {
		double shifts[8];

		if (!fx_node_is(n, "conv2d") && !fx_node_is(n, "linear"))
			continue;
		layers--;
		assert_true(simulation_shift(calibration_simulation(cal), n,
					     shifts));
		for (int64_t c = 0; c < out_channels(n); c++)
			assert_float_equal(shifts[c], 0, 0);
	}
	assert_int_equal(layers, 0);
	fx_calibration_free(cal);
	fxq_tensor_free(&x);
	fx_graph_free(g);
}

/* A layer that gives one number for each channel and batch. */
static struct fx_graph *row_layer(void)
{
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 2,
					      (int64_t[]){ 1, 8 });
	struct fxq_tensor w = fxq_tensor_type(FXQ_DTYPE_F32, 2,
					      (int64_t[]){ 4, 8 });
	float v[32];
	struct fx_node *in[2];

	gen(v, 32, 5, 1);
	w.data = v;
	in[0] = fx_graph_placeholder(g, "x", &x);
	in[1] = fx_graph_constant(g, "w", &w);
	in[0] = fx_graph_call(g, "linear", in, 2, NULL, 0);
	fx_graph_set_output(g, in, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse(g), 0);
	return g;
}

static void chance_is_not_taken_back(void **state)
{
	struct fxq_tensor row = fxq_tensor_type(FXQ_DTYPE_F32, 2,
						(int64_t[]){ 1, 8 });

	expect_no_shift(network(), picture(100), 3);
	assert_int_equal(fxq_tensor_alloc(&row), 0);
	gen(row.data, 8, 6, 0.7f);
	expect_no_shift(row_layer(), row, 1);
}

/* A bias that 32 bits hold beside any sum, weights of -128 too, stays so. */
static void a_bias_keeps_its_room(void **state)
{
	struct fx_graph *g = network();
	const struct fx_node *layer = NULL;
	const int32_t most = INT32_MAX - 255 * 128 * 8;
	float scale[4] = { 1, 1, 1, 1 };
	int32_t bias[4] = { most, most, -most, 5 };
	const double shift[4] = { -1, 1, 1, -2.5 };
	struct layer_weights w = { .scale = scale, .bias = bias };

	fx_for_each_node(n, g)
		if (fx_node_is(n, "conv2d"))
			layer = n;
	shift_biases(layer, 1, shift, &w);
	assert_int_equal(bias[0], most);
	assert_int_equal(bias[1], most - 1);
	assert_int_equal(bias[2], -most);
	assert_int_equal(bias[3], 7);	/* half to even */
	fx_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_channels_leave_the_function_as_it_is),
		cmocka_unit_test(tuning_takes_noise_away),
		cmocka_unit_test(the_same_data_tune_the_same_way),
		cmocka_unit_test(moments_are_those_of_the_windows),
		cmocka_unit_test(biases_take_back_what_is_shifted),
		cmocka_unit_test(chance_is_not_taken_back),
		cmocka_unit_test(a_bias_keeps_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
