// SPDX-License-Identifier: MIT
/*
 * call.c - calling a module: eagerly, or writing the call down
 *
 * A forward runs in a scope of its own. With a traced value among the arguments
 * the tracer decides whether the call is one node or is looked into; otherwise
 * it is computed.
 */
#include <errno.h>
#include <stdio.h>

#include "nn_priv.h"

static const struct fx_param one_input[] = {
	{ "input", FX_REQUIRED },
	{ NULL },
};
static const struct fx_method one_input_method = { one_input };

const struct fx_method *module_method(const struct fx_module *m)
{
	return m->class->method ? m->class->method : &one_input_method;
}

static size_t count_params(const struct fx_method *method)
{
	size_t n = 0;

	while (method->params[n].name)
		n++;
	return n;
}

int args_complete(const struct fx_method *method, const fxv *args,
		  fxv ret_args[MAX_ARGS], char *error)
{
	size_t n = args_count(args), n_params = count_params(method);

	if (n > n_params || n_params >= MAX_ARGS)
		return refuse(error, "%zu arguments given; there are %zu", n,
			      n_params);

	for (size_t i = 0; i < n_params; i++) {
		ret_args[i] = i < n ? args[i] : fx_default;
		if (ret_args[i].kind == FX_VALUE_DEFAULT)
			ret_args[i] = method->params[i].def;
		if (ret_args[i].kind == FX_VALUE_VARARGS)
			ret_args[i] = fx_tuple();
		if (ret_args[i].kind == FX_VALUE_KWARGS)
			ret_args[i] = fx_dict();
		if (ret_args[i].kind == FX_VALUE_DEFAULT)
			return refuse(error, "the argument '%s' is missing",
				      method->params[i].name);
		ret_args[i].keyword = 0;
	}
	ret_args[n_params] = (fxv)FX_END;
	return 0;
}

static fxv run_forward(struct fx_module *m, const fxv *args)
{
	struct fx_interpreter interpreter = { 0 };
	struct scope scope;
	fxv result;

	scope_open(&scope);
	if (m->code)
		result = m->code->forward(m, args);
	else if (m->graph)
		result = interpreter_run(&interpreter, m, args);
	else
		result = m->class->forward(m, args);
	return scope_close(&scope, result);
}

static fxv run_operator(const struct fx_loc *at, struct fx_module *m, fxv x)
{
	char error[FXQ_ERROR_MAX];
	struct operation operation;

	if (!m->class->op)
		return fx_poison(at, -EINVAL, "a %s cannot be called",
				 m->class->name);
	if (operation_of_module(m, x, &operation, error))
		return fx_poison(at, -EINVAL, "%s: %s", m->class->name, error);
	return operation_run(at, &operation);
}

fxv module_run(const struct fx_loc *at, struct fx_module *m, const fxv *args)
{
	const struct fx_loc *outer = context.at;
	char error[FXQ_ERROR_MAX];
	fxv all[MAX_ARGS], result;

	if (args_complete(module_method(m), args, all, error))
		return fx_poison(at, -EINVAL, "%s: %s", m->class->name, error);

	context.at = at;
	if (m->graph || m->class->forward)
		result = run_forward(m, all);
	else
		result = run_operator(at, m, all[0]);
	context.at = outer;
	return result;
}

fxv fx_call_at(const struct fx_loc *at, struct fx_module *m, const fxv *args)
{
	const fxv *poison = find_poison(args);

	if (poison)
		return *poison;
	if (!m)
		return fx_poison(at, -EINVAL, "this module is not here: a wrapped method of a compiled program sees attributes, and modules only if the model was registered with it");
	if (m->error)
		return fx_poison(NULL, -EINVAL, "%s", m->error);
	if (any_node(args) && !context.rewrite)
		return trace_module(at, m, args);
	return module_run(at, m, args);
}

bool fx_training_at(const struct fx_loc *at, const struct fx_module *m)
{
	return flag_of_trace(at, m->training);
}
