// SPDX-License-Identifier: MIT
/*
 * convert.c - elements of one type as elements of another
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <fxq/fx.h>

#include "io.h"

const char *type_text(const struct fxq_tensor *t, char text[TYPE_TEXT_MAX])
{
	int n = snprintf(text, TYPE_TEXT_MAX, "%s%s", fxq_dtype_name(t->dtype),
			 t->rank ? " " : "");

	for (uint32_t i = 0; i < t->rank && i < FXQ_MAX_RANK; i++)
		n += snprintf(text + n, TYPE_TEXT_MAX - n, "%s%" PRId64,
			      i ? "x" : "", t->dims[i]);
	return text;
}

/* X(id, C type) of what becomes a float32. */
#define NUMBERS(X)	\
	X(I8, int8_t) X(U8, uint8_t) X(I16, int16_t) X(U16, uint16_t) \
	X(I32, int32_t) X(U32, uint32_t) X(I64, int64_t) X(U64, uint64_t) \
	X(BOOL, uint8_t) X(F64, double)

static void to_float(const struct fxq_tensor *from, float *to)
{
	int64_t n = fxq_tensor_count(from);

	switch (from->dtype) {
#define X(id, type)						\
	case FXQ_DTYPE_##id:					\
		for (int64_t i = 0; i < n; i++)			\
			to[i] = ((const type *)from->data)[i];	\
		break;
	NUMBERS(X)
#undef X
	}
}

int tensor_convert(const char *name, const struct fxq_tensor *from,
		   uint32_t dtype, struct fxq_tensor *ret)
{
	struct fxq_tensor t = *from;

	t.dtype = dtype;
	t.scale = 0;
	t.zero_point = 0;
	if (dtype != from->dtype && dtype != FXQ_DTYPE_F32)
		return io_fail(-EINVAL,
			       "%s: its elements are %s and must be %s; save x.astype('%s')",
			       name, fxq_dtype_name(from->dtype),
			       fxq_dtype_name(dtype), fxq_dtype_name(dtype));
	if (fxq_tensor_alloc(&t))
		return io_fail_memory(name);
	if (dtype == from->dtype)
		memcpy(t.data, from->data, fxq_tensor_bytes(&t));
	else
		to_float(from, t.data);
	*ret = t;
	return 0;
}
