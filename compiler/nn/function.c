// SPDX-License-Identifier: MIT
/*
 * function.c - functions and methods of tensors: the tables, and a call
 *
 * Most come down to one operator. Those that give parts of a value, or look at
 * it, have code of their own here.
 */
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

#define ROW(type, name, def, attr)	\
	{ #name, FX_OPTION_##type, FX_ATTR_##attr, def },
#define OPTIONS(id)							\
	.options = options_##id,					\
	.n_options = sizeof(options_##id) / sizeof(struct fx_option)
#define TABLE(id)							\
	static const struct fx_option options_##id[] = {		\
		FX_OPTIONS_##id(ROW)					\
	};

#define FUNCTION(i, operator, n, how)					\
	TABLE(i)							\
	const struct fx_function fx_function_##i = {			\
		.id = #i, .name = #i, .op = operator, .n_tensors = n,	\
		.record = how, OPTIONS(i),				\
	};
FX_FUNCTIONS(FUNCTION)

#define SPELLED(i, called, operator, n, how, p, r, f)			\
	TABLE(i)							\
	const struct fx_function fx_function_##i = {			\
		.id = #i, .name = called, .op = operator,		\
		.n_tensors = n,	.record = how, OPTIONS(i),		\
		.shown = { .fn.name = called, .path = p, .repr = r,	\
			   .max_in = -1, .n_out = 1, .flags = f },	\
	};
FX_SPELLINGS(SPELLED)

#define METHOD(i, operator)						\
	TABLE(method_##i)						\
	const struct fx_function fx_function_method_##i = {		\
		.id = #i, .name = #i, .op = operator, .n_tensors = 1,	\
		.record = FX_AS_WRITTEN, .method = true,		\
		OPTIONS(method_##i),					\
	};
FX_METHODS(METHOD)

/* Those that are known by how they are shown come first. */
static const struct fx_function *const functions[] = {
#define ENTRY(id, ...)		&fx_function_##id,
	FX_SPELLINGS(ENTRY)
	FX_FUNCTIONS(ENTRY)
#define METHOD_ENTRY(id, ...)	&fx_function_method_##id,
	FX_METHODS(METHOD_ENTRY)
};

static bool is_recorded_for(const struct fx_node *n,
			    const struct fx_function *fn)
{
	if (fn->method != (n->opcode == FX_CALL_METHOD))
		return false;
	return fn->shown.path ? n->op == &fn->shown :
	       !strcmp(fn->name, n->target);
}

const struct fx_function *function_of_node(const struct fx_node *n)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (is_recorded_for(n, functions[i]))
			return functions[i];
	return NULL;
}

const struct fx_function *function_named(const char *id, bool method)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (functions[i]->method == method &&
		    !strcmp(functions[i]->id, id))
			return functions[i];
	return NULL;
}

const struct fx_op *function_op(const struct fx_function *fn)
{
	if (fn->method)
		return NULL;
	return fn->shown.path ? &fn->shown : fx_op_find(fn->op);
}

/* Functions with code of their own */

static fxv run_getitem(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	return value_item(at, in[0], in[1]);
}

static fxv shape_of(const struct fxq_tensor *t)
{
	fxv dims[FXQ_MAX_RANK + 1];

	for (uint32_t d = 0; d < t->rank; d++)
		dims[d] = fx_of_int(t->dims[d]);
	dims[t->rank] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, dims);
}

/* With the dimensions in reverse order. */
static fxv transposed(const struct fx_loc *at, fxv x)
{
	const struct operation o = { .op = "permute", .n_in = 1, .in = { x } };

	return operation_run(at, &o);
}

static fxv run_getattr(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	const struct fxq_tensor *t = fx_data(in[0]);

	if (t && !strcmp(in[1].s, "shape"))
		return shape_of(t);
	if (t && !strcmp(in[1].s, "T"))
		return transposed(at, in[0]);
	return raise_error(at, "builtins.AttributeError",
			   "this value has no attribute '%s'; a tensor has shape and T",
			   in[1].s);
}

static fxv run_t(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	return transposed(at, in[0]);
}

/* Each with a new dimension, and all in a row along it. */
static fxv run_stack(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	int64_t dim = fx_int(o[0]);
	const struct fxq_attr dims = { .name = "dims", .type = FXQ_ATTR_INTS,
				       .count = 1, .ints = &dim };
	struct operation all = {
		.op = "concat", .n_in = fx_tuple_count(in[0]), .n_attrs = 1,
		.attrs = { { .name = "dim", .type = FXQ_ATTR_INT, .count = 1,
			     .i = dim } },
	};

	if (!all.n_in || all.n_in > MAX_ARGS)
		return raise_error(at, RUNTIME_ERROR, "stack expects a list of 1 to %d tensors",
				   MAX_ARGS);
	for (size_t i = 0; i < all.n_in; i++) {
		struct operation one = { .op = "unsqueeze", .n_in = 1,
					 .in = { fx_tuple_item(in[0], i) },
					 .n_attrs = 1, .attrs = { dims } };

		all.in[i] = operation_run(at, &one);
		if (fx_error(all.in[i]))
			return all.in[i];
	}
	return operation_run(at, &all);
}

static fxv run_len(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	return fx_len_at(at, in[0], true);
}

static fxv run_split(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	return tensor_split(at, in[0], fx_int(o[0]), fx_int(o[1]));
}

/* The parts are as large as will make at most so many. */
static fxv run_chunk(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	const struct fxq_tensor *t = fx_data(in[0]);
	int64_t chunks = fx_int(o[0]), dim = fx_int(o[1]);

	if (!t || dim < -(int64_t)t->rank || dim >= (int64_t)t->rank ||
	    chunks < 1)
		return raise_error(at, RUNTIME_ERROR, "chunk expects a tensor, a dimension of it, and at least one chunk");
	if (dim < 0)
		dim += t->rank;
	return tensor_split(at, in[0], t->dims[dim] / chunks +
				       (t->dims[dim] % chunks != 0),
			    dim);
}

static fxv run_size(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	fxv shape = run_getattr(at, FX_ARGS(in[0], fx_of_str("shape")), NULL);

	if (fx_error(shape) || fx_is_none(o[0]))
		return shape;
	return value_item(at, shape, o[0]);
}

static fxv run_assert(const struct fx_loc *at, const fxv *in, const fxv *o)
{
	fx_assert_at(at, in[0], in[1].kind == FX_VALUE_STR ? in[1].s :
		     "the assertion does not hold");
	return fx_none;
}

static fxv run_assert_is_none(const struct fx_loc *at, const fxv *in,
			      const fxv *o)
{
	fx_assert_at(at, fx_of_bool(fx_is_none(in[0])),
		     in[1].kind == FX_VALUE_STR ? in[1].s : "");
	return fx_none;
}

static const struct {
	const struct fx_function *fn;
	fxv (*run)(const struct fx_loc *at, const fxv *in, const fxv *options);
	bool writes;		/* runs on nodes of a graph, too */
} own[] = {
	{ &fx_function_getitem, run_getitem },
	{ &fx_function_getattr, run_getattr },
	{ &fx_function_len, run_len },
	{ &fx_function_split, run_split },
	{ &fx_function_chunk, run_chunk },
	{ &fx_function_method_chunk, run_chunk },
	{ &fx_function_method_t, run_t, true },
	{ &fx_function_stack, run_stack, true },
	{ &fx_function_method_size, run_size },
	{ &fx_function_assert_fn, run_assert },
	{ &fx_function_assert, run_assert },
	{ &fx_function_assert_is_none, run_assert_is_none },
	{ &fx_function_quantize_per_tensor, run_quantize_per_tensor, true },
	{ &fx_function_quantized_add, run_quantized_add, true },
	{ &fx_function_quantized_add_relu, run_quantized_add_relu, true },
	{ &fx_function_quantized_mul, run_quantized_mul, true },
	{ &fx_function_quantized_mul_relu, run_quantized_mul_relu, true },
	{ &fx_function_quantized_sub, run_quantized_sub, true },
	{ &fx_function_quantized_matmul, run_quantized_matmul, true },
};

/* A call */

static fxv run(const struct fx_function *fn, const struct fx_loc *at,
	       const fxv *tensors, const struct options *o)
{
	char error[FXQ_ERROR_MAX];
	struct operation operation;
	fxv number;

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].fn == fn)
			return own[i].run(at, tensors, o->values);
	if (numbers_compute(fn, at, tensors, &number))
		return number;
	if (operation_of_function(fn, tensors, o, &operation, error))
		return fx_poison(at, -EINVAL, "%s", error);
	return operation_run(at, &operation);
}

static bool any_option_node(const struct fx_function *fn,
			    const struct options *o)
{
	for (size_t i = 0; i < fn->n_options; i++)
		if (any_node((const fxv[]){ o->values[i], FX_END }))
			return true;
	return false;
}

bool function_writes(const struct fx_function *fn)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].fn == fn)
			return own[i].writes;
	return false;
}

fxv function_write(const struct fx_function *fn, const struct fx_loc *at,
		   const fxv *tensors, const struct options *o)
{
	char error[FXQ_ERROR_MAX];
	struct operation operation;

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].fn == fn && own[i].writes)
			return own[i].run(at, tensors, o->values);
	if (operation_of_function(fn, tensors, o, &operation, error))
		return fx_poison(NULL, -EINVAL, "%s", error);
	return operation_run(at, &operation);
}

fxv function_call(const struct fx_function *fn, const struct fx_loc *at,
		  const fxv *tensors, const struct options *o)
{
	if (context.rewrite)
		return function_write(fn, at, tensors, o);
	if (any_node(tensors) || any_option_node(fn, o))
		return trace_function(at, fn, tensors, o);
	return run(fn, at, tensors, o);
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
		return raise_error(at, TYPE_ERROR, "%s", error);
	return function_call(fn, at, tensors, &o);
}

fxv fx_getitem_at(const struct fx_loc *at, fxv v, const fxv *index)
{
	fxv i = args_count(index) == 1 ? index[0] :
		fx_tuple_of(FX_VALUE_TUPLE, index);
	bool sequence = v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST ||
			v.kind == FX_VALUE_DICT;

	/* A tuple of traced values is a tuple, whose items are there. */
	if (sequence && !find_poison(FX_ARGS(v, i)))
		return value_item(at, v, i);
	return fx_apply(&fx_function_getitem, at, FX_ARGS(v, i), NULL, "");
}
