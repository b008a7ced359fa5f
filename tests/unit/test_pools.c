// SPDX-License-Identifier: MIT
/*
 * Pools against their nested loops, their windows at the edges, and resize
 * with values that can be worked out by hand.
 */
#include "kernel_call.h"

#include "nn/kernels/resize_coords.h"

struct pool_case {
	int64_t h, w, taps[2], stride[2], pads[4], dilation[2];
	int ceil_mode;
	int64_t out[2];			/* worked out by hand */
};

/* Rounding up drops a window that would start in the padding behind. */
static const struct pool_case pool_cases[] = {
	{ 7, 9, { 2, 2 }, { 2, 2 }, { 0, 0, 0, 0 }, { 1, 1 }, 0, { 3, 4 } },
	{ 7, 9, { 2, 2 }, { 2, 2 }, { 0, 0, 0, 0 }, { 1, 1 }, 1, { 4, 5 } },
	{ 8, 8, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, 0, { 4, 4 } },
	{ 8, 8, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, 1, { 5, 5 } },
	{ 4, 4, { 1, 1 }, { 2, 2 }, { 0, 0, 1, 1 }, { 1, 1 }, 1, { 2, 2 } },
	{ 9, 9, { 2, 3 }, { 1, 3 }, { 0, 1, 1, 2 }, { 3, 2 }, 0, { 7, 3 } },
	{ 5, 5, { 5, 5 }, { 1, 1 }, { 2, 2, 2, 2 }, { 1, 1 }, 0, { 5, 5 } },
	{ 20, 33, { 3, 3 }, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 }, 0, { 18, 31 } },
};

#define N_POOLS	(sizeof(pool_cases) / sizeof(*pool_cases))

static float *begin_pool(struct kc *k, const struct pool_case *c,
			 uint32_t n_out)
{
	float *x;

	kc_init(k, n_out);
	x = kc_rand(k, DIMS(2, 3, c->h, c->w));
	kc_ints(k, "kernel_size", 2, c->taps);
	kc_ints(k, "stride", 2, c->stride);
	kc_ints(k, "padding", 4, c->pads);
	kc_ints(k, "dilation", 2, c->dilation);
	kc_int(k, "ceil_mode", c->ceil_mode);
	return x;
}

/* What a window holds: of the input, and of the padding around it. */
struct window {
	double sum, max;
	int64_t n, n_padded, max_at;
};

static struct window look(const struct pool_case *c, const float *plane,
			  int64_t i, int64_t j)
{
	struct window v = { .max = -INFINITY, .max_at = -1 };

	for (int64_t a = 0; a < c->taps[0]; a++)
		for (int64_t b = 0; b < c->taps[1]; b++) {
			int64_t y = i * c->stride[0] + a * c->dilation[0] -
				    c->pads[0];
			int64_t x = j * c->stride[1] + b * c->dilation[1] -
				    c->pads[1];

			v.n_padded += y < c->h + c->pads[2] &&
				      x < c->w + c->pads[3];
			if (y < 0 || x < 0 || y >= c->h || x >= c->w)
				continue;
			v.n++;
			v.sum += plane[y * c->w + x];
			if (plane[y * c->w + x] > v.max) {
				v.max = plane[y * c->w + x];
				v.max_at = y * c->w + x;
			}
		}
	return v;
}

static void max_pool2d_is_its_nested_loops(void **state)
{
	for (size_t i = 0; i < N_POOLS; i++) {
		const struct pool_case *c = &pool_cases[i];
		struct kc k;
		float *x = begin_pool(&k, c, 2), *y;
		int64_t *index, size = c->out[0] * c->out[1];

		assert_int_equal(KC_RUN(&k, max_pool2d), 0);
		kc_assert_dims(&k.out[0], DIMS(2, 3, c->out[0], c->out[1]));
		y = k.out[0].data;
		index = k.out[1].data;
		for (int64_t o = 0; o < 6 * size; o++) {
			int64_t plane = o / size * c->h * c->w;
			struct window v = look(c, x + plane,
					       o % size / c->out[1],
					       o % c->out[1]);

			assert_true(y[o] == (float)v.max);
			assert_int_equal(index[o], plane + v.max_at);
		}
		kc_done(&k);
	}
}

/* Sums are doubles: the nearest float or, almost halfway, a neighbour. */
static void avg_pool2d_counts_padding_or_not(void **state)
{
	for (size_t i = 0; i < 2 * N_POOLS; i++) {
		const struct pool_case *c = &pool_cases[i / 2];
		struct kc k;
		float *x = begin_pool(&k, c, 1), *y;
		int64_t size = c->out[0] * c->out[1];

		kc_int(&k, "count_include_pad", i % 2);
		assert_int_equal(KC_RUN(&k, avg_pool2d), 0);
		kc_assert_dims(&k.out[0], DIMS(2, 3, c->out[0], c->out[1]));
		y = k.out[0].data;
		for (int64_t o = 0; o < 6 * size; o++) {
			struct window v = look(c, x + o / size * c->h * c->w,
					       o % size / c->out[1],
					       o % c->out[1]);
			float want = (float)(v.sum / (double)(i % 2 ?
						v.n_padded : v.n));

			assert_true(nextafterf(want, y[o]) == y[o]);
		}
		kc_done(&k);
	}
}

static void max_pool_indices_run_down_columns_on_request(void **state)
{
	const float x[] = { 0, 1, 2,
			    9, 4, 5 };
	struct kc k;

	kc_init(&k, 2);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1, 2, 3));
	kc_int(&k, "kernel_size", 2);
	kc_int(&k, "stride", 1);
	kc_int(&k, "storage_order", 1);
	assert_int_equal(KC_RUN(&k, max_pool2d), 0);
	kc_assert_floats(&k.out[0], FLOATS(9, 5));
	assert_memory_equal(k.out[1].data, ((int64_t[]){ 1, 5 }), 16);
	kc_done(&k);
}

static void max_pool_passes_nan_on(void **state)
{
	const float x[] = { 1, NAN, 3, 4, 5, 6 };
	struct kc k;

	kc_init(&k, 2);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1, 6));
	kc_int(&k, "kernel_size", 2);
	assert_int_equal(KC_RUN(&k, max_pool1d), 0);
	kc_assert_floats(&k.out[0], FLOATS(NAN, 4, 6));
	assert_memory_equal(k.out[1].data, ((int64_t[]){ 1, 3, 5 }), 24);
	kc_done(&k);
}

static void max_pool_takes_bytes(void **state)
{
	const uint8_t x[] = { 1, 200, 3, 128 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_U8, x, DIMS(1, 1, 4));
	kc_int(&k, "kernel_size", 2);
	assert_int_equal(KC_RUN(&k, max_pool1d), 0);
	assert_memory_equal(k.out[0].data, ((uint8_t[]){ 200, 128 }), 2);
	kc_done(&k);
}

static void pools_refuse_windows_that_do_not_fit(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 1, 3, 3));
	kc_int(&k, "kernel_size", 4);
	assert_int_equal(infer_max_pool2d(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "reaches over 4 elements"));
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 1, 3, 3));
	assert_int_equal(infer_avg_pool2d(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "kernel_size is missing");
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 3, 3));
	kc_int(&k, "kernel_size", 2);
	assert_int_equal(infer_avg_pool2d(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "the input has rank 3, not 4");
	kc_done(&k);
}

/* A window so large that walking it would not end. */
static void pools_refuse_endless_windows(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 1, 1, 1));
	kc_int(&k, "kernel_size", 1 << 30);
	kc_int(&k, "padding", 1 << 30);
	assert_int_equal(infer_avg_pool2d(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "beyond"));
	kc_done(&k);
}

static void lp_pool_is_a_norm(void **state)
{
	const float x[] = { 3, -4, 0, 12, 5, 0 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1, 6));
	kc_int(&k, "kernel_size", 2);
	kc_int(&k, "p", 2);
	assert_int_equal(KC_RUN(&k, lp_pool), 0);
	kc_assert_floats(&k.out[0], FLOATS(5, 12, 5));
	kc_done(&k);
}

static void global_pools_reduce_planes(void **state)
{
	float x[5 * 6];
	struct kc k;

	for (int i = 0; i < 30; i++)
		x[i] = (float)(i * i % 17);
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 5, 2, 3));
	assert_int_equal(KC_RUN(&k, global_avg_pool), 0);
	kc_assert_dims(&k.out[0], DIMS(1, 5, 1, 1));
	for (int c = 0; c < 5; c++) {
		double sum = 0;

		for (int i = 0; i < 6; i++)
			sum += x[c * 6 + i];
		assert_true(((float *)k.out[0].data)[c] == (float)(sum / 6));
	}
	kc_again(&k);
	assert_int_equal(KC_RUN(&k, global_max_pool), 0);
	for (int c = 0; c < 5; c++) {
		float max = 0;

		for (int i = 0; i < 6; i++)
			max = fmaxf(max, x[c * 6 + i]);
		assert_true(((float *)k.out[0].data)[c] == max);
	}
	kc_done(&k);
}

/* Five columns into three: windows [0, 2), [1, 4), [3, 5). */
static void adaptive_windows_overlap_where_they_must(void **state)
{
	const float x[] = { 0, 2, 4, 6, 8 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1, 1, 5));
	kc_ints(&k, "output_size", DIMS(1, 3));
	assert_int_equal(KC_RUN(&k, adaptive_avg_pool2d), 0);
	kc_assert_floats(&k.out[0], FLOATS(1, 4, 7));
	kc_done(&k);
}

static void pools_do_not_depend_on_threads(void **state)
{
	struct kc k;
	float *one;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(4, 64, 60, 60));
	kc_int(&k, "kernel_size", 3);
	kc_int(&k, "padding", 1);
	assert_int_equal(KC_RUN(&k, avg_pool2d), 0);
	one = k.out[0].data;
	k.out[0].data = NULL;
	k.call.threads = 3;
	assert_int_equal(KC_RUN(&k, avg_pool2d), 0);
	assert_memory_equal(one, k.out[0].data,
			    fxq_tensor_bytes(&k.out[0]));
	free(one);
	kc_done(&k);
}

/* Resize */

static void resize_row(const float *x, int64_t in, int64_t out,
		       const char *mode, const char *transform,
		       const char *rounding, const float *want)
{
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1, in));
	kc_ints(&k, "sizes", DIMS(1, 1, out));
	kc_str(&k, "mode", mode);
	kc_str(&k, "coordinate_transformation_mode", transform);
	kc_str(&k, "nearest_mode", rounding);
	assert_int_equal(KC_RUN(&k, resize), 0);
	kc_assert_dims(&k.out[0], DIMS(1, 1, out));
	kc_assert_floats(&k.out[0], out, want);
	kc_done(&k);
}

/* Half pixels: output o of 4 lies at (o + 1/2) / 2 - 1/2 of 2. */
static void resize_linear_weighs_neighbours(void **state)
{
	const float x[] = { 0, 4 };

	resize_row(x, 2, 4, "linear", "half_pixel", "floor",
		   (float[]){ 0, 1, 3, 4 });
	resize_row(x, 2, 4, "linear", "asymmetric", "floor",
		   (float[]){ 0, 2, 4, 4 });
	resize_row(x, 2, 5, "linear", "align_corners", "floor",
		   (float[]){ 0, 1, 2, 3, 4 });
	resize_row(x, 2, 1, "linear", "pytorch_half_pixel", "floor",
		   (float[]){ 0 });
	resize_row(x, 2, 1, "linear", "half_pixel", "floor",
		   (float[]){ 2 });
}

static void resize_nearest_rounds_as_told(void **state)
{
	const float x[] = { 0, 1, 2, 3 };

	/* places 0, 2/3, 4/3, 2, 8/3, 10/3 */
	resize_row(x, 4, 6, "nearest", "asymmetric", "floor",
		   (float[]){ 0, 0, 1, 2, 2, 3 });
	resize_row(x, 4, 6, "nearest", "asymmetric", "ceil",
		   (float[]){ 0, 1, 2, 2, 3, 3 });
	/* places 1/2, 5/2 */
	resize_row(x, 4, 2, "nearest", "half_pixel", "round_prefer_floor",
		   (float[]){ 0, 2 });
	resize_row(x, 4, 2, "nearest", "half_pixel", "round_prefer_ceil",
		   (float[]){ 1, 3 });
}

/* A cubic filter reproduces straight lines inside, whatever its a. */
static void resize_cubic_keeps_lines(void **state)
{
	struct resize_axis a = {
		.mode = RESIZE_CUBIC, .transform = RESIZE_HALF_PIXEL,
		.in = 20, .out = 47, .scale = 47.0 / 20, .cubic_a = -0.5,
	};

	assert_int_equal(resize_taps(&a), 4);
	for (int64_t o = 6; o < 40; o++) {
		double weight[4], sum = 0, place = 0;
		int64_t index[4];

		assert_true(resize_weights(&a, o, index, weight));
		for (int t = 0; t < 4; t++) {
			sum += weight[t];
			place += weight[t] * (double)index[t];
		}
		/* Four roundings of numbers below 20. */
		assert_true(fabs(sum - 1) < 1e-14);
		assert_true(fabs(place - resize_coordinate(&a, o)) < 1e-13);
	}
}

static void resize_can_exclude_what_is_outside(void **state)
{
	struct resize_axis a = {
		.mode = RESIZE_CUBIC, .transform = RESIZE_HALF_PIXEL,
		.in = 4, .out = 8, .scale = 2, .cubic_a = -0.75,
		.exclude_outside = true,
	};
	double weight[4], sum = 0;
	int64_t index[4];

	/* Output 0 lies at -1/4: of inputs -2 to 1, two exist. */
	resize_weights(&a, 0, index, weight);
	assert_true(weight[0] == 0 && weight[1] == 0);
	for (int t = 0; t < 4; t++)
		sum += weight[t];
	assert_true(fabs(sum - 1) < 1e-15);
}

/* Halving with a triangle twice as wide: 1/8, 3/8, 3/8, 1/8. */
static void resize_antialias_widens_the_filter(void **state)
{
	struct resize_axis a = {
		.mode = RESIZE_LINEAR, .transform = RESIZE_HALF_PIXEL,
		.in = 8, .out = 4, .scale = 0.5, .antialias = true,
	};
	double weight[4];
	int64_t index[4];

	assert_int_equal(resize_taps(&a), 4);
	resize_weights(&a, 1, index, weight);
	assert_memory_equal(index, ((int64_t[]){ 1, 2, 3, 4 }), sizeof(index));
	assert_true(weight[0] == 0.125 && weight[1] == 0.375 &&
		    weight[2] == 0.375 && weight[3] == 0.125);
}

/* The region from the middle to as far behind the end again. */
static void crop_and_resize_extrapolates(void **state)
{
	const float x[] = { 0, 1, 2, 3, 4 };
	const double roi[] = { 0, 0.5, 1, 1.5 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 5));
	kc_ints(&k, "sizes", DIMS(1, 3));
	kc_floats(&k, "roi", 4, roi);
	kc_str(&k, "mode", "linear");
	kc_str(&k, "coordinate_transformation_mode", "tf_crop_and_resize");
	kc_float(&k, "extrapolation_value", 10);
	assert_int_equal(KC_RUN(&k, resize), 0);
	kc_assert_floats(&k.out[0], FLOATS(2, 4, 10));
	kc_done(&k);
}

static void resize_refuses_unknown_modes_and_scales(void **state)
{
	const double scales[] = { 1, -2 };
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 4));
	kc_ints(&k, "sizes", DIMS(1, 8));
	kc_str(&k, "mode", "area");
	assert_int_equal(infer_resize(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "mode \"area\" is unknown");
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 4));
	kc_ints(&k, "sizes", DIMS(1, 8));
	kc_floats(&k, "scales", 2, scales);
	assert_int_equal(infer_resize(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "-2"));
	assert_null(k.out[0].data);
	kc_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(max_pool2d_is_its_nested_loops),
		cmocka_unit_test(avg_pool2d_counts_padding_or_not),
		cmocka_unit_test(max_pool_indices_run_down_columns_on_request),
		cmocka_unit_test(max_pool_passes_nan_on),
		cmocka_unit_test(max_pool_takes_bytes),
		cmocka_unit_test(pools_refuse_windows_that_do_not_fit),
		cmocka_unit_test(pools_refuse_endless_windows),
		cmocka_unit_test(lp_pool_is_a_norm),
		cmocka_unit_test(global_pools_reduce_planes),
		cmocka_unit_test(adaptive_windows_overlap_where_they_must),
		cmocka_unit_test(pools_do_not_depend_on_threads),
		cmocka_unit_test(resize_linear_weighs_neighbours),
		cmocka_unit_test(resize_nearest_rounds_as_told),
		cmocka_unit_test(resize_cubic_keeps_lines),
		cmocka_unit_test(resize_can_exclude_what_is_outside),
		cmocka_unit_test(resize_antialias_widens_the_filter),
		cmocka_unit_test(crop_and_resize_extrapolates),
		cmocka_unit_test(resize_refuses_unknown_modes_and_scales),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
