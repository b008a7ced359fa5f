// SPDX-License-Identifier: MIT
/*
 * lint.c - what must be true of a graph between two passes
 *
 * Each rule is a function of its own; the first that is broken names itself
 * and its node. The links come first: once each node leads back to the one
 * before, the list has an end, and the other rules can walk it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

static int lint_links(struct fx_graph *g)
{
	struct fx_node *prev = NULL;
	size_t count = 0;

	for (struct fx_node *n = g->first; n; prev = n, n = n->next) {
		if (n->graph != g)
			return fx_graph_fail(g, -EINVAL, "node '%s' belongs to another graph",
					     n->name);
		if (n->prev != prev)
			return node_fail(n, -EINVAL, "prev does not lead back to '%s'",
					 prev ? prev->name : "the start");
		count++;
	}
	if (g->last != prev || count != g->n_nodes)
		return fx_graph_fail(g, -EINVAL, "the list of nodes ends after %zu of %zu nodes",
				     count, g->n_nodes);
	return 0;
}

static int compare_node_names(const void *a, const void *b)
{
	return strcmp((*(struct fx_node *const *)a)->name,
		      (*(struct fx_node *const *)b)->name);
}

static int lint_names(struct fx_graph *g)
{
	struct fx_node **nodes = calloc(g->n_nodes + 1, sizeof(*nodes));
	size_t count = 0;
	int ret = 0;

	if (!nodes)
		return fx_graph_fail(g, -ENOMEM, "no memory to compare names");

	fx_for_each_node(n, g) {
		if (!n->name || !n->target || !n->name[0]) {
			ret = fx_graph_fail(g, -EINVAL, "a %s node has no name or no target",
					    opcode_names[n->opcode]);
			goto out_free;
		}
		nodes[count++] = n;
	}

	qsort(nodes, count, sizeof(*nodes), compare_node_names);
	for (size_t i = 1; i < count && !ret; i++)
		if (!strcmp(nodes[i - 1]->name, nodes[i]->name))
			ret = node_fail(nodes[i], -EINVAL, "two nodes have this name");

out_free:
	free(nodes);
	return ret;
}

/* What an opcode demands of the node's other fields. */
static int lint_opcode(struct fx_node *n)
{
	if (n->opcode >= FX_OPCODE_COUNT)
		return node_fail(n, -EINVAL, "%d is no opcode", (int)n->opcode);
	if (n->n_out < 1 || !n->out)
		return node_fail(n, -EINVAL, "a node has at least one result");
	if (n->opcode == FX_CALL_FUNCTION && !n->op && !n->wrapped)
		return node_fail(n, -EINVAL, "a call_function has an operator or a wrapped function");
	if (n->opcode == FX_OUTPUT && n->n_args != 1)
		return node_fail(n, -EINVAL, "the output has one argument, a value or a tuple");
	return 0;
}

static int lint_output(struct fx_graph *g)
{
	fx_for_each_node(n, g) {
		if (n->opcode == FX_OUTPUT && n != g->output)
			return node_fail(n, -EINVAL, "a graph has one output node");
		if (n->opcode == FX_OUTPUT && n->next)
			return node_fail(n, -EINVAL, "the output is the last node, but '%s' follows",
					 n->next->name);
	}
	return 0;
}

struct lint_walk {
	struct fx_node *n;
	unsigned int *users;		/* by order */
	unsigned int *last_user;	/* by order, plus one */
	int ret;
};

static void lint_use(struct fx_node *in, void *ctx)
{
	struct lint_walk *walk = ctx;
	unsigned int user = node_box(walk->n)->order, order;

	if (walk->ret)
		return;
	if (!in || in->graph != walk->n->graph) {
		walk->ret = node_fail(walk->n, -EINVAL, "an argument is a node that is not in this graph");
		return;
	}
	order = node_box(in)->order;
	if (order >= user) {
		walk->ret = node_fail(walk->n, -EINVAL, "uses '%s' before it is defined",
				      in->name);
		return;
	}
	if (walk->last_user[order] == user + 1)
		return;
	walk->last_user[order] = user + 1;
	walk->users[order]++;
}

static int lint_uses(struct fx_graph *g)
{
	unsigned int count = graph_number_nodes(g);
	struct arena arena = {};
	struct lint_walk walk = {
		.users = arena_alloc(&arena, count * sizeof(int), 8),
		.last_user = arena_alloc(&arena, count * sizeof(int), 8),
	};

	for (walk.n = g->first; walk.n && !walk.ret; walk.n = walk.n->next)
		fx_node_visit(walk.n, lint_use, &walk);

	for (struct fx_node *n = g->first; n && !walk.ret; n = n->next) {
		unsigned int users = walk.users[node_box(n)->order];

		if (n->n_users != users)
			walk.ret = node_fail(n, -EINVAL, "counts %u users, but has %u",
					     n->n_users, users);
	}
	arena_finish(&arena);
	return walk.ret;
}

/* True if the arguments are tensors alone: the functional form. */
static bool takes_tensors_only(const struct fx_node *n)
{
	for (size_t i = 0; i < n->n_args; i++)
		if (n->args[i].kind != FX_ARG_NODE &&
		    n->args[i].kind != FX_ARG_NONE)
			return false;
	return true;
}

static int lint_arity(struct fx_node *n)
{
	const struct fx_op *op = n->op;

	if (!op || n->opcode != FX_CALL_FUNCTION || !takes_tensors_only(n))
		return 0;
	if (n->n_args < (size_t)op->min_in)
		return node_fail(n, -EINVAL, "%s takes at least %d tensors, but has %zu",
				 n->target, op->min_in, n->n_args);
	if (op->max_in >= 0 && n->n_args > (size_t)op->max_in)
		return node_fail(n, -EINVAL, "%s takes at most %d tensors, but has %zu",
				 n->target, op->max_in, n->n_args);
	for (int i = 0; i < op->min_in; i++)
		if (n->args[i].kind == FX_ARG_NONE)
			return node_fail(n, -EINVAL, "%s requires its tensor %d, which is None",
					 n->target, i);
	if (op->n_out >= 0 && n->n_out != op->n_out)
		return node_fail(n, -EINVAL, "%s has %d results, but the node %d",
				 n->target, op->n_out, n->n_out);
	return 0;
}

static int lint_kwargs(struct fx_node *n)
{
	for (size_t i = 0; i < n->n_kwargs; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(n->kwargs[i].name, n->kwargs[j].name))
				return node_fail(n, -EINVAL, "kwarg '%s' is given twice",
						 n->kwargs[i].name);
	return 0;
}

static int lint_nodes(struct fx_graph *g, int (*rule)(struct fx_node *n))
{
	int ret;

	fx_for_each_node(n, g) {
		ret = rule(n);
		if (ret)
			return ret;
	}
	return 0;
}

int fx_graph_lint(struct fx_graph *g)
{
	int ret;

	ret = lint_links(g);
	if (!ret)
		ret = lint_nodes(g, lint_opcode);
	if (!ret)
		ret = lint_names(g);
	if (!ret)
		ret = lint_output(g);
	if (!ret)
		ret = lint_uses(g);
	if (!ret)
		ret = lint_nodes(g, lint_kwargs);
	if (!ret)
		ret = lint_nodes(g, lint_arity);
	return ret;
}
