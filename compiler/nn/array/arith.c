// SPDX-License-Identifier: MIT
/*
 * Arithmetic of two arrays that are broadcast together. Integers wrap around,
 * as numpy has it; a division by the integer zero gives zero. What the values
 * are is decided by the macros on top, one for floats and one for integers;
 * the rest makes a row function of each operation for each type.
 */
#include <math.h>

#include "array.h"

#define ADD_F(a, b)	((a) + (b))
#define SUB_F(a, b)	((a) - (b))
#define MUL_F(a, b)	((a) * (b))
#define DIV_F(a, b)	((a) / (b))
/* A NaN on either side is the answer. */
#define MINIMUM_F(a, b)	((a) < (b) || (a) != (a) ? (a) : (b))
#define MAXIMUM_F(a, b)	((a) > (b) || (a) != (a) ? (a) : (b))
#define FMOD_F(a, b)	fmod(a, b)
#define MOD_F(a, b)	float_mod(a, b)

#define ADD_I(a, b)	((uint64_t)(a) + (uint64_t)(b))
#define SUB_I(a, b)	((uint64_t)(a) - (uint64_t)(b))
#define MUL_I(a, b)	((uint64_t)(a) * (uint64_t)(b))
#define MINIMUM_I(a, b)	((a) < (b) ? (a) : (b))
#define MAXIMUM_I(a, b)	((a) > (b) ? (a) : (b))
/* The quotient of the lowest value and -1 does not exist: it wraps too. */
#define NEGATIVE1(b)	((b) < 1 && (b) + 1 == 0)
#define DIV_S(a, b)	(!(b) ? 0 : NEGATIVE1(b) ? 0 - (uint64_t)(a) : \
			 (uint64_t)((a) / (b)))
#define DIV_U(a, b)	(!(b) ? 0 : (a) / (b))
#define FMOD_S(a, b)	(!(b) || NEGATIVE1(b) ? 0 : (a) % (b))
#define FMOD_U(a, b)	(!(b) ? 0 : (a) % (b))
#define MOD_S(a, b)	(!(b) || NEGATIVE1(b) ? 0 : int_mod(a, b))
#define MOD_U(a, b)	FMOD_U(a, b)

/* The remainder that has the divisor's sign. */
static double float_mod(double a, double b)
{
	double r = fmod(a, b);

	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t int_mod(int64_t a, int64_t b)
{
	int64_t r = a % b;

	return r && (r < 0) != (b < 0) ? r + b : r;
}

#define ROW(op, id, type, EXPR)						\
static void op##_##id(void *out, const void *const *in, const int *step,	\
		      int64_t n, const struct fxq_call *call)		\
{									\
	const type *a = in[0], *b = in[1];				\
	type *restrict y = out;						\
									\
	if (step[0] && step[1]) {					\
		for (int64_t i = 0; i < n; i++)				\
			y[i] = (type)EXPR(a[i], b[i]);			\
	} else if (step[0]) {						\
		const type v = b[0];					\
									\
		for (int64_t i = 0; i < n; i++)				\
			y[i] = (type)EXPR(a[i], v);			\
	} else {							\
		const type v = a[0];					\
									\
		for (int64_t i = 0; i < n; i++)				\
			y[i] = (type)EXPR(v, b[i]);			\
	}								\
}

/* X(op, expression for floats, for signed and for unsigned integers) */
#define OPS(X)							\
	X(add, ADD_F, ADD_I, ADD_I)				\
	X(sub, SUB_F, SUB_I, SUB_I)				\
	X(mul, MUL_F, MUL_I, MUL_I)				\
	X(div, DIV_F, DIV_S, DIV_U)				\
	X(minimum, MINIMUM_F, MINIMUM_I, MINIMUM_I)		\
	X(maximum, MAXIMUM_F, MAXIMUM_I, MAXIMUM_I)		\
	X(mod, MOD_F, MOD_S, MOD_U)				\
	X(fmod, FMOD_F, FMOD_S, FMOD_U)

#define ROWS(op, F, S, U)						\
	ROW(op, F32, float, F) ROW(op, F64, double, F)			\
	ROW(op, I8, int8_t, S) ROW(op, I16, int16_t, S)			\
	ROW(op, I32, int32_t, S) ROW(op, I64, int64_t, S)		\
	ROW(op, U8, uint8_t, U) ROW(op, U16, uint16_t, U)		\
	ROW(op, U32, uint32_t, U) ROW(op, U64, uint64_t, U)		\
static const arr_row_fn op##_rows[FXQ_DTYPE_COUNT] = {			\
	[FXQ_DTYPE_F32] = op##_F32, [FXQ_DTYPE_F64] = op##_F64,		\
	[FXQ_DTYPE_I8] = op##_I8, [FXQ_DTYPE_I16] = op##_I16,		\
	[FXQ_DTYPE_I32] = op##_I32, [FXQ_DTYPE_I64] = op##_I64,		\
	[FXQ_DTYPE_U8] = op##_U8, [FXQ_DTYPE_U16] = op##_U16,		\
	[FXQ_DTYPE_U32] = op##_U32, [FXQ_DTYPE_U64] = op##_U64,		\
};
OPS(ROWS)

static int infer(struct fxq_call *call)
{
	uint32_t dtype = call->in[0].dtype, rank;
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	if (dtype == FXQ_DTYPE_BOOL || dtype == FXQ_DTYPE_NONE)
		return arr_refuse(call, -EINVAL, "%s has no arithmetic",
				  fxq_dtype_name(dtype));

	ret = arr_broadcast(call, 2, &rank, dims);
	if (ret)
		return ret;

	return arr_set_out(call, 0, dtype, rank, dims);
}

static int infer_same_type(struct fxq_call *call)
{
	if (call->in[0].dtype != call->in[1].dtype)
		return arr_refuse(call, -EINVAL, "operands are %s and %s",
				  fxq_dtype_name(call->in[0].dtype),
				  fxq_dtype_name(call->in[1].dtype));
	return infer(call);
}

static int eval(struct fxq_call *call, const arr_row_fn *rows)
{
	arr_map(call, 2, rows[call->in[0].dtype]);
	return 0;
}

#define BINARY(op)							\
int infer_##op(struct fxq_call *call)					\
{									\
	return infer_same_type(call);					\
}									\
									\
ARR_KERNEL(op)								\
{									\
	return eval(call, op##_rows);					\
}

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(minimum)
BINARY(maximum)

int infer_mod(struct fxq_call *call)
{
	return infer_same_type(call);
}

ARR_KERNEL(mod)
{
	return eval(call, arr_int(call, "fmod", 0) ? fmod_rows : mod_rows);
}
