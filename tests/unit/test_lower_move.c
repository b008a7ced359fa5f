// SPDX-License-Identifier: MIT
/*
 * test_lower_move.c - operators that move elements, on the embedded machine
 */
#include "lower_net.h"

static void channels_last_at_the_border(void **state)
{
	struct net n = net_new(400);
	struct fx_node *x = net_input(&n, 4, (int64_t[]){ 1, 20, 18, 4 });

	x = net_permute(&n, x, 4, (int64_t[]){ 0, 3, 1, 2 });
	x = net_conv_same(&n, x, 40, 3);
	net_output(&n, net_permute(&n, x, 4, (int64_t[]){ 0, 2, 3, 1 }));
	net_check(&n);
}

static void heads_of_a_detector(void **state)
{
	struct net n = net_new(401);
	struct fx_node *x = net_image(&n, 24, 16, 16), *head[2];

	for (int i = 0; i < 2; i++) {
		head[i] = net_conv_same(&n, x, 6 - 4 * i, 3);
		head[i] = net_permute(&n, head[i], 4,
				      (int64_t[]){ 0, 2, 3, 1 });
		head[i] = net_reshape(&n, head[i], 3,
				      (int64_t[]){ 1, -1, 2 });
	}
	net_output(&n, net_concat(&n, head, 2, 1));
	net_output(&n, net_softmax(&n, head[0], 2));
	net_check(&n);
}

static void whole_maps_flattened(void **state)
{
	struct net n = net_new(402);
	struct fx_node *x = net_image(&n, 40, 5, 6), *y;

	x = net_conv_same(&n, x, 36, 3);
	y = net_reshape(&n, x, 2, (int64_t[]){ 1, -1 });
	net_output(&n, net_linear(&n, y, 20));
	y = net_permute(&n, x, 4, (int64_t[]){ 0, 2, 3, 1 });
	y = net_reshape(&n, y, 2, (int64_t[]){ 1, -1 });
	net_output(&n, net_linear(&n, y, 33));
	net_check(&n);
}

static void concatenations(void **state)
{
	static const int sizes[][3] = { { 32, 64, 7 }, { 24, 24, 16 },
					{ 32, 3, 32 }, { 8, 32, 32 } };

	for (int i = 0; i < 12; i++) {
		struct net n = net_new(410 + i);
		struct fx_node *x = net_image(&n, 20, 10, 8), *in[3];
		int dim = 1 + i / 4;

		for (int k = 0; k < 3; k++) {
			in[k] = net_conv_same(&n, x, dim == 1 ?
					      sizes[i % 4][k] : 30 + i % 4, 3);
			in[k]->name = fx_graph_printf(n.g, "part%d", k);
		}
		/* Parts have one scale, as convert makes them. */
		for (int k = 1; k < 3; k++) {
			fx_node_set_kwarg(in[k], "zero_point",
				fx_arg_int(fx_node_int(in[0], "zero_point", 0)));
		}
		x = net_concat(&n, in, 3, dim);
		x = net_conv_same(&n, x, 33, 3);
		net_output(&n, x);
		net_output(&n, in[1]);
		net_check_caps(&n, i % 3 ? NULL : &small);
		assert_int_equal(n.cpu_nodes, 0);
		net_free(&n);
	}
}

static void a_part_twice_and_an_input(void **state)
{
	struct net n = net_new(425);
	struct fx_node *x = net_image(&n, 32, 10, 8);
	struct fx_node *y = net_pool(&n, "qmax_pool2d", x, 3, 1, 1);

	net_output(&n, net_conv_same(&n, net_concat(&n,
		(struct fx_node *[]){ y, x, y }, 3, 1), 8, 1));
	net_check(&n);
}

static void slices(void **state)
{
	static const int64_t cases[][4] = {	/* dim, from, to, step */
		{ 1, 32, 64, 1 }, { 1, 5, 50, 1 }, { 1, 0, 64, 2 },
		{ 2, 3, 9, 1 }, { 3, 2, 7, 1 }, { 2, 0, 12, 2 },
		{ 3, 1, 10, 3 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct net n = net_new(430 + i);
		struct fx_node *x = net_image(&n, 20, 12, 10);

		x = net_conv_same(&n, x, 64, 1);
		x = net_slice(&n, x, cases[i][0], cases[i][1], cases[i][2],
			      cases[i][3]);
		net_output(&n, x);
		net_output(&n, net_conv_same(&n, x, 16, 3));
		net_output(&n, net_lut(&n, x));
		net_check(&n);
	}
}

static void split_parts(void **state)
{
	struct net n = net_new(440);
	struct fx_node *x = net_conv_same(&n, net_image(&n, 8, 9, 9), 48, 1);
	struct params p = { .n = 0 };
	struct fx_node *s, *part[3];

	param_int(&p, "dim", 1);
	param_int(&p, "n_out", 3);
	s = net_move(&n, "split", &x, 1, &p);
	for (int i = 0; i < 3; i++) {
		struct params q = { .n = 0 };

		param_int(&q, "index", i);
		part[i] = net_call(&n, "getitem", &s, 1, &q);
	}
	net_output(&n, net_conv_same(&n, part[1], 20, 3));
	net_output(&n, net_binary(&n, "qmul", part[0], part[2]));
	net_check(&n);
}

static void channel_shuffle(void **state)
{
	struct net n = net_new(445);
	struct fx_node *x = net_conv_same(&n, net_image(&n, 8, 9, 9), 48, 1);

	x = net_reshape(&n, x, 5, (int64_t[]){ 1, 2, 24, 9, 9 });
	x = net_permute(&n, x, 5, (int64_t[]){ 0, 2, 1, 3, 4 });
	x = net_reshape(&n, x, 4, (int64_t[]){ 1, 48, 9, 9 });
	net_output(&n, net_conv_same(&n, x, 48, 3, .groups = 48));
	net_output(&n, x);
	net_check(&n);
}

static void padding(void **state)
{
	struct net n = net_new(446);
	struct fx_node *x = net_conv_same(&n, net_image(&n, 8, 30, 9), 40, 1);
	struct params p = { .n = 0 };

	fx_graph_infer(n.g);
	param_ints(&n, &p, "pads", (int64_t[]){ 0, 0, 1, 2, 0, 0, 3, 0 }, 8);
	param_int(&p, "value", x->out[0].zero_point);
	x = net_move(&n, "pad", &x, 1, &p);
	net_output(&n, net_pool(&n, "qmax_pool2d", x, 3, 2, 0));
	net_check(&n);
}

static void gathered_and_expanded(void **state)
{
	struct net n = net_new(447);
	struct fx_node *x = net_conv_same(&n, net_image(&n, 8, 6, 7), 40, 1);
	struct params p = { .n = 0 }, q = { .n = 0 };
	static const int64_t index[] = { 3, 1, 2, 39, 5, 7, 9, 11 };
	struct fx_node *y;

	param_int(&p, "dim", 1);
	y = net_move(&n, "gather", (struct fx_node *[]){ x,
		net_const(&n, FXQ_DTYPE_I64, 1, (int64_t[]){ 8 }, index) }, 2,
		&p);
	net_output(&n, net_lut(&n, y));
	y = net_unary(&n, "qmean_pool2d", x, 0.05);
	param_ints(&n, &q, "sizes", (int64_t[]){ 1, 40, 6, 7 }, 4);
	y = net_move(&n, "expand", &y, 1, &q);
	net_output(&n, net_conv_same(&n, y, 10, 3));
	net_check(&n);
}

static void pixels_and_channels(void **state)
{
	static const char *const modes[] = { "DCR", "CRD" };

	for (int i = 0; i < 2; i++) {
		struct net n = net_new(448 + i);
		struct fx_node *x = net_image(&n, 12, 8, 6);
		struct params p = { .n = 0 }, q = { .n = 0 };

		x = net_conv_same(&n, x, 36, 3);
		param_int(&p, "block", 2);
		param(&p, "mode", fx_arg_str(modes[i]));
		x = net_move(&n, "depth_to_space", &x, 1, &p);
		net_output(&n, x);
		x = net_conv_same(&n, x, 7, 3);
		param_int(&q, "block", 4);
		net_output(&n, net_move(&n, "space_to_depth", &x, 1, &q));
		net_check(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_last_at_the_border),
		cmocka_unit_test(heads_of_a_detector),
		cmocka_unit_test(whole_maps_flattened),
		cmocka_unit_test(concatenations),
		cmocka_unit_test(a_part_twice_and_an_input),
		cmocka_unit_test(slices),
		cmocka_unit_test(split_parts),
		cmocka_unit_test(channel_shuffle),
		cmocka_unit_test(padding),
		cmocka_unit_test(gathered_and_expanded),
		cmocka_unit_test(pixels_and_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
