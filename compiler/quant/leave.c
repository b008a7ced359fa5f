// SPDX-License-Identifier: MIT
/*
 * leave.c - values on their way out of the graph
 *
 * What only leaves, perhaps in another order or by way of a function of its
 * elements, needs no 8 bits: the CPU gets the layer's 32-bit sums. That costs
 * it a little work for each element, so a value that does not leave as it is
 * must be small.
 */
#include "quant_priv.h"

#define SMALL	65536		/* elements */
#define PASSAGES	64	/* looked at on the way out */

struct search {
	const struct fx_node *of;
	bool found;
};

static void match(struct fx_node *in, void *ctx)
{
	struct search *s = ctx;

	s->found |= in == s->of;
}

static bool uses(const struct fx_node *u, const struct fx_node *n)
{
	struct search s = { .of = n };

	fx_node_visit(u, match, &s);
	return s.found;
}

static bool is_exit(const struct fx_node *n)
{
	return n->opcode == FX_OUTPUT || n->wrapped || is_long_softmax(n);
}

/* Does the CPU make of @n's input, element by element, what leaves? */
static bool is_passage(const struct fx_node *n)
{
	const unsigned int flags = FX_OP_VIEW | FX_OP_MOVES | FX_OP_POINTWISE;

	return n->opcode == FX_CALL_FUNCTION && n->op && is_float(n) &&
	       (n->op->flags & flags || fx_node_is(n, "softmax"));
}

/* Passages that part and meet again have many ways out: @budget bounds them. */
static bool leaves_by_passages(const struct fx_node *n, int *budget)
{
	if (--*budget < 0)
		return false;
	for (const struct fx_node *u = n->next; u; u = u->next)
		if (uses(u, n) && !is_exit(u) &&
		    !(is_passage(u) && leaves_by_passages(u, budget)))
			return false;
	return n->n_users > 0;
}

static bool leaves_as_it_is(const struct fx_node *n)
{
	for (const struct fx_node *u = n->next; u; u = u->next)
		if (uses(u, n) && !is_exit(u))
			return false;
	return n->n_users > 0;
}

bool only_leaves(const struct fx_node *n)
{
	int budget = PASSAGES;

	return fxq_tensor_count(type_of(n)) <= SMALL ?
	       leaves_by_passages(n, &budget) : leaves_as_it_is(n);
}
