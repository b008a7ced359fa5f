// SPDX-License-Identifier: MIT
/*
 * module_node.c - nodes of a graph module, from a file that nobody vouches for
 *
 * A node finds what it calls by name: a module by its path, a function of
 * nn_table.h by its id, an operator that is neither as in a functional graph, a
 * wrapped function among the program's. What it gives them is held against what
 * they take, so that passes and verbs find nodes as the tracer and the importer
 * make them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

char *wrapped_name(const struct fxq_function *fn)
{
	const struct fx_class *class = wrapped_of(fn)->class;

	return must_print("%s%s%s", class ? class->name : "",
			  class ? "." : "", fn->name);
}

static int find_module(const struct loader *l, const char *path,
		       struct callee *ret)
{
	const struct fx_class *class;

	ret->module = fx_module_at(l->gm, path);
	if (!ret->module || !*path)
		return bad_node(l, "calls a module that is not there");
	class = ret->module->class;
	if (class == &unnamed_container)
		return io_fail(-ENOENT, "%s: node '%s' calls '%s', whose class %s is a program's: load it with the class, or with the plugin that has it",
			       l->file, l->now, path,
			       class_name(l, ret->module));
	return class->forward || class->op ? 0 :
	       bad_node(l, "calls a module that has no forward");
}

static int find_wrapped(const struct loader *l, const char *name,
			struct callee *ret)
{
	ret->wrapped = known_function(l->known, name);
	return ret->wrapped ? 0 :
	       io_fail(-ENOENT, "%s: node '%s' calls '%s', a wrapped function of a program: load it with the function, or with the plugin that has it",
		       l->file, l->now, name);
}

static int find_function(const struct loader *l, const char *id,
			 enum fx_opcode opcode, const char *target,
			 struct callee *ret)
{
	const struct fx_function *fn;

	fn = id ? function_named(id, opcode == FX_CALL_METHOD) : NULL;
	if (!fn || strcmp(fn->name, target))
		return io_fail(-ENOTSUP, "%s: node '%s' calls function '%s', which fxq does not have",
			       l->file, l->now, id ? id : target);
	ret->op = function_op(fn);
	return 0;
}

/* A wrapped function, one of nn_table.h, or an operator itself. */
static int find_called(const struct loader *l, json_t *from,
		       enum fx_opcode opcode, const char *target,
		       struct callee *ret)
{
	const char *wrapped =
		json_string_value(json_object_get(from, "wrapped"));
	const char *id = json_string_value(json_object_get(from, "function"));
	size_t len = sizeof(OPERATOR_PREFIX) - 1;

	if (wrapped)
		return find_wrapped(l, wrapped, ret);
	if (opcode == FX_CALL_FUNCTION && !id &&
	    !strncmp(target, OPERATOR_PREFIX, len))
		return find_operator(l, target + len, ret);
	return find_function(l, id, opcode, target, ret);
}

static bool has_attribute(const struct loader *l, json_t *from,
			  const char *target)
{
	fxv v;

	if (json_object_get(from, "out") || !strcmp(target, "_self"))
		return true;
	v = fx_attribute(l->gm, target);
	if (!fx_error(v))
		return true;
	fx_drop(v);
	return false;
}

int find_callee(const struct loader *l, json_t *from, enum fx_opcode opcode,
		const char *target, struct callee *ret)
{
	switch (opcode) {
	case FX_CALL_MODULE:
		return find_module(l, target, ret);
	case FX_GET_ATTR:
		return has_attribute(l, from, target) ? 0 :
		       bad_node(l, "reads a member that is not there");
	case FX_CALL_FUNCTION:
	case FX_CALL_METHOD:
		return find_called(l, from, opcode, target, ret);
	default:
		return 0;
	}
}

/* What calls give */

static bool is_number(const struct fx_arg *a)
{
	return a->kind == FX_ARG_INT || a->kind == FX_ARG_FLOAT ||
	       a->kind == FX_ARG_BOOL || a->kind == FX_ARG_NODE;
}

static bool are_numbers(const struct fx_arg *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (!is_number(&a->items[i]))
			return false;
	return a->count > 0 && a->count <= FXQ_MAX_RANK;
}

/* A value that is computed may be anything: what it is given to looks at it. */
static bool fits(const struct fx_option *option, const struct fx_arg *a)
{
	if (a->kind == FX_ARG_NONE)
		return fx_is_none(option->def) ||
		       option->type == FX_OPTION_VALUE;
	switch (option->type) {
	case FX_OPTION_STR:
		return a->kind == FX_ARG_STR;
	case FX_OPTION_PAIR:
	case FX_OPTION_ENDS:
		return is_number(a) || ((a->kind == FX_ARG_TUPLE ||
					 a->kind == FX_ARG_LIST) &&
					are_numbers(a) &&
					option_suffix(option, a->count));
	case FX_OPTION_VALUE:
		return a->kind != FX_ARG_SLICE && a->kind != FX_ARG_DICT;
	default:
		return is_number(a);
	}
}

static const struct fx_option *option_named(const struct fx_function *fn,
					    const char *name)
{
	for (size_t i = 0; i < fn->n_options; i++)
		if (!strcmp(fn->options[i].name, name))
			return &fn->options[i];
	return NULL;
}

/* The second argument of these is text, which they read at once. */
static bool takes_text(const struct fx_function *fn)
{
	return fn == &fx_function_getattr;
}

static int check_function(const struct loader *l, const struct fx_node *n)
{
	const struct fx_function *fn = function_of_node(n);
	size_t tensors = fn ? (size_t)fn->n_tensors : 0;

	if (!fn || n->n_args < tensors ||
	    n->n_args > tensors + fn->n_options ||
	    n->n_kwargs > fn->n_options)
		return bad_node(l, "gives a function what it does not take");
	if (takes_text(fn) && n->args[1].kind != FX_ARG_STR)
		return bad_node(l, "gives a function what it does not take");
	for (size_t i = tensors; i < n->n_args; i++)
		if (!fits(&fn->options[i - tensors], &n->args[i]))
			return bad_node(l, "gives a function what it does not take");
	for (size_t i = 0; i < n->n_kwargs; i++) {
		const struct fx_option *o = option_named(fn, n->kwargs[i].name);

		if (!o || !fits(o, &n->kwargs[i].value))
			return bad_node(l, "gives a function what it does not take");
	}
	return 0;
}

/* Those that an operator needs are there, the others may miss. */
static bool takes_tensors(const struct fx_node *n, char *error)
{
	size_t least = (size_t)n->op->min_in;

	if (n->n_args < least ||
	    (n->op->max_in >= 0 && n->n_args > (size_t)n->op->max_in)) {
		snprintf(error, FXQ_ERROR_MAX, "%s has %zu arguments, more than it takes, or fewer",
			 n->target, n->n_args);
		return false;
	}
	for (size_t i = 0; i < n->n_args; i++) {
		if (n->args[i].kind == FX_ARG_NODE ||
		    (n->args[i].kind == FX_ARG_NONE && i >= least))
			continue;
		snprintf(error, FXQ_ERROR_MAX, "%s takes tensors, and argument %zu is none",
			 n->target, i);
		return false;
	}
	return true;
}

bool operator_fits(const struct fx_node *n, char *error)
{
	fxv in[MAX_ARGS] = { 0 };
	struct operation o;

	return takes_tensors(n, error) &&
	       !operation_of_operator(n, in, n->n_args, &o, error);
}

static int check_operator(const struct loader *l, const struct fx_node *n)
{
	char error[FXQ_ERROR_MAX];

	return operator_fits(n, error) ? 0 :
	       io_fail(-EINVAL, "%s: node '%s': %s; save the graph again",
		       l->file, l->now, error);
}

/* Arguments by position from @first on, and by name, are of @params. */
static int check_params(const struct loader *l, const struct fx_node *n,
			size_t first, const struct fx_param *params)
{
	size_t n_params = 0;

	while (params[n_params].name)
		n_params++;
	if (n->n_args < first || n->n_args - first > n_params ||
	    n->n_args > MAX_ARGS / 2 || n->n_kwargs > n_params)
		return bad_node(l, "calls with more arguments, or fewer, than there are");
	for (size_t i = 0; i < n->n_kwargs; i++) {
		size_t k = 0;

		while (k < n_params && strcmp(params[k].name, n->kwargs[i].name))
			k++;
		if (k == n_params)
			return bad_node(l, "calls with an argument of an unknown name");
	}
	return 0;
}

/* Its self is a module of its class: the body reads the struct. */
static int check_wrapped(const struct loader *l, const struct fx_node *n)
{
	const struct fx_wrapped *w = wrapped_of(n->wrapped);
	const struct fx_node *self = fx_node_in(n, 0);
	const struct fx_module *m = NULL;
	bool method = n->opcode == FX_CALL_METHOD;

	if (strcmp(n->target, w->function.name) || method != (w->class != NULL))
		return bad_node(l, "calls a wrapped function by another name");
	if (method && self && self->opcode == FX_GET_ATTR)
		m = !strcmp(self->target, "_self") ? l->gm :
		    fx_module_at(l->gm, self->target);
	if (method && (!m || (m->class != w->class &&
			      m->class != &unnamed_container)))
		return bad_node(l, "calls a wrapped method without its self");
	if (method && m->class != w->class)
		return io_fail(-ENOENT, "%s: node '%s' calls a method of class %s, which is a program's: load it with the class, or with the plugin that has it",
			       l->file, l->now, w->class->name);
	return check_params(l, n, method, w->method.params);
}

/* One of fxq's takes what is computed. */
static int check_module(const struct loader *l, const struct fx_node *n)
{
	const struct fx_method *method = module_method(n->module);

	if (!class_is_users(l->known, n->module->class) &&
	    (n->n_args < 1 || n->args[0].kind != FX_ARG_NODE))
		return bad_node(l, "gives a module no value to look at");
	return check_params(l, n, 0, method->params);
}

static int check_input(const struct loader *l, const struct fx_node *n)
{
	if (n->n_args > 1 || n->n_kwargs ||
	    (n->n_args && n->args[0].kind == FX_ARG_NODE))
		return bad_node(l, "is an input that takes something");
	return 0;
}

int check_call(const struct loader *l, const struct fx_node *n)
{
	switch (n->opcode) {
	case FX_PLACEHOLDER:
		return check_input(l, n);
	case FX_CALL_MODULE:
		return check_module(l, n);
	case FX_CALL_FUNCTION:
	case FX_CALL_METHOD:
		if (n->wrapped)
			return check_wrapped(l, n);
		return node_is_operator(n) ? check_operator(l, n) :
					     check_function(l, n);
	default:
		return 0;
	}
}
