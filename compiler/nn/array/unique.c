// SPDX-License-Identifier: MIT
/*
 * The distinct elements of an array, or its distinct slices along one
 * dimension, with where each was first seen, which one every slice is, and
 * how often each occurs. How many there are is known only from the values, so
 * the shape function does the work as well.
 */
#include <stdlib.h>

#include "array.h"

/*
 * struct distinct - @n slices of @outer × @inner elements, @found distinct
 * @order: the slices, sorted; equal ones by place
 * @first: where each distinct slice was first seen
 * @inverse: which distinct slice each slice is
 * @count: how often each distinct slice occurs
 */
struct distinct {
	const struct fxq_tensor *t;
	int64_t n, outer, inner, found;
	int64_t *order, *first, *inverse, *count, *rank;
};

static int compare_slices(const struct distinct *u, int64_t a, int64_t b)
{
	for (int64_t o = 0; o < u->outer; o++)
		for (int64_t i = 0; i < u->inner; i++) {
			int64_t base = o * u->n * u->inner + i;
			int order = arr_compare(u->t, base + a * u->inner,
						base + b * u->inner);

			if (order)
				return order;
		}
	return 0;
}

static int by_slice(const void *pa, const void *pb, void *ctx)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
	int order = compare_slices(ctx, a, b);

	return order ? order : (a > b) - (a < b);
}

static int by_first(const void *pa, const void *pb, void *ctx)
{
	const struct distinct *u = ctx;
	int64_t a = u->first[*(const int64_t *)pa];
	int64_t b = u->first[*(const int64_t *)pb];

	return (a > b) - (a < b);
}

/* Numbers the groups of equal slices in sorted order. */
static void group(struct distinct *u)
{
	u->found = 0;
	for (int64_t i = 0; i < u->n; i++) {
		int64_t slice = u->order[i];

		if (!i || compare_slices(u, u->order[i - 1], slice)) {
			u->first[u->found] = slice;
			u->count[u->found] = 0;
			u->rank[u->found] = u->found;
			u->found++;
		}
		u->inverse[slice] = u->found - 1;
		u->count[u->found - 1]++;
	}
}

/* rank[i] becomes the place in the result of sorted group i. */
static void order_by_first(struct distinct *u)
{
	int64_t *old = u->order;

	for (int64_t i = 0; i < u->found; i++)
		old[i] = i;
	qsort_r(old, u->found, sizeof(*old), by_first, u);
	for (int64_t i = 0; i < u->found; i++)
		u->rank[old[i]] = i;
}

static void finish(struct distinct *u)
{
	free(u->order);
}

static int find(struct fxq_call *call, struct distinct *u)
{
	const struct fxq_tensor *t = &call->in[0];
	uint32_t d = 0;
	int64_t dim;

	*u = (struct distinct){ .t = t, .n = fxq_tensor_count(t), .outer = 1,
				.inner = 1 };
	if (arr_ints(call, "dim", 0, &dim, 1) == 1) {
		int ret = arr_wrap_dim(call, dim, t->rank, &d);

		if (ret)
			return ret;
		if (!t->rank)
			return arr_refuse(call, -EINVAL,
					  "operand has no dimensions");
		u->n = t->dims[d];
		u->outer = arr_product(t->dims, 0, d);
		u->inner = arr_product(t->dims, d + 1, t->rank);
	}
	if (!t->data)
		return arr_refuse(call, -ENODATA,
				  "how many elements are distinct is known only when the model runs");

	u->order = malloc((5 * u->n + 1) * sizeof(*u->order));
	if (!u->order)
		return -ENOMEM;
	u->first = u->order + u->n;
	u->inverse = u->first + u->n;
	u->count = u->inverse + u->n;
	u->rank = u->count + u->n;
	for (int64_t i = 0; i < u->n; i++)
		u->order[i] = i;
	qsort_r(u->order, u->n, sizeof(*u->order), by_slice, u);
	group(u);
	if (!arr_int(call, "sorted", 1))
		order_by_first(u);
	return 0;
}

int infer_unique(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t dims[FXQ_MAX_RANK], dim;
	struct distinct u;
	uint32_t d;
	int ret;

	ret = find(call, &u);
	if (ret)
		return ret;
	finish(&u);

	if (arr_ints(call, "dim", 0, &dim, 1) == 1) {
		memcpy(dims, t->dims, sizeof(dims));
		arr_wrap_dim(call, dim, t->rank, &d);
		dims[d] = u.found;
		ret = arr_set_out(call, 0, t->dtype, t->rank, dims);
	} else {
		ret = arr_set_out(call, 0, t->dtype, 1, &u.found);
	}
	if (!ret)
		ret = arr_set_out(call, 1, FXQ_DTYPE_I64, 1, &u.found);
	if (!ret)
		ret = arr_set_out(call, 2, FXQ_DTYPE_I64, 1, &u.n);
	if (!ret)
		ret = arr_set_out(call, 3, FXQ_DTYPE_I64, 1, &u.found);
	return ret;
}

ARR_KERNEL(unique)
{
	size_t bytes = fxq_dtype_bytes(call->in[0].dtype);
	int64_t *first = call->out[1].data, *inverse = call->out[2].data;
	int64_t *count = call->out[3].data;
	struct distinct u;
	int ret;

	ret = find(call, &u);
	if (ret)
		return ret;

	for (int64_t g = 0; g < u.found; g++) {
		int64_t to = u.rank[g];

		first[to] = u.first[g];
		count[to] = u.count[g];
		for (int64_t o = 0; o < u.outer; o++)
			memcpy((char *)call->out[0].data +
			       (o * u.found + to) * u.inner * bytes,
			       (const char *)call->in[0].data +
			       (o * u.n + u.first[g]) * u.inner * bytes,
			       u.inner * bytes);
	}
	for (int64_t i = 0; i < u.n; i++)
		inverse[i] = u.rank[u.inverse[i]];
	finish(&u);
	return 0;
}
