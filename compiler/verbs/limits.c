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

static int64_t dim_of_softmax(const struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];
	int64_t dim = fx_node_int(n, "dim", -1);

	dim += dim < 0 ? x->rank : 0;
	return dim >= 0 && dim < x->rank ? x->dims[dim] : 0;
}

static int64_t last_dim(const struct fx_node *n)
{
	const struct fxq_tensor *x = &fx_node_in(n, 0)->out[0];

	return x->rank ? x->dims[x->rank - 1] : 0;
}

/* What an operator runs over, and how much of it integers are sure to hold. */
static const struct limit {
	const char *op;
	int64_t (*length)(const struct fx_node *n);
	int64_t most;
	const char *name, *runs, *unit, *over;
} limits[] = {
	{ "softmax", dim_of_softmax, FORM_LONGEST,
	  "softmax", "runs over", "elements", "over " },
	{ "layer_norm", last_dim, FORM_LONGEST,
	  "layer norm", "runs over", "elements", "over " },
	{ "matmul", last_dim, FORM_PRODUCTS,
	  "product of matrices", "sums", "products", "" },
};

static const struct limit *limit_of(const char *op)
{
	for (size_t i = 0; op && i < sizeof(limits) / sizeof(*limits); i++)
		if (!strcmp(limits[i].op, op))
			return &limits[i];
	return NULL;
}

bool exceeds_limits(const struct fx_node *n)
{
	const struct limit *l = n->opcode == FX_CALL_FUNCTION ?
				limit_of(n->target) : NULL;

	return l && l->length(n) > l->most;
}

static void check_integer(struct fx_node *in, void *ctx)
{
	bool *all = ctx;

	*all &= node_is_method(in, "dequantize");
}

/* The limit of call @n of a float operator, if it will be on integers; or NULL. */
static const struct limit *limit_at(const struct fx_node *n,
				    const struct fx_module *prepared)
{
	const struct fx_function *fn = function_of_node(n);
	bool integers = true;

	if (!is_prepared(prepared, n))
		return NULL;
	fx_node_visit(n, check_integer, &integers);
	if (!integers)
		return NULL;
	if (n->opcode == FX_CALL_MODULE)
		return limit_of(n->module->class->op);
	return fn ? limit_of(fn->op) : NULL;
}

/* Is there one, and does each input have a type? */
static bool can_be_told(const struct fx_module *gm,
			const struct fx_module *prepared)
{
	bool typed = true, any = false;

	fx_for_each_node(n, gm->graph) {
		if (n->opcode == FX_PLACEHOLDER)
			typed &= n->out[0].dtype != FXQ_DTYPE_NONE;
		any |= limit_at(n, prepared) != NULL;
	}
	return typed && any;
}

/* The call in @gm that operator @n came from, if integers are to do it. */
static const struct fx_node *origin(const struct fx_module *gm,
				    const struct fx_module *prepared,
				    const struct fx_node *n)
{
	fx_for_each_node(k, gm->graph)
		if (limit_at(k, prepared) == limit_of(n->target) && n->source &&
		    !strcmp(k->source ? k->source : k->name, n->source))
			return k;
	return NULL;
}

/* Call @k, which is operator @n. */
static int refuse_long(struct fx_module *gm, const struct fx_node *k,
		       const struct fx_node *n)
{
	const struct limit *l = limit_of(n->target);
	const char *function = k->opcode == FX_CALL_MODULE ? twin_function(k) :
							     k->target;

	return module_fail(gm, -ENOTSUP, "%s: a %s on integers %s at most %lld %s, and this one %s%lld; prepare it without a qconfig, { \"%s\", \"%s\", NULL }, and it stays float",
			   k->opcode == FX_CALL_MODULE ? k->target : k->name,
			   l->name, l->runs, (long long)l->most, l->unit,
			   l->over, (long long)l->length(n),
			   function ? "object_type" : "module_name",
			   function ? function : k->target);
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
		const struct fx_node *k = exceeds_limits(n) && !err ?
					  origin(gm, prepared, n) : NULL;

		if (k)
			err = refuse_long(gm, k, n);
	}
free_graph:
	fx_graph_free(g);
	return err;
}
