// SPDX-License-Identifier: MIT
/*
 * trace.c - writes a graph down while a model's forward runs
 *
 * The forward is called with one value for each argument that stands for a
 * placeholder. Whatever is done to such a value records a node and answers with
 * a value that stands for it. What is done to tensors alone is computed, and
 * becomes an attribute of the graph where it meets a traced value.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/lowering.h>

#include "nn_priv.h"

/*
 * struct tracing
 * @scope: path of the module whose forward is running
 */
struct tracing {
	struct fx_graph *g;
	struct fx_module *root;
	const char *scope;
	const struct fx_tracer *tracer;
	unsigned int n_constants;
	struct flags *flags;
};

static fxv node_value(struct fx_node *n)
{
	return (fxv){ .kind = FX_VALUE_NODE, .node = n };
}

static void set_loc(struct fx_node *n, const struct fx_loc *at)
{
	if (!at || !at->file)
		return;
	n->loc = (struct fx_loc){
		.file = fx_graph_strdup(n->graph, at->file),
		.line = at->line,
		.expr = fx_graph_strdup(n->graph, at->expr),
		.function = fx_graph_strdup(n->graph, at->function),
	};
}

#define NAME_ERROR	"builtins.NameError"
#define NOT_INSTALLED	"module is not installed as a submodule"

/* Arguments of nodes */

static int make_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret);

static struct fx_node *attr_node(const char *path)
{
	return fx_graph_node(context.tracing->g, FX_GET_ATTR, path, NULL,
			     NULL, 0, NULL, 0);
}

/* A parameter by its path, anything else as a constant of the graph. */
static struct fx_node *tensor_node(struct fx_tensor *t)
{
	struct tracing *tracing = context.tracing;
	char *path = path_of_tensor(tracing->root, t), name[40];
	struct fx_node *n;

	if (path) {
		n = attr_node(path);
		free(path);
		return n;
	}
	snprintf(name, sizeof(name), "_tensor_constant%u",
		 tracing->n_constants++);
	return fx_graph_constant(tracing->g, name, &t->t);
}

/* Each use of self is an attribute node of its own. */
static struct fx_node *self_node(struct fx_module *m)
{
	struct tracing *tracing = context.tracing;
	struct fx_node *n = NULL;
	char *path;

	if (m == tracing->root)
		return attr_node("_self");
	path = path_of_module(tracing->root, m);
	if (path)
		n = attr_node(path);
	free(path);
	return n;
}

static int make_node_arg(const struct fx_loc *at, struct fx_node *n,
			 struct fx_arg *ret)
{
	if (!n) {
		raise_error(at, NAME_ERROR, NOT_INSTALLED);
		return -EINVAL;
	}
	if (n->graph != context.tracing->g) {
		fx_poison(at, -EINVAL, "this value belongs to another trace");
		return -EINVAL;
	}
	*ret = fx_arg_node(n);
	return 0;
}

static int make_tuple_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret)
{
	size_t n = v.tuple->n;
	int err = 0;

	*ret = (struct fx_arg){
		.kind = FX_ARG_TUPLE + (v.kind - FX_VALUE_TUPLE),
		.count = n,
		.items = fx_graph_alloc(context.tracing->g,
					n * sizeof(*ret->items)),
	};
	for (size_t i = 0; !err && i < n; i++)
		err = make_arg(at, v.tuple->items[i], &ret->items[i]);
	return err;
}

static int make_arg(const struct fx_loc *at, fxv v, struct fx_arg *ret)
{
	switch (v.kind) {
	case FX_VALUE_NONE:
		*ret = (struct fx_arg){ .kind = FX_ARG_NONE };
		return 0;
	case FX_VALUE_BOOL:
		*ret = fx_arg_bool(v.b);
		return 0;
	case FX_VALUE_INT:
		*ret = fx_arg_int(v.i);
		return 0;
	case FX_VALUE_FLOAT:
		*ret = fx_arg_float(v.f);
		return 0;
	case FX_VALUE_STR:
		*ret = fx_arg_str(v.s);
		return 0;
	case FX_VALUE_NAME:
		*ret = (struct fx_arg){ .kind = FX_ARG_NAME, .s = v.s };
		return 0;
	case FX_VALUE_TENSOR:
		return make_node_arg(at, tensor_node(v.tensor), ret);
	case FX_VALUE_TUPLE:
	case FX_VALUE_LIST:
	case FX_VALUE_SLICE:
	case FX_VALUE_DICT:
		return make_tuple_arg(at, v, ret);
	case FX_VALUE_NODE:
		return make_node_arg(at, v.node, ret);
	case FX_VALUE_SELF:
		return make_node_arg(at, self_node(v.module), ret);
	default:
		fx_poison(at, -EINVAL, "this value cannot be an argument");
		return -EINVAL;
	}
}

/*
 * struct arguments - of a node being made
 * @err: why one of them could not be; the poison has been made
 */
struct arguments {
	const struct fx_loc *at;
	struct fx_arg args[MAX_ARGS];
	struct fx_kwarg kwargs[MAX_ARGS];
	size_t n_args, n_kwargs;
	int err;
};

static void add_arg(struct arguments *a, fxv v)
{
	if (!a->err)
		a->err = make_arg(a->at, v, &a->args[a->n_args++]);
}

static void add_kwarg(struct arguments *a, const char *name, fxv v)
{
	struct fx_kwarg *kwarg = &a->kwargs[a->n_kwargs++];

	kwarg->name = name;
	if (!a->err)
		a->err = make_arg(a->at, v, &kwarg->value);
}

/* After one at its default, only a name tells which argument it is. */
static void add_args(struct arguments *a, const struct fx_param *params,
		     const fxv *args)
{
	bool named = false;

	for (; args->kind != FX_VALUE_END; args++) {
		named |= args->keyword || args->kind == FX_VALUE_DEFAULT;
		if (named && args->kind != FX_VALUE_DEFAULT && params->name)
			add_kwarg(a, params->name, *args);
		else if (!named || !params->name)
			add_arg(a, *args);
		params += params->name != NULL;
	}
}

static struct fx_node *record(struct arguments *a, enum fx_opcode opcode,
			      const char *target, const struct fx_op *op)
{
	struct fx_node *n;

	if (a->err)
		return NULL;

	n = fx_graph_node(context.tracing->g, opcode, target, op, a->args,
			  a->n_args, a->kwargs, a->n_kwargs);
	if (!n) {
		fx_poison(a->at, -EINVAL, "%s",
			  fx_graph_error(context.tracing->g));
		return NULL;
	}
	set_loc(n, a->at);
	n->scope = fx_graph_strdup(n->graph, context.tracing->scope);
	return n;
}

/* The poison that add_arg() left in the scope, or the value of @n. */
static fxv answer(struct fx_node *n)
{
	if (n)
		return node_value(n);
	return (fxv){ .kind = FX_VALUE_POISON, .error = context.scope->error };
}

static bool not_tracing(void)
{
	return !context.tracing;
}

#define STRAY "a traced value is used after its trace has ended"

/* Modules */

static bool listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

static bool is_leaf(const struct fx_module *m, const char *path)
{
	const struct fx_tracer *tracer = context.tracing->tracer;

	return m->class->flags & FX_CLASS_LEAF ||
	       listed(tracer->skip_names, path) ||
	       listed(tracer->skip_classes, m->class->name);
}

static fxv record_module(const struct fx_loc *at, struct fx_module *m,
			 const char *path, const fxv *args)
{
	struct arguments a = { .at = at };
	struct fx_node *n;

	add_args(&a, module_method(m)->params, args);
	n = record(&a, FX_CALL_MODULE, path, NULL);
	if (n) {
		n->module = m;
		n->source = n->target;
		n->scope = n->target;
	}
	return answer(n);
}

/* Looks into the module: its forward records what it does. */
static fxv trace_inside(const struct fx_loc *at, struct fx_module *m,
			const char *path, const fxv *args)
{
	const char *outer = context.tracing->scope;
	fxv result;

	context.tracing->scope = path;
	result = module_run(at, m, args);
	context.tracing->scope = outer;
	return result;
}

fxv trace_module(const struct fx_loc *at, struct fx_module *m, const fxv *args)
{
	fxv result;
	char *path;

	if (not_tracing())
		return fx_poison(at, -EINVAL, STRAY);

	path = path_of_module(context.tracing->root, m);
	if (!path)
		return raise_error(at, NAME_ERROR, NOT_INSTALLED);
	if (is_leaf(m, path))
		result = record_module(at, m, path, args);
	else
		result = trace_inside(at, m, path, args);
	free(path);
	return result;
}

/* Functions */

fxv trace_function(const struct fx_loc *at, const struct fx_function *fn,
		   const fxv *tensors, const struct options *o)
{
	struct arguments a = { .at = at };
	size_t positional = fn->record;

	if (not_tracing())
		return fx_poison(at, -EINVAL, STRAY);

	for (int i = 0; i < fn->n_tensors; i++)
		add_arg(&a, tensors[i]);
	if (fn->record == FX_AS_WRITTEN)
		positional = o->n_positional;
	for (size_t i = 0; i < positional; i++)
		add_arg(&a, o->values[i]);

	if (fn->record == FX_AS_WRITTEN)
		for (size_t i = 0; i < o->n_named; i++)
			add_kwarg(&a, fn->options[o->named[i]].name,
				  o->values[o->named[i]]);
	else
		for (size_t i = positional; i < fn->n_options; i++)
			add_kwarg(&a, fn->options[i].name, o->values[i]);
	return answer(record(&a, fn->method ? FX_CALL_METHOD : FX_CALL_FUNCTION,
			     fn->name, function_op(fn)));
}

/* Wrapped functions and methods */

fxv trace_wrapped(const struct fx_wrapped *w, struct fx_module *self,
		  const fxv *args)
{
	struct arguments a = { .at = &w->at };
	const char *name = w->function.name;
	struct fx_node *n;

	if (not_tracing())
		return fx_poison(&w->at, -EINVAL, STRAY);

	if (self)
		add_arg(&a, (fxv){ .kind = FX_VALUE_SELF, .module = self });
	add_args(&a, w->method.params, args);
	n = record(&a, self ? FX_CALL_METHOD : FX_CALL_FUNCTION, name, NULL);
	if (n)
		n->wrapped = &w->function;
	return answer(n);
}

/* The trace */

/* Batch norms that were training, so that they can go on. */
struct frozen {
	struct fx_module **list;
	size_t n;
};

static void freeze(struct fx_module *m, struct frozen *frozen)
{
	if (m->class->flags & FX_CLASS_BATCH_NORM && m->training) {
		frozen->list = realloc(frozen->list, (frozen->n + 1) *
				       sizeof(*frozen->list));
		if (!frozen->list)
			abort();
		frozen->list[frozen->n++] = m;
		m->training = false;
	}
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			freeze(m->members[i].module, frozen);
}

static void thaw(struct frozen *frozen)
{
	for (size_t i = 0; i < frozen->n; i++)
		frozen->list[i]->training = true;
	free(frozen->list);
}

/* Inputs */

/* "*args" and "**kwargs" for what takes the rest, @name_1 if it is concrete. */
static char *input_target(const struct fx_param *param, bool concrete)
{
	const char *stars = param->def.kind == FX_VALUE_VARARGS ? "*" :
			    param->def.kind == FX_VALUE_KWARGS ? "**" : "";

	return must_print("%s%s%s", stars, param->name, concrete ? "_1" : "");
}

static bool has_default(const struct fx_param *param)
{
	return param->def.kind != FX_VALUE_DEFAULT &&
	       param->def.kind != FX_VALUE_VARARGS &&
	       param->def.kind != FX_VALUE_KWARGS;
}

static fxv input_node(const struct fx_param *param, bool concrete)
{
	char *target = input_target(param, concrete);
	struct arguments a = { 0 };
	struct fx_node *n;

	if (has_default(param))
		add_arg(&a, param->def);
	n = record(&a, FX_PLACEHOLDER, target, NULL);
	if (n && !concrete)
		n->annotation = fx_graph_strdup(n->graph, param->annotation);
	free(target);
	return answer(n);
}

/* The text as Python formats it into a string. */
static char *concrete_text(const struct fx_param *param)
{
	switch (param->def.kind) {
	case FX_VALUE_NONE:
		return must_print("None");
	case FX_VALUE_BOOL:
		return must_print("%s", param->def.b ? "True" : "False");
	case FX_VALUE_INT:
		return must_print("%lld", (long long)param->def.i);
	case FX_VALUE_STR:
		return must_print("%s", param->def.s);
	default:
		return fx_repr_float(param->def.f);
	}
}

static fxv assert_concrete(const struct fx_param *concrete, fxv input)
{
	const struct fx_function *check = &fx_function_assert_is_none;
	char *value = concrete_text(concrete), *text;

	text = must_print("%s has been specialized to have value %s but got another value",
			  concrete->name, value);
	if (concrete->def.kind != FX_VALUE_NONE) {
		check = &fx_function_assert;
		input = fx_eq(input, concrete->def);
	}
	fx_apply(check, NULL, FX_ARGS(input, fx_of_str(text)), NULL, "");
	free(text);
	free(value);
	return concrete->def;
}

static const struct fx_param *concrete_value(const char *name)
{
	const struct fx_param *c = context.tracing->tracer->concrete;

	for (; c && c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void check_concrete(const struct fx_param *params)
{
	const struct fx_param *c = context.tracing->tracer->concrete, *p;

	for (; c && c->name; c++) {
		for (p = params; p->name && strcmp(p->name, c->name); p++)
			;
		if (!p->name)
			raise_error(NULL, VALUE_ERROR, "concrete argument '%s': the forward has no argument of this name",
				    c->name);
		else if (c->def.kind > FX_VALUE_STR)
			raise_error(NULL, VALUE_ERROR, "concrete argument '%s' is no number, string or None",
				    c->name);
	}
}

/* One placeholder for each argument of the forward. */
static void make_inputs(struct fx_module *model, fxv args[MAX_ARGS])
{
	const struct fx_param *params = module_method(model)->params;
	size_t n = 0;

	check_concrete(params);
	for (; params[n].name && n < MAX_ARGS - 1; n++) {
		const struct fx_param *c = concrete_value(params[n].name);

		args[n] = input_node(&params[n], c != NULL);
		if (c)
			args[n] = assert_concrete(c, args[n]);
	}
	args[n] = (fxv)FX_END;
}

bool tracing_asserts(void)
{
	return context.tracing && context.tracing->tracer->trace_asserts;
}

static void record_output(fxv result)
{
	struct arguments a = { 0 };

	add_arg(&a, result);
	record(&a, FX_OUTPUT, "output", NULL);
}

static fxv run_trace(struct fx_module *model)
{
	struct scope scope;
	fxv args[MAX_ARGS], result;

	scope_open(&scope);
	make_inputs(model, args);
	if (model->error)
		result = fx_poison(NULL, -EINVAL, "%s", model->error);
	else if (!model->class->forward)
		result = fx_poison(NULL, -EINVAL, "%s has no forward to trace; trace a class made with FX_MODULE that contains it",
				   model->class->name);
	else
		result = module_run(NULL, model, args);
	if (!scope.error)
		record_output(result);
	return scope_close(&scope, result);
}

static int trace_error(fxv result, struct fx_tracer *tracer)
{
	const char *text = fx_error(result);

	tracer->error[0] = 0;
	tracer->error_text = 0;
	tracer->error_class = fx_error_class(result);
	if (!text)
		return 0;
	snprintf(tracer->error, sizeof(tracer->error), "%s", text);
	if (error_sentence(result) - text < (ptrdiff_t)sizeof(tracer->error))
		tracer->error_text = error_sentence(result) - text;
	return value_err(result);
}

/* The tracer listens to the modules of t->root until thaw(). */
static struct tracing *listen(struct tracing *t, struct frozen *frozen)
{
	static const struct fx_tracer tracer;
	struct tracing *outer = context.tracing;

	t->tracer = &tracer;
	context.tracing = t;
	freeze(t->root, frozen);
	return outer;
}

fxv trace_call(const struct fx_loc *at, struct fx_module *m, const fxv *args,
	       struct fx_graph *g)
{
	struct tracing tracing = { .g = g, .root = m, .scope = "" }, *outer;
	struct frozen frozen = { 0 };
	fxv result;

	outer = listen(&tracing, &frozen);
	result = module_run(at, m, args);
	thaw(&frozen);
	context.tracing = outer;
	return result;
}

static unsigned int count_constants(const struct fx_graph *g)
{
	unsigned int n_constants = 0;

	fx_for_each_node(n, g)
		n_constants += fx_node_is_const(n);
	return n_constants;
}

fxv trace_lowering(const struct fx_lowering *l, struct fx_module *self,
		   const fxv *args, struct fx_module *root, struct fx_node *n)
{
	struct tracing tracing = {
		.g = n->graph, .root = root, .scope = n->scope ? n->scope : "",
		.n_constants = count_constants(n->graph),
	};
	struct tracing *outer;
	struct frozen frozen = { 0 };
	fxv result;

	outer = listen(&tracing, &frozen);
	result = l->body(self, args);
	thaw(&frozen);
	context.tracing = outer;
	return result;
}

bool flag_of_trace(const struct fx_loc *at, bool value)
{
	if (!context.tracing || !context.tracing->flags)
		return value;
	return flag_note(context.tracing->flags, at, value);
}

int trace_with(struct fx_module *model, struct fx_tracer *tracer,
	       struct flags *flags, struct fx_graph **ret_graph)
{
	struct tracing tracing = {
		.g = fx_graph_new(), .root = model, .scope = "",
		.tracer = tracer, .flags = flags,
	};
	struct context outer = context;
	struct frozen frozen = { 0 };
	fxv result;
	int ret;

	context = (struct context){ .tracing = &tracing };
	freeze(model, &frozen);
	result = run_trace(model);
	thaw(&frozen);
	ret = trace_error(result, tracer);
	fx_drop(result);
	context = outer;

	if (ret) {
		fx_graph_free(tracing.g);
		return ret;
	}
	*ret_graph = tracing.g;
	return 0;
}

int fx_trace(struct fx_module *model, struct fx_tracer *tracer,
	     struct fx_graph **ret_graph)
{
	return trace_with(model, tracer, NULL, ret_graph);
}

void fx_print_tabular(const struct fx_graph *g)
{
	fx_graph_print_tabular(g, stdout);
}
