// SPDX-License-Identifier: MIT
/*
 * lp_normalize divides by a norm along one dimension, mean_variance_norm takes
 * out mean and deviation over any. Sums are doubles, in the elements' order.
 */
#include <inttypes.h>
#include <math.h>

#include "rows.h"

int infer_lp_normalize(struct fxq_call *call)
{
	int64_t p = kern_int(call, "p", 2);
	uint32_t axis;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_dim(call, "axis", -1, call->in[0].rank, &axis);
	if (ret)
		return ret;
	if (p != 1 && p != 2)
		return kern_refuse(call, -EINVAL,
				   "p is %" PRId64 ", only norms 1 and 2 are known",
				   p);

	return kern_same_out(call);
}

/* A row of zeros stays one. */
static void normalize_row(float *y, const float *x, int64_t n, int64_t step,
			  bool squared)
{
	double norm = 0;

	for (int64_t i = 0; i < n; i++) {
		double v = x[i * step];

		norm += squared ? v * v : fabs(v);
	}
	norm = squared ? sqrt(norm) : norm;
	for (int64_t i = 0; i < n; i++)
		y[i * step] = norm == 0 ? 0 : (float)(x[i * step] / norm);
}

int eval_lp_normalize(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	struct rows rows;
	uint32_t axis;
	int ret;

	ret = kern_begin(call, infer_lp_normalize);
	if (!ret)
		ret = kern_dim(call, "axis", -1, x->rank, &axis);
	if (ret)
		return ret;

	rows = rows_along(x, axis);
	for (int64_t r = 0; r < rows.outer * rows.inner; r++) {
		int64_t at = row_start(&rows, r);

		normalize_row((float *)call->out[0].data + at,
			      (const float *)x->data + at, rows.n, rows.inner,
			      kern_int(call, "p", 2) == 2);
	}
	return 0;
}

/* Which dimensions are averaged over, as a set of bits. */
static int read_dims(struct fxq_call *call, uint32_t *ret_set)
{
	static const int64_t usual[] = { 0, 2, 3 };
	const struct fxq_attr *a = fxq_call_attr(call, "dims");
	bool given = a && a->type == FXQ_ATTR_INTS;
	const int64_t *dims = given ? a->ints : usual;
	uint32_t rank = call->in[0].rank;

	*ret_set = 0;
	for (uint32_t i = 0; i < (given ? a->count : 3); i++) {
		int64_t d = dims[i] < 0 ? dims[i] + rank : dims[i];

		if (d < 0 || d >= rank)
			return kern_refuse(call, -EINVAL,
					   "dims has %" PRId64
					   ", outside an input of rank %u",
					   dims[i], rank);
		*ret_set |= 1u << d;
	}
	return 0;
}

int infer_mean_variance_norm(struct fxq_call *call)
{
	uint32_t set;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = read_dims(call, &set);
	return ret ? ret : kern_same_out(call);
}

/* The number of the statistic that element @i belongs to. */
static int64_t cell(const struct fxq_tensor *x, uint32_t set, int64_t i)
{
	int64_t at = 0, size = 1;

	for (uint32_t d = x->rank; d-- > 0; i /= x->dims[d]) {
		if (set >> d & 1)
			continue;
		at += i % x->dims[d] * size;
		size *= x->dims[d];
	}
	return at;
}

static void mean_and_variance(const struct fxq_tensor *x, uint32_t set,
			      int64_t cells, double *mean, double *var)
{
	int64_t count = fxq_tensor_count(x);
	double n = (double)(count / cells);
	const float *v = x->data;

	for (int64_t i = 0; i < count; i++)
		mean[cell(x, set, i)] += v[i];
	for (int64_t c = 0; c < cells; c++)
		mean[c] /= n;
	for (int64_t i = 0; i < count; i++) {
		double d = v[i] - mean[cell(x, set, i)];

		var[cell(x, set, i)] += d * d;
	}
	for (int64_t c = 0; c < cells; c++)
		var[c] /= n;
}

int eval_mean_variance_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t count, cells = 1;
	const float *from;
	double *mean;
	uint32_t set;
	float *to;
	int ret;

	ret = kern_begin(call, infer_mean_variance_norm);
	if (!ret)
		ret = read_dims(call, &set);
	count = ret ? 0 : fxq_tensor_count(x);
	if (!count)
		return ret;

	for (uint32_t d = 0; d < x->rank; d++)
		cells *= set >> d & 1 ? 1 : x->dims[d];
	mean = calloc(2 * cells, sizeof(*mean));
	if (!mean)
		return -ENOMEM;

	from = x->data;
	to = call->out[0].data;
	mean_and_variance(x, set, cells, mean, mean + cells);
	for (int64_t i = 0; i < count; i++) {
		int64_t c = cell(x, set, i);

		to[i] = (float)((from[i] - mean[c]) /
				(sqrt(mean[cells + c]) +
				 kern_float(call, "eps", 1e-9)));
	}
	free(mean);
	return 0;
}
