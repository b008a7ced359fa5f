// SPDX-License-Identifier: MIT
/*
 * pattern.c - replaces a piece of a graph by another that does the same
 *
 * A match grows from the value that the pattern returns towards its inputs. A
 * placeholder takes any node; every other node of the pattern takes one of the
 * same call, and only it. That nobody outside uses what the match will erase
 * follows from counting: as many users as in the pattern means the same ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

/*
 * struct match
 * @nodes: the node that stands for each of the pattern, by its place there
 * @returns: what the pattern returns
 */
struct match {
	const struct fx_graph *pattern;
	struct fx_node **nodes;
	struct fx_node *returns;
};

/* What n->data is of nodes that a replacement has put in. */
static char put_in;

static bool match_node(struct match *m, struct fx_node *p, struct fx_node *n);

static bool match_arg(struct match *m, const struct fx_arg *p,
		      const struct fx_arg *a)
{
	if (p->kind != a->kind)
		return false;

	switch (p->kind) {
	case FX_ARG_NONE:
		return true;
	case FX_ARG_BOOL:
		return p->b == a->b;
	case FX_ARG_INT:
		return p->i == a->i;
	case FX_ARG_FLOAT:
		return p->f == a->f;
	case FX_ARG_STR:
	case FX_ARG_NAME:
		return !strcmp(p->s, a->s);
	case FX_ARG_NODE:
		return match_node(m, p->node, a->node);
	default:
		if (p->count != a->count)
			return false;
		for (size_t i = 0; i < p->count; i++)
			if (!match_arg(m, &p->items[i], &a->items[i]))
				return false;
		return true;
	}
}

static bool match_args(struct match *m, struct fx_node *p, struct fx_node *n)
{
	if (p->n_args != n->n_args || p->n_kwargs != n->n_kwargs)
		return false;
	for (size_t i = 0; i < p->n_args; i++)
		if (!match_arg(m, &p->args[i], &n->args[i]))
			return false;
	for (size_t i = 0; i < p->n_kwargs; i++) {
		const struct fx_arg *a = fx_node_kwarg(n, p->kwargs[i].name);

		if (!a || !match_arg(m, &p->kwargs[i].value, a))
			return false;
	}
	return true;
}

/* Does another node of the pattern stand for @n already? */
static bool is_taken(const struct match *m, const struct fx_node *n)
{
	fx_for_each_node(p, m->pattern)
		if (p->opcode != FX_PLACEHOLDER &&
		    m->nodes[node_box(p)->order] == n)
			return true;
	return false;
}

static bool match_node(struct match *m, struct fx_node *p, struct fx_node *n)
{
	struct fx_node **known = &m->nodes[node_box(p)->order];

	if (*known)
		return *known == n;
	if (p->opcode == FX_PLACEHOLDER) {
		*known = n;
		return true;
	}
	if (p->opcode != n->opcode || p->op != n->op ||
	    p->wrapped != n->wrapped || strcmp(p->target, n->target) ||
	    n->data == &put_in || is_taken(m, n) ||
	    (p != m->returns && p->n_users != n->n_users))
		return false;
	*known = n;
	return match_args(m, p, n);
}

/* An input stays, so it is none of what will be erased. */
static bool keeps_inputs(const struct match *m)
{
	fx_for_each_node(p, m->pattern)
		if (p->opcode == FX_PLACEHOLDER &&
		    is_taken(m, m->nodes[node_box(p)->order]))
			return false;
	return true;
}

/* Puts the replacement in front of what the match returns; what it returns. */
static struct fx_node *put(const struct match *m,
			   const struct fx_graph *replacement,
			   struct fx_node **copies)
{
	struct fx_node *end = m->nodes[node_box(m->returns)->order];
	struct fx_node *p = m->pattern->first;
	struct fx_graph *g = end->graph;

	fx_insert_before(end);
	fx_for_each_node(n, replacement) {
		struct fx_node **copy = &copies[node_box(n)->order];

		if (n->opcode == FX_PLACEHOLDER) {
			while (p->opcode != FX_PLACEHOLDER)
				p = p->next;
			*copy = m->nodes[node_box(p)->order];
			p = p->next;
		} else if (n->opcode != FX_OUTPUT) {
			*copy = node_copy(g, n, names_give(&g->names,
							   n->target));
			node_copy_args(*copy, n, copies);
			(*copy)->source = end->source;
			(*copy)->loc = end->loc;
			(*copy)->data = &put_in;
		}
	}
	return copies[node_box(replacement->output->args[0].node)->order];
}

/* Users first: what the pattern has last uses what it has before. */
static void erase_match(const struct match *m)
{
	for (struct fx_node *p = m->pattern->last; p; p = p->prev)
		if (p->opcode != FX_PLACEHOLDER && p->opcode != FX_OUTPUT)
			fx_node_erase(m->nodes[node_box(p)->order]);
}

static size_t count_inputs(const struct fx_graph *g)
{
	size_t n_inputs = 0;

	fx_for_each_node(n, g)
		n_inputs += n->opcode == FX_PLACEHOLDER;
	return n_inputs;
}

static int check(struct fx_graph *g, const struct fx_graph *part,
		 const char *what)
{
	if (!part->output || !part->output->n_args ||
	    part->output->args[0].kind != FX_ARG_NODE)
		return fx_graph_fail(g, -EINVAL, "a %s returns one value",
				     what);
	return 0;
}

static int check_both(struct fx_graph *g, const struct fx_graph *pattern,
		      const struct fx_graph *replacement)
{
	size_t n_pattern = count_inputs(pattern);
	size_t n_replacement = count_inputs(replacement);

	if (check(g, pattern, "pattern") || check(g, replacement, "replacement"))
		return -EINVAL;
	if (pattern->output->args[0].node->opcode == FX_PLACEHOLDER)
		return fx_graph_fail(g, -EINVAL, "a pattern that returns its input matches everything");
	fx_for_each_node(n, pattern)
		if (!n->n_users && n->opcode != FX_OUTPUT)
			return fx_graph_fail(g, -EINVAL, "the pattern returns nothing that '%s' leads to",
					     n->name);
	if (n_pattern != n_replacement)
		return fx_graph_fail(g, -EINVAL, "the pattern has %zu inputs and its replacement %zu",
				     n_pattern, n_replacement);
	return 0;
}

int fx_graph_replace_pattern(struct fx_graph *g, const struct fx_graph *pattern,
			     const struct fx_graph *replacement)
{
	struct fx_node *previous = g->insert_point, **copies;
	struct match m = { .pattern = pattern };
	size_t n_pattern, n_replacement;
	struct arena arena = {};
	int matches = 0;

	if (check_both(g, pattern, replacement))
		return -EINVAL;

	n_pattern = graph_number_nodes((struct fx_graph *)pattern);
	n_replacement = graph_number_nodes((struct fx_graph *)replacement);
	m.returns = pattern->output->args[0].node;
	m.nodes = arena_alloc(&arena, n_pattern * sizeof(*m.nodes), 8);
	copies = arena_alloc(&arena, n_replacement * sizeof(*copies), 8);

	fx_for_each_node(n, g)
		n->data = NULL;
	fx_for_each_node(n, g) {
		memset(m.nodes, 0, n_pattern * sizeof(*m.nodes));
		if (!match_node(&m, m.returns, n) || !keeps_inputs(&m))
			continue;
		fx_node_replace_uses(n, put(&m, replacement, copies));
		erase_match(&m);
		matches++;
	}
	g->insert_point = previous && previous->graph ? previous : NULL;
	arena_finish(&arena);
	return matches;
}
