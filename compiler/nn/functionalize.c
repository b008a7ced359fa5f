// SPDX-License-Identifier: MIT
/*
 * functionalize.c - a traced graph as operators on tensors
 *
 * Reads a graph as the tracer writes it, and writes one that has no modules:
 * parameters become constants, stubs and dropout vanish, every module and
 * function is its operator. It guarantees that calls have tensors alone as
 * arguments, and numbers, strings and tuples of numbers as kwargs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rewrite.h"

/* Those whose results are parts of a tensor, or of what has several results. */
static const struct {
	const struct fx_function *fn;
	int (*rewrite)(struct rewrite *r, struct fx_node *n);
} parts[] = {
	{ &fx_function_getitem, rewrite_getitem },
	{ &fx_function_split, rewrite_split },
	{ &fx_function_chunk, rewrite_chunk },
	{ &fx_function_method_chunk, rewrite_chunk },
};

/* One with code of its own, which runs on nodes too. */
static int write_function(struct rewrite *r, struct fx_node *n,
			  const struct fx_function *fn, fxv *args,
			  struct options *o)
{
	for (int i = 0; i < fn->n_tensors; i++)
		args[i] = rewrite_successor(r, args[i]);
	for (size_t i = 0; i < fn->n_options; i++)
		o->values[i] = rewrite_successor(r, o->values[i]);
	context.rewrite = r;
	return rewrite_finish(r, n, function_write(fn, NULL, args, o));
}

/* An operator itself; several results are taken one by one. */
static int rewrite_operator(struct rewrite *r, struct fx_node *n)
{
	fxv in[MAX_ARGS], results[MAX_RESULTS + 1];
	char error[FXQ_ERROR_MAX];
	struct operation o;
	struct fx_node *call;
	int err = 0;

	for (size_t i = 0; !err && i < n->n_args && i < MAX_ARGS; i++)
		err = rewrite_value(r, n, &n->args[i], &in[i]);
	if (err)
		return err;
	if (operation_of_operator(n, in, n->n_args, &o, error))
		return rewrite_fail(r, n, error);
	err = rewrite_as_operation(r, n, &o);
	call = n->data;
	if (err || n->n_out == 1)
		return err;
	for (int i = 0; i < n->n_out; i++)
		results[i] = rewrite_result(r, call, i);
	results[n->n_out] = (fxv)FX_END;
	rewrite_answer(r, n, fx_tuple_of(FX_VALUE_TUPLE, results));
	return 0;
}

static int rewrite_function(struct rewrite *r, struct fx_node *n)
{
	const struct fx_function *fn = function_of_node(n);
	const char *names[MAX_OPTIONS];
	fxv args[MAX_ARGS], named[MAX_OPTIONS];
	char error[FXQ_ERROR_MAX];
	struct operation o;
	struct options options;
	int err = 0;

	if (!fn || n->n_args < (size_t)fn->n_tensors || n->n_args > MAX_ARGS ||
	    n->n_kwargs > MAX_OPTIONS)
		return rewrite_fail(r, n, "no operator computes this call; wrap it to keep it on the CPU");

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i].fn == fn)
			return parts[i].rewrite(r, n);
	for (size_t i = 0; !err && i < n->n_args; i++)
		err = rewrite_value(r, n, &n->args[i], &args[i]);
	for (size_t i = 0; !err && i < n->n_kwargs; i++) {
		names[i] = n->kwargs[i].name;
		err = rewrite_value(r, n, &n->kwargs[i].value, &named[i]);
	}
	if (err)
		return err;

	if (options_bind(fn->options, fn->n_options, args + fn->n_tensors,
			 n->n_args - fn->n_tensors, names, named, n->n_kwargs,
			 &options, error))
		return rewrite_fail(r, n, error);
	if (function_writes(fn))
		return write_function(r, n, fn, args, &options);
	if (operation_of_function(fn, args, &options, &o, error))
		return rewrite_fail(r, n, error);
	return rewrite_as_operation(r, n, &o);
}

/* An attribute that says how to quantize: a parameter, and no constant. */
static bool only_scales(struct fx_node *n)
{
	for (struct fx_node *user = n->next; user; user = user->next) {
		const struct fx_function *fn = function_of_node(user);

		if (fx_node_uses(user, n) && !(fn && function_writes(fn)))
			return false;
	}
	return n->n_users > 0;
}

static int rewrite_attr(struct rewrite *r, struct fx_node *n)
{
	const struct fxq_tensor *t;

	/* A module as an attribute is the self of a wrapped method: implied. */
	n->data = NULL;
	if (!strcmp(n->target, "_self") || fx_module_at(r->model, n->target) ||
	    only_scales(n))
		return 0;
	t = fx_node_is_const(n) ? &n->out[0] :
	    fx_module_tensor(r->model, n->target);
	if (!t)
		return rewrite_fail(r, n, "the model has no tensor of this name");
	n->data = rewrite_constant(r, n->target, t);
	return 0;
}

/* Several results are returned one by one, nested ones in order. */
struct outputs {
	struct rewrite *r;
	struct fx_node *list[MAX_ARGS];
	size_t n;
};

static void add_value(struct outputs *outputs, fxv v)
{
	if (v.kind == FX_VALUE_NODE && outputs->n < MAX_ARGS)
		outputs->list[outputs->n++] = v.node;
	for (size_t i = 0; v.kind == FX_VALUE_TUPLE && i < fx_tuple_count(v);
	     i++)
		add_value(outputs, fx_tuple_item(v, i));
}

static void add_output(struct fx_node *in, void *ctx)
{
	struct outputs *outputs = ctx;
	const fxv *several = rewrite_several(outputs->r, in);

	add_value(outputs, several ? *several : node_value(in->data));
}

static int rewrite_output(struct rewrite *r, struct fx_node *n)
{
	struct outputs outputs = { .r = r };

	fx_node_visit(n, add_output, &outputs);
	if (!outputs.n)
		return rewrite_fail(r, n, "the forward returns nothing that is computed from its inputs");
	n->data = fx_graph_set_output(r->to, outputs.list, outputs.n);
	return 0;
}

int rewrite_node(struct rewrite *r, struct fx_node *n)
{
	if (!r->inside) {
		r->source = n->source ? n->source : n->name;
		r->loc = &n->loc;
	}
	if (n->wrapped)
		return rewrite_wrapped(r, n);

	switch (n->opcode) {
	case FX_PLACEHOLDER:
		n->data = fx_graph_placeholder(r->to, n->target, &n->out[0]);
		return 0;
	case FX_GET_ATTR:
		return rewrite_attr(r, n);
	case FX_CALL_MODULE:
		return rewrite_module(r, n);
	case FX_CALL_FUNCTION:
	case FX_CALL_METHOD:
		return node_is_operator(n) ? rewrite_operator(r, n) :
					     rewrite_function(r, n);
	case FX_OUTPUT:
		return rewrite_output(r, n);
	default:
		return rewrite_fail(r, n, "a method of a tensor is no operator; use the function");
	}
}

static int functionalize(struct fx_graph *g, struct fx_module *model,
			 struct fx_graph **ret_graph)
{
	struct rewrite r = { .from = g, .to = fx_graph_new(), .told = g,
			     .model = model };
	struct scope scope;
	fxv result;
	int ret = 0;

	scope_open(&scope);
	fx_for_each_node(n, g) {
		ret = rewrite_node(&r, n);
		if (ret)
			break;
	}
	free(r.several);
	result = scope_close(&scope, fx_none);
	if (!ret && fx_error(result))
		ret = fx_graph_fail(g, value_err(result), "%s",
				    fx_error(result));
	fx_drop(result);

	if (ret) {
		fx_graph_free(r.to);
		return ret;
	}
	*ret_graph = r.to;
	return 0;
}

/* The caller keeps the wrapped calls that became operators here. */
int fx_functionalize(struct fx_graph *g, struct fx_module *model,
		     struct fx_graph **ret_graph)
{
	struct fx_graph *copy;
	int ret;

	if (!has_lowerings(g))
		return functionalize(g, model, ret_graph);

	copy = fx_graph_copy(g);
	ret = lower_wrapped(copy, model);
	if (!ret)
		ret = functionalize(copy, model, ret_graph);
	if (ret)
		fx_graph_fail(g, ret, "%s", fx_graph_error(copy));
	fx_graph_free(copy);
	return ret;
}
