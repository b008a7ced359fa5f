// SPDX-License-Identifier: MIT
/*
 * test_fuse_spelled.c - functions that exporters spell in several operators
 *
 * What is a hardswish, a SiLU or a GELU by its values is one module, which goes
 * through the verbs; what is nearly one stays as it is.
 */
#include "from_graph_kit.h"

static struct fx_node *binary(struct fx_graph *g, const char *op,
			      struct fx_node *a, struct fx_node *b)
{
	return fx_graph_call(g, op, IN(a, b), NULL, 0);
}

static struct fx_node *clamped(struct fx_graph *g, struct fx_node *x, float by)
{
	return fx_graph_call(g, "clamp", IN(binary(g, "add", x, number(g, by))),
			     WITH({ "min", fx_arg_float(0) },
				  { "max", fx_arg_float(6) }));
}

/* As exporters spell a hardswish, a SiLU and a GELU; and what is none of them. */
static struct fx_graph *spelled(void)
{
	struct fx_node *x, *y;
	struct fx_graph *g = graph_of(1, &x);

	x = conv(g, x, 1);
	x = binary(g, "add", binary(g, "mul", number(g, 1.5f), x),
		   number(g, 0.1f));
	x = binary(g, "div", binary(g, "mul", x, clamped(g, x, 3)),
		   number(g, 6));
	/* Padded with 0, so the layer behind cannot take them. */
	x = binary(g, "add", binary(g, "mul", x, number(g, 0.7f)),
		   number(g, -0.2f));
	y = fx_graph_call(g, "global_avg_pool", IN(x), NULL, 0);
	x = conv(g, binary(g, "mul", x, y), 1);
	y = fx_graph_call(g, "sigmoid", IN(x), NULL, 0);
	x = conv(g, binary(g, "mul", y, x), 1);
	y = binary(g, "mul", x, number(g, 0.70710678f));
	y = fx_graph_call(g, "erf", IN(y), NULL, 0);
	y = binary(g, "add", y, number(g, 1));
	x = binary(g, "mul", binary(g, "mul", x, number(g, 0.5f)), y);
	x = conv(g, x, 1);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void what_is_spelled_out_is_one_module(void **state)
{
	static const char *const classes[] = {
		"Conv2d", "Hardswish", "Conv2d", "AdaptiveAvgPool2d", "Conv2d",
		"SiLU", "Conv2d", "GELU", "Conv2d",
	};
	struct fx_graph *g = spelled();
	fxv x = input_of(g, 7), y;
	struct fxq_tensor wanted;
	struct fx_module *m;
	size_t i = 0, others = 0;

	if (fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(g));
	if (fx_fuse_spelled(g))
		fail_msg("%s", fx_graph_error(g));
	m = model_of(g);
	fx_for_each_node(n, m->graph)
		if (n->opcode == FX_CALL_MODULE)
			assert_true(i < 9 && fx_node_is_module(n, classes[i++]));
		else
			others++;
	assert_int_equal(i, 9);
	assert_int_equal(others, 3);	/* input, product, output */
	y = call(m, x);
	/* Rounded in another order. */
	for (i = 0; i < (size_t)fxq_tensor_count(&wanted); i++)
		assert_true(fabsf(((float *)wanted.data)[i] -
				  ((float *)fx_data(y)->data)[i]) < 1e-5f);
	fx_release(y);
	fx_release(x);
	fxq_tensor_free(&wanted);
	fx_module_put(m);
	go_through_the_verbs(g, "spelled", 20, 1, 1, BORDERS);
}

static void assert_not_rewritten(struct fx_graph *g)
{
	char *was, *is;

	assert_int_equal(fx_graph_infer(g), 0);
	was = fx_graph_code(g);
	assert_int_equal(fx_fuse_spelled(g), 0);
	is = fx_graph_code(g);
	assert_string_equal(is, was);
	free(was);
	free(is);
	fx_graph_free(g);
}

/* Two views that are one now, and a mean without its dimensions. */
static void more_samples_than_the_graph_says_fit(void **state)
{
	struct fx_node *x, *y[2];
	struct fx_graph *g = graph_of(1, &x);
	struct fx_module *m;
	fxv two, out;

	x = fx_graph_call(g, "relu", IN(x), NULL, 0);
	y[0] = fx_graph_call(g, "reshape", IN(x),
			     WITH({ "shape", INTS(g, -1, 12, 12) }));
	y[0] = fx_graph_call(g, "reshape", IN(y[0]),
			     WITH({ "shape", INTS(g, -1, 144) }));
	y[1] = fx_graph_call(g, "reduce_mean", IN(x),
			     WITH({ "dims", INTS(g, 2, 3) },
				  { "keepdim", fx_arg_int(0) }));
	fx_graph_set_output(g, y, 2);
	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse_spelled(g), 0);
	m = model_of(g);
	two = fx_gen(3, 1, 2, 4, 6, 6);
	out = call(m, two);
	assert_int_equal(fx_data(fx_tuple_item(out, 0))->dims[0], 2);
	assert_int_equal(fx_data(fx_tuple_item(out, 1))->dims[0], 2);
	fx_release(out);
	fx_release(two);
	fx_module_put(m);
	fx_graph_free(g);
}

/* A hardswish that begins elsewhere; factors of the input; a graph with scales. */
static void what_is_nearly_spelled_out_stays(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = binary(g, "mul", x, number(g, 2));
	x = conv(g, x, 1);
	x = binary(g, "div", binary(g, "mul", x, clamped(g, x, 2.999f)),
		   number(g, 6));
	fx_graph_set_output(g, &x, 1);
	assert_not_rewritten(g);

	assert_not_rewritten(quantized());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_spelled_out_is_one_module),
		cmocka_unit_test(more_samples_than_the_graph_says_fit),
		cmocka_unit_test(what_is_nearly_spelled_out_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
