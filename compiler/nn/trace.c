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

#include "tracing.h"

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

	record_args(&a, module_method(m)->params, args);
	n = trace_record(&a, FX_CALL_MODULE, path, NULL);
	if (n) {
		n->module = m;
		n->source = n->target;
		n->scope = n->target;
	}
	return trace_answer(n);
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
		record_arg(&a, tensors[i]);
	if (fn->record == FX_AS_WRITTEN)
		positional = o->n_positional;
	for (size_t i = 0; i < positional; i++)
		record_arg(&a, o->values[i]);

	if (fn->record == FX_AS_WRITTEN)
		for (size_t i = 0; i < o->n_named; i++)
			record_kwarg(&a, fn->options[o->named[i]].name,
				     o->values[o->named[i]]);
	else
		for (size_t i = positional; i < fn->n_options; i++)
			record_kwarg(&a, fn->options[i].name, o->values[i]);
	return trace_answer(trace_record(&a, fn->method ? FX_CALL_METHOD :
					 FX_CALL_FUNCTION, fn->name,
					 function_op(fn)));
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
		record_arg(&a, (fxv){ .kind = FX_VALUE_SELF, .module = self });
	record_args(&a, w->method.params, args);
	n = trace_record(&a, self ? FX_CALL_METHOD : FX_CALL_FUNCTION, name,
			 NULL);
	if (n)
		n->wrapped = &w->function;
	return trace_answer(n);
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

bool tracing_asserts(void)
{
	return context.tracing && context.tracing->tracer->trace_asserts;
}

static void record_output(fxv result)
{
	struct arguments a = { 0 };

	record_arg(&a, result);
	trace_record(&a, FX_OUTPUT, "output", NULL);
}

static fxv run_trace(struct fx_module *model)
{
	struct scope scope;
	fxv args[MAX_ARGS], result;

	scope_open(&scope);
	trace_inputs(model, args);
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
