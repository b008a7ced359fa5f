// SPDX-License-Identifier: MIT
/*
 * Arrays that are made rather than computed from others' elements: shapes,
 * constants, ranges, one-hot rows, identity matrices, and the places where
 * something is not zero.
 */
#include <math.h>

#include "array.h"

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* Dimensions [start, end) of the shape, counted as Python does. */
static void shape_bounds(const struct fxq_call *call, int64_t *start,
			 int64_t *end)
{
	int64_t rank = call->in[0].rank;

	*start = arr_int(call, "start", 0);
	*end = arr_int(call, "end", rank);
	*start = clamp(*start < 0 ? *start + rank : *start, 0, rank);
	*end = clamp(*end < 0 ? *end + rank : *end, *start, rank);
}

int infer_shape(struct fxq_call *call)
{
	int64_t start, end, n;

	shape_bounds(call, &start, &end);
	n = end - start;
	return arr_set_out(call, 0, FXQ_DTYPE_I64, 1, &n);
}

ARR_TYPE_KERNEL(shape)
{
	int64_t *y = call->out[0].data;
	int64_t start, end;

	shape_bounds(call, &start, &end);
	for (int64_t d = start; d < end; d++)
		y[d - start] = call->in[0].dims[d];
	return 0;
}

int infer_size(struct fxq_call *call)
{
	return arr_set_out(call, 0, FXQ_DTYPE_I64, 0, NULL);
}

ARR_TYPE_KERNEL(size)
{
	*(int64_t *)call->out[0].data = fxq_tensor_count(&call->in[0]);
	return 0;
}

static void fill(const struct fxq_tensor *t, const void *value)
{
	int64_t n = fxq_tensor_count(t);
	size_t bytes = fxq_dtype_bytes(t->dtype);

	for (int64_t i = 0; i < n; i++)
		memcpy((char *)t->data + i * bytes, value, bytes);
}

int infer_constant_of_shape(struct fxq_call *call)
{
	int64_t dtype = arr_int(call, "dtype", FXQ_DTYPE_F32);
	int64_t dims[FXQ_MAX_RANK];
	const struct fxq_tensor *t = &call->in[0];
	int64_t rank = fxq_tensor_count(t);

	if (t->rank > 1 || rank > FXQ_MAX_RANK ||
	    (t->dtype != FXQ_DTYPE_I64 && t->dtype != FXQ_DTYPE_I32))
		return arr_refuse(call, -EINVAL,
				  "the shape must be at most %d integers",
				  FXQ_MAX_RANK);
	if (!t->data && rank)
		return arr_refuse(call, -ENODATA,
				  "the shape is known only when the model runs");
	if (dtype <= FXQ_DTYPE_NONE || dtype >= FXQ_DTYPE_COUNT)
		return arr_refuse(call, -EINVAL, "there is no type %lld",
				  (long long)dtype);

	for (int64_t d = 0; d < rank; d++)
		dims[d] = arr_index(t, d);
	return arr_set_out(call, 0, dtype, rank, dims);
}

ARR_KERNEL(constant_of_shape)
{
	uint64_t value = 0;

	arr_put(&value, call->out[0].dtype, arr_float(call, "value", 0));
	fill(&call->out[0], &value);
	return 0;
}

int infer_range(struct fxq_call *call)
{
	const struct fxq_tensor *in = call->in;
	double start, limit, delta, n;
	int64_t count;

	for (int i = 0; i < 3; i++) {
		if (fxq_tensor_count(&in[i]) != 1 ||
		    in[i].dtype != in[0].dtype)
			return arr_refuse(call, -EINVAL,
					  "start, limit and delta must be single values of one type");
		if (!in[i].data)
			return arr_refuse(call, -ENODATA,
					  "the bounds are known only when the model runs");
	}
	start = arr_value(&in[0], 0);
	limit = arr_value(&in[1], 0);
	delta = arr_value(&in[2], 0);
	n = ceil((limit - start) / delta);
	if (!(delta != 0) || isnan(n) || n > 1e12)
		return arr_refuse(call, -EINVAL,
				  "from %g to %g by %g has no end",
				  start, limit, delta);

	count = n < 0 ? 0 : (int64_t)n;
	return arr_set_out(call, 0, in[0].dtype, 1, &count);
}

ARR_KERNEL(range)
{
	const struct fxq_tensor *in = call->in, *out = &call->out[0];
	union arr_block start, delta, b;
	enum arr_kind kind;

	kind = arr_load(&start, &in[0], 0, 1);
	arr_load(&delta, &in[2], 0, 1);
	for (int64_t i = 0; i < out->dims[0]; i++) {
		if (kind == ARR_FLOAT)
			b.f[0] = start.f[0] + (double)i * delta.f[0];
		else
			b.u[0] = start.u[0] + (uint64_t)i * delta.u[0];
		arr_store(&b, kind, out, i, 1);
	}
	return 0;
}

/* Inputs: indices, depth (one value), values (off, on). */
int infer_one_hot(struct fxq_call *call)
{
	const struct fxq_tensor *index = &call->in[0], *depth = &call->in[1];
	int64_t dims[FXQ_MAX_RANK + 1];
	uint32_t dim;
	double n;
	int ret;

	if (fxq_tensor_count(depth) != 1 || fxq_tensor_count(&call->in[2]) != 2)
		return arr_refuse(call, -EINVAL,
				  "one depth and two values are needed");
	ret = arr_dim(call, "dim", -1, index->rank + 1, &dim);
	if (ret)
		return ret;
	if (!depth->data)
		return arr_refuse(call, -ENODATA,
				  "the depth is known only when the model runs");
	n = arr_value(depth, 0);
	if (!(n >= 0 && n < 1e12))
		return arr_refuse(call, -EINVAL, "a depth of %g", n);

	for (uint32_t d = 0; d <= index->rank; d++)
		dims[d] = d == dim ? (int64_t)n : index->dims[d - (d > dim)];
	return arr_set_out(call, 0, call->in[2].dtype, index->rank + 1, dims);
}

ARR_KERNEL(one_hot)
{
	const struct fxq_tensor *index = &call->in[0], *out = &call->out[0];
	size_t bytes = fxq_dtype_bytes(out->dtype);
	const char *values = call->in[2].data;
	int64_t inner, depth, n = fxq_tensor_count(index);
	uint32_t dim;

	if (arr_dim(call, "dim", -1, out->rank, &dim))
		return -EINVAL;
	depth = out->dims[dim];
	inner = arr_product(out->dims, dim + 1, out->rank);
	fill(out, values);

	for (int64_t i = 0; i < n; i++) {
		double v = floor(arr_value(index, i));
		int64_t at = i / inner * depth * inner + i % inner;

		/* An index beyond the depth leaves its row off. */
		if (!(v >= -(double)depth && v < (double)depth))
			continue;
		at += ((int64_t)v + (v < 0 ? depth : 0)) * inner;
		memcpy((char *)out->data + at * bytes, values + bytes, bytes);
	}
	return 0;
}

int infer_eye_like(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t dtype = arr_int(call, "dtype", t->dtype);

	if (t->rank != 2 || dtype <= FXQ_DTYPE_NONE ||
	    dtype >= FXQ_DTYPE_COUNT)
		return arr_refuse(call, -EINVAL,
				  "operand has rank %u, a matrix is needed",
				  t->rank);
	return arr_set_out(call, 0, dtype, 2, t->dims);
}

ARR_TYPE_KERNEL(eye_like)
{
	const struct fxq_tensor *out = &call->out[0];
	int64_t h = out->dims[0], w = out->dims[1];
	int64_t k = clamp(arr_int(call, "k", 0), -h, w);
	size_t bytes = fxq_dtype_bytes(out->dtype);
	uint64_t one = 0;

	arr_put(&one, out->dtype, 1);
	memset(out->data, 0, fxq_tensor_bytes(out));
	for (int64_t y = 0; y < h; y++)
		if (y + k >= 0 && y + k < w)
			memcpy((char *)out->data + (y * w + y + k) * bytes,
			       &one, bytes);
	return 0;
}

static bool is_zero(const char *at, uint32_t dtype)
{
	static const char zero[8];

	if (dtype == FXQ_DTYPE_F32)
		return *(const float *)at == 0;
	if (dtype == FXQ_DTYPE_F64)
		return *(const double *)at == 0;
	return !memcmp(at, zero, fxq_dtype_bytes(dtype));
}

/* Coordinates of what is not zero, as (rank, found). */
int infer_nonzero(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	size_t bytes = fxq_dtype_bytes(t->dtype);
	int64_t n = fxq_tensor_count(t);
	int64_t dims[2] = { t->rank ? t->rank : 1, 0 };

	if (!t->data && n)
		return arr_refuse(call, -ENODATA,
				  "how many elements are not zero is known only when the model runs");
	for (int64_t i = 0; i < n; i++)
		dims[1] += !is_zero((const char *)t->data + i * bytes,
				    t->dtype);
	return arr_set_out(call, 0, FXQ_DTYPE_I64, 2, dims);
}

ARR_KERNEL(nonzero)
{
	const struct fxq_tensor *t = &call->in[0];
	size_t bytes = fxq_dtype_bytes(t->dtype);
	int64_t at[FXQ_MAX_RANK] = { 0 };
	int64_t n = fxq_tensor_count(t), found = call->out[0].dims[1], k = 0;
	int64_t *y = call->out[0].data;

	for (int64_t i = 0; i < n; i++) {
		if (!is_zero((const char *)t->data + i * bytes, t->dtype)) {
			for (int64_t d = 0; d < call->out[0].dims[0]; d++)
				y[d * found + k] = at[d];
			k++;
		}
		arr_next(at, t->dims, t->rank);
	}
	return 0;
}
