// SPDX-License-Identifier: MIT
/*
 * Operators that keep elements and their order and give them another shape.
 */
#include "array.h"

static int copy_all(struct fxq_call *call)
{
	size_t bytes = fxq_tensor_bytes(&call->out[0]);

	if (bytes)
		memcpy(call->out[0].data, call->in[0].data, bytes);
	return 0;
}

/*
 * Replaces zeros by the dimension in the same place (unless allowzero) and
 * one -1 by what is left.
 */
static int resolve(struct fxq_call *call, int64_t *dims, uint32_t rank)
{
	const struct fxq_tensor *t = &call->in[0];
	bool keep_zero = arr_int(call, "allowzero", 0);
	int64_t known = 1, count = fxq_tensor_count(t);
	int open = -1;

	for (uint32_t d = 0; d < rank; d++) {
		if (!dims[d] && !keep_zero && d < t->rank)
			dims[d] = t->dims[d];
		if (dims[d] == -1 && open >= 0)
			return arr_refuse(call, -EINVAL,
					  "two dimensions of the new shape are -1");
		if (dims[d] == -1)
			open = d;
		else if (dims[d] < 0)
			return arr_refuse(call, -EINVAL,
					  "dimension %u of the new shape is %lld",
					  d, (long long)dims[d]);
		else if (__builtin_mul_overflow(known, dims[d], &known))
			return arr_refuse(call, -EOVERFLOW,
					  "the new shape overflows");
	}
	if (open >= 0 && (!known || count % known))
		return arr_refuse(call, -EINVAL,
				  "%lld elements cannot be divided by %lld to fill dimension -1",
				  (long long)count, (long long)known);
	if (open >= 0)
		dims[open] = count / known;
	else if (known != count)
		return arr_refuse(call, -EINVAL,
				  "%lld elements do not fit a shape of %lld",
				  (long long)count, (long long)known);
	return 0;
}

int infer_reshape(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	int rank, ret;

	rank = arr_ints(call, "shape", 1, dims, FXQ_MAX_RANK);
	if (rank == -ENOENT)
		return arr_refuse(call, -EINVAL, "no new shape is given");
	if (rank < 0)
		return rank;

	ret = resolve(call, dims, rank);
	if (ret)
		return ret;

	return arr_set_out(call, 0, call->in[0].dtype, rank, dims);
}

ARR_KERNEL(reshape)
{
	return copy_all(call);
}

int infer_flatten(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t first, last, rank, end;
	int ret;

	ret = arr_dim(call, "start_dim", 0, t->rank, &first);
	if (!ret)
		ret = arr_dim(call, "end_dim", -1, t->rank, &last);
	if (!ret && first > last)
		ret = arr_refuse(call, -EINVAL, "start_dim %u comes after end_dim %u",
				 first, last);
	if (ret)
		return ret;

	end = last < t->rank ? last + 1 : t->rank;
	for (rank = 0; rank < first; rank++)
		dims[rank] = t->dims[rank];
	dims[rank++] = arr_product(t->dims, first, end);
	for (uint32_t d = end; d < t->rank; d++)
		dims[rank++] = t->dims[d];
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(flatten)
{
	return copy_all(call);
}

/* A set of dimensions of a tensor of @rank, as a bit mask. */
static int dims_mask(struct fxq_call *call, uint32_t rank, uint32_t *ret_mask)
{
	int64_t v[FXQ_MAX_RANK];
	uint32_t mask = 0, d;
	int n, ret;

	n = arr_ints(call, "dims", 1, v, FXQ_MAX_RANK);
	if (n < 0)
		return n;

	for (int i = 0; i < n; i++) {
		ret = arr_wrap_dim(call, v[i], rank, &d);
		if (ret)
			return ret;
		if (mask & 1u << d)
			return arr_refuse(call, -EINVAL,
					  "dimension %u is named twice", d);
		mask |= 1u << d;
	}
	*ret_mask = mask;
	return n;
}

int infer_squeeze(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t mask = 0, rank = 0;
	int ret;

	ret = dims_mask(call, t->rank, &mask);
	if (ret == -ENOENT)
		for (uint32_t d = 0; d < t->rank; d++)
			mask |= (t->dims[d] == 1) << d;
	else if (ret < 0)
		return ret;

	for (uint32_t d = 0; d < t->rank; d++) {
		if (!(mask & 1u << d))
			dims[rank++] = t->dims[d];
		else if (t->dims[d] != 1)
			return arr_refuse(call, -EINVAL,
					  "dimension %u has %lld elements and cannot be dropped",
					  d, (long long)t->dims[d]);
	}
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(squeeze)
{
	return copy_all(call);
}

int infer_unsqueeze(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t v[FXQ_MAX_RANK], dims[FXQ_MAX_RANK];
	uint32_t mask = 0, rank, from = 0;
	int n, ret;

	n = arr_ints(call, "dims", 1, v, FXQ_MAX_RANK);
	if (n == -ENOENT)
		return arr_refuse(call, -EINVAL, "no dimensions are given");
	if (n < 0)
		return n;
	rank = t->rank + n;
	if (rank > FXQ_MAX_RANK)
		return arr_set_out(call, 0, t->dtype, rank, dims);

	ret = dims_mask(call, rank, &mask);
	if (ret < 0)
		return ret;

	for (uint32_t d = 0; d < rank; d++)
		dims[d] = mask & 1u << d ? 1 : t->dims[from++];
	return arr_set_out(call, 0, t->dtype, rank, dims);
}

ARR_KERNEL(unsqueeze)
{
	return copy_all(call);
}

/*
 * Selecting a result is the graph's business: a getitem is answered from the
 * node it names and never called.
 */
int infer_getitem(struct fxq_call *call)
{
	return arr_refuse(call, -EINVAL,
			  "it selects a result of a node and has none itself");
}

ARR_KERNEL(getitem)
{
	return infer_getitem(call);
}
