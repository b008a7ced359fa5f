// SPDX-License-Identifier: MIT
/*
 * Concat and split, which are each other's reverse: along one dimension,
 * whole slabs are copied.
 */
#include "array.h"

int infer_concat(struct fxq_call *call)
{
	const struct fxq_tensor *first = &call->in[0];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t dim;
	int ret;

	if (!call->n_in)
		return arr_refuse(call, -EINVAL, "nothing to concatenate");
	ret = arr_dim(call, "dim", 0, first->rank, &dim);
	if (ret)
		return ret;
	if (!first->rank)
		return arr_refuse(call, -EINVAL,
				  "tensors without dimensions cannot be concatenated");

	memcpy(dims, first->dims, sizeof(dims));
	for (uint32_t i = 1; i < call->n_in; i++) {
		const struct fxq_tensor *t = &call->in[i];

		if (t->dtype != first->dtype || t->rank != first->rank)
			return arr_refuse(call, -EINVAL,
					  "tensor %u is %s of rank %u, the first %s of rank %u",
					  i, fxq_dtype_name(t->dtype), t->rank,
					  fxq_dtype_name(first->dtype),
					  first->rank);
		for (uint32_t d = 0; d < t->rank; d++)
			if (d != dim && t->dims[d] != dims[d])
				return arr_refuse(call, -EINVAL,
						  "dimension %u of tensor %u is %lld, of the first %lld",
						  d, i, (long long)t->dims[d],
						  (long long)dims[d]);
		if (__builtin_add_overflow(dims[dim], t->dims[dim],
					   &dims[dim]))
			return arr_refuse(call, -EOVERFLOW,
					  "the result overflows");
	}
	return arr_set_out(call, 0, first->dtype, first->rank, dims);
}

/* Bytes from dimension @dim inwards. */
static int64_t row_bytes(const struct fxq_tensor *t, uint32_t dim)
{
	return arr_product(t->dims, dim, t->rank) * fxq_dtype_bytes(t->dtype);
}

ARR_KERNEL(concat)
{
	const struct fxq_tensor *out = &call->out[0];
	int64_t rows, step, at = 0;
	uint32_t dim;
	int ret;

	ret = arr_dim(call, "dim", 0, out->rank, &dim);
	if (ret)
		return ret;

	rows = arr_product(out->dims, 0, dim);
	step = row_bytes(out, dim);
	for (uint32_t i = 0; i < call->n_in; i++) {
		int64_t bytes = row_bytes(&call->in[i], dim);

		if (!bytes)
			continue;
		for (int64_t r = 0; r < rows; r++)
			memcpy((char *)out->data + r * step + at,
			       (const char *)call->in[i].data + r * bytes,
			       bytes);
		at += bytes;
	}
	return 0;
}

/* Without sizes the parts are equal, the last one smaller if it has to be. */
int infer_split(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t size[64], dims[FXQ_MAX_RANK], left, part;
	uint32_t dim;
	int n, ret;

	ret = arr_dim(call, "dim", 0, t->rank, &dim);
	if (ret)
		return ret;
	if (!t->rank || !call->n_out)
		return arr_refuse(call, -EINVAL, "nothing to split");
	n = arr_ints(call, "sizes", 1, size, 64);
	if (n < 0 && n != -ENOENT)
		return n;
	if (n >= 0 && (uint32_t)n != call->n_out)
		return arr_refuse(call, -EINVAL,
				  "%d sizes for %u results", n, call->n_out);

	left = t->dims[dim];
	part = left / call->n_out + (left % call->n_out != 0);
	memcpy(dims, t->dims, sizeof(dims));
	for (uint32_t i = 0; i < call->n_out; i++) {
		dims[dim] = n >= 0 ? size[i] : part < left ? part : left;
		if (dims[dim] < 0 || dims[dim] > left)
			return arr_refuse(call, -EINVAL,
					  "part %u of %lld elements, %lld are left",
					  i, (long long)dims[dim],
					  (long long)left);
		left -= dims[dim];
		ret = arr_set_out(call, i, t->dtype, t->rank, dims);
		if (ret)
			return ret;
	}
	if (left)
		return arr_refuse(call, -EINVAL,
				  "the sizes leave %lld elements over",
				  (long long)left);
	return 0;
}

ARR_KERNEL(split)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t rows, step, at = 0;
	uint32_t dim;
	int ret;

	ret = arr_dim(call, "dim", 0, t->rank, &dim);
	if (ret)
		return ret;

	rows = arr_product(t->dims, 0, dim);
	step = row_bytes(t, dim);
	for (uint32_t i = 0; i < call->n_out; i++) {
		int64_t bytes = row_bytes(&call->out[i], dim);

		if (!bytes)
			continue;
		for (int64_t r = 0; r < rows; r++)
			memcpy((char *)call->out[i].data + r * bytes,
			       (const char *)t->data + r * step + at, bytes);
		at += bytes;
	}
	return 0;
}
