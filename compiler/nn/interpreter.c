// SPDX-License-Identifier: MIT
/*
 * interpreter.c - a graph run on values, node by node
 *
 * What a graph module does when it is called, and what a program may look into
 * or change on the way. A value is released after the last node that uses it,
 * just where the graph's code does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

static size_t place_of(const struct fx_node *n)
{
	return (uintptr_t)n->data;
}

static void note_use(struct fx_node *in, void *ctx)
{
	struct fx_interpreter *run = ctx;

	run->last[place_of(in)] = run->last[0];
}

/*
 * Numbers the nodes from 1 on, in node->data: the place of a node's value and
 * of its last user. Entry 0 is room for the walk.
 */
static void prepare(struct fx_interpreter *run)
{
	uintptr_t n_nodes = 1;

	fx_for_each_node(n, run->gm->graph)
		n->data = (void *)n_nodes++;
	run->env = must_alloc(n_nodes * sizeof(*run->env));
	run->last = must_alloc(n_nodes * sizeof(*run->last));
	fx_for_each_node(n, run->gm->graph) {
		run->last[0] = n;
		fx_node_visit(n, note_use, run);
	}
}

static fxv arg_value(struct fx_interpreter *run, const struct fx_arg *a)
{
	fxv items[MAX_ARGS + 1], v;

	if (arg_scalar(a, &v))
		return v;
	if (a->kind == FX_ARG_NODE)
		return run->env[place_of(a->node)];
	if (a->count > MAX_ARGS)
		return fx_poison(NULL, -EINVAL,
				 "a tuple of more than %d values", MAX_ARGS);
	for (size_t i = 0; i < a->count; i++)
		items[i] = arg_value(run, &a->items[i]);
	items[a->count] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE + (a->kind - FX_ARG_TUPLE), items);
}

/*
 * struct arguments - of a node, as values
 */
struct arguments {
	fxv args[MAX_ARGS + 1];
	const char *names[MAX_ARGS];
	fxv named[MAX_ARGS];
	size_t n_args, n_named;
};

static int gather(struct fx_interpreter *run, struct fx_node *n, struct arguments *a)
{
	if (n->n_args > MAX_ARGS || n->n_kwargs > MAX_ARGS)
		return -EINVAL;

	for (size_t i = 0; i < n->n_args; i++)
		a->args[i] = arg_value(run, &n->args[i]);
	a->args[n->n_args] = (fxv)FX_END;
	a->n_args = n->n_args;
	for (size_t i = 0; i < n->n_kwargs; i++) {
		a->names[i] = n->kwargs[i].name;
		a->named[i] = arg_value(run, &n->kwargs[i].value);
	}
	a->n_named = n->n_kwargs;
	return 0;
}

static fxv run_function(struct fx_node *n, const struct arguments *a)
{
	const struct fx_function *fn = function_of_node(n);
	char error[FXQ_ERROR_MAX];
	struct options o;

	if (!fn || a->n_args < (size_t)fn->n_tensors)
		return fx_poison(&n->loc, -ENOENT, "there is no function '%s' of %zu arguments",
				 n->target, a->n_args);
	if (options_bind(fn->options, fn->n_options, a->args + fn->n_tensors,
			 a->n_args - fn->n_tensors, a->names, a->named,
			 a->n_named, &o, error))
		return fx_poison(&n->loc, -EINVAL, "%s: %s", n->target, error);
	return function_call(fn, &n->loc, a->args, &o);
}

/* An operator itself; several results are a tuple. */
static fxv run_operator(struct fx_node *n, const struct arguments *a)
{
	fxv results[MAX_RESULTS + 1];
	char error[FXQ_ERROR_MAX];
	struct operation o;

	if (operation_of_operator(n, a->args, n->n_args, &o, error))
		return fx_poison(&n->loc, -EINVAL, "%s: %s", n->target, error);
	if (n->n_out == 1)
		return operation_run(&n->loc, &o);
	operation_results(&n->loc, &o, results, (uint32_t)n->n_out);
	if (fx_error(results[0]))
		return results[0];
	quantized_parts(&o, results, (size_t)n->n_out);
	results[n->n_out] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, results);
}

/* The arguments in the order of @params, by position, then by name. */
static void order_args(const struct arguments *a, size_t self,
		       const struct fx_param *params, fxv all[MAX_ARGS + 1])
{
	size_t count;

	for (count = 0; params[count].name && count < MAX_ARGS; count++) {
		all[count] = count + self < a->n_args ? a->args[count + self] :
			     fx_default;
		for (size_t k = 0; k < a->n_named; k++)
			if (!strcmp(params[count].name, a->names[k]))
				all[count] = a->named[k];
	}
	all[count] = (fxv)FX_END;
}

static fxv run_wrapped(struct fx_node *n, const struct arguments *a)
{
	const struct fx_wrapped *w = wrapped_of(n->wrapped);
	size_t self = n->opcode == FX_CALL_METHOD;
	fxv all[MAX_ARGS + 1];

	if (self && (!a->n_args || a->args[0].kind != FX_VALUE_SELF))
		return fx_poison(&n->loc, -EINVAL, "%s has no self", n->target);
	order_args(a, self, w->method.params, all);
	return fx_wrapped_call(w, self ? a->args[0].module : NULL, all);
}

static fxv run_module(struct fx_node *n, const struct arguments *a)
{
	fxv all[MAX_ARGS + 1];

	if (!a->n_named)
		return fx_call_at(&n->loc, n->module, a->args);
	order_args(a, 0, module_method(n->module)->params, all);
	return fx_call_at(&n->loc, n->module, all);
}

fxv fx_interpret_node(struct fx_interpreter *run, struct fx_node *n)
{
	struct arguments a;

	if (gather(run, n, &a))
		return fx_poison(&n->loc, -EINVAL, "more than %d arguments",
				 MAX_ARGS);

	switch (n->opcode) {
	case FX_PLACEHOLDER:
		return *run->args++;
	case FX_GET_ATTR:
		return fx_attribute(run->gm, n->target);
	case FX_CALL_MODULE:
		return run_module(n, &a);
	case FX_OUTPUT:
		return a.args[0];
	default:
		if (node_is_operator(n))
			return run_operator(n, &a);
		return n->wrapped ? run_wrapped(n, &a) : run_function(n, &a);
	}
}

/* Whoever asks may return it, as what another node has answered. */
fxv fx_interpret_value(struct fx_interpreter *run, const struct fx_node *n)
{
	return value_share(run->env[place_of(n)]);
}

static void release_input(struct fx_node *in, void *ctx)
{
	struct fx_interpreter *run = ctx;

	if (run->last[place_of(in)] == run->now)
		fx_release(run->env[place_of(in)]);
}

fxv interpreter_run(struct fx_interpreter *run, struct fx_module *gm,
		    const fxv *args)
{
	fxv result = fx_none;

	run->gm = gm;
	run->args = args;
	prepare(run);
	fx_for_each_node(n, gm->graph) {
		run->now = n;
		result = run->run_node ? run->run_node(run, n) :
					 fx_interpret_node(run, n);
		if (fx_error(result))
			break;
		run->env[place_of(n)] = result;
		if (n->opcode != FX_OUTPUT)
			fx_node_visit(n, release_input, run);
	}
	free(run->env);
	free(run->last);
	return result;
}

fxv fx_interpret_args(struct fx_interpreter *run, struct fx_module *gm,
		      const fxv *args)
{
	const fxv *poison = find_poison(args);
	char error[FXQ_ERROR_MAX];
	struct scope scope;
	fxv all[MAX_ARGS];

	if (poison)
		return *poison;
	if (!gm->graph)
		return fx_poison(NULL, -EINVAL, "a %s has no graph to interpret; make a graph module of it",
				 gm->class->name);
	if (args_complete(module_method(gm), args, all, error))
		return fx_poison(NULL, -EINVAL, "%s: %s", gm->class->name,
				 error);

	scope_open(&scope);
	return scope_close(&scope, interpreter_run(run, gm, all));
}
