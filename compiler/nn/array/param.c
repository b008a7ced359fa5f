// SPDX-License-Identifier: MIT
/*
 * Reading the parameters of a call. Array operators take most of them either
 * as an attribute or as a tensor, and everything they take may come from a
 * file that nobody vouches for; so ranges are checked here, once.
 */
#include <stdarg.h>
#include <stdio.h>

#include "array.h"

/* Beyond this many bytes a result is a mistake in the file, not a tensor. */
#define RESULT_MAX	((int64_t)1 << 40)

int arr_refuse(struct fxq_call *call, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, ap);
	va_end(ap);
	return err;
}

bool arr_has(const struct fxq_call *call, uint32_t i)
{
	return i < call->n_in && call->in[i].dtype != FXQ_DTYPE_NONE;
}

int64_t arr_int(const struct fxq_call *call, const char *name, int64_t def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == FXQ_ATTR_INT ? a->i : def;
}

double arr_float(const struct fxq_call *call, const char *name, double def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	if (a && a->type == FXQ_ATTR_FLOAT)
		return a->f;
	if (a && a->type == FXQ_ATTR_INT)
		return a->i;
	return def;
}

const char *arr_str(const struct fxq_call *call, const char *name,
		    const char *def)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	return a && a->type == FXQ_ATTR_STRING ? a->s : def;
}

int64_t arr_index(const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		return (int64_t)((const type *)t->data)[i];
	ARR_INTS(X)
#undef X
	default:
		return ((const uint8_t *)t->data)[i];
	}
}

double arr_value(const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		return ((const float *)t->data)[i];
	case FXQ_DTYPE_F64:
		return ((const double *)t->data)[i];
	case FXQ_DTYPE_U64:
		return ((const uint64_t *)t->data)[i];
	default:
		return arr_index(t, i);
	}
}

static int ints_of_tensor(struct fxq_call *call, const char *name,
			  uint32_t input, int64_t *v, uint32_t max)
{
	const struct fxq_tensor *t = &call->in[input];
	int64_t n = fxq_tensor_count(t);

	if (t->rank > 1 || n > max)
		return arr_refuse(call, -EINVAL,
				  "%s has %lld elements, at most %u make sense",
				  name, (long long)n, max);
	if (!t->data && n)
		return arr_refuse(call, -ENODATA,
				  "the values of %s are known only when the model runs",
				  name);

	if (t->dtype == FXQ_DTYPE_F32 || t->dtype == FXQ_DTYPE_F64)
		return arr_refuse(call, -EINVAL, "%s must be integers", name);

	for (int64_t i = 0; i < n; i++)
		v[i] = arr_index(t, i);
	return n;
}

int arr_ints(struct fxq_call *call, const char *name, uint32_t input,
	     int64_t *v, uint32_t max)
{
	const struct fxq_attr *a = fxq_call_attr(call, name);

	if (!a && input && arr_has(call, input))
		return ints_of_tensor(call, name, input, v, max);
	if (!a)
		return -ENOENT;

	if (a->type == FXQ_ATTR_INT) {
		v[0] = a->i;
		return 1;
	}
	if (a->type == FXQ_ATTR_FLOATS && !a->count)
		return 0;
	if (a->type != FXQ_ATTR_INTS || a->count > max)
		return arr_refuse(call, -EINVAL,
				  "%s must be at most %u integers", name, max);
	for (uint32_t i = 0; i < a->count; i++)
		v[i] = a->ints[i];
	return a->count;
}

int arr_wrap_dim(struct fxq_call *call, int64_t v, uint32_t rank,
		 uint32_t *ret)
{
	/* A tensor without dimensions is addressed as if it had one. */
	int64_t span = rank ? rank : 1;

	if (v < -span || v >= span)
		return arr_refuse(call, -EINVAL,
				  "dimension %lld of a tensor of rank %u",
				  (long long)v, rank);
	*ret = v < 0 ? v + span : v;
	return 0;
}

int arr_dim(struct fxq_call *call, const char *name, int64_t def,
	    uint32_t rank, uint32_t *ret)
{
	return arr_wrap_dim(call, arr_int(call, name, def), rank, ret);
}

int arr_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		uint32_t rank, const int64_t *dims)
{
	int64_t bytes = fxq_dtype_bytes(dtype);
	struct fxq_tensor *t = &call->out[i];

	if (rank > FXQ_MAX_RANK)
		return arr_refuse(call, -EINVAL,
				  "the result would have %u dimensions, at most %d are possible",
				  rank, FXQ_MAX_RANK);

	t->dtype = dtype;
	t->rank = rank;
	memset(t->dims, 0, sizeof(t->dims));
	for (uint32_t d = 0; d < rank; d++) {
		if (dims[d] < 0)
			return arr_refuse(call, -EINVAL,
					  "dimension %u of the result would be %lld",
					  d, (long long)dims[d]);
		if (__builtin_mul_overflow(bytes, dims[d], &bytes) ||
		    bytes > RESULT_MAX)
			return arr_refuse(call, -EOVERFLOW,
					  "the result would be larger than 2^40 bytes");
		t->dims[d] = dims[d];
	}
	return 0;
}

#define RESULTS_MAX	64

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	if (a->dtype != b->dtype || a->rank != b->rank)
		return false;
	for (uint32_t d = 0; d < a->rank; d++)
		if (a->dims[d] != b->dims[d])
			return false;
	return true;
}

int arr_begin(struct fxq_call *call, fxq_call_fn infer, bool reads)
{
	struct fxq_tensor out[RESULTS_MAX] = { 0 };
	struct fxq_call again = *call;
	int ret;

	for (uint32_t i = 0; reads && i < call->n_in; i++)
		if (arr_has(call, i) && !call->in[i].data)
			return arr_refuse(call, -EINVAL,
					  "tensor %u has no data", i);
	if (call->n_out > RESULTS_MAX)
		return arr_refuse(call, -EINVAL, "%u results are wanted",
				  call->n_out);

	again.out = out;
	ret = infer(&again);
	memcpy(call->error, again.error, sizeof(call->error));
	for (uint32_t i = 0; i < call->n_out && !ret; i++)
		if (!call->out[i].data || !same_type(&call->out[i], &out[i]))
			ret = arr_refuse(call, -EINVAL,
					 "result %u has another type than the operator gives",
					 i);
	return ret;
}

int arr_need_index(struct fxq_call *call, uint32_t i)
{
	uint32_t dtype = call->in[i].dtype;

	if (dtype == FXQ_DTYPE_I64 || dtype == FXQ_DTYPE_I32)
		return 0;
	return arr_refuse(call, -EINVAL,
			  "indices are %s, they must be int32 or int64",
			  fxq_dtype_name(dtype));
}

int64_t arr_product(const int64_t *dims, uint32_t from, uint32_t to)
{
	int64_t n = 1;

	for (uint32_t d = from; d < to; d++)
		n *= dims[d];
	return n;
}

void arr_next(int64_t *at, const int64_t *dims, uint32_t rank)
{
	for (uint32_t d = rank; d-- > 0; ) {
		if (++at[d] < dims[d])
			return;
		at[d] = 0;
	}
}
