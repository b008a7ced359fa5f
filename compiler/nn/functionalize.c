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

int rewrite_fail(struct rewrite *r, struct fx_node *n, const char *what)
{
	const struct fx_loc *loc = r->inside ? r->loc : &n->loc;
	const char *name = r->inside ? r->source : n->name;

	if (loc->file)
		return fx_graph_fail(r->told, -EINVAL, "%s:%d: %s: %s",
				     loc->file, loc->line, name, what);
	return fx_graph_fail(r->told, -EINVAL, "%s: %s", name, what);
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
		return v.node;
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

struct fx_node *rewrite_call(struct rewrite *r, const char *op,
			     struct fx_node *x, const struct fx_kwarg *kwargs,
			     size_t n_kwargs)
{
	struct fx_node *call = fx_graph_call(r->to, op, &x, 1, kwargs,
					     n_kwargs);

	if (!call)
		return NULL;
	set_origin(r, call);
	/* Parts of a quantized tensor are quantized as it is. */
	for (int i = 0; i < call->n_out; i++) {
		call->out[i].scale = x->out[0].scale;
		call->out[i].zero_point = x->out[0].zero_point;
	}
	return call;
}

const fxv *rewrite_several(const struct rewrite *r, const struct fx_node *n)
{
	for (size_t i = 0; i < r->n_several; i++)
		if (r->several[i].of == n)
			return &r->several[i].value;
	return NULL;
}

void rewrite_answer(struct rewrite *r, struct fx_node *n, fxv v)
{
	n->data = v.kind == FX_VALUE_NODE ? v.node : NULL;
	if (v.kind != FX_VALUE_TUPLE && v.kind != FX_VALUE_LIST)
		return;
	r->several = realloc(r->several,
			     (r->n_several + 1) * sizeof(*r->several));
	if (!r->several)
		abort();
	r->several[r->n_several++] = (struct several){ n, v };
}

static fxv node_value(struct fx_node *n)
{
	return n ? (fxv){ .kind = FX_VALUE_NODE, .node = n } : fx_none;
}

/* Result @i of @call, which has several. */
static fxv result_of(struct rewrite *r, struct fx_node *call, int i)
{
	const struct fx_kwarg index = { "index", fx_arg_int(i) };

	return node_value(rewrite_call(r, "getitem", call, &index, 1));
}

/* A quantized result's scale is known before its size is. */
static void set_scale(struct fx_node *n)
{
	const struct fx_arg *scale = fx_node_kwarg(n, "scale");

	if (!scale || scale->kind != FX_ARG_FLOAT || fx_node_int(n, "raw", 0))
		return;
	n->out[0].scale = (float)scale->f;
	n->out[0].zero_point = (int32_t)fx_node_int(n, "zero_point", 0);
}

fxv rewrite_operation(const struct operation *o)
{
	struct rewrite *r = context.rewrite;
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
		return fx_poison(NULL, -EINVAL, "%s", fx_graph_error(r->to));
	set_origin(r, call);
	set_scale(call);
	return node_value(call);
}

/* What @v is in the new graph: a node, a number, a list, a scale's tensor. */
static fxv successor(struct rewrite *r, fxv v)
{
	const struct fxq_tensor *t = NULL;
	fxv items[MAX_ARGS + 1];
	size_t n;

	if (v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST) {
		n = fx_tuple_count(v);
		for (size_t i = 0; i < n && i < MAX_ARGS; i++)
			items[i] = successor(r, fx_tuple_item(v, i));
		items[n < MAX_ARGS ? n : MAX_ARGS] = (fxv)FX_END;
		return fx_tuple_of(v.kind, items);
	}
	if (v.kind != FX_VALUE_NODE)
		return v;
	if (!v.node->data && v.node->opcode == FX_GET_ATTR)
		t = fx_module_tensor(r->model, v.node->target);
	return t ? fx_view_of(t) : node_value(v.node->data);
}

static int set_answer(struct rewrite *r, struct fx_node *n, fxv v)
{
	context.rewrite = NULL;
	if (fx_error(v))
		return rewrite_fail(r, n, error_sentence(v));
	rewrite_answer(r, n, v);
	return 0;
}

static int write_operation(struct rewrite *r, struct fx_node *n,
			   const struct operation *o)
{
	struct operation own = *o;

	for (size_t i = 0; i < o->n_in; i++)
		own.in[i] = successor(r, o->in[i]);
	context.rewrite = r;
	return set_answer(r, n, operation_run(NULL, &own));
}

int rewrite_value(struct rewrite *r, struct fx_node *n, const struct fx_arg *a,
		  fxv *ret)
{
	fxv items[MAX_ARGS + 1];
	int err = 0;

	if (arg_scalar(a, ret))
		return 0;
	if (a->kind == FX_ARG_NODE) {
		*ret = (fxv){ .kind = FX_VALUE_NODE, .node = a->node };
		return 0;
	}
	if (a->count > MAX_ARGS)
		return rewrite_fail(r, n, "a tuple of too many values");
	for (size_t i = 0; !err && i < a->count; i++)
		err = rewrite_value(r, n, &a->items[i], &items[i]);
	if (err)
		return err;
	items[a->count] = (fxv)FX_END;
	*ret = fx_tuple_of(FX_VALUE_TUPLE, items);
	return 0;
}

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

	rewrite_answer(r, n, fx_tuple(result_of(r, call, 0),
				      fx_tuple(result_of(r, call, 1),
					       result_of(r, call, 2))));
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

static int rewrite_node(struct rewrite *r, struct fx_node *n);

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
		args[i] = err ? fx_none : successor(r, args[i]);
	}
	if (err)
		return err;
	args[n->n_args] = (fxv)FX_END;
	context.rewrite = r;
	return set_answer(r, n, module_run(NULL, n->module, args));
}

static int rewrite_wrapped_module(struct rewrite *r, struct fx_node *n);

static int rewrite_module(struct rewrite *r, struct fx_node *n)
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
	err = write_operation(r, n, &o);
	if (!err && class == &fx_class_LSTM)
		answer_lstm(r, n);
	return err;
}

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
		args[i] = successor(r, args[i]);
	for (size_t i = 0; i < fn->n_options; i++)
		o->values[i] = successor(r, o->values[i]);
	context.rewrite = r;
	return set_answer(r, n, function_write(fn, NULL, args, o));
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
	err = write_operation(r, n, &o);
	call = n->data;
	if (err || n->n_out == 1)
		return err;
	for (int i = 0; i < n->n_out; i++)
		results[i] = result_of(r, call, i);
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

/*
 * struct wrapped_call - of a wrapped function or module, being written
 */
struct wrapped_call {
	struct fx_kwarg kwargs[2 * MAX_ARGS];
	struct fx_arg args[2 * MAX_ARGS];
	size_t n_args, n_kwargs;
};

/* Tensors stay arguments, numbers get the names of their parameters. */
static int wrapped_args(struct rewrite *r, struct fx_node *n, size_t first,
			const struct fx_param *params, struct wrapped_call *c)
{
	if (n->n_args > MAX_ARGS || n->n_kwargs > MAX_ARGS)
		return rewrite_fail(r, n, "too many arguments");

	for (size_t i = first; i < n->n_args; i++) {
		struct fx_arg *a = &n->args[i];

		if (a->kind == FX_ARG_NODE || a->kind == FX_ARG_NONE)
			c->args[c->n_args++] = fx_arg_node(
				a->kind == FX_ARG_NODE ? a->node->data : NULL);
		else if (is_tensor_arg(a))
			return rewrite_fail(r, n, "a tuple of tensors is passed to a wrapped function; pass them one by one");
		else
			c->kwargs[c->n_kwargs++] = (struct fx_kwarg){
				params[i - first].name, *a };
	}
	for (size_t i = 0; i < n->n_kwargs; i++) {
		if (is_tensor_arg(&n->kwargs[i].value))
			return rewrite_fail(r, n, "a tensor is passed to a wrapped function by name; pass it by position");
		c->kwargs[c->n_kwargs++] = n->kwargs[i];
	}
	return 0;
}

static int write_wrapped(struct rewrite *r, struct fx_node *n,
			 const struct fxq_function *fn,
			 const struct wrapped_call *c)
{
	struct fx_node *call = fx_graph_node(r->to, FX_CALL_METHOD, fn->name,
					     NULL, c->args, c->n_args,
					     c->kwargs, c->n_kwargs);

	if (!call)
		return rewrite_fail(r, n, fx_graph_error(r->to));
	call->wrapped = fn;
	set_origin(r, call);
	n->data = call;
	return 0;
}

static int rewrite_wrapped(struct rewrite *r, struct fx_node *n)
{
	struct wrapped_call c = { 0 };
	int err;

	err = wrapped_args(r, n, n->opcode == FX_CALL_METHOD,
			   wrapped_of(n->wrapped)->method.params, &c);
	return err ? err : write_wrapped(r, n, n->wrapped, &c);
}

/* The tensors of a module, as constants before the arguments of a call. */
struct own_tensors {
	struct rewrite *r;
	const char *path;
	struct wrapped_call *call;
};

static int add_own(const char *key, enum fx_member_kind kind,
		   struct fxq_tensor *t, void *ctx)
{
	struct own_tensors *own = ctx;
	char *name = path_join(own->path, key);
	struct fx_node *constant = make_constant(own->r, name, t);

	free(name);
	if (!constant || own->call->n_args == MAX_ARGS)
		return -EINVAL;
	own->call->args[own->call->n_args++] = fx_arg_node(constant);
	return 0;
}

static int rewrite_wrapped_module(struct rewrite *r, struct fx_node *n)
{
	struct wrapped_call c = { 0 };
	struct own_tensors own = { r, n->target, &c };
	int err;

	if (fx_module_each_tensor(n->module, add_own, &own))
		return rewrite_fail(r, n, "a wrapped module has more tensors than a call takes; wrap the part that needs it");
	err = wrapped_args(r, n, 0, n->module->class->method->params, &c);
	return err ? err :
	       write_wrapped(r, n, n->module->class->wrapped, &c);
}

static void note_attr(struct fx_node *in, void *ctx)
{
	const struct fx_node **wanted = ctx;

	if (in == *wanted)
		*wanted = NULL;
}

/* An attribute that says how to quantize: a parameter, and no constant. */
static bool only_scales(struct fx_node *n)
{
	for (struct fx_node *user = n->next; user; user = user->next) {
		const struct fx_function *fn = function_of_node(user);
		const struct fx_node *found = n;

		fx_node_visit(user, note_attr, &found);
		if (!found && !(fn && function_writes(fn)))
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
	n->data = make_constant(r, n->target, t);
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

static int rewrite_node(struct rewrite *r, struct fx_node *n)
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
