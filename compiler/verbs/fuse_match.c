// SPDX-License-Identifier: MIT
/*
 * fuse_match.c - which nodes of a graph are one step of a backend
 *
 * Looks from the last node of a chain back to the layer: an activation, an
 * addition, a batch norm, each of which may be absent. The graph is searched
 * from its end, so that the longest chain is found first.
 */
#include <stdlib.h>

#include "verbs.h"

/* What @n is, as part of a chain, 0 if it is none. */
static unsigned int part_of(const struct fx_node *n)
{
	if (node_is_module(n, "ReLU") || node_is_function(n, "relu") ||
	    node_is_method(n, "relu"))
		return FX_PART_RELU;
	if (node_is_module(n, "ReLU6") || node_is_function(n, "relu6"))
		return FX_PART_RELU6;
	if (node_is_function(n, "add") || node_is_function(n, "torch_add"))
		return FX_PART_ADD;
	if (n->opcode == FX_CALL_MODULE &&
	    n->module->class->flags & FX_CLASS_BATCH_NORM)
		return FX_PART_BN;
	return 0;
}

/* Argument @i, if it is a node that @n alone uses. */
static struct fx_node *own_input(const struct fx_node *n, size_t i)
{
	struct fx_node *in = fx_node_in(n, i);

	return in && in->n_users == 1 ? in : NULL;
}

/*
 * Has the batch norm as many channels? If not, running it says so. Weights that
 * came with scales would be others with the norm in them.
 */
static bool fits(const struct fx_node *bn, const struct fx_node *layer)
{
	const char *channels = node_is_module(layer, "Linear") ?
			       "out_features" : "out_channels";

	return module_int(bn->module, "num_features") ==
	       module_int(layer->module, channels) &&
	       !given_scales(layer->module);
}

static bool match_layer(const struct fx_backend *backend, struct chain *c,
			struct fx_node *n)
{
	const struct fx_backend_layer *row = backend->layers;

	for (; row->layer; row++) {
		if (!node_is_module(n, row->layer) ||
		    !(row->fuses & 1u << c->parts))
			continue;
		if (c->bn &&
		    (!node_is_module(c->bn, row->bn) || !fits(c->bn, n)))
			continue;
		c->layer = n;
		return true;
	}
	return false;
}

static bool match_bn(const struct fx_backend *backend, struct chain *c,
		     struct fx_node *n)
{
	struct fx_node *in;

	if (!n)
		return false;
	in = own_input(n, 0);
	if (part_of(n) == FX_PART_BN && in) {
		c->bn = n;
		c->parts |= FX_PART_BN;
		if (match_layer(backend, c, in))
			return true;
		c->bn = NULL;
		c->parts &= ~FX_PART_BN;
	}
	return match_layer(backend, c, n);
}

/* The layer is the first term, or else the second. */
static bool match_add(const struct fx_backend *backend, struct chain *c,
		      struct fx_node *n)
{
	if (!n)
		return false;
	if (part_of(n) != FX_PART_ADD || n->n_args != 2)
		return match_bn(backend, c, n);

	c->add = n;
	c->parts |= FX_PART_ADD;
	for (size_t i = 0; i < 2; i++) {
		struct fx_node *other = fx_node_in(n, 1 - i);

		c->residual = 1 - i;
		if (other && other != fx_node_in(n, i) &&
		    match_bn(backend, c, own_input(n, i)))
			return true;
	}
	return false;
}

static bool match(const struct fx_backend *backend, struct chain *c,
		  struct fx_node *n)
{
	*c = (struct chain){ .last = n };
	if (part_of(n) & FX_PART_ACT) {
		c->act = n;
		c->parts |= part_of(n);
		n = own_input(n, 0);
	}
	return match_add(backend, c, n) && c->parts;
}

static bool has_node(const struct chain *c, const struct fx_node *n)
{
	return n == c->layer || n == c->bn || n == c->add || n == c->act;
}

static bool is_taken(const struct chains *chains, const struct fx_node *n)
{
	for (size_t i = 0; i < chains->n; i++)
		if (has_node(&chains->list[i], n))
			return true;
	return false;
}

struct chains find_chains(const struct fx_module *gm,
			  const struct fx_backend *backend)
{
	struct fx_node *n = fx_graph_first(gm->graph);
	struct chains chains = { 0 };
	size_t count = 0;
	struct chain c;

	for (; n && n->next; n = n->next)
		count++;
	chains.list = must_alloc((count + 1) * sizeof(*chains.list));
	for (; n; n = n->prev)
		if (!is_taken(&chains, n) && match(backend, &c, n))
			chains.list[chains.n++] = c;

	for (size_t i = 0; i < chains.n / 2; i++) {
		c = chains.list[i];
		chains.list[i] = chains.list[chains.n - 1 - i];
		chains.list[chains.n - 1 - i] = c;
	}
	return chains;
}
