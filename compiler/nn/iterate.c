// SPDX-License-Identifier: MIT
/*
 * iterate.c - what Python asks of a value by its syntax: len, in, for, assert
 *
 * C has no way to make these words work on a value, so each is a call. Under
 * the tracer a traced value cannot answer, and the forward that asks returns
 * the error that torch raises.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "nn_priv.h"

#define CANNOT_ITERATE "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or **kwargs function argument. See the torch.fx docs on pytorch.org for a more detailed explanation of what types of control flow can be traced, and check out the Proxy docstring for help troubleshooting Proxy iteration errors"

static bool is_sequence(fxv v)
{
	return v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST;
}

/* Items, or -1 if it has none. */
static int64_t count_items(fxv v)
{
	if (is_sequence(v))
		return v.tuple->n;
	if (v.kind == FX_VALUE_DICT)
		return v.tuple->n / 2;
	if (v.kind == FX_VALUE_STR)
		return strlen(v.s);
	if (v.kind == FX_VALUE_TENSOR && v.tensor->t.rank)
		return v.tensor->t.dims[0];
	return -1;
}

fxv fx_len_at(const struct fx_loc *at, fxv v, bool wrapped)
{
	if (v.kind == FX_VALUE_POISON)
		return v;
	if (v.kind == FX_VALUE_NODE && wrapped)
		return fx_apply(&fx_function_len, at, FX_ARGS(v), NULL, "");
	if (v.kind == FX_VALUE_NODE)
		return raise_error(at, RUNTIME_ERROR, "'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call torch.fx.wrap('len') at module scope");
	if (count_items(v) < 0)
		return raise_error(at, TYPE_ERROR, "this value has no len()");
	return fx_of_int(count_items(v));
}

fxv fx_range_at(const struct fx_loc *at, fxv v)
{
	fxv items[MAX_ARGS + 1];
	int64_t n;

	if (v.kind == FX_VALUE_POISON)
		return v;
	if (v.kind == FX_VALUE_NODE)
		return raise_error(at, TYPE_ERROR, "'Proxy' object cannot be interpreted as an integer");
	n = fx_int_at(at, v);
	if (n > MAX_ARGS)
		return raise_error(at, VALUE_ERROR, "%" PRId64 " items; a list has at most %d",
				   n, MAX_ARGS);

	n = n < 0 ? 0 : n;
	for (int64_t i = 0; i < n; i++)
		items[i] = fx_of_int(i);
	items[n] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_LIST, items);
}

struct fx_iter fx_iter_at(const struct fx_loc *at, fxv v)
{
	if (v.kind == FX_VALUE_NODE)
		raise_error(at, TRACE_ERROR, CANNOT_ITERATE);
	else if (v.kind != FX_VALUE_POISON && count_items(v) < 0)
		raise_error(at, TYPE_ERROR, "this value cannot be iterated");
	return (struct fx_iter){ .of = v, .n = count_items(v) };
}

bool fx_next(struct fx_iter *i, fxv *ret_item)
{
	if (i->next >= i->n)
		return false;
	if (i->of.kind == FX_VALUE_DICT)
		*ret_item = i->of.tuple->items[2 * i->next];
	else
		*ret_item = value_item(NULL, i->of, fx_of_int(i->next));
	i->next++;
	return true;
}

static bool equal(fxv a, fxv b)
{
	struct number x = number_of(a), y = number_of(b);

	if (a.kind == FX_VALUE_STR && b.kind == FX_VALUE_STR)
		return !strcmp(a.s, b.s);
	return x.known && y.known && number_double(x) == number_double(y);
}

fxv fx_contains_at(const struct fx_loc *at, fxv v, fxv item)
{
	struct fxq_tensor one;
	size_t bytes;

	if (v.kind == FX_VALUE_POISON)
		return v;
	if (v.kind == FX_VALUE_NODE || item.kind == FX_VALUE_NODE)
		return raise_error(at, TRACE_ERROR, CANNOT_ITERATE);
	if (v.kind == FX_VALUE_TENSOR) {
		one = fxq_tensor_type(v.tensor->t.dtype, 0, NULL);
		bytes = fxq_dtype_bytes(one.dtype);
		one.data = v.tensor->t.data;
		for (int64_t i = 0; i < fxq_tensor_count(&v.tensor->t); i++) {
			if (equal(number_value(number_of_element(&one)), item))
				return fx_of_bool(true);
			one.data = (char *)one.data + bytes;
		}
		return fx_of_bool(false);
	}

	if (v.kind == FX_VALUE_STR)
		return fx_of_bool(item.kind == FX_VALUE_STR &&
				  strstr(v.s, item.s));
	for (int64_t i = 0; i < count_items(v); i++)
		if (equal(v.kind == FX_VALUE_DICT ? v.tuple->items[2 * i] :
			  v.tuple->items[i], item))
			return fx_of_bool(true);
	return fx_of_bool(false);
}

fxv fx_kwargs_at(const struct fx_loc *at, fxv v)
{
	if (v.kind == FX_VALUE_NODE)
		return raise_error(at, TRACE_ERROR, CANNOT_ITERATE);
	if (v.kind != FX_VALUE_DICT && v.kind != FX_VALUE_POISON)
		return raise_error(at, TYPE_ERROR, "argument after ** must be a mapping");
	return value_share(v);
}

void fx_unpack_at(const struct fx_loc *at, fxv v, fxv *const *items)
{
	int64_t wanted = 0, there = count_items(v);

	while (items[wanted])
		wanted++;
	if (v.kind != FX_VALUE_NODE && v.kind != FX_VALUE_POISON &&
	    there != wanted)
		v = raise_error(at, VALUE_ERROR, "%" PRId64 " values to unpack; %" PRId64 " are wanted",
				there, wanted);
	for (int64_t i = 0; i < wanted; i++)
		*items[i] = fx_getitem_at(at, v, FX_VALUES(i));
}

void fx_assert_at(const struct fx_loc *at, fxv v, const char *message)
{
	if (v.kind == FX_VALUE_NODE && tracing_asserts())
		fx_apply(&fx_function_assert_fn, at, FX_ARGS(v), NULL, "");
	else if (!fx_truth_at(at, v) && v.kind != FX_VALUE_NODE &&
		 v.kind != FX_VALUE_POISON)
		raise_error(at, "builtins.AssertionError", "%s", message);
}

bool fx_opaque_at(const struct fx_loc *at, const char *type)
{
	if (context.tracing)
		raise_error(at, "builtins.NotImplementedError",
			    "argument of type: <class '%s'>", type);
	return true;
}
