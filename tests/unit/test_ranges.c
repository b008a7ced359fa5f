// SPDX-License-Identifier: MIT
/*
 * test_ranges.c - what observers find in data, and how it is rounded
 *
 * The ranges of torch's observers are in tests/golden/quant.
 */
#include <jansson.h>

#include "golden_json.h"
#include "quant_kit.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
