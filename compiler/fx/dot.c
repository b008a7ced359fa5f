// SPDX-License-Identifier: MIT
/*
 * dot.c - the graph for Graphviz
 *
 * A box a node, with its type; colour tells where it runs, once that is
 * decided, and of a traced graph which nodes are modules.
 */
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

static const char *colour_of(const struct fx_node *n)
{
	if (n->place == FX_PLACE_DEVICE)
		return "palegreen";
	if (n->place == FX_PLACE_CPU)
		return "mistyrose";
	switch (n->opcode) {
	case FX_PLACEHOLDER:
	case FX_OUTPUT:
		return "lightgray";
	case FX_CALL_MODULE:
		return "lightblue";
	case FX_CALL_METHOD:
		return "wheat";
	default:
		return "white";
	}
}

/* Within double quotes; a line's end is \n there. */
static void write_quoted(FILE *to, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', to);
		fputc(*s == '\n' ? ' ' : *s, to);
	}
}

static void write_node(FILE *to, const struct fx_node *n)
{
	char *types = types_text(n);

	fputs("\t\"", to);
	write_quoted(to, n->name);
	fprintf(to, "\" [fillcolor=%s, label=\"", colour_of(n));
	write_quoted(to, n->name);
	if (strcmp(n->name, n->target)) {
		fputs("\\n", to);
		write_quoted(to, n->target);
	}
	if (n->n_out && n->out[0].dtype != FXQ_DTYPE_NONE && *types) {
		fputs("\\n", to);
		write_quoted(to, types);
	}
	fputs("\"];\n", to);
	free(types);
}

struct edges {
	FILE *to;
	const struct fx_node *user;
	unsigned int stamp;
};

static void write_edge(struct fx_node *in, void *ctx)
{
	struct edges *e = ctx;

	if (fx_node_is_const(in) || node_box(in)->stamp == e->stamp)
		return;
	node_box(in)->stamp = e->stamp;
	fputs("\t\"", e->to);
	write_quoted(e->to, in->name);
	fputs("\" -> \"", e->to);
	write_quoted(e->to, e->user->name);
	fputs("\";\n", e->to);
}

void fx_graph_print_dot(const struct fx_graph *g, FILE *to)
{
	fputs("digraph fx {\n"
	      "\tnode [shape=box, style=filled, fontname=monospace];\n", to);
	fx_for_each_node(n, g) {
		struct edges e = { to, n, ++n->graph->stamp };

		if (fx_node_is_const(n))
			continue;
		write_node(to, n);
		fx_node_visit(n, write_edge, &e);
	}
	fputs("}\n", to);
}
