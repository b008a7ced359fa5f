// SPDX-License-Identifier: MIT
/*
 * Comparing two arrays that are broadcast together, and logic on the result:
 * everything that takes two operands and is about truth or about bits.
 */
#include "array.h"

#define ROW(name, type, result, EXPR)					\
static void name(void *out, const void *const *in, const int *step,	\
		 int64_t n, const struct fxq_call *call)		\
{									\
	const type *a = in[0], *b = in[1];				\
	const int64_t p = step[0], q = step[1];				\
	result *restrict y = out;					\
									\
	for (int64_t i = 0; i < n; i++)					\
		y[i] = EXPR(a[i * p], b[i * q]);			\
}

#define EQUAL(a, b)		((a) == (b))
#define LESS(a, b)		((a) < (b))
#define LESS_EQUAL(a, b)	((a) <= (b))
#define GREATER(a, b)		((a) > (b))
#define GREATER_EQUAL(a, b)	((a) >= (b))
#define LOGICAL_AND(a, b)	((a) && (b))
#define LOGICAL_OR(a, b)	((a) || (b))
#define LOGICAL_XOR(a, b)	(!(a) != !(b))
#define BITWISE_AND(a, b)	((a) & (b))
#define BITWISE_OR(a, b)	((a) | (b))
#define BITWISE_XOR(a, b)	((a) ^ (b))
/* A shift by the width of the type or more leaves nothing. */
#define LEFT(a, b)		((b) < sizeof(a) * 8 ? (uint64_t)(a) << (b) : 0)
#define RIGHT(a, b)		((b) < sizeof(a) * 8 ? (a) >> (b) : 0)

#define ENTRY(op, id)	[FXQ_DTYPE_##id] = op##_##id,

#define COMPARE(op, EXPR)						\
	ROW(op##_F32, float, uint8_t, EXPR)				\
	ROW(op##_F64, double, uint8_t, EXPR)				\
	ROW(op##_I8, int8_t, uint8_t, EXPR)				\
	ROW(op##_I16, int16_t, uint8_t, EXPR)				\
	ROW(op##_I32, int32_t, uint8_t, EXPR)				\
	ROW(op##_I64, int64_t, uint8_t, EXPR)				\
	ROW(op##_U8, uint8_t, uint8_t, EXPR)				\
	ROW(op##_U16, uint16_t, uint8_t, EXPR)				\
	ROW(op##_U32, uint32_t, uint8_t, EXPR)				\
	ROW(op##_U64, uint64_t, uint8_t, EXPR)				\
	ROW(op##_BOOL, uint8_t, uint8_t, EXPR)				\
static const arr_row_fn op##_rows[FXQ_DTYPE_COUNT] = {			\
	ENTRY(op, F32) ENTRY(op, F64)					\
	ENTRY(op, I8) ENTRY(op, I16) ENTRY(op, I32) ENTRY(op, I64)	\
	ENTRY(op, U8) ENTRY(op, U16) ENTRY(op, U32) ENTRY(op, U64)	\
	ENTRY(op, BOOL)							\
};

#define LOGIC(op, EXPR)							\
	ROW(op##_BOOL, uint8_t, uint8_t, EXPR)				\
static const arr_row_fn op##_rows[FXQ_DTYPE_COUNT] = {			\
	ENTRY(op, BOOL)							\
};

/* Signs do not matter to these: one function for each width. */
#define BITS(op, EXPR)							\
	ROW(op##_1, uint8_t, uint8_t, EXPR)				\
	ROW(op##_2, uint16_t, uint16_t, EXPR)				\
	ROW(op##_4, uint32_t, uint32_t, EXPR)				\
	ROW(op##_8, uint64_t, uint64_t, EXPR)				\
static const arr_row_fn op##_rows[FXQ_DTYPE_COUNT] = {			\
	[FXQ_DTYPE_I8] = op##_1, [FXQ_DTYPE_U8] = op##_1,		\
	[FXQ_DTYPE_I16] = op##_2, [FXQ_DTYPE_U16] = op##_2,		\
	[FXQ_DTYPE_I32] = op##_4, [FXQ_DTYPE_U32] = op##_4,		\
	[FXQ_DTYPE_I64] = op##_8, [FXQ_DTYPE_U64] = op##_8,		\
};

#define SHIFTS(op, EXPR)						\
	ROW(op##_U8, uint8_t, uint8_t, EXPR)				\
	ROW(op##_U16, uint16_t, uint16_t, EXPR)				\
	ROW(op##_U32, uint32_t, uint32_t, EXPR)				\
	ROW(op##_U64, uint64_t, uint64_t, EXPR)				\
static const arr_row_fn op##_rows[FXQ_DTYPE_COUNT] = {			\
	ENTRY(op, U8) ENTRY(op, U16) ENTRY(op, U32) ENTRY(op, U64)	\
};

COMPARE(equal, EQUAL)
COMPARE(less, LESS)
COMPARE(less_equal, LESS_EQUAL)
COMPARE(greater, GREATER)
COMPARE(greater_equal, GREATER_EQUAL)
LOGIC(logical_and, LOGICAL_AND)
LOGIC(logical_or, LOGICAL_OR)
LOGIC(logical_xor, LOGICAL_XOR)
BITS(bitwise_and, BITWISE_AND)
BITS(bitwise_or, BITWISE_OR)
BITS(bitwise_xor, BITWISE_XOR)
SHIFTS(left, LEFT)
SHIFTS(right, RIGHT)

/* @result: the result's type; NONE: the operands' */
static int infer(struct fxq_call *call, const arr_row_fn *rows,
		 uint32_t result)
{
	uint32_t dtype = call->in[0].dtype, rank;
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	if (dtype != call->in[1].dtype || !rows[dtype])
		return arr_refuse(call, -EINVAL,
				  "operands are %s and %s, which do not go together here",
				  fxq_dtype_name(dtype),
				  fxq_dtype_name(call->in[1].dtype));

	ret = arr_broadcast(call, 2, &rank, dims);
	if (ret)
		return ret;

	return arr_set_out(call, 0, result ? result : dtype, rank, dims);
}

static int eval(struct fxq_call *call, const arr_row_fn *rows)
{
	arr_map(call, 2, rows[call->in[0].dtype]);
	return 0;
}

#define OPERATOR(op, result)						\
int infer_##op(struct fxq_call *call)					\
{									\
	return infer(call, op##_rows, result);				\
}									\
									\
ARR_KERNEL(op)								\
{									\
	return eval(call, op##_rows);					\
}

OPERATOR(equal, FXQ_DTYPE_BOOL)
OPERATOR(less, FXQ_DTYPE_BOOL)
OPERATOR(less_equal, FXQ_DTYPE_BOOL)
OPERATOR(greater, FXQ_DTYPE_BOOL)
OPERATOR(greater_equal, FXQ_DTYPE_BOOL)
OPERATOR(logical_and, FXQ_DTYPE_BOOL)
OPERATOR(logical_or, FXQ_DTYPE_BOOL)
OPERATOR(logical_xor, FXQ_DTYPE_BOOL)
OPERATOR(bitwise_and, FXQ_DTYPE_NONE)
OPERATOR(bitwise_or, FXQ_DTYPE_NONE)
OPERATOR(bitwise_xor, FXQ_DTYPE_NONE)

static const arr_row_fn *shift_rows(const struct fxq_call *call)
{
	return strcmp(arr_str(call, "direction", "LEFT"), "RIGHT") ?
	       left_rows : right_rows;
}

int infer_shift(struct fxq_call *call)
{
	return infer(call, shift_rows(call), FXQ_DTYPE_NONE);
}

ARR_KERNEL(shift)
{
	return eval(call, shift_rows(call));
}
