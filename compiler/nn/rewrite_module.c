// SPDX-License-Identifier: MIT
/*
 * rewrite_module.c - calls of modules as operators
 *
 * Most classes are one operator on one tensor. Some forwards run on nodes as
 * they do on tensors; the others are traced, and what they record is written
 * down in the call's place.
 */
#include <errno.h>
#include <stdlib.h>

#include "rewrite.h"

/* It returns its argument; so does a fake quantizer that is not enabled. */
static bool is_identity(const struct fx_module *m)
{
	const struct fx_member *enabled = module_member(m, "fake_quant_enabled");

	return m->class->flags & FX_CLASS_IDENTITY ||
	       (enabled && !*(uint8_t *)enabled->value.tensor->t.data);
}

/* (every h, (last h, last c)) */
static void answer_lstm(struct rewrite *r, struct fx_node *n)
{
	struct fx_node *call = n->data;

	rewrite_answer(r, n, fx_tuple(rewrite_result(r, call, 0),
				      fx_tuple(rewrite_result(r, call, 1),
					       rewrite_result(r, call, 2))));
}

/* The arguments of a module's forward; traced ones are nodes of @in. */
static int inside_args(struct rewrite *r, struct fx_node *n,
		       struct fx_graph *in, fxv args[MAX_ARGS])
{
	const struct fx_param *p = module_method(n->module)->params;
	size_t i = 0;

	for (; p[i].name && i < MAX_ARGS - 1; i++) {
		const struct fx_arg *a = i < n->n_args ? &n->args[i] :
					 fx_node_kwarg(n, p[i].name);
		struct fx_node *input;
		int err;

		args[i] = fx_default;
		err = a ? rewrite_value(r, n, a, &args[i]) : 0;
		if (err)
			return err;
		if (args[i].kind != FX_VALUE_NODE)
			continue;
		input = fx_graph_node(in, FX_PLACEHOLDER, p[i].name, NULL,
				      NULL, 0, NULL, 0);
		input->data = args[i].node->data;
		args[i].node = input;
	}
	args[i] = (fxv)FX_END;
	return 0;
}

/* The nodes of @v, which are of the inner graph, as their successors. */
static fxv succeeding(fxv v)
{
	fxv items[MAX_ARGS + 1];
	size_t n = fx_tuple_count(v);

	if (v.kind == FX_VALUE_NODE)
		return node_value(v.node->data);
	if (v.kind != FX_VALUE_TUPLE || n > MAX_ARGS)
		return fx_none;
	for (size_t i = 0; i < n; i++)
		items[i] = succeeding(fx_tuple_item(v, i));
	items[n] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, items);
}

/* A module that is no operator is what its forward does. */
static int rewrite_inside(struct rewrite *r, struct fx_node *n)
{
	struct rewrite inner = {
		.from = fx_graph_new(), .to = r->to, .told = r->told,
		.model = n->module, .source = r->source, .loc = r->loc,
		.inside = true,
	};
	fxv args[MAX_ARGS], result;
	int err;

	err = inside_args(r, n, inner.from, args);
	if (err)
		goto free_inner;
	result = trace_call(&n->loc, n->module, args, inner.from);
	if (fx_error(result)) {
		err = rewrite_fail(r, n, error_sentence(result));
		goto free_inner;
	}
	fx_for_each_node(k, inner.from) {
		err = k->opcode == FX_PLACEHOLDER ? 0 :
		      rewrite_node(&inner, k);
		if (err)
			goto free_inner;
	}
	rewrite_answer(r, n, succeeding(result));

free_inner:
	free(inner.several);
	fx_graph_free(inner.from);
	return err;
}

/* A module whose forward runs on nodes as it does on tensors. */
static int rewrite_composed(struct rewrite *r, struct fx_node *n)
{
	fxv args[MAX_ARGS + 1];
	int err = 0;

	if (n->n_args > MAX_ARGS)
		return rewrite_fail(r, n, "too many arguments");
	for (size_t i = 0; !err && i < n->n_args; i++) {
		err = rewrite_value(r, n, &n->args[i], &args[i]);
		args[i] = err ? fx_none : rewrite_successor(r, args[i]);
	}
	if (err)
		return err;
	args[n->n_args] = (fxv)FX_END;
	context.rewrite = r;
	return rewrite_finish(r, n, module_run(NULL, n->module, args));
}

int rewrite_module(struct rewrite *r, struct fx_node *n)
{
	const struct fx_class *class = n->module->class;
	struct fx_node *input = fx_node_in(n, 0);
	char error[FXQ_ERROR_MAX];
	struct operation o;
	fxv x;
	int err;

	if (class->wrapped)
		return rewrite_wrapped_module(r, n);
	if (class->flags & FX_CLASS_COMPOSED)
		return rewrite_composed(r, n);
	if (!class->op && (class->set || class->method))
		return rewrite_inside(r, n);
	if (!input || n->n_args != 1)
		return rewrite_fail(r, n, "a module takes one tensor here");
	if (is_identity(n->module)) {
		n->data = input->data;
		return 0;
	}
	if (!class->op)
		return rewrite_fail(r, n, "this class has no operator; do not skip it while tracing, or wrap its code");

	x = (fxv){ .kind = FX_VALUE_NODE, .node = input };
	if (operation_of_module(n->module, x, &o, error))
		return rewrite_fail(r, n, error);
	err = rewrite_as_operation(r, n, &o);
	if (!err && class == &fx_class_LSTM)
		answer_lstm(r, n);
	return err;
}
