// SPDX-License-Identifier: MIT
/*
 * graph_module.c - a traced graph as a module
 *
 * The object is a copy of the model's own struct, so that a wrapped method,
 * which is compiled for that struct, runs with the graph module as its self:
 * the members are shared, the training flag is the graph module's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

struct fx_module *fx_graph_module(struct fx_module *model,
				  struct fx_graph *graph)
{
	size_t size = model->class->size ? model->class->size : sizeof(*model);
	struct fx_module *gm = must_alloc(size);
	struct fx_member *members;

	memcpy(gm, model, size);
	gm->refs = 1;
	gm->graph = graph;
	gm->error = NULL;

	gm->options = must_alloc(gm->class->n_options * sizeof(fxv));
	for (size_t i = 0; i < gm->class->n_options; i++)
		gm->options[i] = value_get(model->options[i]);

	members = must_alloc(gm->n_members * sizeof(*members));
	for (size_t i = 0; i < gm->n_members; i++) {
		members[i] = model->members[i];
		members[i].name = must_print("%s", members[i].name);
		fx_module_get(members[i].module);
		value_get(members[i].value);
	}
	gm->members = members;
	return gm;
}

/*
 * struct run - of a graph on values
 * @env: the value of each node, by its place, which node->data holds
 * @last: the last node that uses it
 */
struct run {
	struct fx_module *gm;
	const fxv *args;
	fxv *env;
	struct fx_node **last;
};

static size_t place_of(const struct fx_node *n)
{
	return (uintptr_t)n->data;
}

static void note_use(struct fx_node *in, void *ctx)
{
	struct run *run = ctx;

	run->last[place_of(in)] = run->last[0];
}

/* Numbers the nodes from 1 on; entry 0 is room for the walk. */
static void prepare(struct run *run)
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

static fxv arg_value(struct run *run, const struct fx_arg *a)
{
	fxv items[MAX_ARGS + 1], v = fx_none;

	switch (a->kind) {
	case FX_ARG_NONE:
		return fx_none;
	case FX_ARG_BOOL:
		return fx_of_bool(a->b);
	case FX_ARG_INT:
		return fx_of_int(a->i);
	case FX_ARG_FLOAT:
		return fx_of_float(a->f);
	case FX_ARG_STR:
		return fx_of_str(a->s);
	case FX_ARG_NAME:
		return (fxv){ .kind = FX_VALUE_NAME, .s = a->s };
	case FX_ARG_NODE:
		return run->env[place_of(a->node)];
	case FX_ARG_TUPLE:
	case FX_ARG_LIST:
	case FX_ARG_SLICE:
	case FX_ARG_DICT:
		if (a->count > MAX_ARGS)
			return fx_poison(NULL, -EINVAL,
					 "a tuple of more than %d values",
					 MAX_ARGS);
		for (size_t i = 0; i < a->count; i++)
			items[i] = arg_value(run, &a->items[i]);
		items[a->count] = (fxv)FX_END;
		v = fx_tuple_of(FX_VALUE_TUPLE + (a->kind - FX_ARG_TUPLE),
				items);
	}
	return v;
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

static int gather(struct run *run, struct fx_node *n, struct arguments *a)
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

fxv fx_attribute(struct fx_module *gm, const char *path)
{
	struct fx_module *m;
	fxv v;

	if (!strcmp(path, "_self"))
		return (fxv){ .kind = FX_VALUE_SELF, .module = gm };

	v = fx_member(gm, path);
	if (!fx_is_none(v))
		return v;
	m = fx_module_at(gm, path);
	if (m)
		return (fxv){ .kind = FX_VALUE_SELF, .module = m };
	return fx_poison(NULL, -ENOENT, "the model has no attribute '%s'",
			 path);
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

/* The arguments in the order of the function's, by position, then by name. */
static fxv run_wrapped(struct fx_node *n, const struct arguments *a)
{
	const struct fx_wrapped *w = wrapped_of(n->wrapped);
	const struct fx_param *params = w->method.params;
	size_t self = n->opcode == FX_CALL_METHOD, count;
	fxv all[MAX_ARGS + 1];

	if (self && (!a->n_args || a->args[0].kind != FX_VALUE_SELF))
		return fx_poison(&n->loc, -EINVAL, "%s has no self", n->target);

	for (count = 0; params[count].name && count < MAX_ARGS; count++) {
		all[count] = count + self < a->n_args ? a->args[count + self] :
			     fx_default;
		for (size_t k = 0; k < a->n_named; k++)
			if (!strcmp(params[count].name, a->names[k]))
				all[count] = a->named[k];
	}
	all[count] = (fxv)FX_END;
	return fx_wrapped_call(w, self ? a->args[0].module : NULL, all);
}

static fxv run_node(struct run *run, struct fx_node *n)
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
		return fx_call_at(&n->loc, n->module, a.args);
	case FX_OUTPUT:
		return a.args[0];
	default:
		return n->wrapped ? run_wrapped(n, &a) : run_function(n, &a);
	}
}

struct release {
	struct run *run;
	struct fx_node *n;
};

static void release_input(struct fx_node *in, void *ctx)
{
	struct release *release = ctx;
	struct run *run = release->run;

	if (run->last[place_of(in)] == release->n)
		fx_release(run->env[place_of(in)]);
}

fxv graph_module_run(struct fx_module *gm, const fxv *args)
{
	struct run run = { .gm = gm, .args = args };
	fxv result = fx_none;

	prepare(&run);
	fx_for_each_node(n, gm->graph) {
		struct release release = { &run, n };

		result = run_node(&run, n);
		if (fx_error(result))
			break;
		run.env[place_of(n)] = result;
		if (n->opcode != FX_OUTPUT)
			fx_node_visit(n, release_input, &release);
	}
	free(run.env);
	free(run.last);
	return result;
}

void fx_set_code(struct fx_module *gm, const struct fx_code *code)
{
	gm->code = code;
}

fxv fx_call_wrapped_of(struct fx_module *gm, const char *name, const fxv *args)
{
	const struct fx_wrapped *w = NULL;

	if (gm->graph)
		fx_for_each_node(n, gm->graph)
			if (n->wrapped && !strcmp(n->target, name))
				w = wrapped_of(n->wrapped);
	if (!w)
		return fx_poison(NULL, -ENOENT, "the graph calls no wrapped function '%s'",
				 name);
	if (args[0].kind == FX_VALUE_SELF)
		return fx_wrapped_call(w, args[0].module, args + 1);
	return fx_wrapped_call(w, NULL, args);
}

void fx_print_code(const struct fx_module *gm)
{
	char *code = fx_graph_code(gm->graph);

	puts(code);
	free(code);
}
