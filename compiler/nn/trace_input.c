// SPDX-License-Identifier: MIT
/*
 * trace_input.c - the placeholders that a forward is traced with
 *
 * Each argument has one. Where the tracer was given a value for it the forward
 * runs on that value, and the graph asserts that its caller gives the same.
 */
#include <stdlib.h>
#include <string.h>

#include "tracing.h"

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
		record_arg(&a, param->def);
	n = trace_record(&a, FX_PLACEHOLDER, target, NULL);
	if (n && !concrete)
		n->annotation = fx_graph_strdup(n->graph, param->annotation);
	free(target);
	return trace_answer(n);
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

void trace_inputs(struct fx_module *model, fxv args[MAX_ARGS])
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
