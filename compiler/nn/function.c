// SPDX-License-Identifier: MIT
/*
 * function.c - functions of tensors: the table, and a call
 */
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

#define ROW(type, name, def, attr)	\
	{ #name, FX_OPTION_##type, FX_ATTR_##attr, def },
#define TABLE(id, op, n_tensors, record)				\
	static const struct fx_option options_##id[] = {		\
		FX_OPTIONS_##id(ROW)					\
	};								\
	const struct fx_function fx_function_##id = {			\
		#id, op, n_tensors, record, options_##id,		\
		sizeof(options_##id) / sizeof(struct fx_option),	\
	};
FX_FUNCTIONS(TABLE)

static const struct fx_function *const functions[] = {
#define ENTRY(id, ...) &fx_function_##id,
	FX_FUNCTIONS(ENTRY)
};

const struct fx_function *function_find(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i]->name, name))
			return functions[i];
	return NULL;
}

fxv function_run(const struct fx_function *fn, const struct fx_loc *at,
		 const fxv *tensors, const struct options *o)
{
	char error[FXQ_ERROR_MAX];
	struct operation operation;

	if (operation_of_function(fn, tensors, o, &operation, error))
		return fx_poison(at, -EINVAL, "%s", error);
	return operation_run(at, &operation);
}

fxv fx_apply(const struct fx_function *fn, const struct fx_loc *at,
	     const fxv *tensors, const void *options, const char *given)
{
	const fxv *poison = find_poison(tensors);
	char error[FXQ_ERROR_MAX];
	struct options o;

	if (poison)
		return *poison;
	if (options_read(fn->options, fn->n_options, options, given, &o, error))
		return fx_poison(at, -EINVAL, "%s", error);
	if (any_node(tensors))
		return trace_function(at, fn, tensors, &o);
	return function_run(fn, at, tensors, &o);
}
