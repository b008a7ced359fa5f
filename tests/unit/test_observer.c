// SPDX-License-Identifier: MIT
/*
 * test_observer.c - observers, against torch and by force
 *
 * torch 1.13 ran each class that it has on three batches (tests/golden/quant):
 * extremes after every batch and scales are equal to the bit. What torch does
 * not have is found once more here by the plainest code that follows from its
 * definition.
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
#include <cmocka.h>
#include <jansson.h>

#include <fxq/observer.h>
#include <fxq/trace.h>

#include "golden_observers.h"
#include "observer_refused.h"

static void observers_find_what_torch_finds(void **state)
{
	assert_golden_observers();
}

/* Options, and what is refused */

static void options_that_clash_are_refused(void **state)
{
	refused(MinMaxObserver(.dtype = "int7"), "dtype 'int7' is none of");
	refused(MinMaxObserver(.qscheme = "affine"),
		"qscheme 'affine' is none of");
	refused(MinMaxObserver(.qscheme = "per_channel_affine"),
		"its qscheme is per_tensor_affine or");
	refused(PerChannelMinMaxObserver(.qscheme = "per_tensor_affine"),
		"its qscheme is per_channel_affine or");
	refused(PerChannelMinMaxObserver(.ch_axis = -1), "ch_axis counts");
	refused(PerChannelMinMaxObserver(.ch_axis = 2),
		"2 dimensions, and no channels along ch_axis 2");
	refused(MinMaxObserver(.quant_min = -7), "together or not at all");
	refused(MinMaxObserver(.quant_min = -1, .quant_max = 255),
		"-1 to quant_max 255 leave quint8");
	refused(MinMaxObserver(.quant_min = 1, .quant_max = 9),
		"0 lies between");
	refused(MinMaxObserver(.quant_min = 0, .quant_max = 0),
		"less than quant_max");
	refused(MinMaxObserver(.eps = 0), "eps 0 is no scale");
	refused(MovingAverageMinMaxObserver(1.5), "averaging_constant 1.5");
}

static void data_without_a_range_is_refused(void **state)
{
	struct fx_module *m = MinMaxObserver();
	fxv nan = fx_tensor(1, NAN), inf = fx_tensor(0, 1, -INFINITY);
	fxv empty = fx_zeros(0, 3), y;
	struct fx_qparams q;

	y = fx_call(m, nan);
	assert_non_null(strstr(fx_error(y), "element 1 is nan"));
	fx_release(y);
	y = fx_call(m, inf);
	assert_non_null(strstr(fx_error(y), "element 2 is -inf"));
	fx_release(y);
	y = fx_call(m, empty);
	assert_non_null(strstr(fx_error(y), "empty"));
	fx_release(y);
	assert_int_equal(fx_calculate_qparams(m, &q), -ENODATA);
	assert_non_null(strstr(q.error, "MinMaxObserver: no data"));
	fx_release(nan);
	fx_release(inf);
	fx_release(empty);

	nan = fx_tensor(-FLT_MAX, FLT_MAX);
	y = fx_call(m, nan);
	assert_null(fx_error(y));
	fx_release(y);
	fx_release(nan);
	assert_int_equal(fx_calculate_qparams(m, &q), -EINVAL);
	assert_non_null(strstr(q.error, "no float32 scale"));
	fx_module_put(m);

	m = ReLU();
	assert_int_equal(fx_calculate_qparams(m, &q), -EINVAL);
	assert_non_null(strstr(q.error, "ReLU: not an observer"));
	fx_module_put(m);
}

static void channels_do_not_change_their_number(void **state)
{
	struct fx_module *m = PerChannelMinMaxObserver();
	fxv two = fx_ones(2, 3), four = fx_ones(4, 3), y;

	y = fx_call(m, two);
	assert_null(fx_error(y));
	fx_release(y);
	y = fx_call(m, four);
	assert_non_null(strstr(fx_error(y), "4 channels, and those before it had 2"));
	fx_release(y);
	fx_release(two);
	fx_release(four);
	fx_module_put(m);
}

static struct fx_qparams after(struct fx_module *m, fxv x)
{
	struct fx_qparams q;
	fxv y = fx_call(m, x);

	assert_null(fx_error(y));
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
	return q;
}

static void integers_of_other_widths(void **state)
{
	struct fx_qparams q;

	q = after(MinMaxObserver(.dtype = "qint8", .quant_min = -7,
				 .quant_max = 7,
				 .qscheme = "per_tensor_symmetric"),
		  fx_tensor(-3.5, 1));
	assert_true(q.scale[0] == 0.5f && q.zero_point[0] == 0);
	fx_qparams_free(&q);

	q = after(MinMaxObserver(.dtype = "qint16"), fx_tensor(0, 65535));
	assert_true(q.scale[0] == 1 && q.zero_point[0] == -32768);
	fx_qparams_free(&q);

	/* The middle of quint8, all of it and half. */
	q = after(MinMaxObserver(.qscheme = "per_tensor_symmetric"),
		  fx_tensor(1));
	assert_int_equal(q.zero_point[0], 128);
	fx_qparams_free(&q);
	q = after(MinMaxObserver(.qscheme = "per_tensor_symmetric",
				 .reduce_range = true), fx_tensor(1));
	assert_int_equal(q.zero_point[0], 64);
	fx_qparams_free(&q);
}

static void scales_that_are_powers_of_two(void **state)
{
	static const struct { float max, scale; } cases[] = {
		{ 127, 1 }, { 127.5f, 2 }, { 64, 1 }, { 63.5f, 0.5f },
		{ 0, 0x1p-23f },
	};
	struct fx_qparams q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		q = after(MinMaxObserver(.dtype = "qint8", .quant_min = -127,
					 .quant_max = 127,
					 .power_of_two = true,
					 .qscheme = "per_tensor_symmetric"),
			  fx_tensor(cases[i].max));
		assert_true(q.scale[0] == cases[i].scale);
		fx_qparams_free(&q);
	}

	/* The zero point belongs to the wider scale. */
	q = after(MinMaxObserver(.power_of_two = true), fx_tensor(-100, 100));
	assert_true(q.scale[0] == 1 && q.zero_point[0] == 100);
	fx_qparams_free(&q);
}

/* Ranges that are looked for, by force */

#define SAMPLES	6000
#define BINS	512	/* on each side of 0 */

/*
 * Three batches of numbers with long tails, each further out than the one before
 * it: the reach has to grow. They are whole multiples of 2^-10, so that no bin's
 * edge is a matter of rounding.
 */
struct samples {
	float x[SAMPLES];
	float reach, width;
	int64_t counts[2 * BINS];
};

static int compare_sizes(const void *a, const void *b)
{
	float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);

	return (x > y) - (x < y);
}

static void make_samples(struct samples *s, bool positive)
{
	float most = 0;

	memset(s, 0, sizeof(*s));
	fx_manual_seed(7);
	for (int i = 0; i < SAMPLES; i++) {
		fxv u = fx_rand(3);
		float *v = fx_data(u)->data;
		float sum = v[0] + v[1] + v[2] - 1.5f;

		s->x[i] = rintf(sum * sum * sum * sum * sum * 1024) / 1024;
		if (positive)
			s->x[i] = fabsf(s->x[i]);
		most = fmaxf(most, fabsf(s->x[i]));
		fx_release(u);
	}
	qsort(s->x, SAMPLES, sizeof(*s->x), compare_sizes);
	for (s->reach = 1; s->reach <= most; )
		s->reach *= 2;
	while (s->reach / 2 > most)
		s->reach /= 2;
	s->width = s->reach / BINS;
	for (int i = 0; i < SAMPLES; i++)
		s->counts[(int)floorf(s->x[i] / s->width) + BINS]++;
}

static float sample_middle(const struct samples *s, int i)
{
	return ((float)(i - BINS) + 0.5f) * s->width;
}

/* What @m, which is put, finds of the three batches. */
static struct fx_qparams search(struct fx_module *m, const struct samples *s)
{
	struct fx_qparams q;

	for (int i = 0; i < 3; i++) {
		struct fxq_tensor t = { .dtype = FXQ_DTYPE_F32, .rank = 1,
					.dims = { SAMPLES / 3 } };
		fxv x, y;

		t.data = (void *)(s->x + i * (SAMPLES / 3));
		x = fx_view_of(&t);
		y = fx_call(m, x);
		assert_null(fx_error(y));
		fx_release(y);
		fx_release(x);
	}
	if (fx_calculate_qparams(m, &q))
		fail_msg("%s", q.error);
	assert_int_equal(q.n, 1);
	fx_module_put(m);
	return q;
}

static float searched_scale(struct fx_module *m, const struct samples *s)
{
	struct fx_qparams q = search(m, s);
	float scale = q.scale[0];

	fx_qparams_free(&q);
	return scale;
}

/* No more than (100 - p) / 2 percent of the values lie beyond either end. */
static void a_percentile_cuts_off_its_share(void **state)
{
	struct samples s;

	make_samples(&s, false);
	for (double p = 90; p < 100; p += 2.25) {
		double cut = SAMPLES * (1 - p / 100) / 2;
		float lo = -s.reach, hi = s.reach, scale;
		struct fx_qparams q;

		for (int i = 0; i < 2 * BINS; i++) {
			float edge = (float)(i - BINS) * s.width;
			int below = 0, above = 0;

			for (int k = 0; k < SAMPLES; k++) {
				below += s.x[k] < edge;
				above += s.x[k] >= edge;
			}
			lo = below <= cut ? edge : lo;
			hi = above <= cut && hi == s.reach ? edge : hi;
		}
		q = search(PercentileObserver(p, BINS,
					      .qscheme = "per_tensor_affine"), &s);
		scale = (hi - lo) / 255;
		assert_true(q.scale[0] == scale);
		assert_int_equal(q.zero_point[0], -128 - rintf(lo / scale));
		fx_qparams_free(&q);

		assert_true(searched_scale(PercentileObserver(p, BINS), &s) ==
			    fmaxf(-lo, hi) / 127.5f);
	}
}

/* What the part @f of the extremes costs: each sample by itself. */
static double cost_of_part(const struct samples *s, float most, float f)
{
	double step = most * f / 127.5f, sum = 0;

	for (int i = 0; i < SAMPLES; i++) {
		int bin = (int)floorf(s->x[i] / s->width) + BINS;
		double over = fabs(sample_middle(s, bin)) - most * f;

		sum += step * step / 12 + (over > 0 ? over * over : 0);
	}
	return sum;
}

static void least_squares_tries_each_part(void **state)
{
	double least = INFINITY, found;
	struct samples s;
	float most = 0, scale;

	make_samples(&s, false);
	for (int i = 0; i < SAMPLES; i++)
		most = fmaxf(most, fabsf(s.x[i]));
	for (int i = 1; i <= 100; i++)
		least = fmin(least, cost_of_part(&s, most, (float)i / 100));
	scale = searched_scale(MSEObserver(.bins = BINS), &s);
	found = cost_of_part(&s, most, scale * 127.5f / most);
	assert_true(found <= least * (1 + 1e-5));
	assert_true(scale < most / 127.5f);	/* the tails cost too much */

	/* Every thirtieth: 100, 70, 40, 10 percent. */
	least = INFINITY;
	for (int i = 10; i <= 100; i += 30)
		least = fmin(least, cost_of_part(&s, most, (float)i / 100));
	scale = searched_scale(MSEObserver(30, BINS), &s);
	found = cost_of_part(&s, most, scale * 127.5f / most);
	assert_true(fabs(found / least - 1) < 1e-5);
}

/* sum of P log(P / Q), by the book: distributions first. */
static double kl_of(const double *counts, int n, int all, int levels)
{
	double p[BINS], q[BINS], sum_p = 0, sum_q = 0, sum = 0;

	for (int i = 0; i < n; i++)
		p[i] = q[i] = counts[i];
	for (int i = n; i < all; i++)
		p[n - 1] += counts[i];
	for (int g = 0; g < levels; g++) {
		int from = g * n / levels, to = (g + 1) * n / levels, used = 0;
		double total = 0;

		for (int i = from; i < to; i++) {
			total += q[i];
			used += q[i] > 0;
		}
		for (int i = from; i < to; i++)
			q[i] = q[i] > 0 ? total / used : 0;
	}
	for (int i = 0; i < n; i++) {
		sum_p += p[i];
		sum_q += q[i];
	}
	for (int i = 0; i < n; i++) {
		if (p[i] > 0 && q[i] == 0)
			return INFINITY;
		if (p[i] > 0)
			sum += p[i] / sum_p * log(p[i] / sum_p /
						  (q[i] / sum_q));
	}
	return sum;
}

static void check_kl(const struct samples *s, const char *qscheme, int levels,
		     float steps)
{
	double counts[BINS] = { 0 }, least = INFINITY, found = INFINITY;
	int top = 0;
	float scale;

	for (int i = 0; i < BINS; i++) {
		counts[i] = (double)(s->counts[BINS + i] +
				     s->counts[BINS - 1 - i]);
		top = counts[i] > 0 ? i + 1 : top;
	}
	scale = searched_scale(KLObserver(BINS, .qscheme = qscheme), s);
	for (int n = levels; n <= top; n++) {
		double kl = kl_of(counts, n, top, levels);

		least = fmin(least, kl);
		if (fabsf((float)n * s->width / steps / scale - 1) < 1e-5f)
			found = kl;
	}
	assert_true(found <= least + 1e-12);
}

static void least_divergence_by_the_book(void **state)
{
	struct samples s;

	make_samples(&s, false);
	check_kl(&s, "per_tensor_symmetric", 128, 127.5f);
	make_samples(&s, true);
	check_kl(&s, "per_tensor_affine", 256, 255);
}

/* What a symmetric scale does to the middle of each sample's bin. */
static double cost_of_scale(const struct samples *s, float scale)
{
	double sum = 0;

	for (int i = 0; i < SAMPLES; i++) {
		float x = sample_middle(s, (int)floorf(s->x[i] / s->width) +
					   BINS);
		double off = x - fminf(fmaxf(rintf(x * (1 / scale)), -128),
				       127) * scale;

		sum += off * off;
	}
	return sum;
}

static void mix_is_the_best_of_four(void **state)
{
	double least = INFINITY;
	struct samples s;
	float scales[4];

	make_samples(&s, false);
	scales[0] = searched_scale(MinMaxObserver(.dtype = "qint8",
		.qscheme = "per_tensor_symmetric"), &s);
	scales[1] = searched_scale(PercentileObserver(99, BINS), &s);
	scales[2] = searched_scale(MSEObserver(.bins = BINS), &s);
	scales[3] = searched_scale(KLObserver(BINS), &s);
	for (int i = 0; i < 4; i++) {
		least = fmin(least, cost_of_scale(&s, scales[i]));
		for (int k = 0; k < i; k++)
			assert_true(scales[i] != scales[k]);
	}
	assert_true(cost_of_scale(&s, searched_scale(MixObserver(99,
		.bins = BINS), &s)) <= least * (1 + 1e-9));
}

static void given_bounds_hold(void **state)
{
	double mean = 0, square = 0, reach;
	struct samples s;
	float most = 0;

	make_samples(&s, true);
	for (int i = 0; i < SAMPLES; i++) {
		mean += s.x[i] / (double)SAMPLES;
		most = fmaxf(most, s.x[i]);
	}
	for (int i = 0; i < SAMPLES; i++)
		square += (s.x[i] - mean) * (s.x[i] - mean);
	reach = mean + 2.5 * sqrt(square / SAMPLES);
	assert_true(reach < most);
	assert_true(fabs(searched_scale(ClipStdObserver(2.5), &s) * 127.5 /
			 reach - 1) < 1e-6);
	/* There is nothing so far out. */
	assert_true(searched_scale(ClipStdObserver(1000), &s) ==
		    most / 127.5f);

	assert_true(searched_scale(ClipObserver(-1, 0.25), &s) ==
		    0.25f / 127.5f);
	assert_true(searched_scale(ClipObserver(-1, 1000), &s) ==
		    most / 127.5f);
}

static void a_fixed_scale_is_the_one_given(void **state)
{
	struct fx_module *m = FakeQuantize(FixedQParamsObserver(1.0 / 256));
	struct fx_qparams q;

	/* Nothing has passed through it. */
	assert_true(*(float *)fx_module_tensor(m, "scale")->data == 1.0f / 256);
	assert_int_equal(fx_calculate_qparams(m, &q), 0);
	assert_true(q.scale[0] == 1.0f / 256 && q.zero_point[0] == 0);
	assert_true(q.quant_min == 0 && q.quant_max == 255);
	fx_qparams_free(&q);
	fx_module_put(m);

	m = PlaceholderObserver();
	assert_int_equal(fx_calculate_qparams(m, &q), -ENOTSUP);
	assert_non_null(strstr(q.error, "stays float32"));
	fx_module_put(m);
}

/* Steps of a range that grows, by an array that has every piece of them. */
static void a_histogram_is_spread_over_wider_steps(void **state)
{
	enum { N = 64, UPSAMPLE = 8, ROOM = N * UPSAMPLE * 8 };
	struct fx_module *m = HistogramObserver(N, UPSAMPLE);
	fxv x = fx_gen(3, 1, 3000), far = fx_tensor(5, -3), y;
	static double pieces[ROOM];
	float *bins = fx_module_tensor(m, "histogram")->data;
	float min, max, width;
	int start, per;

	y = fx_call(m, x);
	assert_null(fx_error(y));
	fx_release(y);
	min = *(float *)fx_module_tensor(m, "min_val")->data;
	max = *(float *)fx_module_tensor(m, "max_val")->data;
	width = (max - min) / N / UPSAMPLE;
	start = (int)rintf((min + 3) / width);
	per = (int)ceilf((5 + 3) / width / N);
	assert_true(per > UPSAMPLE && N * per < ROOM);
	for (int i = 0; i < N * UPSAMPLE; i++)
		pieces[start + i] = bins[i / UPSAMPLE] / UPSAMPLE;

	y = fx_call(m, far);
	assert_null(fx_error(y));
	fx_release(y);
	for (int i = 0; i < N; i++) {
		double sum = i == 0 || i == N - 1;	/* the two of @far */

		for (int k = 0; k < per; k++)
			sum += pieces[i * per + k];
		assert_true(fabs(bins[i] - sum) < 1e-3);
	}
	fx_release(x);
	fx_release(far);
	fx_module_put(m);
}

static void searches_that_make_no_sense_are_refused(void **state)
{
	refused(PercentileObserver(0), "percentile 0 is not above 0");
	refused(PercentileObserver(101), "percentile 101");
	refused(KLObserver(100), "bins 100: there are 128");
	refused(KLObserver(129), "bins 129: there are 128");
	refused(MSEObserver(0), "stride 0 is not");
	refused(MixObserver(.qscheme = "per_channel_affine"),
		"its qscheme is per_tensor");
	refused(HistogramObserver(0), "bins 0: a histogram has");
	refused(HistogramObserver(.upsample_rate = 0), "upsample_rate 0");
	refused(ClipObserver(0.5, 1), "xmin 0.5 to xmax 1");
	refused(ClipStdObserver(0), "std_scale 0");
	refused(FixedQParamsObserver(0), "scale 0 is no scale");
	refused(FixedQParamsObserver(1, 256), "zero_point 256 is not from 0");
	refused(FixedQParamsObserver(), "'scale' is missing");
	refused(FakeQuantize(PlaceholderObserver()),
		"a PlaceholderObserver is no observer");
}

/* Values that float32 barely holds are counted where they lie: above 0. */
static void the_least_values_are_counted(void **state)
{
	struct fx_module *m = KLObserver();
	fxv x = fx_full(0x1p-149f, 3), y = fx_call(m, x);
	const struct fxq_tensor *t = fx_module_tensor(m, "histogram");

	assert_null(fx_error(y));
	assert_int_equal(((int64_t *)t->data)[fxq_tensor_count(t) / 2], 3);
	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

/* A state dict of something else, or one that was made by hand. */
static void a_reach_that_no_data_gives_is_refused(void **state)
{
	static const float wrong[] = { NAN, INFINITY, -1, 0x1p-140f };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct fx_module *m = MSEObserver();
		fxv x = fx_ones(3), y;
		struct fx_qparams q;

		*(float *)fx_module_tensor(m, "reach")->data = wrong[i];
		y = fx_call(m, x);
		assert_non_null(strstr(fx_error(y), "the reach of its histogram is"));
		assert_int_equal(fx_calculate_qparams(m, &q), -EINVAL);
		assert_non_null(strstr(q.error, "which no data gives"));
		fx_release(x);
		fx_release(y);
		fx_module_put(m);
	}
}

static void fake_quantization_rounds_as_torch_does(void **state)
{
	assert_golden_rounding();
}

/* In a graph */

FX_MODULE(Observed,
	  module(relu, ReLU()),
	  module(activation_post_process_0, MinMaxObserver()))

FX_FORWARD(Observed, x)
{
	return fx_call(self->activation_post_process_0,
		       fx_call(self->relu, x));
}

static void a_graph_shows_an_observer_as_one_call(void **state)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *m = Observed(), *gm;
	struct fx_graph *g;
	struct fx_qparams q;
	char *code;
	fxv x, y;

	assert_int_equal(fx_trace(m, &tracer, &g), 0);
	code = fx_graph_code(g);
	assert_non_null(strstr(code, "activation_post_process_0 = self.activation_post_process_0(relu)"));
	free(code);

	gm = GraphModuleWithAttr(m, g);
	x = fx_tensor(-1, 255);
	y = fx_call(gm, x);
	assert_null(fx_error(y));
	fx_release(x);
	fx_release(y);
	assert_int_equal(fx_calculate_qparams(fx_module_at(m,
			 "activation_post_process_0"), &q), 0);
	assert_true(q.scale[0] == 1 && q.zero_point[0] == 0);
	fx_qparams_free(&q);
	fx_module_put(gm);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observers_find_what_torch_finds),
		cmocka_unit_test(options_that_clash_are_refused),
		cmocka_unit_test(data_without_a_range_is_refused),
		cmocka_unit_test(channels_do_not_change_their_number),
		cmocka_unit_test(integers_of_other_widths),
		cmocka_unit_test(scales_that_are_powers_of_two),
		cmocka_unit_test(a_percentile_cuts_off_its_share),
		cmocka_unit_test(least_squares_tries_each_part),
		cmocka_unit_test(least_divergence_by_the_book),
		cmocka_unit_test(mix_is_the_best_of_four),
		cmocka_unit_test(given_bounds_hold),
		cmocka_unit_test(a_fixed_scale_is_the_one_given),
		cmocka_unit_test(a_histogram_is_spread_over_wider_steps),
		cmocka_unit_test(searches_that_make_no_sense_are_refused),
		cmocka_unit_test(the_least_values_are_counted),
		cmocka_unit_test(a_reach_that_no_data_gives_is_refused),
		cmocka_unit_test(fake_quantization_rounds_as_torch_does),
		cmocka_unit_test(a_graph_shows_an_observer_as_one_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
