// SPDX-License-Identifier: MIT
/*
 * uses.c - who uses whom
 *
 * A node counts its users, each once however often it names the node. The
 * count is kept exact by one rule: whoever changes arguments drops the uses of
 * the node first and takes them again after. A stamp tells the first mention
 * of an input from the next, so that a node with ten thousand inputs costs no
 * more than they do.
 */
#include "fx_priv.h"

void arg_visit(const struct fx_arg *a,
	       void (*fn)(struct fx_node *in, void *ctx), void *ctx)
{
	if (a->kind == FX_ARG_NODE)
		fn(a->node, ctx);
	if (!arg_has_items(a))
		return;
	for (size_t i = 0; i < a->count; i++)
		arg_visit(&a->items[i], fn, ctx);
}

void fx_node_visit(const struct fx_node *n,
		   void (*fn)(struct fx_node *in, void *ctx), void *ctx)
{
	for (size_t i = 0; i < n->n_args; i++)
		arg_visit(&n->args[i], fn, ctx);
	for (size_t i = 0; i < n->n_kwargs; i++)
		arg_visit(&n->kwargs[i].value, fn, ctx);
}

static bool arg_uses(const struct fx_arg *a, const struct fx_node *in)
{
	if (a->kind == FX_ARG_NODE)
		return a->node == in;
	if (!arg_has_items(a))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (arg_uses(&a->items[i], in))
			return true;
	return false;
}

bool fx_node_uses(const struct fx_node *n, const struct fx_node *in)
{
	for (size_t i = 0; i < n->n_args; i++)
		if (arg_uses(&n->args[i], in))
			return true;
	for (size_t i = 0; i < n->n_kwargs; i++)
		if (arg_uses(&n->kwargs[i].value, in))
			return true;
	return false;
}

struct count_walk {
	unsigned int stamp;
	int step;
};

static void count_use(struct fx_node *in, void *ctx)
{
	struct count_walk *walk = ctx;

	if (node_box(in)->stamp == walk->stamp)
		return;
	node_box(in)->stamp = walk->stamp;
	in->n_users += walk->step;
}

void node_drop_uses(struct fx_node *n)
{
	struct count_walk walk = { ++n->graph->stamp, -1 };

	fx_node_visit(n, count_use, &walk);
}

void node_take_uses(struct fx_node *n)
{
	struct count_walk walk = { ++n->graph->stamp, 1 };

	fx_node_visit(n, count_use, &walk);
}

static void arg_replace(struct fx_arg *a, struct fx_node *from,
			struct fx_node *to)
{
	if (a->kind == FX_ARG_NODE && a->node == from)
		a->node = to;
	if (!arg_has_items(a))
		return;
	for (size_t i = 0; i < a->count; i++)
		arg_replace(&a->items[i], from, to);
}

static void node_replace(struct fx_node *n, struct fx_node *from,
			 struct fx_node *to)
{
	for (size_t i = 0; i < n->n_args; i++)
		arg_replace(&n->args[i], from, to);
	for (size_t i = 0; i < n->n_kwargs; i++)
		arg_replace(&n->kwargs[i].value, from, to);
}

struct find_walk {
	const struct fx_node *wanted;
	bool found;
};

static void find_use(struct fx_node *in, void *ctx)
{
	struct find_walk *walk = ctx;

	walk->found |= in == walk->wanted;
}

static bool node_uses(const struct fx_node *n, const struct fx_node *wanted)
{
	struct find_walk walk = { .wanted = wanted };

	fx_node_visit(n, find_use, &walk);
	return walk.found;
}

void fx_node_replace_input(struct fx_node *n, struct fx_node *from,
			   struct fx_node *to)
{
	node_drop_uses(n);
	node_replace(n, from, to);
	node_take_uses(n);
}

/*
 * @to itself may use @from (a node that is put behind @from does): that use
 * stays, since nothing can use itself.
 */
unsigned int fx_node_replace_uses(struct fx_node *from, struct fx_node *to)
{
	unsigned int changed = 0;

	if (from == to)
		return 0;

	fx_for_each_node(n, from->graph) {
		if (!from->n_users)
			break;
		if (n == to || !node_uses(n, from))
			continue;
		node_drop_uses(n);
		node_replace(n, from, to);
		node_take_uses(n);
		changed++;
	}
	return changed;
}

struct last_walk {
	struct fx_node **last, *user;
};

static void note_last(struct fx_node *in, void *ctx)
{
	struct last_walk *walk = ctx;

	walk->last[node_box(in)->order] = walk->user;
}

void graph_last_users(const struct fx_graph *g, struct fx_node **last)
{
	struct last_walk walk = { .last = last };

	for (walk.user = g->first; walk.user; walk.user = walk.user->next)
		fx_node_visit(walk.user, note_last, &walk);
}
