// SPDX-License-Identifier: MIT
/*
 * test_lower.c - lowered networks give the integer reference's bytes
 *
 * Every operator of the device, alone and together, on a scratchpad of 1 MiB
 * and, where the last argument of a check is small, on one in which nothing
 * fits whole.
 */
#include "lower_net.h"

static void one_convolution(void **state)
{
	struct net n = net_new(1);
	struct fx_node *x = net_image(&n, 3, 9, 7);

	net_output(&n, net_conv_same(&n, x, 5, 3));
	net_check(&n);
}

static void convolutions_of_all_kinds(void **state)
{
	for (int i = 0; i < 40; i++) {
		struct net n = net_new(100 + i);
		int c = net_range(&n, 1, 80), k = net_range(&n, 1, 5);
		struct conv_spec spec = {
			.oc = net_range(&n, 1, 80), .kh = k,
			.kw = net_range(&n, 1, 5), .sh = net_range(&n, 1, 3),
			.sw = net_range(&n, 1, 3), .dh = net_range(&n, 1, 2),
			.dw = net_range(&n, 1, 2), .pt = net_range(&n, 0, 2),
			.pl = net_range(&n, 0, 2), .pb = net_range(&n, 0, 2),
			.pr = net_range(&n, 0, 2),
			.lut = net_range(&n, 0, 3) == 0,
			.prelu = net_range(&n, 0, 3) == 0 };
		struct fx_node *x = net_image(&n, c, net_range(&n, 9, 20),
					      net_range(&n, 9, 20));

		if (net_range(&n, 0, 2) == 0) {
			spec.groups = c;
			spec.oc = c;
		}
		spec.raw = !spec.lut && !spec.prelu &&
			   net_range(&n, 0, 3) == 0;
		net_output(&n, net_conv_of(&n, x, spec, false));
		net_check_caps(&n, i % 2 ? &small : NULL);
		assert_int_equal(n.cpu_nodes, 0);
		net_free(&n);
	}
}

static void convolutions_of_groups(void **state)
{
	for (int i = 0; i < 6; i++) {
		struct net n = net_new(140 + i);
		int groups = (int[]){ 2, 3, 4, 2, 8, 5 }[i];
		struct fx_node *x = net_image(&n, groups * (3 + 9 * i), 8, 9);

		net_output(&n, net_conv_same(&n, x, groups * (4 + 7 * i), 3,
					     .groups = groups));
		net_check(&n);
	}
}

static void residual_block_and_classifier(void **state)
{
	struct net n = net_new(2);
	struct fx_node *x = net_image(&n, 1, 28, 28), *a, *b;
	struct params p = { .n = 0 };

	x = net_conv_same(&n, x, 32, 3);
	a = net_conv_same(&n, x, 32, 3);
	x = net_conv_same(&n, a, 32, 3, .res = x);
	a = net_conv_same(&n, x, 64, 3, .sh = 2);
	b = net_conv(&n, x, .oc = 64, .kh = 1, .kw = 1, .sh = 2);
	x = net_conv_same(&n, a, 64, 3, .res = b, .lut = true);
	x = net_unary(&n, "qmean_pool2d", x, 0.01);
	param_int(&p, "start_dim", 1);
	x = net_move(&n, "flatten", &x, 1, &p);
	net_output(&n, net_linear(&n, x, 10));
	net_check(&n);
}

/* Weights of 2.4 MB, maps that stay: slices of output channels. */
static void weights_larger_than_the_scratchpad(void **state)
{
	struct net n = net_new(3);
	struct fx_node *x = net_image(&n, 512, 5, 5);

	x = net_conv_same(&n, x, 512, 3);
	net_output(&n, net_conv_same(&n, x, 96, 3));
	net_check(&n);
}

/* One output channel's weights alone are too large: sums are carried on. */
static void sums_are_carried_on(void **state)
{
	struct net n = net_new(4);
	struct fx_node *x = net_image(&n, 200, 12, 14);

	x = net_conv_same(&n, x, 40, 5);
	net_output(&n, net_conv_same(&n, x, 70, 3));
	net_check_caps(&n, &small);
	net_free(&n);
}

static void maps_larger_than_the_scratchpad(void **state)
{
	struct net n = net_new(5);
	struct fx_node *x = net_image(&n, 3, 160, 160), *y;

	x = net_conv_same(&n, x, 32, 3);
	y = net_conv_same(&n, x, 96, 1);
	y = net_conv_same(&n, y, 96, 3, .groups = 96);
	y = net_conv_same(&n, y, 32, 1, .res = x);
	y = net_pool(&n, "qmax_pool2d", y, 3, 2, 1);
	net_output(&n, y);
	net_check(&n);
}

static void everything_in_64_kib(void **state)
{
	struct net n = net_new(6);
	struct fx_node *x = net_image(&n, 16, 56, 60), *y;

	x = net_conv_same(&n, x, 40, 3);
	y = net_conv_same(&n, x, 40, 3, .groups = 40);
	y = net_conv_same(&n, y, 40, 1, .res = x);
	y = net_binary(&n, "qadd", y, x);
	y = net_resize(&n, y, 80, 90, true);
	y = net_pool(&n, "qavg_pool2d", y, 3, 2, 1);
	y = net_conv_same(&n, y, 70, 3, .lut = true);
	net_output(&n, y);
	y = net_pool(&n, "qmax_pool2d", y, 2, 2, 0);
	net_output(&n, net_unary(&n, "qmean_pool2d", y, 0.001));
	net_check_caps(&n, &small);
	net_free(&n);
}

static void pools(void **state)
{
	for (int i = 0; i < 8; i++) {
		struct net n = net_new(200 + i);
		struct fx_node *x = net_image(&n, 10 + 9 * i, 20 + i, 23);
		int k = 2 + i % 3;

		x = net_pool(&n, i % 2 ? "qmax_pool2d" : "qavg_pool2d", x, k,
			     1 + i / 3, k / 2);
		net_output(&n, x);
		net_check_caps(&n, i < 4 ? NULL : &small);
		net_free(&n);
	}
}

static void binaries_and_broadcasts(void **state)
{
	static const char *const ops[] = { "qadd", "qsub", "qmul",
					   "qminimum", "qmaximum" };
	static const int64_t shapes[][4] = {
		{ 1, 40, 12, 9 }, { 1, 40, 1, 1 }, { 1, 1, 12, 9 },
		{ 1, 40, 1, 9 }, { 1, 40, 12, 1 }, { 1, 1, 1, 1 },
	};

	for (int i = 0; i < 30; i++) {
		struct net n = net_new(300 + i);
		struct fx_node *a = net_image(&n, 40, 12, 9);
		struct fx_node *b = net_input(&n, 4, shapes[i / 5]);

		if (i % 2)
			net_output(&n, net_binary(&n, ops[i % 5], a, b));
		else
			net_output(&n, net_binary(&n, ops[i % 5], b, a));
		net_check(&n);
	}
}

static void binaries_of_sequences(void **state)
{
	struct net n = net_new(340);
	struct fx_node *a = net_input(&n, 3, (int64_t[]){ 1, 50, 72 });
	struct fx_node *b = net_input(&n, 1, (int64_t[]){ 72 });
	struct fx_node *c = net_input(&n, 2, (int64_t[]){ 50, 1 });

	a = net_binary(&n, "qadd", a, b);
	a = net_binary(&n, "qmul", c, a);
	net_output(&n, net_binary(&n, "qmaximum", a, net_bytes(&n, 3,
				  (int64_t[]){ 1, 50, 72 })));
	/* A constant operand has a scale of its own. */
	fx_for_each_node(node, n.g)
		if (fx_node_is_const(node)) {
			node->out[0].scale = 0.1f;
			node->out[0].zero_point = 3;
		}
	net_check(&n);
}

static void functions_of_one_value(void **state)
{
	struct net n = net_new(350);
	struct fx_node *x = net_image(&n, 35, 14, 11);

	x = net_lut(&n, x);
	net_output(&n, net_unary(&n, "qrequant", x, 1.7));
	net_check(&n);
}

static struct fx_node *net_reduce(struct net *n, struct fx_node *x, int dim,
				  const char *kind)
{
	struct params p = { .n = 0 };

	param_int(&p, "dim", dim);
	param(&p, "kind", fx_arg_str(kind));
	param_float(&p, "m", kind[0] == 'm' ? 0.9 : 0.05);
	param_result(n, &p);
	return net_call(n, "qreduce", &x, 1, &p);
}

static void reductions(void **state)
{
	for (int dim = 1; dim < 4; dim++) {
		struct net n = net_new(360 + dim);
		struct fx_node *x = net_image(&n, 45, 13, 10);
		struct fx_node *s = net_input(&n, 3, (int64_t[]){ 2, 9, 33 });

		net_output(&n, net_reduce(&n, x, dim, "sum"));
		net_output(&n, net_reduce(&n, x, dim, "max"));
		net_output(&n, net_reduce(&n, s, dim - 1, "sum"));
		net_check(&n);
	}
}

static void resizes(void **state)
{
	for (int i = 0; i < 6; i++) {
		struct net n = net_new(370 + i);
		struct fx_node *x = net_image(&n, 20 + 10 * i, 13, 17);

		net_output(&n, net_resize(&n, x, 9 + 10 * i, 31 + i, i % 2));
		net_check_caps(&n, i < 3 ? NULL : &small);
		net_free(&n);
	}
}

static void softmax_over_any_dimension(void **state)
{
	for (int dim = 1; dim < 4; dim++) {
		struct net n = net_new(380 + dim);
		struct fx_node *x = net_image(&n, 37, 11, 40);

		net_output(&n, net_softmax(&n, x, dim));
		net_check_caps(&n, dim == 1 ? &small : NULL);
		net_free(&n);
	}
}

static void layer_norm_of_rows(void **state)
{
	struct net n = net_new(385);
	struct fx_node *x = net_input(&n, 3, (int64_t[]){ 1, 30, 72 });
	struct params p = { .n = 0 };
	float gh[144];

	for (int i = 0; i < 144; i++)
		gh[i] = (float)net_range(&n, -50, 50) / (i % 2 ? 10.0f : 1.0f);
	param_float(&p, "eps", 12.5);
	param_result(&n, &p);
	x = net_call(&n, "qlayer_norm", (struct fx_node *[]){ x,
		     net_const(&n, FXQ_DTYPE_F32, 2, (int64_t[]){ 72, 2 }, gh)
		     }, 2, &p);
	net_output(&n, net_linear(&n, x, 50));
	net_check(&n);
}

static void transposed_convolutions(void **state)
{
	for (int i = 0; i < 16; i++) {
		struct net n = net_new(460 + i);
		int k = net_range(&n, 1, 5), s = net_range(&n, 1, 3);
		struct fx_node *x = net_image(&n, net_range(&n, 1, 50),
					      net_range(&n, 4, 12), 9);

		x = net_conv_same(&n, x, 24, 1);
		x = net_conv_transpose(&n, x, .oc = net_range(&n, 1, 40),
				       .kh = k, .kw = net_range(&n, k > 1, 4),
				       .sh = s, .pt = k / 2, .pl = 0,
				       .pb = k / 3, .dh = net_range(&n, 1, 2),
				       .extra = s > 1);
		net_output(&n, x);
		net_output(&n, net_conv_same(&n, x, 5, 3));
		net_check_caps(&n, i % 2 ? &small : NULL);
		assert_int_equal(n.cpu_nodes, 0);
		net_free(&n);
	}
}

static struct fx_node *net_matmul(struct net *n, struct fx_node *a,
				  struct fx_node *b)
{
	struct params p = { .n = 0 };

	param_float(&p, "m", 0.002);
	param_result(n, &p);
	return net_call(n, "qmatmul", (struct fx_node *[]){ a, b }, 2, &p);
}

/* The same integers in another scale: nothing to do, wherever they go. */
static void only_another_scale(void **state)
{
	struct net n = net_new(485);
	struct fx_node *x = net_input(&n, 3, (int64_t[]){ 1, 50, 64 }), *y;
	struct params p = { .n = 0 }, q = { .n = 0 };

	param_float(&p, "scale", 0.3);
	param_int(&p, "zero_point", x->out[0].zero_point);
	param_float(&q, "scale", 0.01);
	param_int(&q, "zero_point", x->out[0].zero_point);
	net_output(&n, net_call(&n, "qscale", &x, 1, &p));
	y = net_linear(&n, net_call(&n, "qscale", &x, 1, &q), 40);
	net_output(&n, net_linear(&n, y, 30));
	net_check(&n);
}

/* Queries, keys and values of four heads, as a transformer has them. */
static void attention(void **state)
{
	struct net n = net_new(480);
	struct fx_node *x = net_input(&n, 3, (int64_t[]){ 1, 50, 64 }), *v[3];

	for (int i = 0; i < 3; i++) {
		v[i] = net_linear(&n, x, 64);
		v[i] = net_reshape(&n, v[i], 4, (int64_t[]){ 1, 50, 4, 16 });
		v[i] = net_permute(&n, v[i], 4, (int64_t[]){ 0, 2, 1, 3 });
	}
	v[1] = net_permute(&n, v[1], 4, (int64_t[]){ 0, 1, 3, 2 });
	x = net_matmul(&n, v[0], v[1]);
	x = net_softmax(&n, x, 3);
	x = net_matmul(&n, x, v[2]);
	x = net_permute(&n, x, 4, (int64_t[]){ 0, 2, 1, 3 });
	x = net_reshape(&n, x, 3, (int64_t[]){ 1, 50, 64 });
	net_output(&n, net_linear(&n, x, 64));
	net_check(&n);
}

/* --- whatever comes --- */

/* A convolution whose result has @c channels, and scale and size of @like. */
static struct fx_node *matched(struct net *n, struct fx_node *x, int c,
			       const struct fx_node *like)
{
	x = net_conv_same(n, x, c, 1);
	fx_node_set_kwarg(x, "zero_point",
			  fx_arg_int(like->out[0].zero_point));
	fx_node_set_kwarg(x, "scale", fx_arg_float((double)like->out[0].scale));
	fx_graph_infer(n->g);
	return x;
}

/* Channels [2][c / 2] become [c / 2][2]. */
static struct fx_node *shuffled(struct net *n, struct fx_node *x)
{
	const int64_t c = x->out[0].dims[1], h = x->out[0].dims[2],
		      w = x->out[0].dims[3];

	x = net_reshape(n, x, 5, (int64_t[]){ 1, 2, c / 2, h, w });
	x = net_permute(n, x, 5, (int64_t[]){ 0, 2, 1, 3, 4 });
	return net_reshape(n, x, 4, (int64_t[]){ 1, c, h, w });
}

static struct fx_node *random_step(struct net *n, struct fx_node *x,
				   struct fx_node *old)
{
	const int64_t *d = x->out[0].dims;
	int c = (int)d[1], h = (int)d[2], w = (int)d[3];
	int more = net_range(n, 1, 90), k = net_range(n, 0, 1) * 2 + 1;
	struct fx_node *pair[2];
	int from;

	switch (net_range(n, 0, 15)) {
	case 0:
	case 1:
		return net_conv_same(n, x, more, k, .lut = net_range(n, 0, 1));
	case 2:
		return net_conv_same(n, x, c, 3, .groups = c,
				     .sh = h > 8 && w > 8 ?
				     net_range(n, 1, 2) : 1);
	case 3:
		return net_conv_same(n, x, c, 3, .res = x);
	case 4:
		return net_pool(n, net_range(n, 0, 1) ? "qmax_pool2d" :
				"qavg_pool2d", x, 3, net_range(n, 1, 2), 1);
	case 5:
		return net_binary(n, "qadd", x, x == old ? x :
				  matched(n, x, c, old));
	case 6:
		return h * w > 900 ? x : net_binary(n, "qmul", x,
				net_unary(n, "qmean_pool2d", x, 0.02));
	case 7:
		return h * w > 2500 ? net_lut(n, x) :
		       net_resize(n, x, 2 * h, w + 3, net_range(n, 0, 1));
	case 8:
		pair[0] = x;
		pair[1] = matched(n, x, net_range(n, 0, 1) ? c : more, x);
		return net_concat(n, pair, 2, 1);
	case 9:
		pair[0] = matched(n, x, c, x);
		pair[1] = x;
		return h > 100 ? x : net_concat(n, pair, 2, 2);
	case 10:
		from = net_range(n, 0, c - 1);
		return net_slice(n, x, 1, from, net_range(n, from + 1, c), 1);
	case 11:
		from = net_range(n, 0, h / 2);
		return net_slice(n, x, 2, from, h, net_range(n, 1, 2));
	case 12:
		return c % 2 ? net_unary(n, "qrequant", x, 1.3) :
		       shuffled(n, x);
	case 13:
		return net_permute(n, x, 4, (int64_t[]){ 0, 1, 3, 2 });
	case 14:
		return h * w > 1200 ? net_lut(n, x) :
		       net_conv_transpose(n, x, .oc = net_range(n, 1, 40),
					  .kh = 2, .kw = 2, .sh = 2);
	default:
		return net_softmax(n, x, 1);
	}
}

static void random_network(int seed, uint32_t spm_bytes)
{
	const struct fxq_caps caps = { spm_bytes, 16u << 10, 1u << 20 };
	struct net n = net_new(1000 + seed);
	struct fx_node *x = net_image(&n, net_range(&n, 1, 40),
				      net_range(&n, 4, 40),
				      net_range(&n, 4, 40)), *old = x;

	fx_graph_infer(n.g);
	for (int k = net_range(&n, 2, 9); k > 0; k--) {
		struct fx_node *next = random_step(&n, x, old);

		fx_graph_infer(n.g);
		if (net_range(&n, 0, 2) == 0)
			old = x;
		x = next;
		if (n.n_out < 4 && net_range(&n, 0, 3) == 0)
			net_output(&n, x);
	}
	net_output(&n, net_conv_same(&n, x, 5, 1));
	net_check_caps(&n, &caps);
	net_free(&n);
}

/* FXQ_TEST_NETS="count,first" in the environment asks for others. */
static void random_networks(void **state)
{
	static const uint32_t sizes[] = { 1u << 20, 256u << 10, 96u << 10,
					  40u << 10 };
	const char *env = getenv("FXQ_TEST_NETS");
	int count = 100, first = 0;

	if (env)
		sscanf(env, "%d,%d", &count, &first);
	for (int i = first; i < first + count; i++) {
		if (env)
			fprintf(stderr, "net %d\n", i);
		random_network(i, sizes[i % 4]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_convolution),
		cmocka_unit_test(convolutions_of_all_kinds),
		cmocka_unit_test(convolutions_of_groups),
		cmocka_unit_test(residual_block_and_classifier),
		cmocka_unit_test(weights_larger_than_the_scratchpad),
		cmocka_unit_test(sums_are_carried_on),
		cmocka_unit_test(maps_larger_than_the_scratchpad),
		cmocka_unit_test(everything_in_64_kib),
		cmocka_unit_test(pools),
		cmocka_unit_test(binaries_and_broadcasts),
		cmocka_unit_test(binaries_of_sequences),
		cmocka_unit_test(functions_of_one_value),
		cmocka_unit_test(reductions),
		cmocka_unit_test(resizes),
		cmocka_unit_test(softmax_over_any_dimension),
		cmocka_unit_test(layer_norm_of_rows),
		cmocka_unit_test(transposed_convolutions),
		cmocka_unit_test(only_another_scale),
		cmocka_unit_test(attention),
		cmocka_unit_test(random_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
