// SPDX-License-Identifier: MIT
/*
 * dce.c - removes what nobody uses
 *
 * One walk from the end to the start suffices: when a user goes, its inputs
 * are still ahead. Inputs of the graph, the output and operators that act
 * beside their value (assertions) stay.
 */
#include "fx_priv.h"

static bool is_dead(const struct fx_node *n)
{
	if (n->n_users || n->opcode == FX_PLACEHOLDER ||
	    n->opcode == FX_OUTPUT)
		return false;
	return !n->op || !(n->op->flags & FX_OP_IMPURE);
}

unsigned int fx_graph_eliminate_dead_code(struct fx_graph *g)
{
	unsigned int removed = 0;
	struct fx_node *prev;

	for (struct fx_node *n = g->last; n; n = prev) {
		prev = n->prev;
		if (!is_dead(n))
			continue;
		fx_node_erase(n);
		removed++;
	}
	return removed;
}
