// SPDX-License-Identifier: MIT
/*
 * group.c - which float nodes become one integer operator
 *
 * A layer with weights takes along what its epilogue can do: a slope for
 * negative sums, an addition, a clamp, a table. Other operators take along a
 * clamp. Of two layers that are added, the later one takes the addition, so
 * layers are asked from the last to the first.
 *
 * reads: functional float graph; n->data is a zeroed struct value
 * guarantees: value->group of every call_function, roots that do not reach
 *	       across a group's result
 */
#include "convert.h"

static const char *const clamps[] = {
	"relu", "relu6", "clamp", "hardtanh",
};

static const char *const takes_clamp[] = {
	"add", "sub", "mul", "minimum", "maximum", "matmul", "avg_pool2d",
	"global_avg_pool", "resize",
};

static bool is_one_of(const struct fx_node *n, const char *const *names,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fx_node_is(n, names[i]))
			return true;
	return false;
}

#define IS_ONE_OF(n, names) \
	is_one_of(n, names, sizeof(names) / sizeof(*(names)))

static bool is_layer(const struct fx_node *n)
{
	struct fx_node *b;

	if (!is_conv(n) && !is_linear(n))
		return false;
	b = fx_node_in(n, 2);
	return const_floats(fx_node_in(n, 1)) && (!b || const_floats(b));
}

/* The next node, if it is the only one that sees @n and is free to take. */
static struct fx_node *next_of(const struct fx_node *n)
{
	struct fx_node *u = only_user(n);

	if (!u || u->opcode != FX_CALL_FUNCTION || !is_float(u) ||
	    value_of(u)->group)
		return NULL;
	/* A clamp of what is rounded already yields the same integers. */
	if (is_given(n) && !(IS_ONE_OF(u, clamps) &&
			     same_qparams(qparams_of_node(n),
					  qparams_of_node(u))))
		return NULL;
	return u;
}

/* Is @n a slope for negative sums that layer @head's epilogue knows? */
static bool has_slope(const struct fx_node *n, const struct fx_node *head)
{
	const float *slope;
	int64_t count;

	if (fx_node_is(n, "leaky_relu"))
		return fx_node_float(n, "negative_slope", 0.01) > 0;
	if (!fx_node_is(n, "prelu") || !(slope = const_floats(fx_node_in(n, 1))))
		return false;
	count = fxq_tensor_count(type_of(fx_node_in(n, 1)));
	if (count != 1 && (count != channels_of(type_of(n)) ||
			   layer_axis(head) != channel_axis(type_of(n))))
		return false;
	for (int64_t i = 0; i < count; i++)
		if (!scale_ok(slope[i]))
			return false;
	return true;
}

static bool same_type(const struct fx_node *a, const struct fx_node *b)
{
	const struct fxq_tensor *x = type_of(a), *y = type_of(b);

	if (x->rank != y->rank)
		return false;
	for (uint32_t i = 0; i < x->rank; i++)
		if (x->dims[i] != y->dims[i])
			return false;
	return true;
}

/* The other operand of an addition of @n to a value of the same shape. */
static struct fx_node *residual_of(const struct fx_node *add,
				   const struct fx_node *n)
{
	struct fx_node *a = fx_node_in(add, 0), *b = fx_node_in(add, 1);
	struct fx_node *other = a == n ? b : a;

	if (!fx_node_is(add, "add") || !a || !b || a == b)
		return NULL;
	if (fx_node_is_const(other) || !is_float(other) ||
	    !same_type(other, n) || !same_type(add, n))
		return NULL;
	return other;
}

struct closure {
	const struct fx_node *root, *last;
	bool closed;
};

static bool inside(const struct fx_node *n, const struct closure *c)
{
	return n == c->last || pointwise_root(n) == c->root;
}

/* The last function of @n alone, if nobody sees what leads to it. */
static struct fx_node *function_after(struct fx_node *n)
{
	struct fx_node *last = NULL;
	unsigned int seen = 0, uses = n->n_users;

	if (pointwise_root(n) != n)
		return NULL;
	for (struct fx_node *u = n->next; u; u = u->next) {
		if (u == n || u->opcode == FX_OUTPUT ||
		    pointwise_root(u) != n)
			continue;
		if (value_of(u)->group)
			return NULL;
		last = u;
	}
	if (!last || (is_given(n) && !is_given(last)))
		return NULL;
	/* Count the uses inside: all but those of the last must be. */
	for (struct fx_node *u = n->next; u; u = u->next) {
		struct closure c = { .root = n, .last = last };

		if (u->opcode == FX_OUTPUT || !inside(u, &c))
			continue;
		if (u != last)
			uses += u->n_users;
		for (size_t i = 0; i < u->n_args; i++) {
			struct fx_node *in = fx_node_in(u, i);
			bool again = false;

			for (size_t j = 0; j < i; j++)
				again |= fx_node_in(u, j) == in;
			if (in && !again && !fx_node_is_const(in))
				seen++;
		}
	}
	return seen == uses ? last : NULL;
}

static void claim(struct group *g, struct fx_node *n)
{
	value_of(n)->group = g;
	g->last = n;
}

static void take_epilogue(struct group *g)
{
	struct fx_node *u = next_of(g->last);
	struct fx_node *other;

	if (u && has_slope(u, g->head)) {
		g->prelu = u;
		claim(g, u);
		u = next_of(u);
	}
	other = u ? residual_of(u, g->last) : NULL;
	if (other) {
		g->add = u;
		g->residual = other;
		claim(g, u);
	}
}

/* All nodes between the group's value and the function @last are taken. */
static void take_table(struct group *g, struct fx_node *last)
{
	struct fx_node *root = g->last;

	for (struct fx_node *u = root->next; u; u = u->next) {
		if (u->opcode != FX_OUTPUT && pointwise_root(u) == root)
			value_of(u)->group = g;
		if (u == last)
			break;
	}
	g->table = last;
	claim(g, last);
}

/*
 * What only leaves stays 32 bits wide, unless others must be able to compute
 * it: they keep sums of products of matrices, but not of convolutions.
 */
static bool keeps_sums(const struct fx_node *n,
		       const struct fx_qconfig *qconfig)
{
	return !(qconfig->portable && is_conv(n)) && !is_given(n) &&
	       only_leaves(n, !qconfig->int8_ends);
}

static void group_layer(struct group *g, const struct fx_qconfig *qconfig)
{
	bool portable = qconfig->portable;
	struct fx_node *u, *last;

	g->raw = keeps_sums(g->head, qconfig);
	if (g->raw)
		return;
	if (!portable)
		take_epilogue(g);
	/* A slope or an addition is a root of its own from here on. */
	last = (g->prelu && !g->add) || (portable && is_given(g->last)) ?
	       NULL : function_after(g->last);
	u = next_of(g->last);
	if (u && IS_ONE_OF(u, clamps) && (!last || last == u)) {
		g->clamp = u;
		claim(g, u);
	} else if (last) {
		take_table(g, last);
	}
}

static struct group *group_new(struct fx_node *n)
{
	struct group *g = fx_graph_alloc(n->graph, sizeof(*g));

	g->head = n;
	claim(g, n);
	return g;
}

static struct fx_node *last_node(struct fx_graph *g)
{
	struct fx_node *last = NULL;

	fx_for_each_node(n, g)
		last = n;
	return last;
}

void group_nodes(struct fx_graph *g, const struct fx_qconfig *qconfig)
{
	pointwise_roots(g);
	for (struct fx_node *n = last_node(g); n; n = n->prev)
		if (is_layer(n) && !value_of(n)->group)
			group_layer(group_new(n), qconfig);
	fx_for_each_node(n, g) {
		struct value *v = value_of(n);
		struct fx_node *u;

		if (n->opcode != FX_CALL_FUNCTION || v->group)
			continue;
		group_new(n);
		u = IS_ONE_OF(n, takes_clamp) && pointwise_root(n) == n ?
		    next_of(n) : NULL;
		if (u && IS_ONE_OF(u, clamps)) {
			v->group->clamp = u;
			claim(v->group, u);
		}
	}
	fx_for_each_node(n, g) {
		struct value *v = value_of(n);

		if (v->group && v->group->head != v->group->last)
			value_of(v->group->last)->pointwise.barrier = true;
	}
	pointwise_roots(g);
}
