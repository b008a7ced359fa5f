// SPDX-License-Identifier: MIT
/*
 * Writing by index into a copy of the data, one element at a time or by
 * coordinates, replacing what is there or combining with it. Updates are
 * taken in their order, so the last one wins.
 */
#include "array.h"

enum reduction {
	REDUCE_NONE,
	REDUCE_ADD,
	REDUCE_MUL,
	REDUCE_MIN,
	REDUCE_MAX,
	REDUCE_COUNT,
};

static const char *const reduction_names[REDUCE_COUNT] = {
	"none", "add", "mul", "min", "max",
};

static int read_reduction(struct fxq_call *call, enum reduction *ret)
{
	const char *name = arr_str(call, "reduction", "none");

	for (int i = 0; i < REDUCE_COUNT; i++)
		if (!strcmp(name, reduction_names[i])) {
			*ret = i;
			return 0;
		}
	return arr_refuse(call, -ENOTSUP, "there is no reduction \"%.32s\"",
			  name);
}

/* Integers wrap; the type is wide enough that no sum is undefined. */
#define COMBINE(id, type, wide)						\
static void combine_##id(void *to, const void *from, int64_t n,		\
			 enum reduction how)				\
{									\
	const type *x = from;						\
	type *y = to;							\
									\
	for (int64_t i = 0; i < n; i++) {				\
		switch (how) {						\
		case REDUCE_ADD:					\
			y[i] = (type)((wide)y[i] + (wide)x[i]);		\
			break;						\
		case REDUCE_MUL:					\
			y[i] = (type)((wide)y[i] * (wide)x[i]);		\
			break;						\
		case REDUCE_MIN:					\
			y[i] = x[i] < y[i] ? x[i] : y[i];		\
			break;						\
		case REDUCE_MAX:					\
			y[i] = x[i] > y[i] ? x[i] : y[i];		\
			break;						\
		default:						\
			y[i] = x[i];					\
		}							\
	}								\
}
#define X(id, type) COMBINE(id, type, type)
ARR_FLOATS(X)
#undef X
#define X(id, type) COMBINE(id, type, uint64_t)
ARR_INTS(X)
#undef X

static void combine(uint32_t dtype, void *to, const void *from, int64_t n,
		    enum reduction how)
{
	if (how == REDUCE_NONE) {
		memcpy(to, from, n * fxq_dtype_bytes(dtype));
		return;
	}
	switch (dtype) {
#define X(id, type)							\
	case FXQ_DTYPE_##id:						\
		combine_##id(to, from, n, how);				\
		return;
	ARR_NUMBERS(X)
#undef X
	default:
		combine_U8(to, from, n, how);
	}
}

static int64_t index_at(struct fxq_call *call, int64_t i, int64_t dim)
{
	int64_t v = arr_index(&call->in[1], i);

	if (v < -dim || v >= dim) {
		arr_refuse(call, -EINVAL, "index %lld of %lld elements",
			   (long long)v, (long long)dim);
		return -1;
	}
	return v < 0 ? v + dim : v;
}

static int infer_common(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	enum reduction how = REDUCE_NONE;
	int ret;

	ret = read_reduction(call, &how);
	if (!ret)
		ret = arr_need_index(call, 1);
	if (ret)
		return ret;
	if (call->in[2].dtype != t->dtype)
		return arr_refuse(call, -EINVAL, "updates are %s, the data %s",
				  fxq_dtype_name(call->in[2].dtype),
				  fxq_dtype_name(t->dtype));
	return arr_set_out(call, 0, t->dtype, t->rank, t->dims);
}

static bool same_shape(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

int infer_scatter_elements(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	uint32_t dim;
	int ret;

	ret = arr_dim(call, "dim", 0, t->rank, &dim);
	if (ret)
		return ret;
	if (!t->rank || index->rank != t->rank ||
	    !same_shape(index, &call->in[2]))
		return arr_refuse(call, -EINVAL,
				  "indices and updates must have one shape, of rank %u",
				  t->rank);
	for (uint32_t d = 0; d < t->rank; d++)
		if (d != dim && index->dims[d] > t->dims[d])
			return arr_refuse(call, -EINVAL,
					  "indices reach over dimension %u", d);
	return infer_common(call);
}

ARR_KERNEL(scatter_elements)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t at[FXQ_MAX_RANK] = { 0 }, step[FXQ_MAX_RANK];
	int64_t n = fxq_tensor_count(index);
	size_t bytes = fxq_dtype_bytes(t->dtype);
	char *to = call->out[0].data;
	enum reduction how = REDUCE_NONE;
	uint32_t dim;

	if (arr_dim(call, "dim", 0, t->rank, &dim) ||
	    read_reduction(call, &how))
		return -EINVAL;
	if (!fxq_tensor_count(t))
		return 0;
	memcpy(to, t->data, fxq_tensor_bytes(t));
	arr_dense(t->rank, t->dims, step);

	for (int64_t i = 0; i < n; i++) {
		int64_t k = index_at(call, i, t->dims[dim]), place = 0;

		if (k < 0)
			return -EINVAL;
		for (uint32_t d = 0; d < t->rank; d++)
			place += (d == dim ? k : at[d]) * step[d];
		combine(t->dtype, to + place * bytes,
			(const char *)call->in[2].data + i * bytes, 1, how);
		arr_next(at, index->dims, index->rank);
	}
	return 0;
}

int infer_scatter_nd(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	const struct fxq_tensor *update = &call->in[2];
	int64_t depth;

	depth = index->rank ? index->dims[index->rank - 1] : 0;
	if (depth < 1 || depth > t->rank)
		return arr_refuse(call, -EINVAL,
				  "%lld coordinates for %u dimensions",
				  (long long)depth, t->rank);
	if (update->rank != index->rank - 1 + t->rank - depth)
		return arr_refuse(call, -EINVAL, "updates have rank %u",
				  update->rank);
	for (uint32_t d = 0; d < update->rank; d++) {
		int64_t want = d + 1 < index->rank ? index->dims[d] :
			       t->dims[d + 1 - index->rank + depth];

		if (update->dims[d] != want)
			return arr_refuse(call, -EINVAL,
					  "dimension %u of the updates is %lld, %lld is needed",
					  d, (long long)update->dims[d],
					  (long long)want);
	}
	return infer_common(call);
}

ARR_KERNEL(scatter_nd)
{
	const struct fxq_tensor *t = &call->in[0], *index = &call->in[1];
	int64_t depth = index->dims[index->rank - 1], step[FXQ_MAX_RANK];
	int64_t n = fxq_tensor_count(index) / depth, row;
	size_t bytes = fxq_dtype_bytes(t->dtype);
	char *to = call->out[0].data;
	enum reduction how = REDUCE_NONE;

	if (read_reduction(call, &how))
		return -EINVAL;
	if (!fxq_tensor_count(t))
		return 0;
	memcpy(to, t->data, fxq_tensor_bytes(t));
	arr_dense(t->rank, t->dims, step);
	row = arr_product(t->dims, depth, t->rank);

	for (int64_t i = 0; i < n; i++) {
		int64_t place = 0;

		for (int64_t k = 0; k < depth; k++) {
			int64_t v = index_at(call, i * depth + k, t->dims[k]);

			if (v < 0)
				return -EINVAL;
			place += v * step[k];
		}
		combine(t->dtype, to + place * bytes,
			(const char *)call->in[2].data + i * row * bytes, row,
			how);
	}
	return 0;
}
