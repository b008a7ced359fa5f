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

/*
 * Vectors are wider than these images. What is behind the last one is not ours
 * to read: the sanitizer guards the end of memory that is exactly as large.
 */
static void conv2d_stays_inside_of_tiny_inputs(void **state)
{
	const float w = 2;
	float *x = malloc(3 * sizeof(*x));
	struct kc k;

	x[0] = 1;
	x[1] = 2;
	x[2] = 3;
	kc_init(&k, 1);
	kc_in(&k, FXQ_DTYPE_F32, x, DIMS(3, 1, 1, 1));
	kc_in(&k, FXQ_DTYPE_F32, &w, DIMS(1, 1, 1, 1));
	assert_int_equal(KC_RUN(&k, conv2d), 0);
	kc_assert_floats(&k.out[0], FLOATS(2, 4, 6));
	kc_done(&k);
	free(x);
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

/* Each input adds to the outputs it reaches: the definition, the other way. */
static void scatter_input(const struct kc *k, const struct conv_case *c,
			  int64_t n, int64_t ch, int64_t p, double *sum,
			  double *size)
{
	const int64_t *y = k->out[0].dims;
	const float *w = k->in[1].data;
	int64_t group = ch / c->ic;
	double x = at(k, n, ch, p / c->w, p % c->w);

	w += ch * c->oc * c->kh * c->kw;
	for (int64_t oc = 0; oc < c->oc; oc++)
		for (int64_t a = 0; a < c->kh; a++)
			for (int64_t b = 0; b < c->kw; b++, w++) {
				int64_t i = p / c->w * c->stride[0] +
					    a * c->dilation[0] - c->pads[0];
				int64_t j = p % c->w * c->stride[1] +
					    b * c->dilation[1] - c->pads[1];
				int64_t o = (n * y[1] + group * c->oc + oc) *
					    y[2] * y[3] + i * y[3] + j;

				if (i < 0 || j < 0 || i >= y[2] || j >= y[3])
					continue;
				sum[o] += x * *w;
				size[o] += fabs(x * *w);
			}
}

static void check_transposed(struct kc *k, const struct conv_case *c)
{
	const struct fxq_tensor *t = &k->out[0];
	int64_t count = fxq_tensor_count(t), plane = t->dims[2] * t->dims[3];
	double *sum = calloc(2 * count, sizeof(*sum)), *size = sum + count;
	const float *bias = k->in[2].data, *y = t->data;

	for (int64_t o = 0; o < count; o++) {
		sum[o] = bias[o / plane % t->dims[1]];
		size[o] = fabs(sum[o]);
	}
	for (int64_t n = 0; n < c->n; n++)
		for (int64_t ch = 0; ch < c->groups * c->ic; ch++)
			for (int64_t p = 0; p < c->h * c->w; p++)
				scatter_input(k, c, n, ch, p, sum, size);
	for (int64_t o = 0; o < count; o++)
		assert_near(y[o], sum[o], size[o], c->ic * c->kh * c->kw);
	free(sum);
}

static void conv_transpose2d_scatters_its_inputs(void **state)
{
	static const struct conv_case cases[] = {
		{ 1, 1, 3, 5, 5, 6, 3, 3, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 },
		  { 0, 0 } },
		{ 2, 1, 7, 9, 6, 5, 4, 4, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 },
		  { 0, 0 } },
		{ 1, 2, 3, 2, 5, 7, 2, 2, { 2, 2 }, { 0, 0, 0, 0 }, { 1, 1 },
		  { 0, 0 } },
		{ 1, 1, 2, 3, 4, 4, 3, 3, { 2, 3 }, { 1, 0, 2, 1 }, { 1, 2 },
		  { 1, 1 } },
		/* strides beyond the kernel: some outputs are bias alone */
		{ 1, 1, 2, 3, 3, 4, 2, 1, { 3, 4 }, { 0, 0, 0, 0 }, { 1, 1 },
		  { 0, 0 } },
		{ 1, 3, 1, 2, 4, 5, 3, 3, { 2, 2 }, { 2, 2, 2, 2 }, { 3, 3 },
		  { 1, 1 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct conv_case *c = &cases[i];
		struct kc k;

		begin_conv(&k, c, true);
		assert_int_equal(KC_RUN(&k, conv_transpose2d), 0);
		kc_assert_dims(&k.out[0], DIMS(c->n, c->groups * c->oc,
			(c->h - 1) * c->stride[0] + c->out_pad[0] + 1 +
			(c->kh - 1) * c->dilation[0] - c->pads[0] - c->pads[2],
			(c->w - 1) * c->stride[1] + c->out_pad[1] + 1 +
			(c->kw - 1) * c->dilation[1] - c->pads[1] -
			c->pads[3]));
		check_transposed(&k, c);
		kc_done(&k);
	}
}

static void conv_transpose2d_does_not_depend_on_threads(void **state)
{
	static const struct conv_case c = {
		1, 1, 32, 40, 40, 40, 4, 4, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 },
		{ 0, 0 }
	};
	struct kc k;

	begin_conv(&k, &c, true);
	assert_threads_agree(&k, infer_conv_transpose2d, eval_conv_transpose2d);
	kc_done(&k);
}

/* One dimension and three are two with others of size 1. */
static void conv1d_and_conv3d_agree_with_conv2d(void **state)
{
	struct kc flat, line, cube;
	float *x, *w;

	kc_init(&flat, 1);
	x = kc_rand(&flat, DIMS(1, 4, 1, 30));
	w = kc_rand(&flat, DIMS(6, 4, 1, 5));
	kc_ints(&flat, "stride", DIMS(1, 2));
	kc_ints(&flat, "padding", DIMS(0, 2, 0, 1));
	assert_int_equal(KC_RUN(&flat, conv2d), 0);

	kc_init(&line, 1);
	kc_in(&line, FXQ_DTYPE_F32, x, DIMS(1, 4, 30));
	kc_in(&line, FXQ_DTYPE_F32, w, DIMS(6, 4, 5));
	kc_int(&line, "stride", 2);
	kc_ints(&line, "padding", DIMS(2, 1));
	assert_int_equal(KC_RUN(&line, conv1d), 0);
	assert_memory_equal(flat.out[0].data, line.out[0].data,
			    fxq_tensor_bytes(&flat.out[0]));

	/* The line stands upright, its neighbours all padding. */
	kc_init(&cube, 1);
	kc_in(&cube, FXQ_DTYPE_F32, x, DIMS(1, 4, 30, 1, 1));
	kc_in(&cube, FXQ_DTYPE_F32, w, DIMS(6, 4, 5, 1, 1));
	kc_ints(&cube, "stride", DIMS(2, 1, 1));
	kc_ints(&cube, "padding", DIMS(2, 0, 0, 1, 0, 0));
	assert_int_equal(KC_RUN(&cube, conv3d), 0);
	kc_assert_dims(&cube.out[0], DIMS(1, 6, 15, 1, 1));
	assert_memory_equal(flat.out[0].data, cube.out[0].data,
			    fxq_tensor_bytes(&flat.out[0]));
	kc_done(&cube);
	kc_done(&line);
	kc_done(&flat);
}

static void conv2d_keeps_nan_where_it_reaches(void **state)
{
	struct kc k;
	float *x, *y;

	kc_init(&k, 1);
	x = kc_rand(&k, DIMS(1, 1, 5, 5));
	kc_rand(&k, DIMS(1, 1, 3, 3));
	x[0] = NAN;
	assert_int_equal(KC_RUN(&k, conv2d), 0);
	y = k.out[0].data;
	for (int i = 0; i < 9; i++)
		assert_int_equal(isnan(y[i]) != 0, i == 0);
	kc_done(&k);
}

static void check_matmul(struct kc *k, int64_t batch, int64_t m, int64_t n,
			 int64_t depth, bool a_repeats, bool b_repeats)
{
	const float *a = k->in[0].data, *b = k->in[1].data;
	const float *c = k->out[0].data;

	for (int64_t i = 0; i < batch * m * n; i++) {
		int64_t p = i / n / m;
		const float *row = a + ((a_repeats ? 0 : p) * m + i / n % m) *
				   depth;
		const float *col = b + (b_repeats ? 0 : p) * depth * n + i % n;
		double sum = 0, size = 0;

		for (int64_t d = 0; d < depth; d++) {
			sum += (double)row[d] * col[d * n];
			size += fabs((double)row[d] * col[d * n]);
		}
		assert_near(c[i], sum, size, depth);
	}
}

static void matmul_broadcasts_as_numpy(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(3, 5, 19));
	kc_rand(&k, DIMS(3, 19, 33));
	assert_int_equal(KC_RUN(&k, matmul), 0);
	kc_assert_dims(&k.out[0], DIMS(3, 5, 33));
	check_matmul(&k, 3, 5, 33, 19, false, false);
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(1, 5, 300));
	kc_rand(&k, DIMS(2, 4, 300, 32));
	assert_int_equal(KC_RUN(&k, matmul), 0);
	kc_assert_dims(&k.out[0], DIMS(2, 4, 5, 32));
	check_matmul(&k, 8, 5, 32, 300, true, false);
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(4, 2, 3));
	kc_rand(&k, DIMS(3));
	assert_int_equal(KC_RUN(&k, matmul), 0);
	kc_assert_dims(&k.out[0], DIMS(4, 2));
	check_matmul(&k, 4, 2, 1, 3, false, true);
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(7));
	kc_rand(&k, DIMS(7));
	assert_int_equal(KC_RUN(&k, matmul), 0);
	kc_assert_dims(&k.out[0], 0, NULL);
	check_matmul(&k, 1, 1, 1, 7, false, false);
	kc_done(&k);
}

/* A sum over nothing is 0. */
static void matmul_of_no_columns_is_zero(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 0));
	kc_rand(&k, DIMS(0, 3));
	assert_int_equal(KC_RUN(&k, matmul), 0);
	kc_assert_floats(&k.out[0], FLOATS(0, 0, 0, 0, 0, 0));
	kc_done(&k);
}

static void matmul_does_not_depend_on_threads(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(6, 100, 150));
	kc_rand(&k, DIMS(6, 150, 301));
	assert_threads_agree(&k, infer_matmul, eval_matmul);
	kc_done(&k);
}

static void matmul_refuses_what_does_not_match(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 3));
	kc_rand(&k, DIMS(4, 2));
	assert_int_equal(infer_matmul(&k.call), -EINVAL);
	assert_string_equal(k.call.error, "3 columns do not match 4 rows");
	kc_done(&k);

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 1, 3));
	kc_rand(&k, DIMS(3, 3, 1));
	assert_int_equal(infer_matmul(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "2 and 3 do not match"));
	kc_done(&k);
}

static void linear_refuses_another_number_of_inputs(void **state)
{
	struct kc k;

	kc_init(&k, 1);
	kc_rand(&k, DIMS(2, 3));
	kc_rand(&k, DIMS(5, 4));
	assert_int_equal(infer_linear(&k.call), -EINVAL);
	assert_non_null(strstr(k.call.error, "for 4 inputs"));
	assert_null(k.out[0].data);
	kc_done(&k);
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
		cmocka_unit_test(conv2d_stays_inside_of_tiny_inputs),
		cmocka_unit_test(conv2d_does_not_depend_on_threads),
		cmocka_unit_test(linear_is_its_nested_loops),
		cmocka_unit_test(linear_does_not_depend_on_threads),
		cmocka_unit_test(linear_does_not_depend_on_the_batch),
		cmocka_unit_test(conv_transpose2d_scatters_its_inputs),
		cmocka_unit_test(conv_transpose2d_does_not_depend_on_threads),
		cmocka_unit_test(conv1d_and_conv3d_agree_with_conv2d),
		cmocka_unit_test(conv2d_keeps_nan_where_it_reaches),
		cmocka_unit_test(matmul_broadcasts_as_numpy),
		cmocka_unit_test(matmul_of_no_columns_is_zero),
		cmocka_unit_test(matmul_does_not_depend_on_threads),
		cmocka_unit_test(matmul_refuses_what_does_not_match),
		cmocka_unit_test(linear_refuses_another_number_of_inputs),
		cmocka_unit_test(paths_give_the_same_bits),
		cmocka_unit_test(conv2d_refuses_what_does_not_fit),
		cmocka_unit_test(conv2d_refuses_fields_beyond_memory),
		cmocka_unit_test(a_result_of_another_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
