// SPDX-License-Identifier: MIT
/*
 * argmax and argmin along one dimension, as int64. A NaN is larger than
 * everything, and smaller; of equals the first counts, or with select_last
 * the last.
 */
#include "rows.h"

static int infer_arg(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	bool keepdim = kern_int(call, "keepdim", 1);
	int64_t dims[FXQ_MAX_RANK];
	uint32_t dim, rank = 0;
	int ret;

	ret = kern_need_any(call, 0);
	if (ret)
		return ret;
	if (x->dtype == FXQ_DTYPE_BOOL)
		return kern_refuse(call, -EINVAL, "input 0 is bool, not numbers");
	ret = kern_dim(call, "dim", 0, x->rank, &dim);
	if (ret)
		return ret;
	if (!x->dims[dim])
		return kern_refuse(call, -EINVAL,
				   "dimension %u has no element to choose", dim);

	for (uint32_t d = 0; d < x->rank; d++)
		if (d != dim)
			dims[rank++] = x->dims[d];
		else if (keepdim)
			dims[rank++] = 1;
	return kern_set_out(call, 0, FXQ_DTYPE_I64, rank, dims);
}

/* X(id, type): what can be compared. */
#define ORDERED(X)							\
	X(F32, float) X(F64, double)					\
	X(I8, int8_t) X(I16, int16_t) X(I32, int32_t) X(I64, int64_t)	\
	X(U8, uint8_t) X(U16, uint16_t) X(U32, uint32_t) X(U64, uint64_t)

#define X(id, type)							\
static int64_t best_##type(const void *data, int64_t n, int64_t step,	\
			   bool least, bool last)			\
{									\
	const type *x = data;						\
	int64_t best = 0;						\
									\
	for (int64_t i = 1; i < n; i++) {				\
		type v = x[i * step], b = x[best * step];		\
		bool better = least ? v < b : v > b;			\
									\
		better = better || (v != v && b == b);			\
		if (better || (last && v == b))				\
			best = i;					\
	}								\
	return best;							\
}
ORDERED(X)
#undef X

typedef int64_t (*best_fn)(const void *data, int64_t n, int64_t step,
			   bool least, bool last);

static const best_fn best[FXQ_DTYPE_COUNT] = {
#define X(id, type) [FXQ_DTYPE_##id] = best_##type,
	ORDERED(X)
#undef X
};

static int eval_arg(struct fxq_call *call, fxq_call_fn infer, bool least)
{
	const struct fxq_tensor *x = &call->in[0];
	bool last = kern_int(call, "select_last", 0);
	struct rows rows;
	int64_t *to;
	size_t bytes;
	uint32_t dim;
	int ret;

	ret = kern_begin(call, infer);
	if (ret)
		return ret;
	ret = kern_dim(call, "dim", 0, x->rank, &dim);
	if (ret)
		return ret;

	to = call->out[0].data;
	bytes = fxq_dtype_bytes(x->dtype);
	rows = rows_along(x, dim);
	for (int64_t i = 0; i < rows.outer * rows.inner; i++)
		to[i] = best[x->dtype]((const char *)x->data +
				       row_start(&rows, i) * bytes,
				       rows.n, rows.inner, least, last);
	return 0;
}

int infer_argmax(struct fxq_call *call)
{
	return infer_arg(call);
}

int eval_argmax(struct fxq_call *call)
{
	return eval_arg(call, infer_argmax, false);
}

int infer_argmin(struct fxq_call *call)
{
	return infer_arg(call);
}

int eval_argmin(struct fxq_call *call)
{
	return eval_arg(call, infer_argmin, true);
}
