// SPDX-License-Identifier: MIT
/*
 * fuse_spelled.c - what exporters spell in several operators, as the one it is
 *
 * For a graph that becomes a model: there a hardswish is a module, which is
 * trained and quantized as one, and not a sum, a clamp, a product and a
 * quotient. The spellings of a function are many, its values are one: whether
 * some operators are a function is tried, at many places, and not read.
 *
 * reads: functional float graph with known types
 * guarantees: types are known; batch norms are left, they may train
 */
#include <math.h>
#include <stdlib.h>

#include "nn/forms.h"

#include "quant_priv.h"

#define PLACES		256		/* from -REACH to REACH */
#define REACH		12.0
#define LONGEST		8		/* operators between a value and a function of it */

/* What float32's constants, 1/6 or the root of 2, leave of a function. */
#define ALIKE		2e-6

#define APPROXIMATE(how)	\
	{ .name = "approximate", .type = FXQ_ATTR_STRING, .count = 1, .s = how }
static const struct spelled {
	const char *op;
	struct fxq_attr attr;
} functions[] = {
	{ "hardswish" },
	{ "silu" },
	{ "gelu", APPROXIMATE("none") },
	{ "gelu", APPROXIMATE("tanh") },
	{ "hardsigmoid" },
};

static bool is_arithmetic(const struct fx_node *n)
{
	static const char *const names[] = {
		"add", "sub", "mul", "div", "pow", "minimum", "maximum",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (fx_node_is(n, names[i]))
			return true;
	return false;
}

static bool computes_one_by_one(const struct fx_node *n)
{
	if (n->opcode != FX_CALL_FUNCTION || !n->op || n->wrapped ||
	    n->n_out != 1 || !is_float(n))
		return false;
	return is_arithmetic(n) ? n->n_args == 2 :
	       n->op->flags & FX_OP_POINTWISE && n->n_args == 1;
}

static bool is_alike(const struct fx_node *a, const struct fx_node *b)
{
	const struct fxq_tensor *x = type_of(a), *y = type_of(b);

	return x->rank == y->rank &&
	       !memcmp(x->dims, y->dims, x->rank * sizeof(*x->dims));
}

/* Is each element of @n computed from that of @x, and from numbers alone? */
static bool is_function_of(struct fx_node *n, const struct fx_node *x, int deep)
{
	float number;

	if (n == x)
		return true;
	if (!deep || !computes_one_by_one(n) || !is_alike(n, x))
		return false;
	for (size_t i = 0; i < n->n_args; i++) {
		struct fx_node *in = fx_node_in(n, i);

		if (!in || (!const_scalar(in, &number) &&
			    !is_function_of(in, x, deep - 1)))
			return false;
	}
	return true;
}

static const struct spelled *find_function(const double x[PLACES],
					   const double y[PLACES])
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		const struct spelled *f = &functions[i];
		double wanted[PLACES];
		size_t same = 0;

		if (form_function(fx_op_find(f->op), &f->attr, f->attr.count, x,
				  wanted))
			continue;
		while (same < PLACES && fabs(y[same] - wanted[same]) <=
					ALIKE * (1 + fabs(wanted[same])))
			same++;
		if (same == PLACES)
			return f;
	}
	return NULL;
}

/* @n as a known function of @x, if it is one. */
static bool take_function(struct fx_node *n, struct fx_node *x)
{
	const struct spelled *f;
	double at[PLACES], y[PLACES];
	struct fx_kwarg kwarg;

	for (int i = 0; i < PLACES; i++)
		at[i] = REACH * (2 * i - (PLACES - 1)) / (PLACES - 1);
	if (pointwise_eval(n, x, at, y, PLACES))
		return false;
	f = find_function(at, y);
	if (!f || fx_node_is(n, f->op))
		return false;
	kwarg = (struct fx_kwarg){ f->attr.name, fx_arg_str(f->attr.s) };
	take_place(n, call_for(n, f->op, &x, 1, &kwarg, f->attr.count));
	return true;
}

/* Of any value before it, the nearest one first. */
static bool try_values(struct fx_node *n, struct fx_node *x, int deep)
{
	float number;

	if (x != n && is_float(x) && !fx_node_is_const(x) &&
	    is_function_of(n, x, LONGEST) && take_function(n, x))
		return true;
	if (!deep || !computes_one_by_one(x))
		return false;
	for (size_t i = 0; i < x->n_args; i++) {
		struct fx_node *in = fx_node_in(x, i);

		if (in && !const_scalar(in, &number) &&
		    try_values(n, in, deep - 1))
			return true;
	}
	return false;
}

static bool rewrite_function(struct fx_node *n)
{
	return computes_one_by_one(n) && try_values(n, n, LONGEST);
}

/* Does @n compute on integers in the midst of a network? */
static bool is_amidst(const struct fx_node *n)
{
	static const char *const names[] = {
		"global_avg_pool", "avg_pool2d", "max_pool2d",
	};
	bool two = fx_node_is(n, "mul") || fx_node_is(n, "add");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (fx_node_is(n, names[i]))
			return true;
	return is_conv(n) || (two && !fx_node_is_const(fx_node_in(n, 0)) &&
			      !fx_node_is_const(fx_node_in(n, 1)));
}

/* Do such alone read @n, or what is folded into one layer with it? */
static bool leads_on(struct fx_node *n)
{
	struct affine f;

	for (struct fx_node *u = n->next; u; u = u->next)
		if (fx_node_uses(u, n) && !is_amidst(u) &&
		    !(affine_of(u, &f) && leads_on(u)))
			return false;
	return n->n_users > 0;
}

/*
 * A factor and a summand for each channel, or for all: into the layer before it,
 * or if the network goes on a layer by itself, which unlike a sum with a number has
 * integers. What is the input's own comes before any integers.
 */
static bool rewrite_scale(struct fx_node *n)
{
	static const int64_t ones[2] = { 1, 1 }, zeros[4] = { 0 };
	struct fx_node *conv;
	struct affine f;

	if (fx_node_is(n, "batch_norm") || !affine_of(n, &f))
		return false;
	if (is_layer_with_constants(f.x) && f.x->n_users == 1) {
		fold_affine(f.x, &f, n);
		return true;
	}
	if (type_of(n)->rank != 4 || f.x->opcode == FX_PLACEHOLDER ||
	    !leads_on(n))
		return false;
	conv = depthwise(n, &f);
	fx_node_set_kwarg(conv, "stride", fx_arg_ints(n->graph, ones, 2));
	fx_node_set_kwarg(conv, "padding", fx_arg_ints(n->graph, zeros, 4));
	fx_node_set_kwarg(conv, "dilation", fx_arg_ints(n->graph, ones, 2));
	fx_node_replace_uses(n, conv);
	erase_unused(n);
	return true;
}

/* Functions first: what they consist of is no summand of a layer. */
static const rewrite first[] = {
	rewrite_nothing, rewrite_layer_norm, rewrite_function,
};
static const rewrite then[] = {
	rewrite_views, rewrite_matmul, rewrite_rows, rewrite_scale,
	rewrite_mean, rewrite_pad, rewrite_concat,
};
/* Views between them are gone now, and a linear layer is in sight. */
static const rewrite last[] = {
	rewrite_function,
};

#define REWRITE_ALL(g, list)	\
	rewrite_all(g, list, sizeof(list) / sizeof(*(list)))

/*
 * A reshape that keeps the first dimension keeps it of any size: a model is trained
 * with more samples than the graph says.
 */
static void free_batch(struct fx_node *n)
{
	const struct fxq_tensor *x, *y = type_of(n);
	int64_t dims[FXQ_MAX_RANK];
	size_t count;

	if (!fx_node_is(n, "reshape") || !fx_node_in(n, 0) || n->n_args != 1)
		return;
	x = type_of(fx_node_in(n, 0));
	count = fx_node_ints(n, "shape", dims, FXQ_MAX_RANK);
	if (count != y->rank || !count || !x->rank || x->dims[0] != y->dims[0])
		return;
	for (size_t i = 0; i < count; i++)
		if (dims[i] != y->dims[i])
			return;
	dims[0] = -1;
	fx_node_set_kwarg(n, "shape", fx_arg_ints(n->graph, dims, count));
}

int fx_fuse_spelled(struct fx_graph *g)
{
	int ret = fx_graph_infer(g);

	if (ret || fx_scales_given(g))
		return ret;
	REWRITE_ALL(g, first);
	fx_graph_eliminate_dead_code(g);
	REWRITE_ALL(g, then);
	REWRITE_ALL(g, last);
	fx_graph_eliminate_dead_code(g);
	fx_for_each_node(n, g)
		free_batch(n);
	ret = fx_graph_infer(g);
	return ret ? ret : fx_graph_lint(g);
}
