// SPDX-License-Identifier: MIT
/*
 * test_lower_whole.c - what holds for a lowered network as a whole
 *
 * How well its engines overlap, that its bytes are always the same, which
 * segments it is cut into and what it is refused for.
 */
#include <errno.h>

#include "lower_net.h"

/* --- how well --- */

/* Convolutions of 590 KB of weights each: loads must hide behind work. */
static void weights_come_ahead_of_their_use(void **state)
{
	struct net n = net_new(500);
	struct fx_node *x = net_image(&n, 128, 14, 14);

	for (int i = 0; i < 4; i++)
		x = net_conv_same(&n, x, 256, 3);
	net_output(&n, net_unary(&n, "qmean_pool2d", x, 0.01));
	net_check(&n);
	assert_in_range(n.cycles, n.mx_bound, n.mx_bound + n.mx_bound / 20);
}

/* A pool takes a third of its convolution's cycles, in its shadow. */
static void engines_follow_one_another(void **state)
{
	struct net n = net_new(501);
	struct fx_node *x = net_image(&n, 32, 64, 64);

	x = net_conv_same(&n, x, 32, 3);
	x = net_pool(&n, "qmax_pool2d", x, 2, 2, 0);
	x = net_conv_same(&n, x, 64, 3);
	net_output(&n, net_pool(&n, "qavg_pool2d", x, 3, 1, 1));
	net_check(&n);
	assert_in_range(n.cycles, n.mx_bound, n.mx_bound + n.mx_bound / 4);
}

static void *lower_once(size_t *size)
{
	struct net n = net_new(502);
	struct fx_node *x = net_image(&n, 3, 120, 120), *y;
	void *data;

	x = net_conv_same(&n, x, 48, 3);
	y = net_conv_same(&n, x, 48, 3, .groups = 48);
	y = net_conv_same(&n, y, 48, 1, .res = x);
	net_output(&n, net_pool(&n, "qmax_pool2d", y, 2, 2, 0));
	fx_graph_set_output(n.g, n.out, n.n_out);
	assert_int_equal(fx_graph_infer(n.g), 0);
	net_lower(&n, NULL, NULL, &data, size);
	net_free(&n);
	return data;
}

static void equal_graphs_give_equal_bytes(void **state)
{
	size_t size_a, size_b;
	void *a = lower_once(&size_a), *b = lower_once(&size_b);

	assert_int_equal(size_a, size_b);
	assert_memory_equal(a, b, size_a);
	free(a);
	free(b);
}

/* --- partition --- */

static struct fx_node *net_edge(struct net *n, const char *op,
				struct fx_node *x)
{
	struct params p = { .n = 0 };

	param_float(&p, "scale", 0.05);
	param_int(&p, "zero_point", 3);
	return net_call(n, op, &x, 1, *op == 'q' ? &p : NULL);
}

static void segments_alternate(void **state)
{
	struct net n = net_new(510);
	struct fx_node *x = net_image(&n, 8, 10, 10), *a, *f, *b, *c;

	a = net_conv_same(&n, x, 8, 3);
	f = net_edge(&n, "dequantize", a);
	f = net_call(&n, "erf", &f, 1, NULL);
	b = net_conv_same(&n, net_edge(&n, "quantize", f), 8, 3);
	c = net_conv_same(&n, a, 8, 1);
	net_output(&n, net_binary(&n, "qadd", b, c));
	net_check_caps(&n, NULL);
	assert_int_equal(n.cpu_nodes, 3);
	assert_int_equal(a->place, FX_PLACE_DEVICE);
	assert_int_equal(c->segment, a->segment);
	assert_int_equal(f->segment, a->segment + 1);
	assert_int_equal(b->segment, a->segment + 2);
	assert_string_equal(f->reason, "the device has no operator erf");
	net_free(&n);
}

static void partition(struct net *n)
{
	fx_graph_set_output(n->g, n->out, n->n_out);
	assert_int_equal(fx_graph_infer(n->g), 0);
	assert_int_equal(fx_partition(n->g, NULL), 0);
}

static void moves_alone_stay_on_the_cpu(void **state)
{
	struct net n = net_new(511);
	struct fx_node *x = net_image(&n, 8, 10, 10);
	struct fx_node *p = net_permute(&n, x, 4, (int64_t[]){ 0, 2, 3, 1 });

	net_output(&n, net_edge(&n, "dequantize", p));
	partition(&n);
	assert_int_equal(p->place, FX_PLACE_CPU);
	assert_string_equal(p->reason,
			    "it only moves data between operators of the CPU");
	net_free(&n);
}

static void a_reason_says_what_is_too_much(void **state)
{
	struct net n = net_new(512);
	struct fx_node *x = net_input(&n, 2, (int64_t[]){ 1, 5000 });
	struct fx_node *y = net_softmax(&n, x, 1);

	net_output(&n, y);
	partition(&n);
	assert_int_equal(y->place, FX_PLACE_CPU);
	assert_string_equal(y->reason,
			    "softmax over 5000 channels: the device takes at most 4096");
	net_free(&n);
}

static void a_scratchpad_may_be_too_small(void **state)
{
	const struct fxq_caps tiny = { 4u << 10, 1u << 10, 1u << 20 };
	struct fx_lower_options opt = { .caps = tiny };
	struct net n = net_new(513);
	struct fx_node *x = net_image(&n, 64, 20, 20);
	struct fxq_writer *w = NULL;

	net_output(&n, net_conv_same(&n, x, 64, 5));
	fx_graph_set_output(n.g, n.out, n.n_out);
	assert_int_equal(fx_graph_infer(n.g), 0);
	assert_int_equal(fx_partition(n.g, &tiny), 0);
	assert_int_equal(fx_lower(n.g, &opt, &w), -ENOSPC);
	assert_non_null(strstr(fx_graph_error(n.g), "qconv2d"));
	assert_non_null(strstr(fx_graph_error(n.g), "4096 bytes"));
	assert_null(w);
	net_free(&n);
}

static void kept_layers_are_outputs_by_name(void **state)
{
	struct fx_lower_options opt = { .keep_layers = true };
	struct net n = net_new(514);
	struct fx_node *a = net_conv_same(&n, net_image(&n, 8, 9, 9), 40, 3);
	struct fx_node *b = net_pool(&n, "qmax_pool2d", a, 2, 2, 0);
	struct fxq_tensor_info info;
	struct fxq_image *image;
	struct fxq_writer *w;
	size_t size;
	void *data;

	net_output(&n, net_lut(&n, b));
	partition(&n);
	assert_int_equal(fx_lower(n.g, &opt, &w), 0);
	assert_int_equal(fxq_writer_finish_memory(w, &data, &size), 0);
	assert_int_equal(fxq_image_open_memory(data, size, &image), 0);
	assert_int_equal(fxq_image_output_info(image, 1, &info), 0);
	assert_string_equal(info.name, a->name);
	assert_int_equal(fxq_image_output_info(image, 2, &info), 0);
	assert_string_equal(info.name, b->name);
	assert_int_equal(fxq_image_output_info(image, 3, &info), 0);
	assert_string_equal(info.name, n.out[0]->name);
	assert_int_equal(fxq_image_output_info(image, 4, &info), -ENOENT);
	fxq_image_close(image);
	fxq_writer_free(w);
	free(data);
	net_free(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_come_ahead_of_their_use),
		cmocka_unit_test(engines_follow_one_another),
		cmocka_unit_test(equal_graphs_give_equal_bytes),
		cmocka_unit_test(segments_alternate),
		cmocka_unit_test(moves_alone_stay_on_the_cpu),
		cmocka_unit_test(a_reason_says_what_is_too_much),
		cmocka_unit_test(a_scratchpad_may_be_too_small),
		cmocka_unit_test(kept_layers_are_outputs_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
