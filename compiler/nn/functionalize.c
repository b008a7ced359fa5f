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

#include "nn_priv.h"

/*
 * struct rewrite
 * @from, @to: the graphs; a node of @from knows its successor in node->data
 * @source: the layer whose nodes are being written
 */
struct rewrite {
	struct fx_graph *from, *to;
	struct fx_module *model;
	const char *source;
	const struct fx_loc *loc;
};

static int fail(struct rewrite *r, struct fx_node *n, const char *what)
{
	if (n->loc.file)
		return fx_graph_fail(r->from, -EINVAL, "%s:%d: %s: %s",
				     n->loc.file, n->loc.line, n->name, what);
	return fx_graph_fail(r->from, -EINVAL, "%s: %s", n->name, what);
}

static void set_origin(struct rewrite *r, struct fx_node *n)
{
	n->source = fx_graph_strdup(r->to, r->source);
	n->loc.file = fx_graph_strdup(r->to, r->loc->file);
	n->loc.line = r->loc->line;
	n->loc.expr = fx_graph_strdup(r->to, r->loc->expr);
	n->loc.function = fx_graph_strdup(r->to, r->loc->function);
}

static struct fx_node *make_constant(struct rewrite *r, const char *name,
				     const struct fxq_tensor *t)
{
	struct fx_node *n = fx_graph_constant(r->to, name, t);

	if (n)
		set_origin(r, n);
	return n;
}

/* A number beside a tensor: a constant of rank 0. */
static struct fx_node *make_number(struct rewrite *r, fxv v)
{
	float f = (float)fx_float(v);
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_F32, .data = &f };

	return make_constant(r, "_scalar", &t);
}

/* The node that computes @v in the new graph; NULL for None. */
static struct fx_node *make_input(struct rewrite *r, fxv v)
{
	char *path, *name;
	struct fx_node *n;

	switch (v.kind) {
	case FX_VALUE_NODE:
		return v.node->data;
	case FX_VALUE_TENSOR:
		path = path_of_tensor(r->model, v.tensor);
		name = path ? path : must_print("_tensor_constant0");
		n = make_constant(r, name, &v.tensor->t);
		free(name);
		return n;
	case FX_VALUE_BOOL:
	case FX_VALUE_INT:
	case FX_VALUE_FLOAT:
		return make_number(r, v);
	default:
		return NULL;
	}
}

static struct fx_arg attr_arg(struct rewrite *r, const struct fxq_attr *attr)
{
	switch (attr->type) {
	case FXQ_ATTR_FLOAT:
		return fx_arg_float(attr->f);
	case FXQ_ATTR_STRING:
		return fx_arg_str(attr->s);
	case FXQ_ATTR_INTS:
		return fx_arg_ints(r->to, attr->ints, attr->count);
	case FXQ_ATTR_FLOATS:
		return fx_arg_floats(r->to, attr->floats, attr->count);
	default:
		return fx_arg_int(attr->i);
	}
}

static int write_operation(struct rewrite *r, struct fx_node *n,
			   const struct operation *o)
{
	struct fx_kwarg kwargs[MAX_OPTIONS];
	struct fx_node *in[MAX_ARGS], *call;
	size_t n_in = o->n_in;

	for (size_t i = 0; i < n_in; i++)
		in[i] = make_input(r, o->in[i]);
	/* Nobody needs to see that an optional last tensor is absent. */
	while (n_in > 1 && !in[n_in - 1])
		n_in--;
	for (size_t i = 0; i < o->n_attrs; i++)
		kwargs[i] = (struct fx_kwarg){ o->attrs[i].name,
					       attr_arg(r, &o->attrs[i]) };

	call = fx_graph_call(r->to, o->op, in, n_in, kwargs, o->n_attrs);
	if (!call)
		return fail(r, n, fx_graph_error(r->to));
	set_origin(r, call);
	n->data = call;
	return 0;
}

/* An argument of a traced node, tuples of tensors included. */
static int arg_value(struct rewrite *r, struct fx_node *n,
		     const struct fx_arg *a, fxv *ret)
{
	fxv items[MAX_ARGS + 1];
	int err = 0;

	switch (a->kind) {
	case FX_ARG_NONE:
		*ret = fx_none;
		return 0;
	case FX_ARG_BOOL:
		*ret = fx_of_bool(a->b);
		return 0;
	case FX_ARG_INT:
		*ret = fx_of_int(a->i);
		return 0;
	case FX_ARG_FLOAT:
		*ret = fx_of_float(a->f);
		return 0;
	case FX_ARG_STR:
		*ret = fx_of_str(a->s);
		return 0;
	case FX_ARG_NAME:
		*ret = (fxv){ .kind = FX_VALUE_NAME, .s = a->s };
		return 0;
	case FX_ARG_NODE:
		*ret = (fxv){ .kind = FX_VALUE_NODE, .node = a->node };
		return 0;
	default:
		if (a->count > MAX_ARGS)
			return fail(r, n, "a tuple of too many values");
		for (size_t i = 0; !err && i < a->count; i++)
			err = arg_value(r, n, &a->items[i], &items[i]);
		if (err)
			return err;
		items[a->count] = (fxv)FX_END;
		*ret = fx_tuple_of(FX_VALUE_TUPLE, items);
		return 0;
	}
}

/* It returns its argument; so does a fake quantizer that is not enabled. */
static bool is_identity(const struct fx_module *m)
{
	const struct fx_member *enabled = module_member(m, "fake_quant_enabled");

	return m->class->flags & FX_CLASS_IDENTITY ||
	       (enabled && !*(uint8_t *)enabled->value.tensor->t.data);
}

static int rewrite_module(struct rewrite *r, struct fx_node *n)
{
	struct fx_node *input = fx_node_in(n, 0);
	char error[FXQ_ERROR_MAX];
	struct operation o;
	fxv x;

	if (!input || n->n_args != 1)
		return fail(r, n, "a module takes one tensor here");
	if (is_identity(n->module)) {
		n->data = input->data;
		return 0;
	}
	if (!n->module->class->op)
		return fail(r, n, "this class has no operator; do not skip it while tracing, or wrap its code");

	x = (fxv){ .kind = FX_VALUE_NODE, .node = input };
	if (operation_of_module(n->module, x, &o, error))
		return fail(r, n, error);
	return write_operation(r, n, &o);
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
		return fail(r, n, "no operator computes this call; wrap it to keep it on the CPU");

	for (size_t i = 0; !err && i < n->n_args; i++)
		err = arg_value(r, n, &n->args[i], &args[i]);
	for (size_t i = 0; !err && i < n->n_kwargs; i++) {
		names[i] = n->kwargs[i].name;
		err = arg_value(r, n, &n->kwargs[i].value, &named[i]);
	}
	if (err)
		return err;

	if (options_bind(fn->options, fn->n_options, args + fn->n_tensors,
			 n->n_args - fn->n_tensors, names, named, n->n_kwargs,
			 &options, error) ||
	    operation_of_function(fn, args, &options, &o, error))
		return fail(r, n, error);
	return write_operation(r, n, &o);
}

/* Whether it is, or holds, a value that is computed. */
static bool is_tensor_arg(const struct fx_arg *a)
{
	if (a->kind == FX_ARG_TUPLE || a->kind == FX_ARG_LIST) {
		for (size_t i = 0; i < a->count; i++)
			if (is_tensor_arg(&a->items[i]))
				return true;
		return false;
	}
	return a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE;
}

/* Tensors stay arguments, numbers get the names of their parameters. */
static int rewrite_wrapped(struct rewrite *r, struct fx_node *n)
{
	const struct fx_param *params = wrapped_of(n->wrapped)->method.params;
	size_t self = n->opcode == FX_CALL_METHOD, n_args = 0, n_kwargs = 0;
	struct fx_kwarg kwargs[2 * MAX_ARGS];
	struct fx_arg args[MAX_ARGS];
	struct fx_node *call;

	if (n->n_args > MAX_ARGS || n->n_kwargs > MAX_ARGS)
		return fail(r, n, "too many arguments");

	for (size_t i = self; i < n->n_args; i++) {
		struct fx_arg *a = &n->args[i];

		if (a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE)
			args[n_args++] = fx_arg_node(a->kind == FX_ARG_NODE ?
						     a->node->data : NULL);
		else if (is_tensor_arg(a))
			return fail(r, n, "a tuple of tensors is passed to a wrapped function; pass them one by one");
		else
			kwargs[n_kwargs++] = (struct fx_kwarg){
				params[i - self].name, *a };
	}
	for (size_t i = 0; i < n->n_kwargs; i++) {
		if (is_tensor_arg(&n->kwargs[i].value))
			return fail(r, n, "a tensor is passed to a wrapped function by name; pass it by position");
		kwargs[n_kwargs++] = n->kwargs[i];
	}

	call = fx_graph_node(r->to, FX_CALL_METHOD, n->target, NULL, args,
			     n_args, kwargs, n_kwargs);
	if (!call)
		return fail(r, n, fx_graph_error(r->to));
	call->wrapped = n->wrapped;
	set_origin(r, call);
	n->data = call;
	return 0;
}

static int rewrite_attr(struct rewrite *r, struct fx_node *n)
{
	const struct fxq_tensor *t;

	/* A module as an attribute is the self of a wrapped method: implied. */
	n->data = NULL;
	if (!strcmp(n->target, "_self") || fx_module_at(r->model, n->target))
		return 0;
	t = fx_node_is_const(n) ? &n->out[0] :
	    fx_module_tensor(r->model, n->target);
	if (!t)
		return fail(r, n, "the model has no tensor of this name");
	n->data = make_constant(r, n->target, t);
	return 0;
}

/* Several results are returned one by one, nested ones in order. */
struct outputs {
	struct fx_node *list[MAX_ARGS];
	size_t n;
};

static void add_output(struct fx_node *in, void *ctx)
{
	struct outputs *outputs = ctx;

	if (outputs->n < MAX_ARGS)
		outputs->list[outputs->n++] = in->data;
}

static int rewrite_output(struct rewrite *r, struct fx_node *n)
{
	struct outputs outputs = { 0 };

	fx_node_visit(n, add_output, &outputs);
	if (!outputs.n)
		return fail(r, n, "the forward returns nothing that is computed from its inputs");
	n->data = fx_graph_set_output(r->to, outputs.list, outputs.n);
	return 0;
}

static int rewrite_node(struct rewrite *r, struct fx_node *n)
{
	r->source = n->source ? n->source : n->name;
	r->loc = &n->loc;
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
		return rewrite_function(r, n);
	case FX_OUTPUT:
		return rewrite_output(r, n);
	default:
		return fail(r, n, "a method of a tensor is no operator; use the function");
	}
}

int fx_functionalize(struct fx_graph *g, struct fx_module *model,
		     struct fx_graph **ret_graph)
{
	struct rewrite r = { .from = g, .to = fx_graph_new(), .model = model };
	struct scope scope;
	fxv result;
	int ret = 0;

	scope_open(&scope);
	fx_for_each_node(n, g) {
		ret = rewrite_node(&r, n);
		if (ret)
			break;
	}
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
