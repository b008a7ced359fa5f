// SPDX-License-Identifier: MIT
/*
 * observe.c - which values of a graph are quantized
 *
 * A layer's result and what the backend's table of operators has are; so are
 * the inputs of both. An addition and the relu behind it may be one step, whose
 * sum nobody sees.
 */
#include "verbs.h"

bool is_layer(const struct fx_backend *backend, const struct fx_module *m)
{
	const struct fx_backend_layer *row = backend->layers;
	const struct layer_class *class = layer_class_of(m);
	const char *name = class ? class->base->name : m->class->name;

	for (; row->layer; row++)
		if (!strcmp(row->layer, name))
			return row->bn != NULL;
	return false;
}

bool is_last(const struct fx_backend_op *row)
{
	return !row->class && !row->function && !row->method && !row->kept;
}

const struct fx_backend_op *backend_row(const struct fx_backend *backend,
					const struct fx_node *n)
{
	const struct fx_backend_op *row = backend->ops;

	for (; !is_last(row); row++)
		if ((row->class && node_is_module(n, row->class)) ||
		    (row->function && node_is_function(n, row->function)) ||
		    (row->method && node_is_method(n, row->method)) ||
		    (row->kept && node_is_kept(n, row->kept)))
			return row;
	return NULL;
}

/* Has what @n reads a scale: is it observed, or a value that will be? */
static bool is_observed(const struct fx_node *n)
{
	const struct place *p = n->data;

	return node_is_observer(n) || (p->qconfig && p->last);
}

struct follow_walk {
	const struct fx_node *first;
	bool constant;
};

static void check_constant(struct fx_node *in, void *ctx)
{
	struct follow_walk *walk = ctx;

	walk->constant &= in == walk->first || in->opcode == FX_GET_ATTR;
}

/* Operator @n, kept as it is, takes numbers only from what is quantized. */
static bool follows(struct fx_node *n)
{
	struct follow_walk walk = { fx_node_in(n, 0), true };

	if (!walk.first || !is_observed(walk.first))
		return false;
	fx_node_visit(n, check_constant, &walk);
	return walk.constant;
}

bool node_is_relu(const struct fx_node *n)
{
	return node_is_module(n, "ReLU") || node_is_function(n, "relu");
}

/*
 * Is it a sum or product of floats with a number, which has no integers? torch
 * observes it all the same: it would be float between two roundings.
 */
static bool stays_float(const struct fx_backend *backend,
			const struct fx_node *n)
{
	const struct fx_node *in = fx_node_in(n, 0);

	if (!backend->makes_modules || !quantized_binary(n, false) ||
	    has_integer_terms(n))
		return false;
	if (!in)	/* the number comes first */
		in = fx_node_in(n, 1);
	return !in || !is_observed(in);
}

/* The addition or product that relu @n is one step with, or NULL. */
static struct fx_node *sum_of(const struct fx_backend *backend,
			      const struct fx_node *n)
{
	struct fx_node *in = fx_node_in(n, 0);

	if (!backend->adds_relu || !node_is_relu(n) || !in || in->n_users != 1)
		return NULL;
	return quantized_binary(in, true) && !stays_float(backend, in) ? in :
	       NULL;
}

/* The node that gives the parts of which @n, a getitem, takes one; or NULL. */
static struct fx_node *parts_of(const struct fx_backend *backend,
				const struct fx_node *n)
{
	struct fx_node *in = fx_node_in(n, 0);
	const struct fx_backend_op *row = in ? backend_row(backend, in) : NULL;

	return row && row->observe == FX_OBSERVE_PARTS ? in : NULL;
}

bool selects_value(const struct fx_node *n)
{
	return n->n_args != 2 || n->args[1].kind == FX_ARG_INT;
}

static void find_part(struct fx_module *gm, const struct fx_backend *backend,
		      const struct fx_qconfig_item *dict, struct fx_node *n)
{
	struct fx_node *parts = parts_of(backend, n);
	struct place *whole = parts ? parts->data : NULL;

	if (!parts ? selects_value(n) : !whole->qconfig)
		return;
	*(struct place *)n->data = (struct place){
		.row = backend_row(backend, parts ? parts : n),
		.root = parts ? parts : n, .last = n,
		.qconfig = qconfig_of(dict, gm, n),
	};
}

static void find_place(struct fx_module *gm, const struct fx_backend *backend,
		       const struct fx_qconfig_item *dict, struct fx_node *n)
{
	const struct fx_backend_op *row = backend_row(backend, n);
	struct place *p = n->data;
	struct fx_node *sum = sum_of(backend, n);

	if (!row && !(n->opcode == FX_CALL_MODULE &&
		      is_layer(backend, n->module)))
		return;
	if (row && row->kept && !follows(n))
		return;
	if (row && stays_float(backend, n))
		return;
	if (row && node_is_function(n, "getitem")) {
		find_part(gm, backend, dict, n);
		return;
	}
	*p = (struct place){ .row = row, .root = n, .last = n,
			     .qconfig = qconfig_of(dict, gm, n) };
	if (row && row->observe == FX_OBSERVE_PARTS)
		p->last = NULL;
	if (!sum || !p->qconfig)
		return;
	p->row = backend_row(backend, sum);
	p->root = sum;
	*(struct place *)sum->data = *p;
}

void find_observed(struct fx_module *gm, const struct fx_backend *backend,
		   const struct fx_qconfig_item *dict)
{
	fx_for_each_node(n, gm->graph)
		n->data = fx_graph_alloc(gm->graph, sizeof(struct place));
	fx_for_each_node(n, gm->graph)
		find_place(gm, backend, dict, n);
}
