// SPDX-License-Identifier: MIT
/*
 * Functions of one value, and what chooses or weighs values along a dimension:
 * against their definitions in double with libm, rounded to float. The kernels
 * err by less than 1e-15 before rounding, so the nearest float or a neighbour
 * is the answer.
 */
#include "kernel_call.h"
#include "nn/kernels/fmath.h"

#define COUNT	2000

struct activation {
	const char *name;
	fxq_call_fn infer, eval;
	double (*want)(double x);
	const char *names[2];
	double values[2];
};

static double clip(double x, double lo, double hi)
{
	return fmin(fmax(x, lo), hi);
}

static double relu(double x) { return fmax(x, 0); }
static double relu6(double x) { return clip(x, 0, 6); }
static double leaky(double x) { return x < 0 ? x * 0.25 : x; }
static double elu(double x) { return x < 0 ? 1.5 * expm1(x) : x; }
static double selu(double x)
{
	return 1.0507009873554805 *
	       (x < 0 ? 1.6732632423543772 * expm1(x) : x);
}
static double celu(double x) { return x < 0 ? 2 * expm1(x / 2) : x; }
static double gelu(double x) { return x * 0.5 * erfc(-x / sqrt(2)); }
static double silu(double x) { return x / (1 + exp(-x)); }
static double mish(double x) { return x * tanh(log1p(exp(x))); }
static double hardswish(double x) { return x * clip(x + 3, 0, 6) / 6; }
static double hardsigmoid(double x) { return clip(x * 0.2 + 0.5, 0, 1); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return log1p(exp(x)); }
static double softsign(double x) { return x / (1 + fabs(x)); }
static double hardtanh(double x) { return clip(x, -2, 3); }
static double clamp_below(double x) { return fmax(x, -0.5); }
static double thresholded(double x) { return x > 0.5 ? x : 0; }
static double shrink(double x)
{
	return x < -1 ? x + 0.5 : x > 1 ? x - 0.5 : 0;
}
static double reciprocal(double x) { return 1 / x; }
static double neg(double x) { return -x; }
static double sign(double x) { return (x > 0) - (x < 0); }

#define A(op, want, ...)	\
	{ #op, infer_##op, eval_##op, want, __VA_ARGS__ }

static const struct activation activations[] = {
	A(relu, relu), A(relu6, relu6),
	A(leaky_relu, leaky, { "negative_slope" }, { 0.25 }),
	A(elu, elu, { "alpha" }, { 1.5 }), A(selu, selu),
	A(celu, celu, { "alpha" }, { 2 }), A(gelu, gelu), A(silu, silu),
	A(mish, mish), A(hardswish, hardswish),
	A(hardsigmoid, hardsigmoid, { "alpha", "beta" }, { 0.2, 0.5 }),
	A(sigmoid, sigmoid), A(tanh, tanh), A(softplus, softplus),
	A(softsign, softsign),
	A(hardtanh, hardtanh, { "min_val", "max_val" }, { -2, 3 }),
	A(clamp, clamp_below, { "min" }, { -0.5 }),
	A(thresholded_relu, thresholded, { "alpha" }, { 0.5 }),
	A(shrink, shrink, { "lambd", "bias" }, { 1, 0.5 }), A(erf, erf),
	A(exp, exp), A(log, log), A(sqrt, sqrt), A(reciprocal, reciprocal),
	A(neg, neg), A(abs, fabs), A(sign, sign), A(floor, floor),
	A(ceil, ceil), A(round, rint), A(sin, sin), A(cos, cos), A(tan, tan),
	A(asin, asin), A(acos, acos), A(atan, atan), A(sinh, sinh),
	A(cosh, cosh), A(asinh, asinh), A(acosh, acosh), A(atanh, atanh),
};

#define N_ACTIVATIONS	(sizeof(activations) / sizeof(*activations))

static void begin(struct kc *k, const struct activation *a, uint32_t dtype,
		  const void *x, int64_t n)
{
	kc_init(k, 1);
	kc_in(k, dtype, x, DIMS(n));
	for (int i = 0; i < 2 && a->names[i]; i++)
		kc_float(k, a->names[i], a->values[i]);
}

static float argument(int i)
{
	uint32_t seed = (uint32_t)i * 2654435761u;

	return kc_random(&seed) * (i % 3 == 0 ? 20 : i % 3 == 1 ? 3 : 0.01f);
}

/* One float beside the nearest is allowed, for what is almost halfway. */
static void floats_are_the_nearest(void **state)
{
	float x[COUNT];

	for (int i = 0; i < COUNT; i++)
		x[i] = argument(i);
	for (size_t a = 0; a < N_ACTIVATIONS; a++) {
		struct kc k;
		float *y;

		begin(&k, &activations[a], FXQ_DTYPE_F32, x, COUNT);
		assert_int_equal(kc_run(&k, activations[a].infer,
					activations[a].eval), 0);
		y = k.out[0].data;
		for (int i = 0; i < COUNT; i++) {
			float want = (float)activations[a].want(x[i]);

			if (isnan(want) ? isnan(y[i]) :
			    y[i] == want || nextafterf(want, y[i]) == y[i])
				continue;
			fail_msg("%s(%.9g) is %.9g, not %.9g",
				 activations[a].name, x[i], y[i], want);
		}
		kc_done(&k);
	}
}

static void doubles_are_near(void **state)
{
	double x[COUNT];

	for (int i = 0; i < COUNT; i++)
		x[i] = argument(i);
	for (size_t a = 0; a < N_ACTIVATIONS; a++) {
		struct kc k;
		double *y;

		begin(&k, &activations[a], FXQ_DTYPE_F64, x, COUNT);
		assert_int_equal(kc_run(&k, activations[a].infer,
					activations[a].eval), 0);
		y = k.out[0].data;
		for (int i = 0; i < COUNT; i++) {
			double want = activations[a].want(x[i]);

			/* gelu at -20 has e^-200; roundings of 200 show. */
			if (isnan(want) ? isnan(y[i]) :
			    fabs(y[i] - want) <= 2e-13 * fabs(want))
				continue;
			fail_msg("%s(%.17g) is %.17g, not %.17g",
				 activations[a].name, x[i], y[i], want);
		}
		kc_done(&k);
	}
}

/* sign is the one that has an answer at NaN in C: NaN here. */
static void nan_stays_nan(void **state)
{
	const float x[2] = { NAN, -NAN };

	for (size_t a = 0; a < N_ACTIVATIONS; a++) {
		struct kc k;
		float *y;

		begin(&k, &activations[a], FXQ_DTYPE_F32, x, 2);
		assert_int_equal(kc_run(&k, activations[a].infer,
					activations[a].eval), 0);
		y = k.out[0].data;
		if (!isnan(y[0]) || !isnan(y[1]))
			fail_msg("%s of NaN is %g", activations[a].name, y[0]);
		kc_done(&k);
	}
}

static void gates_close_at_minus_infinity(void **state)
{
	const float x = -INFINITY;

	for (size_t a = 0; a < N_ACTIVATIONS; a++) {
		static const char *const gates[] = { "gelu", "silu", "mish",
						     "hardswish" };
		struct kc k;

		for (int g = 0; g < 4; g++) {
			if (strcmp(activations[a].name, gates[g]))
				continue;
			begin(&k, &activations[a], FXQ_DTYPE_F32, &x, 1);
			assert_int_equal(kc_run(&k, activations[a].infer,
						activations[a].eval), 0);
			assert_true(*(float *)k.out[0].data == 0);
			kc_done(&k);
		}
	}
}

static void pointwise_does_not_depend_on_threads(void **state)
{
	struct kc k;
	float *one;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(500001));
	assert_int_equal(KC_RUN(&k, gelu), 0);
	one = k.out[0].data;
	k.out[0].data = NULL;
	k.call.threads = 4;
	assert_int_equal(KC_RUN(&k, gelu), 0);
	assert_memory_equal(one, k.out[0].data, 500001 * sizeof(float));
	free(one);
	kc_done(&k);
}

static void integers_are_exact(void **state)
{
	const int64_t x[] = { INT64_MAX, -5, 0, 7 };
	const int8_t small[] = { -128, -1, 0, 127 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I64, x, DIMS(4));
	assert_int_equal(KC_RUN(&k, neg), 0);
	assert_memory_equal(k.out[0].data,
			    ((int64_t[]){ -INT64_MAX, 5, 0, -7 }), sizeof(x));
	kc_done(&k);

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I8, small, DIMS(4));
	kc_int(&k, "min", -2);
	kc_int(&k, "max", 100);
	assert_int_equal(KC_RUN(&k, clamp), 0);
	assert_memory_equal(k.out[0].data, ((int8_t[]){ -2, -1, 0, 100 }), 4);
	kc_done(&k);
}

static void a_type_without_the_function_is_refused(void **state)
{
	const int32_t x[1] = { 1 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I32, x, DIMS(1));
	assert_int_equal(infer_tanh(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "int32"));
	kc_done(&k);
}

static void gelu_refuses_an_unknown_approximation(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1));
	kc_str(&k, "approximate", "quick");
	assert_int_equal(infer_gelu(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "\"quick\""));
	kc_done(&k);
}

static void gelu_tanh_is_its_formula(void **state)
{
	struct kc k;
	float *x, *y;

	kc_init(&k, 1);
	x = kc_rand(&k, DIMS(COUNT));
	kc_str(&k, "approximate", "tanh");
	assert_int_equal(KC_RUN(&k, gelu), 0);
	y = k.out[0].data;
	for (int i = 0; i < COUNT; i++) {
		double v = x[i];
		float want = (float)(0.5 * v * (1 + tanh(sqrt(2 / M_PI) *
					(v + 0.044715 * v * v * v))));

		assert_true(y[i] == want || nextafterf(want, y[i]) == y[i]);
	}
	kc_done(&k);
}

static void prelu_takes_a_slope_for_each_channel(void **state)
{
	const float x[] = { -1, -2, 3, -4, -5, -6, 7, -8 };
	const float slope[] = { 0.5f, 2 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 2, 4));
	kc_in(&k, FXQ_DTYPE_F32, slope, DIMS(2));
	assert_int_equal(KC_RUN(&k, prelu), 0);
	kc_assert_floats(&k.out[0],
			 FLOATS(-0.5, -1, 3, -2, -10, -12, 7, -16));
	kc_done(&k);
}

static void prelu_broadcasts_from_the_right(void **state)
{
	const float x[] = { -1, -2, 3, -4, -5, -6, 7, -8 };
	const float slope[] = { 0, 1, 2, 3 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(1, 2, 4));
	kc_in(&k, FXQ_DTYPE_F32, slope, DIMS(4));
	assert_int_equal(KC_RUN(&k, prelu), 0);
	kc_assert_floats(&k.out[0], FLOATS(0, -2, 3, -12, 0, -6, 7, -24));
	kc_done(&k);
}

static void prelu_refuses_a_slope_of_another_shape(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 2, 4));
	kc_rand(&k, DIMS(3));
	assert_int_equal(infer_prelu(&k.call), -EINVAL);
	kc_done(&k);
}

/* Along each dimension of a cube, with libm's exponentials. */
static void softmax_is_its_definition(void **state)
{
	for (int dim = -3; dim < 0; dim++) {
		static const int64_t step[] = { 35, 7, 1 }, n[] = { 4, 5, 7 };
		int64_t d = dim + 3;
		struct kc k;
		float *x, *y;

		kc_init(&k, 1);
		x = kc_rand(&k, DIMS(4, 5, 7));
		kc_int(&k, "dim", dim);
		assert_int_equal(KC_RUN(&k, softmax), 0);
		y = k.out[0].data;
		for (int64_t i = 0; i < 140; i++) {
			int64_t first = i - i / step[d] % n[d] * step[d];
			double sum = 0;

			for (int64_t j = 0; j < n[d]; j++)
				sum += exp(x[first + j * step[d]]);
			assert_true(fabs(y[i] - exp(x[i]) / sum) <=
				    0x1p-24 * y[i] * 1.01);
		}
		kc_again(&k);
		assert_int_equal(KC_RUN(&k, log_softmax), 0);
		y = k.out[0].data;
		for (int64_t i = 0; i < 140; i++) {
			int64_t first = i - i / step[d] % n[d] * step[d];
			double sum = 0;

			for (int64_t j = 0; j < n[d]; j++)
				sum += exp(x[first + j * step[d]]);
			assert_true(fabs(y[i] - (x[i] - log(sum))) <=
				    0x1p-24 * fabs(y[i]) * 1.01);
		}
		kc_done(&k);
	}
}

/* One element after another, as the operator is defined. */
static void softmax_row(float *y, const float *x, int64_t n, int64_t step)
{
	double max = x[0], sum = 0;

	for (int64_t i = 1; i < n; i++)
		max = x[i * step] > max ? x[i * step] : max;
	for (int64_t i = 0; i < n; i++)
		sum += fm_exp(x[i * step] - max);
	for (int64_t i = 0; i < n; i++)
		y[i * step] = (float)(fm_exp(x[i * step] - max) / sum);
}

static void check_rows(int64_t outer, int64_t n, int64_t inner, int threads)
{
	int64_t count = outer * n * inner;
	float *x, *want = malloc(count * sizeof(*want));
	struct kc k;

	kc_init(&k, 1);
	x = kc_rand(&k, DIMS(outer, n, inner));
	for (int64_t i = 0; i < count; i++)
		x[i] *= i % 11 ? 20 : 1e4f;
	for (int64_t row = 0; row < outer * inner; row++) {
		int64_t at = row / inner * n * inner + row % inner;

		softmax_row(want + at, x + at, n, inner);
	}
	kc_int(&k, "dim", 1);
	k.call.threads = threads;
	assert_int_equal(KC_RUN(&k, softmax), 0);
	assert_memory_equal(k.out[0].data, want, count * sizeof(*want));
	kc_done(&k);
	free(want);
}

static void softmax_has_the_bits_of_one_row_at_a_time(void **state)
{
	static const int64_t n[] = { 1, 2, 3, 8, 10, 85 };

	for (size_t i = 0; i < sizeof(n) / sizeof(*n); i++)
		for (int64_t outer = 1; outer < 20; outer += 3)
			for (int64_t inner = 1; inner < 20; inner++)
				check_rows(outer, n[i], inner, 1);
	check_rows(40, 6625, 1, 3);
	check_rows(1, 6625, 1, 3);
	check_rows(3, 80, 484, 3);
}

/* Where exp overflows, the differences to the largest do not. */
static void softmax_survives_large_values(void **state)
{
	const float x[] = { 3e38f, 3e38f, -3e38f };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(3));
	assert_int_equal(KC_RUN(&k, softmax), 0);
	kc_assert_floats(&k.out[0], FLOATS(0.5, 0.5, 0));
	kc_done(&k);
}

static void softmax_with_nan_is_nan(void **state)
{
	const float x[] = { 1, NAN, 2 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(3));
	assert_int_equal(KC_RUN(&k, softmax), 0);
	kc_assert_floats(&k.out[0], FLOATS(NAN, NAN, NAN));
	kc_done(&k);
}

static void softmax_refuses_a_dimension_outside(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 3));
	kc_int(&k, "dim", 2);
	assert_int_equal(infer_softmax(&k.call), -EINVAL);
	assert_string_equal(k.call.error,
			    "dim 2 is outside an input of rank 2");
	assert_null(k.out[0].data);
	kc_done(&k);
}

static void hardmax_marks_the_first_of_equals(void **state)
{
	const float x[] = { 1, 3, 3, 2, 5, 5 };
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(2, 3));
	assert_int_equal(KC_RUN(&k, hardmax), 0);
	kc_assert_floats(&k.out[0], FLOATS(0, 1, 0, 0, 1, 0));
	kc_done(&k);
}

static void argmax_chooses(const float *x, int last, fxq_call_fn infer,
			   fxq_call_fn eval, int64_t want)
{
	struct kc k;

	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(4));
	kc_int(&k, "keepdim", 0);
	kc_int(&k, "select_last", last);
	assert_int_equal(kc_run(&k, infer, eval), 0);
	assert_int_equal(k.out[0].dtype, FXQ_DTYPE_I64);
	kc_assert_dims(&k.out[0], 0, NULL);
	assert_int_equal(*(int64_t *)k.out[0].data, want);
	kc_done(&k);
}

static void argmax_chooses_among_equals_and_nan(void **state)
{
	const float equal[] = { 1, 5, 5, 1 }, nan[] = { 1, NAN, 9, NAN };

	argmax_chooses(equal, 0, infer_argmax, eval_argmax, 1);
	argmax_chooses(equal, 1, infer_argmax, eval_argmax, 2);
	argmax_chooses(equal, 0, infer_argmin, eval_argmin, 0);
	argmax_chooses(equal, 1, infer_argmin, eval_argmin, 3);
	argmax_chooses(nan, 0, infer_argmax, eval_argmax, 1);
	argmax_chooses(nan, 0, infer_argmin, eval_argmin, 1);
}

static void argmax_refuses_to_choose_from_nothing(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 0));
	kc_int(&k, "dim", 1);
	assert_int_equal(infer_argmax(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "no element"));
	kc_done(&k);
}

static void dropout_keeps_everything(void **state)
{
	struct kc k;

	kc_init(&k, 2);
	kc_rand(&k, DIMS(2, 3));
	assert_int_equal(KC_RUN(&k, dropout), 0);
	assert_memory_equal(k.out[0].data, k.in[0].data, 6 * sizeof(float));
	assert_int_equal(k.out[1].dtype, FXQ_DTYPE_BOOL);
	assert_memory_equal(k.out[1].data, "\1\1\1\1\1\1", 6);
	kc_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floats_are_the_nearest),
		cmocka_unit_test(doubles_are_near),
		cmocka_unit_test(nan_stays_nan),
		cmocka_unit_test(gates_close_at_minus_infinity),
		cmocka_unit_test(pointwise_does_not_depend_on_threads),
		cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(a_type_without_the_function_is_refused),
		cmocka_unit_test(gelu_refuses_an_unknown_approximation),
		cmocka_unit_test(gelu_tanh_is_its_formula),
		cmocka_unit_test(prelu_takes_a_slope_for_each_channel),
		cmocka_unit_test(prelu_broadcasts_from_the_right),
		cmocka_unit_test(prelu_refuses_a_slope_of_another_shape),
		cmocka_unit_test(softmax_is_its_definition),
		cmocka_unit_test(softmax_has_the_bits_of_one_row_at_a_time),
		cmocka_unit_test(softmax_survives_large_values),
		cmocka_unit_test(softmax_with_nan_is_nan),
		cmocka_unit_test(softmax_refuses_a_dimension_outside),
		cmocka_unit_test(hardmax_marks_the_first_of_equals),
		cmocka_unit_test(argmax_chooses_among_equals_and_nan),
		cmocka_unit_test(argmax_refuses_to_choose_from_nothing),
		cmocka_unit_test(dropout_keeps_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
