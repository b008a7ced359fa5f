// SPDX-License-Identifier: MIT
/*
 * number.c - arithmetic of numbers alone, as Python has it
 *
 * A size read from a tensor or a flag is a number, and what a forward computes
 * with it stays one: integers are exact, a quotient is a float, a comparison
 * is a truth. As soon as a tensor takes part it is a tensor's operation.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "nn_priv.h"

double number_double(struct number n)
{
	return n.is_float ? n.f : (double)n.i;
}

fxv number_value(struct number n)
{
	return n.is_float ? fx_of_float(n.f) : fx_of_int(n.i);
}

#define COMPARE(name, sign)						\
	static fxv name(const struct fx_loc *at, struct number a,	\
			struct number b)				\
	{								\
		if (!a.is_float && !b.is_float)				\
			return fx_of_bool(a.i sign b.i);		\
		return fx_of_bool(number_double(a) sign number_double(b)); \
	}
COMPARE(eq, ==)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)

static fxv too_large(const struct fx_loc *at)
{
	return raise_error(at, "builtins.OverflowError", "the result does not fit 64 bits");
}

static fxv no_quotient(const struct fx_loc *at)
{
	return raise_error(at, "builtins.ZeroDivisionError", "division by zero");
}

#define COMPUTE(name, sign, overflows)					\
	static fxv name(const struct fx_loc *at, struct number a,	\
			struct number b)				\
	{								\
		int64_t i;						\
									\
		if (a.is_float || b.is_float)				\
			return fx_of_float(number_double(a) sign	\
					   number_double(b));		\
		if (overflows(a.i, b.i, &i))				\
			return too_large(at);				\
		return fx_of_int(i);					\
	}
COMPUTE(add, +, __builtin_add_overflow)
COMPUTE(sub, -, __builtin_sub_overflow)
COMPUTE(mul, *, __builtin_mul_overflow)

static fxv truediv(const struct fx_loc *at, struct number a, struct number b)
{
	if (number_double(b) == 0)
		return no_quotient(at);
	return fx_of_float(number_double(a) / number_double(b));
}

static fxv floordiv(const struct fx_loc *at, struct number a, struct number b)
{
	if (number_double(b) == 0)
		return no_quotient(at);
	if (a.is_float || b.is_float)
		return fx_of_float(floor(number_double(a) / number_double(b)));
	if (a.i == INT64_MIN && b.i == -1)
		return too_large(at);
	return fx_of_int(a.i / b.i - (a.i % b.i && (a.i < 0) != (b.i < 0)));
}

static const struct {
	const char *name;
	fxv (*compute)(const struct fx_loc *at, struct number a,
		       struct number b);
} rows[] = {
	{ "eq", eq }, { "lt", lt }, { "le", le }, { "gt", gt }, { "ge", ge },
	{ "add", add }, { "sub", sub }, { "mul", mul },
	{ "truediv", truediv }, { "floordiv", floordiv },
};

bool numbers_compute(const struct fx_function *fn, const struct fx_loc *at,
		     const fxv *args, fxv *ret)
{
	struct number a, b;

	if (fn->n_tensors != 2 || args[0].kind == FX_VALUE_TENSOR ||
	    args[1].kind == FX_VALUE_TENSOR)
		return false;
	a = number_of(args[0]);
	b = number_of(args[1]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, fn->name) || !a.known || !b.known)
			continue;
		*ret = rows[i].compute(at, a, b);
		return true;
	}
	return false;
}
