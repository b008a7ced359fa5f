// SPDX-License-Identifier: MIT
/*
 * Conversion between element types, a block at a time by way of the widest
 * type of the same kind. Floats are truncated towards zero and, unlike in C,
 * saturate when they do not fit an integer (NaN gives zero); integers wrap.
 */
#include <math.h>

#include "array.h"

enum arr_kind arr_load(union arr_block *b, const struct fxq_tensor *t,
		       int64_t at, int64_t n)
{
	switch (t->dtype) {
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			b->f[k] = ((const type *)t->data)[at + k];	\
		return ARR_FLOAT;
	ARR_FLOATS(X)
#undef X
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			b->i[k] = ((const type *)t->data)[at + k];	\
		return ARR_INT;
	ARR_SIGNED(X)
#undef X
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			b->u[k] = ((const type *)t->data)[at + k];	\
		return ARR_UINT;
	ARR_UNSIGNED(X)
#undef X
	default:
		for (int64_t k = 0; k < n; k++)
			b->u[k] = ((const uint8_t *)t->data)[at + k] != 0;
		return ARR_UINT;
	}
}

/* Limits are powers of two, so they are exact in double. */
static int64_t to_signed(double v, int bits)
{
	double limit = ldexp(1.0, bits - 1);

	if (isnan(v))
		return 0;
	if (v >= limit)
		return (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
	if (v < -limit)
		return bits == 64 ? INT64_MIN : -((int64_t)1 << (bits - 1));
	return (int64_t)v;
}

static uint64_t to_unsigned(double v, int bits)
{
	if (isnan(v) || v <= 0)
		return 0;
	if (v >= ldexp(1.0, bits))
		return UINT64_MAX >> (64 - bits);
	return (uint64_t)v;
}

void arr_store(const union arr_block *b, enum arr_kind kind,
	       const struct fxq_tensor *t, int64_t at, int64_t n)
{
	switch (t->dtype) {
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			((type *)t->data)[at + k] =			\
				kind == ARR_FLOAT ? (type)b->f[k] :	\
				kind == ARR_INT ? (type)b->i[k] :	\
				(type)b->u[k];				\
		return;
	ARR_FLOATS(X)
#undef X
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			((type *)t->data)[at + k] = kind != ARR_FLOAT ?	\
				(type)b->i[k] :				\
				(type)to_signed(b->f[k], sizeof(type) * 8);	\
		return;
	ARR_SIGNED(X)
#undef X
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		for (int64_t k = 0; k < n; k++)				\
			((type *)t->data)[at + k] = kind != ARR_FLOAT ?	\
				(type)b->u[k] :				\
				(type)to_unsigned(b->f[k], sizeof(type) * 8);\
		return;
	ARR_UNSIGNED(X)
#undef X
	default:
		for (int64_t k = 0; k < n; k++)
			((uint8_t *)t->data)[at + k] =
				kind == ARR_FLOAT ? b->f[k] != 0 : b->u[k] != 0;
	}
}

void arr_put(void *to, uint32_t dtype, double v)
{
	struct fxq_tensor t = { .dtype = dtype, .data = to };
	union arr_block b;

	b.f[0] = v;
	arr_store(&b, ARR_FLOAT, &t, 0, 1);
}

int infer_cast(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t to = arr_int(call, "to", FXQ_DTYPE_NONE);

	if (to <= FXQ_DTYPE_NONE || to >= FXQ_DTYPE_COUNT)
		return arr_refuse(call, -EINVAL, "there is no type %lld",
				  (long long)to);
	return arr_set_out(call, 0, to, t->rank, t->dims);
}

ARR_KERNEL(cast)
{
	int64_t n = fxq_tensor_count(&call->out[0]);
	union arr_block b;

	if (call->in[0].dtype == call->out[0].dtype) {
		if (n)
			memcpy(call->out[0].data, call->in[0].data,
			       fxq_tensor_bytes(&call->out[0]));
		return 0;
	}
	for (int64_t at = 0; at < n; at += ARR_BLOCK) {
		int64_t count = n - at < ARR_BLOCK ? n - at : ARR_BLOCK;
		enum arr_kind kind = arr_load(&b, &call->in[0], at, count);

		arr_store(&b, kind, &call->out[0], at, count);
	}
	return 0;
}
