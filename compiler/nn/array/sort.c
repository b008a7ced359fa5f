// SPDX-License-Identifier: MIT
/*
 * The order of elements of any type, and the k largest or smallest along a
 * dimension. Of equal elements the earlier one comes first, so answers do not
 * depend on the sorting algorithm; a NaN is above everything.
 */
#include <math.h>
#include <stdlib.h>

#include "array.h"

/* An element to sort, in its own type, and where it was. */
struct item {
	double f;
	int64_t i;
	int64_t at;
	uint32_t dtype;
};

static bool is_float(uint32_t dtype)
{
	return dtype == FXQ_DTYPE_F32 || dtype == FXQ_DTYPE_F64;
}

static struct item load_item(const struct fxq_tensor *t, int64_t place,
			     int64_t at)
{
	struct item item = { .at = at, .dtype = t->dtype };

	if (is_float(t->dtype))
		item.f = arr_value(t, place);
	else
		item.i = arr_index(t, place);
	return item;
}

static int compare(const struct item *a, const struct item *b)
{
	if (is_float(a->dtype)) {
		if (isnan(a->f) || isnan(b->f))
			return !!isnan(a->f) - !!isnan(b->f);
		return (a->f > b->f) - (a->f < b->f);
	}
	if (a->dtype == FXQ_DTYPE_U64)
		return ((uint64_t)a->i > (uint64_t)b->i) -
		       ((uint64_t)a->i < (uint64_t)b->i);
	return (a->i > b->i) - (a->i < b->i);
}

int arr_compare(const struct fxq_tensor *t, int64_t a, int64_t b)
{
	struct item x = load_item(t, a, 0), y = load_item(t, b, 0);

	return compare(&x, &y);
}

static int ascending(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int order = compare(a, b);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

static int descending(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int order = compare(b, a);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

static int read_k(struct fxq_call *call, int64_t *ret)
{
	int n = arr_ints(call, "k", 1, ret, 1);

	if (n == 1)
		return 0;
	return n == -ENODATA ? n :
	       arr_refuse(call, -EINVAL, "k must be one integer");
}

int infer_top_k(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t dims[FXQ_MAX_RANK], k;
	uint32_t dim;
	int ret;

	ret = arr_dim(call, "dim", -1, t->rank, &dim);
	if (!ret)
		ret = read_k(call, &k);
	if (ret)
		return ret;
	if (!t->rank || t->dtype == FXQ_DTYPE_BOOL || k < 0 ||
	    k > t->dims[dim])
		return arr_refuse(call, -EINVAL, "the top %lld of %lld",
				  (long long)k,
				  (long long)(t->rank ? t->dims[dim] : 1));

	memcpy(dims, t->dims, sizeof(dims));
	dims[dim] = k;
	ret = arr_set_out(call, 0, t->dtype, t->rank, dims);
	if (ret)
		return ret;
	return arr_set_out(call, 1, FXQ_DTYPE_I64, t->rank, dims);
}

ARR_KERNEL(top_k)
{
	const struct fxq_tensor *t = &call->in[0];
	size_t bytes = fxq_dtype_bytes(t->dtype);
	bool largest = arr_int(call, "largest", 1);
	int64_t *index = call->out[1].data;
	int64_t outer, inner, n, k;
	struct item *items;
	uint32_t dim;

	if (arr_dim(call, "dim", -1, t->rank, &dim))
		return -EINVAL;
	k = call->out[0].dims[dim];
	if (!fxq_tensor_count(&call->out[0]))
		return 0;
	n = t->dims[dim];
	outer = arr_product(t->dims, 0, dim);
	inner = arr_product(t->dims, dim + 1, t->rank);
	items = malloc(n * sizeof(*items));
	if (!items)
		return -ENOMEM;

	for (int64_t r = 0; r < outer * inner; r++) {
		int64_t from = r / inner * n * inner + r % inner;
		int64_t to = r / inner * k * inner + r % inner;

		for (int64_t i = 0; i < n; i++)
			items[i] = load_item(t, from + i * inner, i);
		qsort(items, n, sizeof(*items),
		      largest ? descending : ascending);
		for (int64_t i = 0; i < k; i++) {
			index[to + i * inner] = items[i].at;
			memcpy((char *)call->out[0].data +
			       (to + i * inner) * bytes,
			       (const char *)t->data +
			       (from + items[i].at * inner) * bytes, bytes);
		}
	}
	free(items);
	return 0;
}
