/* SPDX-License-Identifier: MIT */
/*
 * fx_net.h - the graph that tests of the graph core start from
 */
#ifndef FXQ_TESTS_FX_NET_H
#define FXQ_TESTS_FX_NET_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/fx.h>

static const struct fx_op ops[] = {
	{ .fn.name = "add", .min_in = 2, .max_in = 2, .n_out = 1 },
	{ .fn.name = "conv2d", .min_in = 2, .max_in = 3, .n_out = 1 },
	{ .fn.name = "concat", .min_in = 1, .max_in = -1, .n_out = 1 },
	{ .fn.name = "split", .min_in = 1, .max_in = 1, .n_out = -1 },
	{ .fn.name = "check", .min_in = 1, .max_in = 1, .n_out = 1,
	  .flags = FX_OP_IMPURE },
};

const struct fx_op *fx_op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (!strcmp(ops[i].fn.name, name))
			return &ops[i];
	return NULL;
}

#define NODES(...) (struct fx_node *[]){ __VA_ARGS__ }, \
	sizeof((struct fx_node *[]){ __VA_ARGS__ }) / sizeof(struct fx_node *)

/*
 * struct net - the graph most tests start from
 *
 *   x, w -> conv (bias None) -> sum = conv + conv -> return (sum, x)
 */
struct net {
	struct fx_graph *g;
	struct fx_node *x, *w, *conv, *sum, *out;
};

static const float weights[] = { 1, 2, 3, 4 };

static inline struct fxq_tensor matrix(const float *data)
{
	static const int64_t dims[] = { 2, 2 };
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 2, dims);

	t.data = (void *)data;
	return t;
}

static inline struct fx_node *call(struct fx_graph *g, const char *op,
			    struct fx_node *const *in, size_t n_in)
{
	return fx_graph_call(g, op, in, n_in, NULL, 0);
}

static inline int make_net(void **state)
{
	struct net *net = calloc(1, sizeof(*net));
	struct fx_graph *g = net->g = fx_graph_new();
	struct fxq_tensor type = matrix(NULL), value = matrix(weights);

	net->x = fx_graph_placeholder(g, "x", &type);
	net->w = fx_graph_constant(g, "w", &value);
	net->conv = call(g, "conv2d", NODES(net->x, net->w, NULL));
	net->sum = call(g, "add", NODES(net->conv, net->conv));
	net->out = fx_graph_set_output(g, NODES(net->sum, net->x));
	*state = net;
	return 0;
}

static inline int free_net(void **state)
{
	struct net *net = *state;

	fx_graph_free(net->g);
	free(net);
	return 0;
}

/* Asserts the list of names, in order. */
static inline void assert_order(const struct fx_graph *g, const char *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	fx_for_each_node(n, g)
		fprintf(to, n == fx_graph_first(g) ? "%s" : " %s", n->name);
	fclose(to);
	assert_string_equal(text, wanted);
	free(text);
}

#define net_test(name) cmocka_unit_test_setup_teardown(name, make_net, free_net)

#endif
