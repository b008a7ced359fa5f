// SPDX-License-Identifier: MIT
/*
 * Convolutions, linear layers and matrix products against nested loops in
 * double, and their independence of threads and instruction sets.
 *
 * The bound of a sum of n products in float is n half units of the sum of
 * magnitudes, 2^-24 each; both are known, so no tolerance is guessed.
 */
#include "kernel_call.h"

#include "nn/kernels/gemm.h"

static void assert_near(float got, double want, double magnitude, int64_t n)
{
	if (!(fabs(got - want) <= (double)(n + 2) * 0x1p-24 * magnitude))
		fail_msg("%.9g is not %.9g", got, want);
}

/* A convolution in two dimensions, and its nested loops. */
struct conv_case {
	int64_t n, groups, ic, oc, h, w, kh, kw;
	int64_t stride[2], pads[4], dilation[2];
	int64_t out_pad[2];
};

static const struct conv_case conv_cases[] = {
	{ 1, 1, 3, 5, 7, 9, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 } },
	{ 2, 1, 16, 33, 12, 12, 3, 3, { 2, 2 }, { 0, 1, 1, 0 }, { 1, 1 } },
	{ 1, 8, 1, 1, 11, 13, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 } },
	{ 2, 6, 1, 2, 9, 10, 5, 3, { 2, 3 }, { 2, 1, 2, 1 }, { 1, 1 } },
	{ 1, 2, 4, 7, 14, 15, 3, 3, { 1, 2 }, { 2, 2, 2, 2 }, { 2, 2 } },
	{ 3, 1, 20, 9, 6, 6, 1, 1, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 } },
	{ 1, 1, 4, 4, 9, 9, 1, 1, { 2, 2 }, { 0, 0, 0, 0 }, { 1, 1 } },
	{ 1, 1, 300, 2, 4, 4, 1, 1, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 } },
	{ 1, 1, 2, 100, 20, 20, 3, 3, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 } },
	{ 1, 1, 2, 3, 10, 10, 4, 4, { 3, 3 }, { 3, 3, 3, 3 }, { 2, 3 } },
	{ 1, 1, 1, 1, 1, 1, 1, 1, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 } },
	{ 1, 1, 1, 2, 5, 5, 2, 2, { 4, 4 }, { 0, 0, 3, 3 }, { 1, 1 } },
};

static void begin_conv(struct kc *k, const struct conv_case *c, bool transposed)
{
	int64_t channels = c->groups * c->ic, out = c->groups * c->oc;

	kc_init(k, 1);
	kc_rand(k, DIMS(c->n, channels, c->h, c->w));
	if (transposed)
		kc_rand(k, DIMS(channels, c->oc, c->kh, c->kw));
	else
		kc_rand(k, DIMS(out, c->ic, c->kh, c->kw));
	kc_rand(k, DIMS(out));
	kc_int(k, "groups", c->groups);
	kc_ints(k, "stride", 2, c->stride);
	kc_ints(k, "padding", 4, c->pads);
	kc_ints(k, "dilation", 2, c->dilation);
	if (transposed)
		kc_ints(k, "output_padding", 2, c->out_pad);
}

/* The element of x at (n, ch, i, j); 0 in the padding. */
static double at(const struct kc *k, int64_t n, int64_t ch, int64_t i,
		 int64_t j)
{
	const struct fxq_tensor *x = &k->in[0];
	const float *v = x->data;

	if (i < 0 || j < 0 || i >= x->dims[2] || j >= x->dims[3])
		return 0;
	return v[((n * x->dims[1] + ch) * x->dims[2] + i) * x->dims[3] + j];
}

static void check_conv_output(const struct kc *k, const struct conv_case *c,
			      int64_t n, int64_t oc, int64_t i, int64_t j,
			      float got)
{
	const float *w = k->in[1].data, *bias = k->in[2].data;
	double sum = bias[oc], magnitude = fabs(bias[oc]);
	int64_t group = oc / c->oc;

	w += oc * c->ic * c->kh * c->kw;
	for (int64_t ic = 0; ic < c->ic; ic++)
		for (int64_t a = 0; a < c->kh; a++)
			for (int64_t b = 0; b < c->kw; b++) {
				double p = *w++ *
					at(k, n, group * c->ic + ic,
					   i * c->stride[0] - c->pads[0] +
					   a * c->dilation[0],
					   j * c->stride[1] - c->pads[1] +
					   b * c->dilation[1]);

				sum += p;
				magnitude += fabs(p);
			}
	assert_near(got, sum, magnitude, c->ic * c->kh * c->kw);
}

static int64_t conv_size(int64_t in, int64_t pads, int64_t taps,
			 int64_t dilation, int64_t stride)
{
	return (in + pads - (taps - 1) * dilation - 1) / stride + 1;
}

static void conv2d_is_its_nested_loops(void **state)
{
	for (size_t i = 0; i < sizeof(conv_cases) / sizeof(*conv_cases); i++) {
		const struct conv_case *c = &conv_cases[i];
		const float *y;
		struct kc k;
		int64_t oh = conv_size(c->h, c->pads[0] + c->pads[2], c->kh,
				       c->dilation[0], c->stride[0]);
		int64_t ow = conv_size(c->w, c->pads[1] + c->pads[3], c->kw,
				       c->dilation[1], c->stride[1]);

		begin_conv(&k, c, false);
		assert_int_equal(KC_RUN(&k, conv2d), 0);
		kc_assert_dims(&k.out[0],
			       DIMS(c->n, c->groups * c->oc, oh, ow));
		y = k.out[0].data;
		for (int64_t n = 0; n < c->n; n++)
			for (int64_t oc = 0; oc < c->groups * c->oc; oc++)
				for (int64_t p = 0; p < oh * ow; p++)
					check_conv_output(&k, c, n, oc, p / ow,
							  p % ow, *y++);
		kc_done(&k);
	}
}

/* What is computed with @threads; freed by the caller. */
static float *run_with(struct kc *k, fxq_call_fn infer, fxq_call_fn eval,
		       int threads, size_t *bytes)
{
	float *copy;

	kc_again(k);
	k->call.threads = threads;
	assert_int_equal(kc_run(k, infer, eval), 0);
	*bytes = fxq_tensor_bytes(&k->out[0]);
	copy = malloc(*bytes);
	memcpy(copy, k->out[0].data, *bytes);
	return copy;
}

static void assert_threads_agree(struct kc *k, fxq_call_fn infer,
				 fxq_call_fn eval)
{
	size_t bytes;
	float *one = run_with(k, infer, eval, 1, &bytes);

	for (int threads = 2; threads < 6; threads++) {
		float *many = run_with(k, infer, eval, threads, &bytes);

		assert_memory_equal(one, many, bytes);
		free(many);
	}
	free(one);
}

static void conv2d_does_not_depend_on_threads(void **state)
{
	static const struct conv_case cases[] = {
		/* one image: its blocks are shared; many: the images are */
		{ 1, 1, 64, 130, 30, 30, 3, 3, { 1, 1 }, { 1, 1, 1, 1 },
		  { 1, 1 } },
		{ 9, 1, 16, 40, 30, 30, 3, 3, { 2, 2 }, { 1, 1, 1, 1 },
		  { 1, 1 } },
		{ 1, 256, 1, 1, 60, 60, 3, 3, { 1, 1 }, { 1, 1, 1, 1 },
		  { 1, 1 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kc k;

		begin_conv(&k, &cases[i], false);
		assert_threads_agree(&k, infer_conv2d, eval_conv2d);
		kc_done(&k);
	}
}

static void linear_is_its_nested_loops(void **state)
{
	static const int64_t rows[] = { 1, 3, 15, 16, 17, 100, 1100 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const int64_t in = 37, out = 70;
		const float *x, *w, *bias, *y;
		struct kc k;

		kc_init(&k, 1);
		x = kc_rand(&k, DIMS(rows[i], 1, in));
		w = kc_rand(&k, DIMS(out, in));
		bias = kc_rand(&k, DIMS(out));
		assert_int_equal(KC_RUN(&k, linear), 0);
		kc_assert_dims(&k.out[0], DIMS(rows[i], 1, out));
		y = k.out[0].data;
		for (int64_t r = 0; r < rows[i]; r++)
			for (int64_t o = 0; o < out; o++) {
				double sum = bias[o], size = fabs(bias[o]);

				for (int64_t c = 0; c < in; c++) {
					double p = (double)x[r * in + c] *
						   w[o * in + c];

					sum += p;
					size += fabs(p);
				}
				assert_near(*y++, sum, size, in);
			}
		kc_done(&k);
	}
}

static void linear_does_not_depend_on_threads(void **state)
{
	for (int64_t rows = 2; rows < 1000; rows *= 100) {
		struct kc k;

		kc_init(&k, 1);
		kc_rand(&k, DIMS(rows, 700));
		kc_rand(&k, DIMS(3000, 700));
		assert_threads_agree(&k, infer_linear, eval_linear);
		kc_done(&k);
	}
}

/* A row's answer is the same alone and among others. */
static void linear_does_not_depend_on_the_batch(void **state)
{
	const int64_t in = 600, out = 50;
	struct kc many, one;
	float *x;

	kc_init(&many, 1);
	x = kc_rand(&many, DIMS(40, in));
	kc_rand(&many, DIMS(out, in));
	assert_int_equal(KC_RUN(&many, linear), 0);
	kc_init(&one, 1);
	kc_in(&one, FXQ_DTYPE_F32, x + 7 * in, DIMS(1, in));
	kc_rand(&one, DIMS(out, in));
	assert_int_equal(KC_RUN(&one, linear), 0);
	assert_memory_equal((float *)many.out[0].data + 7 * out,
			    one.out[0].data, out * sizeof(float));
	kc_done(&one);
	kc_done(&many);
}

/* Every path that this processor has, against the portable one. */
static void paths_give_the_same_bits(void **state)
{
	static float a[7 * 300], b[300 * 150], c[2][7 * GEMM_COLS];
	const int64_t k = 300, n = 128;
	uint32_t seed = 1;
	int64_t off[300];

	for (size_t i = 0; i < 7 * 300; i++)
		a[i] = kc_random(&seed);
	for (size_t i = 0; i < 300 * 150; i++)
		b[i] = kc_random(&seed);
	for (int64_t i = 0; i < k; i++)
		off[i] = i * 149;

	for (int p = 0; p < gemm_path_count - 1; p++) {
		if (!gemm_paths[p].is_supported())
			continue;
		for (int64_t m = 1; m <= 7; m++) {
			memset(c, 0, sizeof(c));
			gemm_paths[p].add(m, n, k, a, k, b, off, c[0]);
			gemm_paths[gemm_path_count - 1].add(m, n, k, a, k, b,
							    off, c[1]);
			assert_memory_equal(c[0], c[1], sizeof(c[0]));
		}
	}
}

static void conv2d_refuses_what_does_not_fit(void **state)
{
	static const struct {
		int64_t x[4], w[4], groups;
		const char *says;
	} cases[] = {
		{ { 1, 3, 8, 8 }, { 4, 2, 3, 3 }, 1, "for 2 input channels" },
		{ { 1, 3, 8, 8 }, { 4, 3, 3, 3 }, 2, "cannot be 2 groups" },
		{ { 1, 4, 8, 8 }, { 5, 2, 3, 3 }, 2,
		  "5 output channels cannot" },
		{ { 1, 3, 2, 8 }, { 4, 3, 3, 3 }, 1, "reaches over 3" },
		{ { 1, 3, 8, 8 }, { 4, 3, 0, 3 }, 1, "kernel is empty" },
		{ { 1, 3, 8, 8 }, { 4, 3, 3, 3 }, 0, "0 groups" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kc k;

		kc_init(&k, 1);
		kc_rand(&k, 4, cases[i].x);
		kc_rand(&k, 4, cases[i].w);
		kc_int(&k, "groups", cases[i].groups);
		assert_int_equal(infer_conv2d(&k.call), -EINVAL);
		assert_non_null(strstr(k.call.error, cases[i].says));
		assert_null(k.out[0].data);
		kc_done(&k);
	}
}

static void conv2d_refuses_fields_beyond_memory(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 1, 1, 1));
	kc_rand(&k, DIMS(1, 1, 2, 2));
	kc_int(&k, "padding", 1 << 20);
	kc_int(&k, "dilation", 1 << 21);
	assert_int_equal(infer_conv2d(&k.call), -EOVERFLOW);
	kc_done(&k);
}

/* Somebody else, a file for instance, says how large the result is. */
static void a_result_of_another_size_is_refused(void **state)
{
	struct kc k;

	begin_conv(&k, &conv_cases[0], false);
	assert_int_equal(infer_conv2d(&k.call), 0);
	k.out[0].dims[3]--;
	assert_int_equal(fxq_tensor_alloc(&k.out[0]), 0);
	assert_int_equal(eval_conv2d(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "inferred"));
	kc_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conv2d_is_its_nested_loops),
		cmocka_unit_test(conv2d_does_not_depend_on_threads),
		cmocka_unit_test(linear_is_its_nested_loops),
		cmocka_unit_test(linear_does_not_depend_on_threads),
		cmocka_unit_test(linear_does_not_depend_on_the_batch),
		cmocka_unit_test(paths_give_the_same_bits),
		cmocka_unit_test(conv2d_refuses_what_does_not_fit),
		cmocka_unit_test(conv2d_refuses_fields_beyond_memory),
		cmocka_unit_test(a_result_of_another_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
