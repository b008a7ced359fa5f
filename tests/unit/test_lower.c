// SPDX-License-Identifier: MIT
/*
 * test_lower.c - lowered networks give the integer reference's bytes
 */
#include "lower_net.h"

static void one_convolution(void **state)
{
	struct net n = net_new(1);
	struct fx_node *x = net_image(&n, 3, 9, 7);

	net_output(&n, net_conv_same(&n, x, 5, 3));
	net_check(&n);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_convolution),
		cmocka_unit_test(residual_block_and_classifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
