// SPDX-License-Identifier: MIT
/*
 * The kernels between float and integer tensors, which become vector code,
 * against one element at a time: every bit, for all lengths around a vector's
 * and for floats that are no numbers, ties, or beyond any integer.
 */
#include <fxq/fxq_arith.h>

#include "kernel_call.h"
#include "nn/ops_edge.h"

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS_EDGE(X)
#undef X

#define LONGEST	200

static const float strange[] = {
	0.0f, -0.0f, INFINITY, -INFINITY, NAN, -NAN, 0.5f, 1.5f, -0.5f, -2.5f,
	127.5f, -128.5f, 1e30f, -1e30f, 0x1p-149f, 4194304.0f, 16777217.0f,
};

/* The definition; volatile keeps it out of the compiler's vectors. */
static int8_t quantized(float x, float scale, int z, int onnx)
{
	volatile float by = onnx ? scale : 1.0f / scale;
	volatile float v = onnx ? x / by : x * by;

	if (!(v > (float)(-128 - z)))
		v = (float)(-128 - z);
	if (!(v < (float)(127 - z)))
		v = (float)(127 - z);
	return (int8_t)((int)rintf(v) + z);
}

static void fill(float *x, int64_t n, float scale)
{
	uint32_t state = (uint32_t)n;

	for (int64_t i = 0; i < n; i++) {
		x[i] = kc_random(&state) * 200 * scale;
		if (i % 3 == 0)
			x[i] = strange[(state >> 8) % (sizeof(strange) / sizeof(*strange))] *
			       scale;
	}
}

static void check_quantize(int64_t n, float scale, int z, int onnx)
{
	int8_t *got;
	struct kc k;
	float *x;

	kc_init(&k, 1);
	x = kc_rand(&k, 1, &n);
	fill(x, n, scale);
	kc_float(&k, "scale", scale);
	kc_int(&k, "zero_point", z);
	kc_str(&k, "rule", onnx ? "onnx" : "torch");
	assert_int_equal(KC_RUN(&k, quantize), 0);
	got = k.out[0].data;
	for (int64_t i = 0; i < n; i++)
		if (got[i] != quantized(x[i], scale, z, onnx))
			fail_msg("%g / %g + %d is %d, not %d", x[i], scale, z,
				 got[i], quantized(x[i], scale, z, onnx));
	kc_done(&k);
}

static void quantize_is_its_definition(void **state)
{
	static const float scales[] = { 1, 0.125f, 0.1f, 0.0039f, 3.7f };

	for (int64_t n = 1; n < LONGEST; n++) {
		float scale = scales[n % 4];
		int z = (int)(n * 37 % 256) - 128;

		check_quantize(n, scale, z, 0);
		check_quantize(n, scale, z, 1);
	}
}

static void dequantize_is_its_definition(void **state)
{
	int8_t q[LONGEST];
	float want[LONGEST];

	for (int64_t n = 1; n < LONGEST; n++) {
		float scale = 0.013f * (float)n;
		int z = (int)(n * 37 % 256) - 128;
		struct kc k;

		for (int64_t i = 0; i < n; i++) {
			volatile float difference;

			q[i] = (int8_t)(i * 59 + n);
			difference = (float)(q[i] - z);
			want[i] = difference * scale;
		}
		kc_init(&k, 1);
		kc_in(&k, FXQ_DTYPE_I8, q, 1, &n);
		k.in[0].scale = scale;
		k.in[0].zero_point = z;
		assert_int_equal(KC_RUN(&k, dequantize), 0);
		assert_memory_equal(k.out[0].data, want, n * sizeof(*want));
		kc_done(&k);
	}
}

static void check_channels(int64_t outer, int64_t c, int64_t inner,
			   uint32_t axis)
{
	int64_t all[] = { outer, c, inner }, n = outer * c * inner;
	const int64_t *dims = axis ? all : all + 1;
	int32_t *q = malloc(n * sizeof(*q));
	float *scale, *want = malloc(n * sizeof(*want));
	uint32_t seed = (uint32_t)n;
	struct kc k;

	for (int64_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		q[i] = (int32_t)seed >> (i % 32);
	}
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_I32, q, 3 - !axis, dims);
	scale = kc_rand(&k, 1, &c);
	kc_int(&k, "axis", axis);
	assert_int_equal(KC_RUN(&k, dequantize_channels), 0);
	for (int64_t i = 0; i < n; i++) {
		volatile float v = (float)q[i];

		want[i] = v * scale[i / inner % c];
	}
	assert_memory_equal(k.out[0].data, want, n * sizeof(*want));
	kc_done(&k);
	free(q);
	free(want);
}

static void channels_have_scales_of_their_own(void **state)
{
	for (int64_t c = 1; c < 40; c++)
		for (int64_t inner = 1; inner < 40; inner++)
			check_channels(1 + c % 3, c, inner, 1);
	for (int64_t c = 1; c < 40; c++)
		check_channels(1, c, 100, 0);
}

static void wrong_calls_are_refused(void **state)
{
	int64_t dims[] = { 2, 3 }, two = 2, three = 3;
	int32_t q[6] = { 0 };
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, 2, dims);
	kc_float(&k, "scale", 0);
	assert_int_equal(infer_quantize(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "scale above 0"));
	kc_done(&k);

	for (int64_t axis = -1; axis <= 2; axis++) {
		kc_init(&k, 1);
		kc_in(&k, FXQ_DTYPE_I32, q, 2, dims);
		kc_rand(&k, 1, axis == 0 ? &three : &two);
		kc_int(&k, "axis", axis);
		assert_int_equal(infer_dequantize_channels(&k.call), -EINVAL);
		kc_done(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantize_is_its_definition),
		cmocka_unit_test(dequantize_is_its_definition),
		cmocka_unit_test(channels_have_scales_of_their_own),
		cmocka_unit_test(wrong_calls_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
