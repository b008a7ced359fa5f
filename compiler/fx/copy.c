// SPDX-License-Identifier: MIT
/*
 * copy.c - a second graph, equal to the first and independent of it
 *
 * Everything is copied, the elements of constants too, so that a pass may
 * change weights in place. Operators, modules and wrapped functions are what
 * both point to; neither graph owns them.
 */
#include <string.h>

#include "fx_priv.h"

static void redirect(struct fx_arg *a, struct fx_node *const *copies)
{
	if (a->kind == FX_ARG_NODE)
		a->node = copies[node_box(a->node)->order];
	if (!arg_has_items(a))
		return;
	for (size_t i = 0; i < a->count; i++)
		redirect(&a->items[i], copies);
}

void node_copy_args(struct fx_node *to, const struct fx_node *from,
		    struct fx_node *const *copies)
{
	struct fx_graph *g = to->graph;

	to->args = args_copy(g, from->args, from->n_args);
	to->n_args = from->n_args;
	to->kwargs = kwargs_copy(g, from->kwargs, from->n_kwargs);
	to->n_kwargs = from->n_kwargs;
	for (size_t i = 0; i < to->n_args; i++)
		redirect(&to->args[i], copies);
	for (size_t i = 0; i < to->n_kwargs; i++)
		redirect(&to->kwargs[i].value, copies);
	node_take_uses(to);
}

static void copy_results(struct fx_graph *g, struct fx_node *to,
			 const struct fx_node *from)
{
	to->n_out = from->n_out;
	to->out = arena_alloc(&g->arena, to->n_out * sizeof(*to->out), 8);
	for (int i = 0; i < to->n_out; i++) {
		size_t bytes = fxq_tensor_bytes(&from->out[i]);

		to->out[i] = from->out[i];
		if (!from->out[i].data)
			continue;
		to->out[i].data = fx_graph_alloc(g, bytes);
		memcpy(to->out[i].data, from->out[i].data, bytes);
	}
}

struct fx_node *node_copy(struct fx_graph *g, const struct fx_node *from,
			  const char *name)
{
	struct fx_node *to = graph_add_node(g, from->opcode, name);

	to->target = fx_graph_strdup(g, from->target);
	to->op = from->op;
	to->module = from->module;
	to->wrapped = from->wrapped;
	to->annotation = fx_graph_strdup(g, from->annotation);
	to->source = fx_graph_strdup(g, from->source);
	to->scope = fx_graph_strdup(g, from->scope);
	to->loc.file = fx_graph_strdup(g, from->loc.file);
	to->loc.line = from->loc.line;
	to->loc.expr = fx_graph_strdup(g, from->loc.expr);
	to->loc.function = fx_graph_strdup(g, from->loc.function);
	to->place = from->place;
	to->reason = fx_graph_strdup(g, from->reason);
	to->segment = from->segment;
	copy_results(g, to, from);
	return to;
}

struct fx_graph *fx_graph_copy(const struct fx_graph *from)
{
	struct fx_graph *g = fx_graph_new();
	struct arena arena = {};
	struct fx_node **copies;
	unsigned int count = 0;

	copies = arena_alloc(&arena, from->n_nodes * sizeof(*copies), 8);
	fx_for_each_node(n, from) {
		node_box(n)->order = count;
		copies[count++] = node_copy(g, n,
					    names_take(&g->names, n->name));
	}
	fx_for_each_node(n, from)
		node_copy_args(copies[node_box(n)->order], n, copies);
	arena_finish(&arena);
	return g;
}
