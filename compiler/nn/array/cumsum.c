// SPDX-License-Identifier: MIT
/*
 * Running sums along one dimension, from either end, with or without the
 * element itself. Floats are summed in double, in the order of the walk.
 */
#include "array.h"

static int read_dim(struct fxq_call *call, uint32_t *ret)
{
	int64_t dim = 0;
	int n = arr_ints(call, "dim", 1, &dim, 1);

	if (n < 0 && n != -ENOENT)
		return n;
	return arr_wrap_dim(call, dim, call->in[0].rank, ret);
}

int infer_cumsum(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	uint32_t dim;
	int ret;

	ret = read_dim(call, &dim);
	/* The dimension does not change the shape: its value may come later. */
	if (ret && ret != -ENODATA)
		return ret;
	if (!t->rank || t->dtype == FXQ_DTYPE_BOOL)
		return arr_refuse(call, -EINVAL, "operand is %s of rank %u",
				  fxq_dtype_name(t->dtype), t->rank);

	call->error[0] = '\0';
	return arr_set_out(call, 0, t->dtype, t->rank, t->dims);
}

ARR_KERNEL(cumsum)
{
	const struct fxq_tensor *t = &call->in[0], *out = &call->out[0];
	bool exclusive = arr_int(call, "exclusive", 0);
	bool reverse = arr_int(call, "reverse", 0);
	int64_t n, outer, inner;
	uint32_t dim;
	int ret;

	ret = read_dim(call, &dim);
	if (ret)
		return ret;
	n = t->dims[dim];
	outer = arr_product(t->dims, 0, dim);
	inner = arr_product(t->dims, dim + 1, t->rank);

	for (int64_t r = 0; r < outer * inner; r++) {
		int64_t base = r / inner * n * inner + r % inner;
		union arr_block sum, v;

		sum.u[0] = 0;	/* the same bits as zero in double */
		for (int64_t i = 0; i < n; i++) {
			int64_t at = base + (reverse ? n - 1 - i : i) * inner;
			enum arr_kind kind = arr_load(&v, t, at, 1);

			if (exclusive)
				arr_store(&sum, kind, out, at, 1);
			if (kind == ARR_FLOAT)
				sum.f[0] += v.f[0];
			else
				sum.u[0] += v.u[0];
			if (!exclusive)
				arr_store(&sum, kind, out, at, 1);
		}
	}
	return 0;
}
