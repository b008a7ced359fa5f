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

const struct fx_backend_op *backend_row(const struct fx_backend *backend,
					const struct fx_node *n)
{
	const struct fx_backend_op *row = backend->ops;

	for (; row->class || row->function || row->method; row++)
		if ((row->class && node_is_module(n, row->class)) ||
		    (row->function && node_is_function(n, row->function)) ||
		    (row->method && node_is_method(n, row->method)))
			return row;
	return NULL;
}

bool node_is_relu(const struct fx_node *n)
{
	return node_is_module(n, "ReLU") || node_is_function(n, "relu");
}

/* The addition or product that relu @n is one step with, or NULL. */
static struct fx_node *sum_of(const struct fx_backend *backend,
			      const struct fx_node *n)
{
	struct fx_node *in = fx_node_in(n, 0);

	if (!backend->adds_relu || !node_is_relu(n) || !in || in->n_users != 1)
		return NULL;
	return quantized_binary(in, true) ? in : NULL;
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
	*p = (struct place){ .row = row, .root = n, .last = n,
			     .qconfig = qconfig_of(dict, gm, n) };
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
