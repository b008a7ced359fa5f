// SPDX-License-Identifier: MIT
/*
 * Normalizations against two passes in double, and ONNX's quantization with
 * numbers from its specification's rules.
 */
#include "kernel_call.h"

/* Sums of doubles differ by less than 1e-12; then a float is rounded once. */
static void assert_close(float got, double want)
{
	if (!(fabs(got - want) <= 0x1p-24 * fabs(want) + 1e-12))
		fail_msg("%.9g is not %.9g", got, want);
}

struct stats {
	double mean, var;
};

static struct stats measure(const float *x, int64_t n)
{
	struct stats s = { 0, 0 };

	for (int64_t i = 0; i < n; i++)
		s.mean += x[i] / (double)n;
	for (int64_t i = 0; i < n; i++)
		s.var += (x[i] - s.mean) * (x[i] - s.mean) / (double)n;
	return s;
}

static void batch_norm_uses_the_given_statistics(void **state)
{
	float *x, *w, *b, *mean, *var, *y;
	struct kc k;

	kc_init(&k, 1);
	x = kc_rand(&k, DIMS(2, 3, 10));
	w = kc_rand(&k, DIMS(3));
	b = kc_rand(&k, DIMS(3));
	mean = kc_rand(&k, DIMS(3));
	var = kc_rand(&k, DIMS(3));
	for (int c = 0; c < 3; c++)
		var[c] += 2;
	kc_float(&k, "eps", 0.5);
	assert_int_equal(KC_RUN(&k, batch_norm), 0);
	y = k.out[0].data;
	for (int i = 0; i < 60; i++) {
		int c = i / 10 % 3;

		assert_close(y[i], (x[i] - mean[c]) / sqrt(var[c] + 0.5) *
			     w[c] + b[c]);
	}
	kc_done(&k);
}

static void batch_norm_refuses_other_channels(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 3, 10));
	for (int i = 0; i < 4; i++)
		kc_rand(&k, DIMS(4));
	assert_int_equal(infer_batch_norm(&k.call), -EINVAL);
	assert_string_equal(k.call.error,
			    "the weight has 4 elements where 3 are needed");
	kc_done(&k);
}

static void layer_norm_returns_statistics_too(void **state)
{
	float *x, *w, *b, *y, *mean, *inverse;
	struct kc k;

	kc_init(&k, 3);
	x = kc_rand(&k, DIMS(7, 3, 5));
	w = kc_rand(&k, DIMS(3, 5));
	b = kc_rand(&k, DIMS(3, 5));
	kc_int(&k, "axis", 1);
	assert_int_equal(KC_RUN(&k, layer_norm), 0);
	kc_assert_dims(&k.out[0], DIMS(7, 3, 5));
	kc_assert_dims(&k.out[1], DIMS(7, 1, 1));
	y = k.out[0].data;
	mean = k.out[1].data;
	inverse = k.out[2].data;
	for (int r = 0; r < 7; r++) {
		struct stats s = measure(x + r * 15, 15);

		assert_close(mean[r], s.mean);
		assert_close(inverse[r], 1 / sqrt(s.var + 1e-5));
		for (int i = 0; i < 15; i++)
			assert_close(y[r * 15 + i], (x[r * 15 + i] - s.mean) /
				     sqrt(s.var + 1e-5) * w[i] + b[i]);
	}
	kc_done(&k);
}

static void layer_norm_takes_torch_s_shape(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(7, 3, 5));
	kc_ints(&k, "normalized_shape", DIMS(3, 5));
	assert_int_equal(KC_RUN(&k, layer_norm), 0);
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(7, 3, 5));
	kc_ints(&k, "normalized_shape", DIMS(4, 5));
	assert_int_equal(infer_layer_norm(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "normalized_shape"));
	kc_done(&k);
}

static void check_groups(const struct kc *k, int64_t rows, int64_t n,
			 int64_t plane, int64_t channels)
{
	const float *x = k->in[0].data, *w = k->in[1].data;
	const float *b = k->in[2].data, *y = k->out[0].data;

	for (int64_t r = 0; r < rows; r++) {
		struct stats s = measure(x + r * n, n);

		for (int64_t i = r * n; i < (r + 1) * n; i++)
			assert_close(y[i], (x[i] - s.mean) /
				     sqrt(s.var + 1e-5) *
				     w[i / plane % channels] +
				     b[i / plane % channels]);
	}
}

static void group_norm_and_instance_norm_weigh_by_channel(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(3, 6, 4, 5));
	kc_rand(&k, DIMS(6));
	kc_rand(&k, DIMS(6));
	kc_int(&k, "num_groups", 2);
	assert_int_equal(KC_RUN(&k, group_norm), 0);
	check_groups(&k, 6, 60, 20, 6);
	kc_again(&k);
	assert_int_equal(KC_RUN(&k, instance_norm), 0);
	check_groups(&k, 18, 20, 20, 6);
	kc_done(&k);
}

static void group_norm_refuses_uneven_groups(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 6, 2));
	kc_int(&k, "num_groups", 4);
	assert_int_equal(infer_group_norm(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "6 channels cannot be 4 groups");
	kc_done(&k);
}

static void norms_do_not_depend_on_threads(void **state)
{
	struct kc k;
	float *one;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1001, 768));
	kc_rand(&k, DIMS(768));
	kc_rand(&k, DIMS(768));
	assert_int_equal(KC_RUN(&k, layer_norm), 0);
	one = k.out[0].data;
	k.out[0].data = NULL;
	k.call.threads = 3;
	assert_int_equal(KC_RUN(&k, layer_norm), 0);
	assert_memory_equal(one, k.out[0].data, fxq_tensor_bytes(&k.out[0]));
	free(one);
	kc_done(&k);
}

/* Three channels around each, or two at the ends; an even size leans ahead. */
static void lrn_looks_at_neighbouring_channels(void **state)
{
	for (int64_t size = 3; size < 5; size++) {
		float *x, *y;
		struct kc k;

		kc_init(&k, 1);
		x = kc_rand(&k, DIMS(1, 5, 4));
		kc_int(&k, "size", size);
		kc_float(&k, "alpha", 0.5);
		kc_float(&k, "bias", 2);
		assert_int_equal(KC_RUN(&k, lrn), 0);
		y = k.out[0].data;
		for (int64_t i = 0; i < 20; i++) {
			int64_t c = i / 4;
			double sum = 0;

			for (int64_t o = c - 1; o <= c + size - 2; o++)
				if (o >= 0 && o < 5)
					sum += pow(x[o * 4 + i % 4], 2);
			assert_close(y[i], x[i] / pow(2 + 0.5 / (double)size *
						      sum, 0.75));
		}
		kc_done(&k);
	}
}

static void lp_normalize_divides_by_the_norm(void **state)
{
	const float x[] = { 3, 0, 4, 0 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(2, 2));
	kc_int(&k, "axis", 0);
	assert_int_equal(KC_RUN(&k, lp_normalize), 0);
	kc_assert_floats(&k.out[0], FLOATS(0.6f, 0, 0.8f, 0));
	kc_done(&k);
}

static void mean_variance_norm_over_all_but_channels(void **state)
{
	float *x, *y;
	struct kc k;

	kc_init(&k, 1);
	x = kc_rand(&k, DIMS(2, 3, 2, 2));
	assert_int_equal(KC_RUN(&k, mean_variance_norm), 0);
	y = k.out[0].data;
	for (int c = 0; c < 3; c++) {
		float v[8];
		struct stats s;

		memcpy(v, x + c * 4, 4 * sizeof(*v));
		memcpy(v + 4, x + 12 + c * 4, 4 * sizeof(*v));
		s = measure(v, 8);
		for (int i = 0; i < 8; i++)
			assert_close(y[i / 4 * 12 + c * 4 + i % 4],
				     (v[i] - s.mean) / (sqrt(s.var) + 1e-9));
	}
	kc_done(&k);
}

/* Quantization */

static void quantize_linear_rounds_half_to_even_and_saturates(void **state)
{
	const float x[] = { 0, 1, 3, 5, -3, 1000, -1000, NAN };
	const float scale[] = { 2 };
	const uint8_t zero[] = { 128 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(8));
	kc_in(&k, FXQ_DTYPE_F32, scale, 0, NULL);
	kc_in(&k, FXQ_DTYPE_U8, zero, 0, NULL);
	assert_int_equal(KC_RUN(&k, quantize_linear), 0);
	assert_int_equal(k.out[0].dtype, FXQ_DTYPE_U8);
	assert_memory_equal(k.out[0].data,
			    ((uint8_t[]){ 128, 128, 130, 130, 126, 255, 0, 0 }),
			    8);
	kc_done(&k);
}

static void scales_are_taken_along_their_axis(void **state)
{
	const float x[] = { 2, 4, 6, 8, 10, 12 }, scale[] = { 1, 2, 4 };
	const int8_t zero[] = { 0, 1, -1 };
	struct kc k, back;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 3, 2));
	kc_in(&k, FXQ_DTYPE_F32, scale, DIMS(3));
	kc_in(&k, FXQ_DTYPE_I8, zero, DIMS(3));
	kc_int(&k, "axis", 1);
	assert_int_equal(KC_RUN(&k, quantize_linear), 0);
	assert_memory_equal(k.out[0].data,
			    ((int8_t[]){ 2, 4, 4, 5, 1, 2 }), 6);

	kc_init(&back, 1);
	kc_in(&back, FXQ_DTYPE_I8, k.out[0].data, DIMS(1, 3, 2));
	kc_in(&back, FXQ_DTYPE_F32, scale, DIMS(3));
	kc_in(&back, FXQ_DTYPE_I8, zero, DIMS(3));
	kc_int(&back, "axis", 1);
	assert_int_equal(KC_RUN(&back, dequantize_linear), 0);
	kc_assert_floats(&back.out[0], FLOATS(2, 4, 6, 8, 8, 12));
	kc_done(&back);
	kc_done(&k);
}

static void quantize_linear_refuses_scales_that_do_not_fit(void **state)
{
	const float scale[] = { 1, 2, 4 };
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 2, 3));
	kc_in(&k, FXQ_DTYPE_F32, scale, DIMS(3));
	assert_int_equal(infer_quantize_linear(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "3 scales are given for 2"));
	kc_done(&k);
}

static void dynamic_quantize_linear_covers_the_range(void **state)
{
	const float x[] = { -1, 0, 1.5f, 4.1f };
	struct kc k;

	kc_init(&k, 3);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(4));
	assert_int_equal(KC_RUN(&k, dynamic_quantize_linear), 0);
	/* scale 5.1 / 255 = 0.02: -1 is 50 steps below 0, 1.5 is 75 above */
	assert_true(*(float *)k.out[1].data == (4.1f + 1) / 255);
	assert_int_equal(*(uint8_t *)k.out[2].data, 50);
	assert_memory_equal(k.out[0].data, ((uint8_t[]){ 0, 50, 125, 255 }), 4);
	kc_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_norm_uses_the_given_statistics),
		cmocka_unit_test(batch_norm_refuses_other_channels),
		cmocka_unit_test(layer_norm_returns_statistics_too),
		cmocka_unit_test(layer_norm_takes_torch_s_shape),
		cmocka_unit_test(group_norm_and_instance_norm_weigh_by_channel),
		cmocka_unit_test(group_norm_refuses_uneven_groups),
		cmocka_unit_test(norms_do_not_depend_on_threads),
		cmocka_unit_test(lrn_looks_at_neighbouring_channels),
		cmocka_unit_test(lp_normalize_divides_by_the_norm),
		cmocka_unit_test(mean_variance_norm_over_all_but_channels),
		cmocka_unit_test(quantize_linear_rounds_half_to_even_and_saturates),
		cmocka_unit_test(scales_are_taken_along_their_axis),
		cmocka_unit_test(quantize_linear_refuses_scales_that_do_not_fit),
		cmocka_unit_test(dynamic_quantize_linear_covers_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
