// SPDX-License-Identifier: MIT
/*
 * Array operators where ONNX's conformance cases do not look: the edges of
 * integer types, conversions that do not fit, several dimensions reordered at
 * once, and calls that must be refused. Expected values are worked out by
 * hand.
 */
#include "kernel_call.h"

#include "nn/array/array.h"

#define I64(...)	\
	(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
	((const int64_t[]){ __VA_ARGS__ })

static void assert_bytes(const struct fxq_tensor *t, const void *want,
			 size_t bytes)
{
	assert_int_equal(fxq_tensor_bytes(t), bytes);
	assert_memory_equal(t->data, want, bytes);
}

static void assert_int64(const struct fxq_tensor *t, size_t n,
			 const int64_t *want)
{
	assert_bytes(t, want, n * sizeof(*want));
}

static void integer_division_has_no_undefined_case(void **state)
{
	static const int8_t a[] = { -128, -128, 7, -7, 7 };
	static const int8_t b[] = { -1, 0, 2, 2, -2 };
	static const int8_t want[] = { -128, 0, 3, -3, -3 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I8, a, DIMS(5));
	kc_in(&k, FXQ_DTYPE_I8, b, DIMS(5));
	assert_int_equal(KC_RUN(&k, div), 0);
	assert_bytes(&k.out[0], want, 5);
	kc_done(&k);
}

static void dimensions_between_two_become_one(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 3, 4, 5));
	kc_int(&k, "start_dim", 1);
	kc_int(&k, "end_dim", -2);
	assert_int_equal(KC_RUN(&k, flatten), 0);
	kc_assert_dims(&k.out[0], DIMS(2, 12, 5));
	assert_memory_equal(k.out[0].data, k.in[0].data, 120 * sizeof(float));
	kc_again(&k);
	k.attrs[1].i = 0;
	assert_int_equal(infer_flatten(&k.call), -EINVAL);
	assert_string_equal(k.call.error,
			    "start_dim 1 comes after end_dim 0");
	kc_done(&k);
}

static void integers_wrap_around(void **state)
{
	static const int64_t a[] = { INT64_MAX, INT64_MIN, INT64_MIN };
	static const int64_t b[] = { 1, -1, -1 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I64, a, DIMS(3));
	kc_in(&k, FXQ_DTYPE_I64, b, DIMS(3));
	assert_int_equal(KC_RUN(&k, add), 0);
	assert_int64(&k.out[0], I64(INT64_MIN, INT64_MAX, INT64_MAX));
	kc_again(&k);
	assert_int_equal(KC_RUN(&k, div), 0);
	assert_int64(&k.out[0], I64(INT64_MAX, INT64_MIN, INT64_MIN));
	kc_again(&k);
	assert_int_equal(KC_RUN(&k, mod), 0);
	assert_int64(&k.out[0], I64(0, 0, 0));
	kc_done(&k);
}

/* mod has the divisor's sign, as in Python; with fmod=1 the dividend's. */
static void remainders_have_the_sign_that_is_asked_for(void **state)
{
	static const int32_t a[] = { -7, 7, -7 }, b[] = { 3, -3, -3 };
	static const int32_t python[] = { 2, -2, -1 }, c[] = { -1, 1, -1 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I32, a, DIMS(3));
	kc_in(&k, FXQ_DTYPE_I32, b, DIMS(3));
	assert_int_equal(KC_RUN(&k, mod), 0);
	assert_bytes(&k.out[0], python, sizeof(python));
	kc_again(&k);
	kc_int(&k, "fmod", 1);
	assert_int_equal(KC_RUN(&k, mod), 0);
	assert_bytes(&k.out[0], c, sizeof(c));
	kc_done(&k);
}

static void nan_wins_over_every_number(void **state)
{
	static const float a[] = { NAN, 1, INFINITY }, b[] = { 1, NAN, 2 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, a, DIMS(3));
	kc_in(&k, FXQ_DTYPE_F32, b, DIMS(3));
	assert_int_equal(KC_RUN(&k, maximum), 0);
	kc_assert_floats(&k.out[0], FLOATS(NAN, NAN, INFINITY));
	kc_again(&k);
	assert_int_equal(KC_RUN(&k, minimum), 0);
	kc_assert_floats(&k.out[0], FLOATS(NAN, NAN, 2));
	kc_done(&k);
}

static void shapes_stretch_along_any_dimension(void **state)
{
	static const float a[] = { 1, 2 }, b[] = { 10, 20, 30 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, a, DIMS(2, 1));
	kc_in(&k, FXQ_DTYPE_F32, b, DIMS(1, 1, 3));
	assert_int_equal(KC_RUN(&k, sub), 0);
	kc_assert_dims(&k.out[0], DIMS(1, 2, 3));
	kc_assert_floats(&k.out[0], FLOATS(-9, -19, -29, -8, -18, -28));
	kc_done(&k);
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
	static const float v[6];
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, v, DIMS(2, 3));
	kc_in(&k, FXQ_DTYPE_F32, v, DIMS(2));
	assert_int_equal(KC_RUN(&k, add), -EINVAL);
	assert_non_null(strstr(k.call.error, "3 and 2"));
	kc_done(&k);
}

static void operands_of_two_types_are_refused(void **state)
{
	static const int64_t v[2];
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, v, DIMS(2));
	kc_in(&k, FXQ_DTYPE_I64, v, DIMS(2));
	assert_int_equal(KC_RUN(&k, mul), -EINVAL);
	assert_string_equal(k.call.error, "operands are float32 and int64");
	kc_done(&k);
}

static void floats_that_do_not_fit_saturate(void **state)
{
	static const float v[] = { 300, -300, NAN, 1.9f, -1.9f, INFINITY };
	static const int8_t i8[] = { 127, -128, 0, 1, -1, 127 };
	static const uint8_t u8[] = { 255, 0, 0, 1, 0, 255 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, v, DIMS(6));
	kc_int(&k, "to", FXQ_DTYPE_I8);
	assert_int_equal(KC_RUN(&k, cast), 0);
	assert_bytes(&k.out[0], i8, 6);
	kc_again(&k);
	k.attrs[0].i = FXQ_DTYPE_U8;
	assert_int_equal(KC_RUN(&k, cast), 0);
	assert_bytes(&k.out[0], u8, 6);
	kc_again(&k);
	k.attrs[0].i = FXQ_DTYPE_I64;
	assert_int_equal(KC_RUN(&k, cast), 0);
	assert_int64(&k.out[0], I64(300, -300, 0, 1, -1, INT64_MAX));
	kc_done(&k);
}

static void a_type_that_is_none_is_refused(void **state)
{
	static const float v[1];
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, v, DIMS(1));
	kc_int(&k, "to", FXQ_DTYPE_COUNT);
	assert_int_equal(KC_RUN(&k, cast), -EINVAL);
	kc_done(&k);
}

/* Each element tells where it was: y[c][a][b] = x[a][b][c]. */
static void a_permutation_moves_every_element(void **state)
{
	int32_t x[5][37][19], want[19][5][37];
	struct kc k;

	for (int a = 0; a < 5; a++)
		for (int b = 0; b < 37; b++)
			for (int c = 0; c < 19; c++)
				x[a][b][c] = want[c][a][b] =
					a * 10000 + b * 100 + c;
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I32, x, DIMS(5, 37, 19));
	kc_ints(&k, "dims", I64(2, 0, -2));
	assert_int_equal(KC_RUN(&k, permute), 0);
	kc_assert_dims(&k.out[0], DIMS(19, 5, 37));
	assert_bytes(&k.out[0], want, sizeof(want));
	kc_done(&k);
}

static void a_slice_runs_backwards_too(void **state)
{
	static const int16_t x[] = { 0, 1, 2, 3, 4, 5 };
	static const int16_t back[] = { 5, 3, 1 }, front[] = { 1, 4 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I16, x, DIMS(6));
	kc_ints(&k, "starts", I64(INT64_MAX));
	kc_ints(&k, "ends", I64(INT64_MIN));
	kc_ints(&k, "steps", I64(-2));
	assert_int_equal(KC_RUN(&k, slice), 0);
	assert_bytes(&k.out[0], back, sizeof(back));
	kc_done(&k);

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I16, x, DIMS(6));
	kc_ints(&k, "starts", I64(-5));
	kc_ints(&k, "ends", I64(INT64_MAX));
	kc_ints(&k, "steps", I64(3));
	assert_int_equal(KC_RUN(&k, slice), 0);
	assert_bytes(&k.out[0], front, sizeof(front));
	kc_done(&k);
}

static void the_longest_steps_are_taken_once(void **state)
{
	static const int8_t x[] = { 1, 2, 3 };
	static const int64_t steps[] = { INT64_MAX, INT64_MIN };
	struct kc k;

	for (int i = 0; i < 2; i++) {
		kc_init(&k, 1);
		kc_in(&k, FXQ_DTYPE_I8, x, DIMS(3));
		kc_ints(&k, "starts", I64(i ? 2 : 0));
		kc_ints(&k, "ends", I64(i ? INT64_MIN : 3));
		kc_ints(&k, "steps", I64(steps[i]));
		assert_int_equal(KC_RUN(&k, slice), 0);
		assert_bytes(&k.out[0], &x[i ? 2 : 0], 1);
		kc_done(&k);
	}
}

static void a_shape_may_come_as_a_tensor(void **state)
{
	static const float x[6] = { 1, 2, 3, 4, 5, 6 };
	static const int64_t shape[] = { 3, -1 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(6));
	kc_in(&k, FXQ_DTYPE_I64, shape, DIMS(2));
	assert_int_equal(KC_RUN(&k, reshape), 0);
	kc_assert_dims(&k.out[0], DIMS(3, 2));
	kc_again(&k);

	/* Without values the shape is not known yet, which is no mistake. */
	k.in[1].data = NULL;
	assert_int_equal(infer_reshape(&k.call), -ENODATA);
	kc_done(&k);
}

static void indices_out_of_range_are_refused(void **state)
{
	static const float x[4];
	static const int64_t index[] = { 0, -5 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(4));
	kc_in(&k, FXQ_DTYPE_I64, index, DIMS(2));
	assert_int_equal(KC_RUN(&k, gather), -EINVAL);
	assert_string_equal(k.call.error, "index -5 of 4 elements");
	kc_again(&k);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(2));
	assert_int_equal(KC_RUN(&k, scatter_elements), -EINVAL);
	kc_done(&k);
}

/* A sum over the middle dimension, and over the two around it. */
static void reductions_take_any_set_of_dimensions(void **state)
{
	float x[2][3][2];
	struct kc k;

	for (int i = 0; i < 12; i++)
		((float *)x)[i] = i;
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(2, 3, 2));
	kc_ints(&k, "dims", I64(1));
	assert_int_equal(KC_RUN(&k, reduce_sum), 0);
	kc_assert_dims(&k.out[0], DIMS(2, 1, 2));
	kc_assert_floats(&k.out[0], FLOATS(6, 9, 24, 27));
	kc_done(&k);

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(2, 3, 2));
	kc_ints(&k, "dims", I64(0, -1));
	kc_int(&k, "keepdim", 0);
	assert_int_equal(KC_RUN(&k, reduce_max), 0);
	kc_assert_dims(&k.out[0], DIMS(3));
	kc_assert_floats(&k.out[0], FLOATS(7, 9, 11));
	kc_done(&k);
}

/* Accumulated in float, each 1 after 2^24 would be lost. */
static void long_sums_are_exact(void **state)
{
	int64_t n = (1 << 24) + 4;
	float *x = malloc(n * sizeof(*x));
	struct kc k;

	assert_non_null(x);
	for (int64_t i = 0; i < n; i++)
		x[i] = 1;
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(n));
	assert_int_equal(KC_RUN(&k, reduce_sum), 0);
	kc_assert_floats(&k.out[0], FLOATS(16777220));
	kc_done(&k);
	free(x);
}

static void equal_elements_keep_their_order_in_top_k(void **state)
{
	static const float x[] = { 2, 7, 2, NAN, 7 };
	struct kc k;

	kc_init(&k, 2);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(5));
	kc_int(&k, "k", 4);
	assert_int_equal(KC_RUN(&k, top_k), 0);
	kc_assert_floats(&k.out[0], FLOATS(NAN, 7, 7, 2));
	assert_int64(&k.out[1], I64(3, 1, 4, 0));
	kc_done(&k);
}

static void a_result_of_another_size_is_refused(void **state)
{
	static const float x[64];
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(8, 8));
	k.out[0] = fxq_tensor_type(FXQ_DTYPE_F32, DIMS(4, 8));
	assert_int_equal(fxq_tensor_alloc(&k.out[0]), 0);
	assert_int_equal(eval_permute(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "result 0 has another type"));
	k.in[0].data = NULL;
	assert_int_equal(eval_permute(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "tensor 0 has no data");
	kc_done(&k);
}

static void results_beyond_reason_are_refused(void **state)
{
	static const int64_t times[] = { INT64_MAX, INT64_MAX };
	static const float x[1];
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 1));
	kc_in(&k, FXQ_DTYPE_I64, times, DIMS(2));
	assert_int_equal(infer_tile(&k.call), -EOVERFLOW);
	assert_int_equal(infer_expand(&k.call), -EOVERFLOW);
	kc_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integer_division_has_no_undefined_case),
		cmocka_unit_test(dimensions_between_two_become_one),
		cmocka_unit_test(integers_wrap_around),
		cmocka_unit_test(remainders_have_the_sign_that_is_asked_for),
		cmocka_unit_test(nan_wins_over_every_number),
		cmocka_unit_test(shapes_stretch_along_any_dimension),
		cmocka_unit_test(shapes_that_do_not_fit_are_refused),
		cmocka_unit_test(operands_of_two_types_are_refused),
		cmocka_unit_test(floats_that_do_not_fit_saturate),
		cmocka_unit_test(a_type_that_is_none_is_refused),
		cmocka_unit_test(a_permutation_moves_every_element),
		cmocka_unit_test(a_slice_runs_backwards_too),
		cmocka_unit_test(the_longest_steps_are_taken_once),
		cmocka_unit_test(a_shape_may_come_as_a_tensor),
		cmocka_unit_test(indices_out_of_range_are_refused),
		cmocka_unit_test(reductions_take_any_set_of_dimensions),
		cmocka_unit_test(long_sums_are_exact),
		cmocka_unit_test(equal_elements_keep_their_order_in_top_k),
		cmocka_unit_test(a_result_of_another_size_is_refused),
		cmocka_unit_test(results_beyond_reason_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
