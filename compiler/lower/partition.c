// SPDX-License-Identifier: MIT
/*
 * partition.c - what runs on the device, and in which order of segments
 *
 * Each node goes to the device unless its operator's rule says why it cannot;
 * the reason stays with the node. A node's level is how often data change
 * place on the way to it: nodes of one level and place are one segment, which
 * is as few segments as data flow allows. Pieces of a segment that only move
 * elements are not worth a trip and go to the CPU.
 *
 * reads: the integer graph. guarantees: place, reason, segment of each node
 */
#include <string.h>

#include "lower.h"

static bool is_call(const struct fx_node *n)
{
	return n->opcode == FX_CALL_FUNCTION || n->opcode == FX_CALL_METHOD;
}

/* Constants have no place: they are wherever they are used. */
static bool has_place(const struct fx_node *n)
{
	return n->opcode != FX_GET_ATTR && n->opcode != FX_OUTPUT;
}

static bool is_int8(const struct fx_node *n)
{
	return n->out[0].dtype == FXQ_DTYPE_I8 &&
	       (n->out[0].scale != 0 || fx_node_is_const(n));
}

static const char *why_not(struct fx_node *n, const struct fxq_caps *caps)
{
	const struct op_rule *rule = op_rule_find(n);
	struct fx_node *x = fx_node_in(n, 0);

	if (n->wrapped)
		return "a wrapped function of the program";
	if (fx_node_is(n, "quantize") || fx_node_is(n, "dequantize") ||
	    fx_node_is(n, "dequantize_channels"))
		return "the border between float and int8";
	if (!rule)
		return n->reason ? n->reason :
		       fx_graph_printf(n->graph,
				       "the device has no operator %s",
				       n->target);
	if (!x || !is_int8(x) || (n->out[0].dtype != FXQ_DTYPE_I8 &&
				  n->out[0].dtype != FXQ_DTYPE_I32))
		return n->reason ? n->reason : "its values are not int8";
	if (fx_node_is(n, "getitem") && x->place != FX_PLACE_DEVICE)
		return "what it selects from is on the CPU";
	return rule->check(n, caps);
}

static void place(struct fx_node *n, const struct fxq_caps *caps)
{
	const char *why;

	n->segment = -1;
	n->place = n->opcode == FX_PLACEHOLDER ? FX_PLACE_CPU :
		   FX_PLACE_UNDECIDED;
	if (!is_call(n))
		return;
	why = why_not(n, caps);
	n->place = why ? FX_PLACE_CPU : FX_PLACE_DEVICE;
	n->reason = why;
}

struct level_walk {
	struct fx_node *n;
	int level;
};

static void raise_level(struct fx_node *in, void *ctx)
{
	struct level_walk *w = ctx;
	int level;

	if (!has_place(in))
		return;
	level = in->segment + (in->place != w->n->place);
	w->level = level > w->level ? level : w->level;
}

/* Levels of the CPU are even, those of the device odd. */
static void set_levels(struct fx_graph *g)
{
	fx_for_each_node(n, g) {
		struct level_walk w = {
			.n = n, .level = n->place == FX_PLACE_DEVICE };

		if (n->opcode == FX_PLACEHOLDER)
			n->segment = 0;
		if (!is_call(n))
			continue;
		fx_node_visit(n, raise_level, &w);
		n->segment = w.level;
	}
}

/* A piece of a segment: nodes that data connect. Kept at its first node. */
struct piece {
	struct piece *joined;
	bool computes;
};

static struct piece *piece_of(struct fx_node *n)
{
	struct piece *p = n->data;

	while (p->joined)
		p = p->joined;
	return p;
}

static void join_piece(struct fx_node *in, void *ctx)
{
	struct fx_node *n = ctx;
	struct piece *a, *b;

	if (!is_call(in) || in->place != FX_PLACE_DEVICE ||
	    in->segment != n->segment)
		return;
	a = piece_of(in);
	b = piece_of(n);
	if (a == b)
		return;
	b->joined = a;
	a->computes |= b->computes;
}

/* Sends pieces that compute nothing to the CPU; were there any? */
static bool drop_islands(struct fx_graph *g)
{
	bool any = false;

	fx_for_each_node(n, g) {
		struct piece *p;

		if (!is_call(n) || n->place != FX_PLACE_DEVICE)
			continue;
		p = fx_graph_alloc(g, sizeof(*p));
		p->computes = !op_rule_find(n)->moves;
		n->data = p;
		fx_node_visit(n, join_piece, n);
	}
	fx_for_each_node(n, g) {
		if (!is_call(n) || n->place != FX_PLACE_DEVICE ||
		    piece_of(n)->computes)
			continue;
		n->place = FX_PLACE_CPU;
		n->reason = "it only moves data between operators of the CPU";
		any = true;
	}
	return any;
}

/* Levels that nobody has are left out, so that segments count from 0. */
static void number_segments(struct fx_graph *g)
{
	int next = 0, levels = 0;
	int *number;

	fx_for_each_node(n, g)
		levels = n->segment >= levels ? n->segment + 1 : levels;
	number = fx_graph_alloc(g, (size_t)(levels + 1) * sizeof(*number));
	fx_for_each_node(n, g)
		if (is_call(n))
			number[n->segment] = 1;
	for (int i = 0; i < levels; i++)
		number[i] = number[i] ? next++ : 0;
	fx_for_each_node(n, g)
		if (n->segment >= 0)
			n->segment = number[n->segment];
}

int fx_partition(struct fx_graph *g, const struct fxq_caps *caps)
{
	static const struct fxq_caps standard = FXQ_CAPS_DEFAULT;

	if (!caps || !caps->spm_bytes)
		caps = &standard;
	fx_for_each_node(n, g)
		place(n, caps);
	do
		set_levels(g);
	while (drop_islands(g));
	number_segments(g);
	return 0;
}
