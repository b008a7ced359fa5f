// SPDX-License-Identifier: MIT
/*
 * test_fuse.c - what exporters spell in many nodes becomes one
 *
 * Each graph is run as it was made and again after fusing; the values are the
 * same up to rounding, and the count of nodes says that something was done, or
 * that nothing was where the spelling only looks alike.
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

static void gen(float *x, int64_t n, uint32_t seed, float scale)
{
	for (int64_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 64 * scale;
	}
}

static int count(struct fx_graph *g, const char *op)
{
	int n = 0;

	fx_for_each_node(node, g)
		n += fx_node_is(node, op);
	return n;
}

static struct fx_node *input(struct fx_graph *g, uint32_t rank,
			     const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	return fx_graph_placeholder(g, "x", &t);
}

static struct fx_node *constant(struct fx_graph *g, uint32_t rank,
				const int64_t *dims, const float *v)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	t.data = (void *)v;
	return fx_graph_constant(g, "c", &t);
}

/* A constant of made-up values. */
static struct fx_node *weights(struct fx_graph *g, uint32_t rank,
			       const int64_t *dims, uint32_t seed)
{
	static float v[4096];
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, rank, dims);

	gen(v, fxq_tensor_count(&t), seed, 0.5f);
	return constant(g, rank, dims, v);
}

static struct fx_node *number(struct fx_graph *g, float v)
{
	return constant(g, 0, NULL, &v);
}

static struct fx_node *one(struct fx_graph *g, const char *op,
			   struct fx_node *x)
{
	return fx_graph_call(g, op, &x, 1, NULL, 0);
}

static struct fx_node *two(struct fx_graph *g, const char *op,
			   struct fx_node *a, struct fx_node *b)
{
	return fx_graph_call(g, op, (struct fx_node *[]){ a, b }, 2, NULL, 0);
}

static struct fx_node *with_ints(struct fx_graph *g, const char *op,
				 struct fx_node *x, const char *name,
				 const int64_t *v, size_t n)
{
	struct fx_kwarg k = { name, fx_arg_ints(g, v, n) };

	return fx_graph_call(g, op, &x, 1, &k, 1);
}

#define SHAPED(g, x, ...)						\
	with_ints(g, "reshape", x, "shape", (int64_t[]){ __VA_ARGS__ },	\
		  sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))
#define PERMUTED(g, x, ...)						\
	with_ints(g, "permute", x, "dims", (int64_t[]){ __VA_ARGS__ },	\
		  sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static struct fx_node *mean(struct fx_graph *g, struct fx_node *x, int64_t dim)
{
	struct fx_kwarg k[2] = { { "dims", fx_arg_ints(g, &dim, 1) },
				 { "keepdim", fx_arg_int(1) } };

	return fx_graph_call(g, "reduce_mean", &x, 1, k, 2);
}

static void run(struct fx_graph *g, const struct fxq_tensor *x,
		struct fxq_tensor *y)
{
	struct fx_run options = { .threads = 1 };

	if (fx_graph_run(g, &options, x, 1, y, 1))
		fail_msg("%s", fx_graph_error(g));
}

/* Fuses @g, whose result is @y, and compares its values with those before. */
static void fuse(struct fx_graph *g, struct fx_node *y, double tolerance)
{
	struct fxq_tensor x, want, got;

	fx_graph_set_output(g, &y, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	x = fx_graph_first(g)->out[0];
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	gen(x.data, fxq_tensor_count(&x), 3, 1);
	run(g, &x, &want);
	if (fx_fuse(g))
		fail_msg("%s", fx_graph_error(g));
	run(g, &x, &got);
	assert_int_equal(got.rank, want.rank);
	assert_memory_equal(got.dims, want.dims,
			    want.rank * sizeof(*want.dims));
	for (int64_t i = 0; i < fxq_tensor_count(&want); i++)
		assert_float_equal(((float *)got.data)[i],
				   ((float *)want.data)[i], tolerance);
	fxq_tensor_free(&x);
	fxq_tensor_free(&want);
	fxq_tensor_free(&got);
}

/*
 * struct spelling - of a layer norm
 * @twice: the difference is computed again for the quotient
 * @product: the square is d * d, not d ^ 2
 * @quotient: '/' d / sqrt(a); 'r' d * reciprocal(sqrt(a)); 'p' d * a ^ -0.5;
 *	      '1' 1 / sqrt(a) * d; 'h' d / a ^ 0.5
 * @swapped: 't': the difference's dimensions are exchanged before the rest;
 *	     'f': of the input the second dimension of three is normalized
 */
struct spelling {
	bool twice, product;
	char quotient, swapped;
	bool gain, bias;
};

static struct fx_node *quotient(struct fx_graph *g, char how,
				struct fx_node *d, struct fx_node *a)
{
	switch (how) {
	case 'r':
		return two(g, "mul", d, one(g, "reciprocal",
					    one(g, "sqrt", a)));
	case 'p':
		return two(g, "mul", d, two(g, "pow", a, number(g, -0.5f)));
	case '1':
		return two(g, "mul", two(g, "div", number(g, 1),
					 one(g, "sqrt", a)), d);
	case 'h':
		return two(g, "div", d, two(g, "pow", a, number(g, 0.5f)));
	default:
		return two(g, "div", d, one(g, "sqrt", a));
	}
}

static struct fx_node *spelled(struct fx_graph *g, struct fx_node *x,
			       const struct spelling *s)
{
	int64_t dim = s->swapped ? 1 : -1, along = dim, n = s->swapped ? 6 : 8;
	struct fx_node *d = two(g, "sub", x, mean(g, x, dim)), *e = d, *v;

	if (s->swapped == 't') {
		d = e = PERMUTED(g, d, 0, 2, 1);
		along = 2;
	}
	if (s->twice)
		e = two(g, "sub", x, mean(g, x, dim));
	v = s->product ? two(g, "mul", d, d) :
	    two(g, "pow", d, number(g, 2));
	v = two(g, "add", mean(g, v, along), number(g, 1e-3f));
	x = quotient(g, s->quotient, e, v);
	if (s->gain && along == 1)
		x = two(g, "mul", x, weights(g, 2, (int64_t[]){ n, 1 }, 5));
	else if (s->gain)
		x = two(g, "mul", weights(g, 1, &n, 5), x);
	if (s->bias && along == 1)
		x = two(g, "add", x, weights(g, 2, (int64_t[]){ n, 1 }, 6));
	else if (s->bias)
		x = two(g, "add", x, weights(g, 1, &n, 6));
	return x;
}

static void layer_norms_are_found(void **state)
{
	static const struct spelling spellings[] = {
		{ .quotient = '/', .gain = true, .bias = true },
		{ .quotient = '/', .product = true },
		{ .quotient = '/', .twice = true, .gain = true },
		{ .quotient = 'r', .bias = true },
		{ .quotient = 'p', .gain = true, .bias = true },
		{ .quotient = '1', .product = true, .gain = true },
		{ .quotient = 'h', .twice = true, .bias = true },
		{ .quotient = '/', .swapped = 't', .gain = true, .bias = true },
		{ .quotient = '/', .swapped = 'f', .gain = true, .bias = true },
		{ .quotient = 'r', .swapped = 'f' },
	};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		struct fx_graph *g = fx_graph_new();
		struct fx_node *x = input(g, 3, (int64_t[]){ 2, 6, 8 });

		fuse(g, spelled(g, x, &spellings[i]), 1e-5);
		assert_int_equal(count(g, "layer_norm"), 1);
		assert_int_equal(count(g, "reduce_mean"), 0);
		assert_int_equal(count(g, "sub") + count(g, "mul") +
				 count(g, "add") + count(g, "div"), 0);
		fx_graph_free(g);
	}
}

/* The variance is not that of the difference, or of another dimension. */
static void what_only_looks_like_a_layer_norm_stays(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct fx_graph *g = fx_graph_new();
		struct fx_node *x = input(g, 3, (int64_t[]){ 2, 8, 8 });
		struct fx_node *d = two(g, "sub", x, mean(g, x, -1));
		struct fx_node *v = two(g, "mul", i == 0 ? x : d,
					i == 0 ? x : d);

		v = mean(g, v, i == 1 ? 1 : -1);
		v = two(g, "add", v, number(g, i == 2 ? 0 : 0.5f));
		x = two(g, "div", i == 3 ? x : d, one(g, "sqrt", v));
		fuse(g, x, 1e-5);
		assert_int_equal(count(g, "layer_norm"), 0);
		assert_int_equal(count(g, "reduce_mean"), 2);
		fx_graph_free(g);
	}
}

/* A gain for each row is no gain of the norm, and a value seen twice stays. */
static void a_norm_takes_only_what_belongs_to_it(void **state)
{
	struct spelling plain = { .quotient = '/' };
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 3, (int64_t[]){ 1, 6, 8 }), *y;

	x = spelled(g, x, &plain);
	x = two(g, "mul", x, weights(g, 2, (int64_t[]){ 6, 1 }, 7));
	fuse(g, x, 1e-5);
	assert_int_equal(count(g, "layer_norm"), 1);
	assert_int_equal(count(g, "mul"), 1);
	fx_graph_free(g);

	g = fx_graph_new();
	x = spelled(g, input(g, 3, (int64_t[]){ 1, 6, 8 }), &plain);
	y = two(g, "mul", x, weights(g, 1, (int64_t[]){ 8 }, 8));
	fuse(g, two(g, "sub", x, y), 1e-5);
	assert_int_equal(count(g, "layer_norm"), 1);
	assert_int_equal(count(g, "mul"), 1);
	fx_graph_free(g);
}

/* flatten, multiply, restore, add: the addition follows the layer. */
static void reshapes_around_layers_go(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 3, (int64_t[]){ 1, 6, 8 }), *y;

	y = SHAPED(g, x, 6, 8);
	y = two(g, "linear", y, weights(g, 2, (int64_t[]){ 8, 8 }, 9));
	y = SHAPED(g, y, 1, 6, 8);
	y = two(g, "add", x, y);
	y = SHAPED(g, SHAPED(g, y, 8, 6), 6, 8);
	y = two(g, "matmul", y, weights(g, 2, (int64_t[]){ 8, 5 }, 10));
	fuse(g, SHAPED(g, y, 1, 6, 5), 1e-5);
	assert_int_equal(count(g, "linear"), 2);
	assert_int_equal(count(g, "reshape"), 0);
	fx_graph_free(g);
}

/* Heads are put together again, which takes a view; behind the layer none. */
static void a_layer_after_images_takes_the_shape_to_come(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 4, (int64_t[]){ 1, 2, 6, 4 }), *y;

	y = PERMUTED(g, x, 0, 2, 1, 3);
	y = SHAPED(g, y, 6, 8);
	y = two(g, "linear", y, weights(g, 2, (int64_t[]){ 7, 8 }, 11));
	fuse(g, one(g, "exp", SHAPED(g, y, 1, 6, 7)), 1e-4);
	assert_int_equal(count(g, "reshape"), 1);
	fx_for_each_node(n, g)
		if (fx_node_is(n, "exp"))
			assert_true(fx_node_is(fx_node_in(n, 0), "linear"));
	fx_graph_free(g);
}

static void a_softmax_keeps_to_its_rows(void **state)
{
	struct fx_kwarg last = { "dim", fx_arg_int(1) };
	struct fx_kwarg first = { "dim", fx_arg_int(0) };

	for (int i = 0; i < 2; i++) {
		struct fx_graph *g = fx_graph_new();
		struct fx_node *x = input(g, 3, (int64_t[]){ 2, 3, 8 }), *y;

		y = SHAPED(g, x, 6, 8);
		y = fx_graph_call(g, "softmax", &y, 1, i ? &first : &last, 1);
		fuse(g, SHAPED(g, y, 2, 3, 8), 1e-6);
		assert_int_equal(count(g, "reshape"), i ? 2 : 0);
		fx_graph_free(g);
	}
}

/* Of rank 4, channels of an image come second, those of a layer last. */
static void constants_for_heads_are_not_for_channels(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 4, (int64_t[]){ 1, 2, 3, 4 });

	x = two(g, "linear", x, weights(g, 2, (int64_t[]){ 40, 4 }, 12));
	x = two(g, "mul", x, weights(g, 3, (int64_t[]){ 2, 1, 1 }, 13));
	fuse(g, x, 1e-5);
	assert_int_equal(count(g, "linear"), 1);
	fx_graph_free(g);
}

/* A part of a split is no view of it, though it has the shape of the first. */
static void parts_of_a_split_stay(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = input(g, 4, (int64_t[]){ 1, 4, 3, 3 }), *parts[2];
	struct fx_kwarg split[2] = { { "dim", fx_arg_int(1) },
				     { "n_out", fx_arg_int(2) } };
	struct fx_kwarg dim = { "dim", fx_arg_int(1) };

	x = fx_graph_call(g, "split", &x, 1, split, 2);
	for (int i = 0; i < 2; i++) {
		struct fx_kwarg index = { "index", fx_arg_int(1 - i) };

		parts[i] = fx_graph_call(g, "getitem", &x, 1, &index, 1);
	}
	fuse(g, fx_graph_call(g, "concat", parts, 2, &dim, 1), 0);
	assert_int_equal(count(g, "getitem"), 2);
	fx_graph_free(g);
}

/* Six rows make three windows of two; four windows of them would overlap. */
static void windows_that_divide_are_an_average_pool(void **state)
{
	static const int64_t sizes[][2] = { { 3, 2 }, { 4, 2 }, { 1, 1 } };
	static const char *const ops[] = { "avg_pool2d", "adaptive_avg_pool2d",
					   "global_avg_pool" };

	for (size_t i = 0; i < 3; i++) {
		struct fx_graph *g = fx_graph_new();
		struct fx_node *x = input(g, 4, (int64_t[]){ 1, 2, 6, 8 });

		fuse(g, with_ints(g, "adaptive_avg_pool2d", x, "output_size",
				  sizes[i], 2), 1e-5);
		assert_int_equal(count(g, ops[i]), 1);
		fx_graph_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layer_norms_are_found),
		cmocka_unit_test(what_only_looks_like_a_layer_norm_stays),
		cmocka_unit_test(a_norm_takes_only_what_belongs_to_it),
		cmocka_unit_test(reshapes_around_layers_go),
		cmocka_unit_test(a_layer_after_images_takes_the_shape_to_come),
		cmocka_unit_test(a_softmax_keeps_to_its_rows),
		cmocka_unit_test(constants_for_heads_are_not_for_channels),
		cmocka_unit_test(parts_of_a_split_stay),
		cmocka_unit_test(windows_that_divide_are_an_average_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
