// SPDX-License-Identifier: MIT
/*
 * accessor.c - the ways from a value to C's numbers and truths
 *
 * A tensor of one element is the number it holds. Under the tracer a traced
 * value has no number yet: asking is the error that torch gives, and the answer
 * is 0, so that the forward runs to its end and can return the error.
 */
#include <errno.h>
#include <inttypes.h>

#include "nn_priv.h"

struct number number_of_element(const struct fxq_tensor *t)
{
	struct number n = { .known = true };

	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		n.is_float = true;
		n.f = *(const float *)t->data;
		return n;
	case FXQ_DTYPE_F64:
		n.is_float = true;
		n.f = *(const double *)t->data;
		return n;
	case FXQ_DTYPE_I64:
		n.i = *(const int64_t *)t->data;
		return n;
	case FXQ_DTYPE_I32:
		n.i = *(const int32_t *)t->data;
		return n;
	case FXQ_DTYPE_I8:
		n.i = *(const int8_t *)t->data;
		return n;
	case FXQ_DTYPE_U8:
	case FXQ_DTYPE_BOOL:
		n.i = *(const uint8_t *)t->data;
		return n;
	default:
		return (struct number){ 0 };
	}
}

struct number number_of(fxv v)
{
	switch (v.kind) {
	case FX_VALUE_BOOL:
		return (struct number){ .known = true, .i = v.b };
	case FX_VALUE_INT:
		return (struct number){ .known = true, .i = v.i };
	case FX_VALUE_FLOAT:
		return (struct number){ .known = true, .is_float = true,
					.f = v.f };
	case FX_VALUE_TENSOR:
		if (v.tensor->t.data && fxq_tensor_count(&v.tensor->t) == 1)
			return number_of_element(&v.tensor->t);
		return (struct number){ 0 };
	default:
		return (struct number){ 0 };
	}
}

/* Poisons the forward that runs, if one does and @v is no poison already. */
static void poison_for(const struct fx_loc *at, fxv v, const char *class,
		       const char *traced)
{
	if (!context.scope)
		return;
	if (v.kind == FX_VALUE_NODE)
		raise_error(at, class, "%s", traced);
	else if (v.kind == FX_VALUE_TENSOR)
		raise_error(at, VALUE_ERROR,
			    "a tensor of %" PRId64 " elements is no single number",
			    fxq_tensor_count(&v.tensor->t));
	else if (v.kind != FX_VALUE_POISON)
		raise_error(at, TYPE_ERROR, "this value is no number");
}

int64_t fx_int_at(const struct fx_loc *at, fxv v)
{
	struct number n = number_of(v);

	if (n.known && !n.is_float)
		return n.i;
	if (n.known && n.f > -0x1p63 && n.f < 0x1p63)
		return n.f;
	poison_for(at, v, TYPE_ERROR, "int() argument must be a string, a bytes-like object or a real number, not 'Proxy'");
	return 0;
}

double fx_float_at(const struct fx_loc *at, fxv v)
{
	struct number n = number_of(v);

	if (n.known)
		return n.is_float ? n.f : (double)n.i;
	poison_for(at, v, TYPE_ERROR, "float() argument must be a string or a real number, not 'Proxy'");
	return 0;
}

bool fx_truth_at(const struct fx_loc *at, fxv v)
{
	struct number n = number_of(v);

	if (n.known)
		return flag_of_trace(at, n.is_float ? n.f != 0 : n.i != 0);
	if (v.kind == FX_VALUE_NONE)
		return false;
	if (v.kind == FX_VALUE_STR)
		return v.s && *v.s;
	if (v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST)
		return v.tuple->n;
	poison_for(at, v, TRACE_ERROR, "symbolically traced variables cannot be used as inputs to control flow");
	return false;
}
