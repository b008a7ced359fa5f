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

/*
 * struct way - what is asked of all ways out
 * @outputs: do outputs let 32-bit sums out?
 * @budget: ways still looked at: passages that part and meet again have many
 */
struct way {
	bool outputs;
	int budget;
};

static bool is_exit(const struct fx_node *n, const struct way *w)
{
	return (n->opcode == FX_OUTPUT && w->outputs) || n->wrapped ||
	       is_long_softmax(n);
}

/* Does the CPU make of @n's input, element by element, what leaves? */
static bool is_passage(const struct fx_node *n)
{
	const unsigned int flags = FX_OP_VIEW | FX_OP_MOVES | FX_OP_POINTWISE;

	return n->opcode == FX_CALL_FUNCTION && n->op && is_float(n) &&
	       (n->op->flags & flags || fx_node_is(n, "softmax"));
}

static bool leaves_by_passages(const struct fx_node *n, struct way *w)
{
	if (--w->budget < 0)
		return false;
	for (const struct fx_node *u = n->next; u; u = u->next)
		if (fx_node_uses(u, n) && !is_exit(u, w) &&
		    !(is_passage(u) && leaves_by_passages(u, w)))
			return false;
	return n->n_users > 0;
}

static bool leaves_as_it_is(const struct fx_node *n, const struct way *w)
{
	for (const struct fx_node *u = n->next; u; u = u->next)
		if (fx_node_uses(u, n) && !is_exit(u, w))
			return false;
	return n->n_users > 0;
}

bool only_leaves(const struct fx_node *n, bool outputs)
{
	struct way w = { .outputs = outputs, .budget = PASSAGES };

	return fxq_tensor_count(type_of(n)) <= SMALL ?
	       leaves_by_passages(n, &w) : leaves_as_it_is(n, &w);
}
