// SPDX-License-Identifier: MIT
/*
 * reference_vx.c - integer reference of element-wise and row operators
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "reference.h"

/* Scalars of an element-wise operator. */
struct scale {
	float ma, mb;
	int za, zb, zy, lo, hi;
};

typedef int8_t (*binary_fn)(const struct scale *s, int a, int b);

static float product_a(const struct scale *s, int a)
{
	return (float)(a - s->za) * s->ma;
}

static float product_b(const struct scale *s, int b)
{
	return (float)(b - s->zb) * s->mb;
}

static int8_t add(const struct scale *s, int a, int b)
{
	return fxq_q(product_a(s, a) + product_b(s, b), s->zy, s->lo, s->hi);
}

static int8_t sub(const struct scale *s, int a, int b)
{
	return fxq_q(product_a(s, a) - product_b(s, b), s->zy, s->lo, s->hi);
}

static int8_t mul(const struct scale *s, int a, int b)
{
	return fxq_q((float)((a - s->za) * (b - s->zb)) * s->ma, s->zy, s->lo,
		     s->hi);
}

static int8_t minimum(const struct scale *s, int a, int b)
{
	float va = product_a(s, a), vb = product_b(s, b);

	return fxq_q(va < vb ? va : vb, s->zy, s->lo, s->hi);
}

static int8_t maximum(const struct scale *s, int a, int b)
{
	float va = product_a(s, a), vb = product_b(s, b);

	return fxq_q(va > vb ? va : vb, s->zy, s->lo, s->hi);
}

/* Size of dimension @i of @t, seen as one of @rank dimensions. */
static int64_t dim_of(const struct fxq_tensor *t, uint32_t rank, uint32_t i)
{
	uint32_t missing = rank - t->rank;

	return i < missing ? 1 : t->dims[i - missing];
}

static int infer_binary(struct fxq_call *call)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, -1);

	if (!ret)
		ret = ref_want(call, 1, FXQ_DTYPE_I8, -1);
	if (ret)
		return ret;
	rank = a->rank > b->rank ? a->rank : b->rank;
	for (uint32_t i = 0; i < rank; i++) {
		int64_t da = dim_of(a, rank, i), db = dim_of(b, rank, i);

		if (da != db && da != 1 && db != 1)
			return ref_fail(call, -EINVAL,
					"sizes %lld and %lld do not broadcast",
					(long long)da, (long long)db);
		dims[i] = da == 1 ? db : da;
	}
	return ref_result(call, rank, dims);
}

/* Element offset in @t of the output element @index. */
static int64_t offset_of(const struct fxq_tensor *t, const struct fxq_tensor *y,
			 int64_t index)
{
	int64_t at = 0, step = 1;

	for (int i = (int)y->rank - 1; i >= 0; i--) {
		int64_t size = dim_of(t, y->rank, (uint32_t)i);
		int64_t pos = index % y->dims[i];

		index /= y->dims[i];
		if (size != 1)
			at += pos * step;
		step *= size;
	}
	return at;
}

static int eval_binary(struct fxq_call *call, binary_fn fn)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	const struct fxq_tensor *y = &call->out[0];
	struct scale s = {
		.ma = ref_float(call, "m_a", ref_float(call, "m", 0)),
		.mb = ref_float(call, "m_b", 0),
		.za = a->zero_point, .zb = b->zero_point, .zy = y->zero_point,
		.lo = (int)ref_int(call, "lo", -128),
		.hi = (int)ref_int(call, "hi", 127),
	};
	int64_t n = fxq_tensor_count(y);

	for (int64_t i = 0; i < n; i++)
		((int8_t *)y->data)[i] =
			fn(&s, ((const int8_t *)a->data)[offset_of(a, y, i)],
			   ((const int8_t *)b->data)[offset_of(b, y, i)]);
	return 0;
}

#define BINARY(name, fn)				\
	int infer_##name(struct fxq_call *call)		\
	{						\
		return infer_binary(call);		\
	}						\
	int eval_##name(struct fxq_call *call)		\
	{						\
		return eval_binary(call, fn);		\
	}

BINARY(qadd, add)
BINARY(qsub, sub)
BINARY(qmul, mul)
BINARY(qminimum, minimum)
BINARY(qmaximum, maximum)

/* The result has the input's shape. */
static int infer_same(struct fxq_call *call)
{
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, -1);

	if (ret)
		return ret;
	return ref_result(call, call->in[0].rank, call->in[0].dims);
}

int infer_qlut(struct fxq_call *call)
{
	int ret = ref_want(call, 1, FXQ_DTYPE_I8, 1);

	if (!ret && call->in[1].dims[0] != 256)
		ret = ref_fail(call, -EINVAL, "table has %lld entries, not 256",
			       (long long)call->in[1].dims[0]);
	return ret ? ret : infer_same(call);
}

int eval_qlut(struct fxq_call *call)
{
	const int8_t *x = call->in[0].data, *table = call->in[1].data;
	int64_t n = fxq_tensor_count(&call->in[0]);

	for (int64_t i = 0; i < n; i++)
		((int8_t *)call->out[0].data)[i] = table[x[i] + 128];
	return 0;
}

int infer_qscale(struct fxq_call *call)
{
	return infer_same(call);
}

int eval_qscale(struct fxq_call *call)
{
	memcpy(call->out[0].data, call->in[0].data,
	       fxq_tensor_bytes(&call->in[0]));
	return 0;
}

int infer_qrequant(struct fxq_call *call)
{
	return infer_same(call);
}

int eval_qrequant(struct fxq_call *call)
{
	float m = ref_float(call, "m", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	const int8_t *x = call->in[0].data;
	int64_t n = fxq_tensor_count(&call->in[0]);

	for (int64_t i = 0; i < n; i++)
		((int8_t *)call->out[0].data)[i] =
			fxq_q((float)(x[i] - call->in[0].zero_point) * m,
			      call->out[0].zero_point, lo, hi);
	return 0;
}

/* An array seen as outer x n x inner around one of its dimensions. */
struct rows {
	int64_t outer, n, inner;
};

static int rows_of(struct fxq_call *call, struct rows *r)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t dim = ref_int(call, "dim", -1);

	if (dim < 0)
		dim += x->rank;
	if (dim < 0 || dim >= x->rank)
		return ref_fail(call, -EINVAL,
				"dim %lld is none of the input's %u",
				(long long)ref_int(call, "dim", -1), x->rank);
	*r = (struct rows){ 1, x->dims[dim], 1 };
	for (uint32_t i = 0; i < x->rank; i++) {
		if (i < dim)
			r->outer *= x->dims[i];
		if (i > dim)
			r->inner *= x->dims[i];
	}
	return 0;
}

int infer_qreduce(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	const struct fxq_tensor *x = &call->in[0];
	int64_t dim = ref_int(call, "dim", -1);
	struct rows r;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, -1);

	if (!ret)
		ret = rows_of(call, &r);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < x->rank; i++)
		dims[i] = x->dims[i];
	dims[dim < 0 ? dim + x->rank : dim] = 1;
	return ref_result(call, x->rank, dims);
}

int eval_qreduce(struct fxq_call *call)
{
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;
	int max = ref_str(call, "kind")[0] == 'm';
	float m = ref_float(call, "m", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	int z = call->in[0].zero_point;
	struct rows r;

	rows_of(call, &r);
	for (int64_t o = 0; o < r.outer; o++) {
		for (int64_t i = 0; i < r.inner; i++) {
			const int8_t *p = x + o * r.n * r.inner + i;
			int32_t sum = 0;
			int top = -128;

			for (int64_t k = 0; k < r.n; k++) {
				sum += p[k * r.inner] - z;
				top = p[k * r.inner] > top ? p[k * r.inner] :
				      top;
			}
			*y++ = fxq_q((float)(max ? top - z : sum) * m,
				     call->out[0].zero_point, lo, hi);
		}
	}
	return 0;
}

int infer_qsoftmax(struct fxq_call *call)
{
	struct rows r;
	int ret = ref_want(call, 1, FXQ_DTYPE_U32, 1);

	if (!ret)
		ret = infer_same(call);
	return ret ? ret : rows_of(call, &r);
}

int eval_qsoftmax(struct fxq_call *call)
{
	const int8_t *x = call->in[0].data;
	const uint32_t *table = call->in[1].data;
	float m = ref_float(call, "m", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	struct rows r;

	rows_of(call, &r);
	for (int64_t o = 0; o < r.outer * r.inner; o++) {
		int64_t at = o / r.inner * r.n * r.inner + o % r.inner;
		uint32_t sum = 0;
		int top = -128;
		float scale;

		for (int64_t k = 0; k < r.n; k++) {
			int q = x[at + k * r.inner];

			top = q > top ? q : top;
		}
		for (int64_t k = 0; k < r.n; k++)
			sum += table[top - x[at + k * r.inner]];
		scale = m / (float)sum;
		for (int64_t k = 0; k < r.n; k++) {
			uint32_t e = table[top - x[at + k * r.inner]];

			((int8_t *)call->out[0].data)[at + k * r.inner] =
				fxq_q((float)e * scale,
				      call->out[0].zero_point, lo, hi);
		}
	}
	return 0;
}

int infer_qlayer_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret = ref_want(call, 1, FXQ_DTYPE_F32, 2);

	if (!ret && (!x->rank ||
		     x->dims[x->rank - 1] != call->in[1].dims[0]))
		ret = ref_fail(call, -EINVAL,
			       "weights have %lld elements, the last dimension differs",
			       (long long)call->in[1].dims[0]);
	return ret ? ret : infer_same(call);
}

int eval_qlayer_norm(struct fxq_call *call)
{
	const float *gh = call->in[1].data;
	int64_t n = call->in[1].dims[0];
	int64_t rows = fxq_tensor_count(&call->in[0]) / n;
	float eps = ref_float(call, "eps", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	for (int64_t row = 0; row < rows; row++, x += n, y += n) {
		int64_t sum = 0, squares = 0;
		float r;

		for (int64_t c = 0; c < n; c++) {
			sum += x[c];
			squares += (int64_t)x[c] * x[c];
		}
		r = 1.0f / sqrtf((float)(n * squares - sum * sum) + eps);
		for (int64_t c = 0; c < n; c++) {
			float v = (float)(n * x[c] - sum) * r;

			v = v * gh[2 * c];
			v = v + gh[2 * c + 1];
			y[c] = fxq_q(v, call->out[0].zero_point, lo, hi);
		}
	}
	return 0;
}
