// SPDX-License-Identifier: MIT
/*
 * limits.c - what integers cannot do, told before anything runs
 *
 * Sizes are no part of a module: they are known where inputs have types, as in
 * what an importer made or a file brought. Then a softmax over too many elements
 * need not wait for its first call to be refused.
 */
#include <errno.h>

#include "nn/forms.h"
#include "verbs.h"

/* Is there a softmax for integers, and does each input have a type? */
static bool can_be_told(const struct fx_module *gm,
			const struct fx_module *prepared)
{
	bool typed = true, any = false;

	fx_for_each_node(n, gm->graph) {
		if (n->opcode == FX_PLACEHOLDER)
			typed &= n->out[0].dtype != FXQ_DTYPE_NONE;
		any |= node_is_module(n, "Softmax") &&
		       module_member(prepared, n->name);
	}
	return typed && any;
}

static int64_t length_of(const struct fx_node *n)
{
	const struct fxq_tensor *t = &n->out[0];
	int64_t dim = fx_node_int(n, "dim", -1);

	dim += dim < 0 ? t->rank : 0;
	return fx_node_is(n, "softmax") && dim >= 0 && dim < t->rank ?
	       t->dims[dim] : 0;
}

/* The softmax of @gm that operator @n came from, if integers are to do it. */
static const struct fx_node *origin(const struct fx_module *gm,
				    const struct fx_module *prepared,
				    const struct fx_node *n)
{
	fx_for_each_node(k, gm->graph)
		if (node_is_module(k, "Softmax") &&
		    module_member(prepared, k->name) &&
		    !strcmp(k->source ? k->source : k->name, n->source))
			return k;
	return NULL;
}

int check_limits(struct fx_module *gm, const struct fx_module *prepared)
{
	struct fx_graph *g;
	int err = 0;

	/* What cannot be written down says so to whoever asks for it. */
	if (!can_be_told(gm, prepared) || fx_functionalize(gm->graph, gm, &g))
		return 0;
	if (fx_graph_infer(g))
		goto free_graph;
	fx_for_each_node(n, g) {
		const struct fx_node *k;

		if (err || length_of(n) <= FORM_LONGEST || !n->source)
			continue;
		k = origin(gm, prepared, n);
		if (k)
			err = module_fail(gm, -ENOTSUP, "%s: a softmax on integers runs over at most %d elements, and this one over %lld; prepare it without a qconfig, { \"%s\", \"%s\", NULL }, and it stays float",
					  k->target, FORM_LONGEST,
					  (long long)length_of(n),
					  twin_function(k) ? "object_type" :
					  "module_name", twin_function(k) ?
					  twin_function(k) : k->target);
	}
free_graph:
	fx_graph_free(g);
	return err;
}
