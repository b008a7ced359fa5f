// SPDX-License-Identifier: MIT
/*
 * fuse.c - a layer and what follows it as one module
 *
 * Chains are found first and fused then, since where a module may stand depends
 * on all calls of its layer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "verbs.h"

struct fuse {
	struct fx_module *gm;
	bool fold;
	struct chains chains;
};

static struct fx_module *module_of(const struct fx_node *n)
{
	return n ? n->module : NULL;
}

/* Two calls of the same modules do the same. */
static bool same_work(const struct chain *a, const struct chain *b)
{
	return module_of(a->layer) == module_of(b->layer) &&
	       module_of(a->bn) == module_of(b->bn) && a->parts == b->parts;
}

/* Do all calls of the chain's layer do what the chain does? */
static bool owns_layer(const struct fuse *f, const struct chain *c)
{
	size_t calls = 0;

	for (size_t i = 0; i < f->chains.n; i++)
		calls += same_work(&f->chains.list[i], c);
	return calls == root_calls(f->gm, c->layer->module);
}

/* @n, if nothing else calls its module; or NULL. */
static struct fx_node *private_node(const struct fuse *f, struct fx_node *n)
{
	return module_of(n) && root_calls(f->gm, n->module) == 1 ? n : NULL;
}

static void find_place(struct fuse *f, struct chain *c)
{
	for (struct chain *k = f->chains.list; k < c && !c->twin; k++)
		if (same_work(k, c))
			c->twin = k;
	if (c->add)
		c->place = module_of(c->add) ? c->add : NULL;
	else if (owns_layer(f, c))
		c->place = c->layer;
	else if (private_node(f, c->bn))
		c->place = c->bn;
	else
		c->place = private_node(f, c->act);
}

static struct fx_module *activation(const struct chain *c)
{
	struct fx_module *m;

	if (c->act->module)
		return fx_module_copy(c->act->module);
	m = c->parts & FX_PART_RELU ? ReLU() : ReLU6();
	m->training = c->layer->module->training;
	return m;
}

static struct fx_module *make_fused(const struct fuse *f, const struct chain *c)
{
	struct fx_module *layer = c->layer->module, *m;
	const struct fx_class *base = layer->class;
	unsigned int parts = c->parts;
	char name[8];

	if (c->bn && (f->fold || !c->bn->module->training)) {
		layer = fold_batch_norm(layer, c->bn->module);
		parts &= ~FX_PART_BN;
	} else {
		layer = fx_module_copy(layer);
	}
	if (!parts)
		return layer;

	m = layer_new(layer_class(LAYER_FUSED, base, parts), layer);
	fx_add_module(m, "0", layer);
	if (parts & FX_PART_BN)
		fx_add_module(m, "1", fx_module_copy(c->bn->module));
	snprintf(name, sizeof(name), "%zu", m->n_members);
	if (c->act)
		fx_add_module(m, name, activation(c));
	return m;
}

/* The node that was in the place, with the inputs of the whole chain. */
static struct fx_node *take_place(const struct chain *c)
{
	struct fx_node *n = c->place, *x = fx_node_in(c->layer, 0);
	struct fx_node *residual = c->add ? fx_node_in(c->add, c->residual) :
				   NULL;

	fx_node_move_before(n, c->last);
	fx_node_set_in(n, 0, x);
	if (residual)
		fx_node_set_in(n, 1, residual);
	return n;
}

/* The call of the module at @path, before the chain's last node. */
static struct fx_node *new_call(const struct chain *c, const char *path)
{
	struct fx_arg args[] = {
		fx_arg_node(fx_node_in(c->layer, 0)),
		fx_arg_node(fx_node_in(c->add, c->residual)),
	};
	struct fx_graph *g = c->last->graph;
	struct fx_node *n;

	fx_graph_set_insert_point(g, c->last);
	n = fx_graph_node(g, FX_CALL_MODULE, path, NULL, args, 2, NULL, 0);
	fx_graph_set_insert_point(g, NULL);
	n->loc = c->layer->loc;
	return n;
}

static void set_call(struct fx_node *n, struct fx_module *m, const char *path)
{
	n->target = fx_graph_strdup(n->graph, path);
	n->source = n->target;
	n->scope = n->target;
	n->module = m;
}

/* Takes the chain out of the graph; @keep stays. */
static void erase_chain(struct fuse *f, const struct chain *c,
			struct fx_node *keep)
{
	struct fx_node *const nodes[] = { c->act, c->add, c->bn, c->layer };

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		struct fx_node *n = nodes[i];
		struct fx_module *m;

		if (!n || n == keep)
			continue;
		m = module_of(n);
		fx_node_erase(n);
		root_retire(f->gm, m, n->target);
	}
}

/* The functional that adds, if it adds nowhere else; or NULL. */
static const char *functional_of(struct fuse *f, const struct fx_node *add)
{
	size_t adds = 0;

	if (!add->source || !fx_module_at(f->gm, add->source))
		return NULL;
	fx_for_each_node(n, f->gm->graph)
		adds += n->source && !strcmp(n->source, add->source);
	return adds == 1 ? add->source : NULL;
}

static const char *path_for(struct fuse *f, const struct chain *c)
{
	const char *path = c->add ? functional_of(f, c->add) : NULL;

	if (path)
		return path;
	if (c->place || !c->add)
		return c->place ? c->place->target : NULL;
	for (unsigned int i = 0; !path || fx_module_at(f->gm, path); i++)
		path = fx_graph_printf(f->gm->graph, "_generated_add_%u", i);
	return path;
}

static void fuse_chain(struct fuse *f, struct chain *c)
{
	const char *path = path_for(f, c);
	struct fx_node *n;

	if (!path)
		return;
	if (c->twin)
		c->fused = fx_module_get(c->twin->fused);
	if (!c->fused)
		c->fused = make_fused(f, c);
	n = c->place ? take_place(c) : new_call(c, path);
	fx_node_replace_uses(c->last, n);
	erase_chain(f, c, n);
	set_call(n, c->fused, path);
	fx_module_replace(f->gm, path, fx_module_get(c->fused));
}

void fuse_graph(struct fx_module *gm, const struct fx_backend *backend,
		bool fold)
{
	struct fuse f = { .gm = gm, .fold = fold };

	if (backend->makes_modules)
		make_twins(gm);
	fuse_patterns(gm, backend->patterns);
	f.chains = find_chains(gm, backend);
	for (size_t i = 0; i < f.chains.n; i++)
		find_place(&f, &f.chains.list[i]);
	for (size_t i = 0; i < f.chains.n; i++)
		fuse_chain(&f, &f.chains.list[i]);
	for (size_t i = 0; i < f.chains.n; i++)
		fx_module_put(f.chains.list[i].fused);
	free(f.chains.list);
	root_renew(gm);
}

struct fx_module *fx_fuse_fx(struct fx_module *model,
			     const struct fx_verb_options *options)
{
	struct fx_module *gm = root_copy(model);

	if (!gm->error)
		fuse_graph(gm, options->backend ? options->backend :
			   &fx_backend_fxq, false);
	return gm;
}
