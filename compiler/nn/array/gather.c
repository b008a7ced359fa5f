// SPDX-License-Identifier: MIT
/*
 * Reading by index: along one dimension, element by element, and by
 * coordinates. Negative indices count from the end; one that is out of range
 * is refused.
 */
#include "array.h"

/* Index @i of tensor @t into @dim elements; -1: out of range, and refused. */
static int64_t index_at(struct fxq_call *call, const struct fxq_tensor *t,
			int64_t i, int64_t dim)
{
	int64_t v = arr_index(t, i);

	if (v < -dim || v >= dim) {
		arr_refuse(call, -EINVAL, "index %lld of %lld elements",
			   (long long)v, (long long)dim);
		return -1;
	}
	return v < 0 ? v + dim : v;
}

int infer_gather(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t dims[2 * FXQ_MAX_RANK];
	uint32_t dim, rank = 0;
	int ret;

	ret = arr_dim(call, "dim", 0, t->rank, &dim);
	if (!ret)
		ret = arr_need_index(call, 1);
	if (ret)
		return ret;
	if (!t->rank)
		return arr_refuse(call, -EINVAL,
				  "a tensor without dimensions cannot be indexed");

	for (uint32_t d = 0; d < dim; d++)
		dims[rank++] = t->dims[d];
	for (uint32_t d = 0; d < index->rank; d++)
		dims[rank++] = index->dims[d];
	for (uint32_t d = dim + 1; d < t->rank; d++)
		dims[rank++] = t->dims[d];
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(gather)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t n = fxq_tensor_count(index), outer, inner;
	char *to = call->out[0].data;
	uint32_t dim;

	if (arr_dim(call, "dim", 0, t->rank, &dim))
		return -EINVAL;
	if (!fxq_tensor_count(&call->out[0]))
		return 0;

	outer = arr_product(t->dims, 0, dim);
	inner = arr_product(t->dims, dim + 1, t->rank) *
		fxq_dtype_bytes(t->dtype);
	for (int64_t o = 0; o < outer; o++) {
		const char *from = (const char *)t->data +
				   o * t->dims[dim] * inner;

		for (int64_t i = 0; i < n; i++, to += inner) {
			int64_t k = index_at(call, index, i, t->dims[dim]);

			if (k < 0)
				return -EINVAL;
			memcpy(to, from + k * inner, inner);
		}
	}
	return 0;
}

int infer_gather_elements(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	uint32_t dim;
	int ret;

	ret = arr_dim(call, "dim", 0, t->rank, &dim);
	if (!ret)
		ret = arr_need_index(call, 1);
	if (ret)
		return ret;
	if (!t->rank || index->rank != t->rank)
		return arr_refuse(call, -EINVAL,
				  "indices have rank %u, the data %u",
				  index->rank, t->rank);
	for (uint32_t d = 0; d < t->rank; d++)
		if (d != dim && index->dims[d] > t->dims[d])
			return arr_refuse(call, -EINVAL,
					  "indices reach over dimension %u", d);
	return arr_set_out(call, 0, t->dtype, index->rank, index->dims);
}

ARR_KERNEL(gather_elements)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t at[FXQ_MAX_RANK] = { 0 }, step[FXQ_MAX_RANK];
	int64_t n = fxq_tensor_count(index);
	size_t bytes = fxq_dtype_bytes(t->dtype);
	uint32_t dim;

	if (arr_dim(call, "dim", 0, t->rank, &dim))
		return -EINVAL;
	arr_dense(t->rank, t->dims, step);

	for (int64_t i = 0; i < n; i++) {
		int64_t from = 0, k;

		k = index_at(call, index, i, t->dims[dim]);
		if (k < 0)
			return -EINVAL;
		for (uint32_t d = 0; d < t->rank; d++)
			from += (d == dim ? k : at[d]) * step[d];
		memcpy((char *)call->out[0].data + i * bytes,
		       (const char *)t->data + from * bytes, bytes);
		arr_next(at, index->dims, index->rank);
	}
	return 0;
}

static int read_batch_dims(struct fxq_call *call, uint32_t *ret)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t b = arr_int(call, "batch_dims", 0);
	int64_t depth;

	if (!index->rank || !t->rank || b < 0 || b >= index->rank ||
	    b >= t->rank)
		return arr_refuse(call, -EINVAL,
				  "batch_dims is %lld for indices of rank %u and data of rank %u",
				  (long long)b, index->rank, t->rank);
	depth = index->dims[index->rank - 1];
	if (depth > t->rank - b || depth < 1)
		return arr_refuse(call, -EINVAL,
				  "%lld coordinates for %lld dimensions",
				  (long long)depth, (long long)(t->rank - b));
	for (int64_t d = 0; d < b; d++)
		if (t->dims[d] != index->dims[d])
			return arr_refuse(call, -EINVAL,
					  "batch dimension %lld is %lld and %lld",
					  (long long)d, (long long)t->dims[d],
					  (long long)index->dims[d]);
	*ret = b;
	return 0;
}

int infer_gather_nd(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t dims[2 * FXQ_MAX_RANK];
	uint32_t batch, rank = 0;
	int ret;

	ret = arr_need_index(call, 1);
	if (!ret)
		ret = read_batch_dims(call, &batch);
	if (ret)
		return ret;

	for (uint32_t d = 0; d + 1 < index->rank; d++)
		dims[rank++] = index->dims[d];
	for (uint32_t d = batch + index->dims[index->rank - 1]; d < t->rank; d++)
		dims[rank++] = t->dims[d];
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(gather_nd)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t depth = index->dims[index->rank - 1], step[FXQ_MAX_RANK];
	int64_t n, batches, bytes;
	char *to = call->out[0].data;
	uint32_t batch;

	if (read_batch_dims(call, &batch))
		return -EINVAL;
	if (!fxq_tensor_count(&call->out[0]))
		return 0;

	arr_dense(t->rank, t->dims, step);
	batches = arr_product(t->dims, 0, batch);
	n = fxq_tensor_count(index) / depth;
	bytes = arr_product(t->dims, batch + depth, t->rank) *
		fxq_dtype_bytes(t->dtype);
	for (int64_t i = 0; i < n; i++, to += bytes) {
		int64_t from = i / (n / batches) *
			       arr_product(t->dims, batch, t->rank);

		for (int64_t k = 0; k < depth; k++) {
			int64_t v = index_at(call, index, i * depth + k,
					     t->dims[batch + k]);

			if (v < 0)
				return -EINVAL;
			from += v * step[batch + k];
		}
		memcpy(to, (const char *)t->data +
		       from * (int64_t)fxq_dtype_bytes(t->dtype), bytes);
	}
	return 0;
}
