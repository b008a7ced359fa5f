// SPDX-License-Identifier: MIT
/*
 * Operators of one array that are about truth, bits or types rather than
 * about mathematics, and where, which chooses between two arrays by a third.
 */
#include <math.h>

#include "array.h"

static int infer_truth(struct fxq_call *call, bool floats)
{
	const struct fxq_tensor *t = &call->in[0];
	bool is_float = t->dtype == FXQ_DTYPE_F32 || t->dtype == FXQ_DTYPE_F64;

	if (floats ? !is_float : t->dtype != FXQ_DTYPE_BOOL)
		return arr_refuse(call, -EINVAL, "operand is %s, not %s",
				  fxq_dtype_name(t->dtype),
				  floats ? "a float" : "bool");

	return arr_set_out(call, 0, FXQ_DTYPE_BOOL, t->rank, t->dims);
}

int infer_logical_not(struct fxq_call *call)
{
	return infer_truth(call, false);
}

ARR_KERNEL(logical_not)
{
	const uint8_t *x = call->in[0].data;
	uint8_t *y = call->out[0].data;
	int64_t n = fxq_tensor_count(&call->out[0]);

	for (int64_t i = 0; i < n; i++)
		y[i] = !x[i];
	return 0;
}

int infer_isnan(struct fxq_call *call)
{
	return infer_truth(call, true);
}

ARR_KERNEL(isnan)
{
	int64_t n = fxq_tensor_count(&call->out[0]);
	uint8_t *y = call->out[0].data;

	for (int64_t i = 0; i < n; i++)
		y[i] = isnan(arr_value(&call->in[0], i)) != 0;
	return 0;
}

int infer_isinf(struct fxq_call *call)
{
	return infer_truth(call, true);
}

ARR_KERNEL(isinf)
{
	bool negative = arr_int(call, "detect_negative", 1);
	bool positive = arr_int(call, "detect_positive", 1);
	int64_t n = fxq_tensor_count(&call->out[0]);
	uint8_t *y = call->out[0].data;

	for (int64_t i = 0; i < n; i++) {
		double v = arr_value(&call->in[0], i);

		y[i] = isinf(v) && (v < 0 ? negative : positive);
	}
	return 0;
}

int infer_bitwise_not(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];

	if (t->dtype == FXQ_DTYPE_F32 || t->dtype == FXQ_DTYPE_F64 ||
	    t->dtype == FXQ_DTYPE_BOOL)
		return arr_refuse(call, -EINVAL, "operand is %s, not an integer",
				  fxq_dtype_name(t->dtype));
	return arr_set_out(call, 0, t->dtype, t->rank, t->dims);
}

ARR_KERNEL(bitwise_not)
{
	const uint8_t *x = call->in[0].data;
	uint8_t *y = call->out[0].data;
	size_t n = fxq_tensor_bytes(&call->out[0]);

	for (size_t i = 0; i < n; i++)
		y[i] = ~x[i];
	return 0;
}

#define WHERE(type)							\
static void where_##type(void *out, const void *const *in, const int *step,\
			 int64_t n, const struct fxq_call *call)	\
{									\
	const uint8_t *c = in[0];					\
	const type *a = in[1], *b = in[2];				\
	const int64_t p = step[0], q = step[1], r = step[2];		\
	type *restrict y = out;						\
									\
	for (int64_t i = 0; i < n; i++)					\
		y[i] = c[i * p] ? a[i * q] : b[i * r];			\
}

WHERE(uint8_t)
WHERE(uint16_t)
WHERE(uint32_t)
WHERE(uint64_t)

int infer_where(struct fxq_call *call)
{
	const struct fxq_tensor *in = call->in;
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank;
	int ret;

	if (in[0].dtype != FXQ_DTYPE_BOOL || in[1].dtype != in[2].dtype)
		return arr_refuse(call, -EINVAL,
				  "operands are %s, %s and %s; a bool and two of one type are needed",
				  fxq_dtype_name(in[0].dtype),
				  fxq_dtype_name(in[1].dtype),
				  fxq_dtype_name(in[2].dtype));

	ret = arr_broadcast(call, 3, &rank, dims);
	if (ret)
		return ret;

	return arr_set_out(call, 0, in[1].dtype, rank, dims);
}

ARR_KERNEL(where)
{
	switch (fxq_dtype_bytes(call->out[0].dtype)) {
	case 1:
		arr_map(call, 3, where_uint8_t);
		break;
	case 2:
		arr_map(call, 3, where_uint16_t);
		break;
	case 4:
		arr_map(call, 3, where_uint32_t);
		break;
	default:
		arr_map(call, 3, where_uint64_t);
	}
	return 0;
}
