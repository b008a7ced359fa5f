// SPDX-License-Identifier: MIT
/*
 * reference_mac.c - integer reference of what multiplies and accumulates
 *
 * Sums are kept modulo 2^32, as the machine keeps them; the compiler proves
 * that they do not overflow.
 */
#include <errno.h>

#include "reference.h"

struct conv {
	int64_t n, ic, ih, iw, oc, oh, ow, kh, kw;
	int64_t stride[2], pad[4], dilation[2], groups;
};

static int check_weights(struct fxq_call *call, int rank, int64_t oc)
{
	int ret = ref_want(call, 1, FXQ_DTYPE_I8, rank);

	if (!ret)
		ret = ref_want(call, 2, FXQ_DTYPE_I32, 1);
	if (!ret && call->in[2].dims[0] != oc)
		ret = ref_fail(call, -EINVAL,
			       "bias has %lld elements for %lld channels",
			       (long long)call->in[2].dims[0], (long long)oc);
	if (!ret && !ref_int(call, "raw", 0))
		ret = ref_want(call, 3, FXQ_DTYPE_F32, 1);
	return ret;
}

static struct conv conv_of(const struct fxq_call *call)
{
	const int64_t *x = call->in[0].dims, *w = call->in[1].dims;
	struct conv v = { .n = x[0], .ic = x[1], .ih = x[2], .iw = x[3],
			  .kh = w[2], .kw = w[3] };

	ref_ints(call, "stride", v.stride, 2, 1);
	ref_ints(call, "padding", v.pad, 4, 0);
	ref_ints(call, "dilation", v.dilation, 2, 1);
	v.groups = ref_int(call, "groups", 1);
	return v;
}

static int conv_result(struct fxq_call *call, const struct conv *v)
{
	int ret;

	if (v->oh < 1 || v->ow < 1)
		return ref_fail(call, -EINVAL,
				"a kernel of %lldx%lld does not fit into the padded input",
				(long long)v->kh, (long long)v->kw);
	ret = ref_result(call, 4, (int64_t[]){ v->n, v->oc, v->oh, v->ow });
	return ret ? ret : ref_check_epilogue(call, v->oc);
}

int infer_qconv2d(struct fxq_call *call)
{
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, 4);
	struct conv v;

	if (!ret)
		ret = ref_want(call, 1, FXQ_DTYPE_I8, 4);
	if (!ret)
		ret = ref_check_window(call);
	if (ret)
		return ret;
	v = conv_of(call);
	v.oc = call->in[1].dims[0];
	ret = check_weights(call, 4, v.oc);
	if (ret)
		return ret;
	if (v.groups < 1 || v.ic % v.groups || v.oc % v.groups ||
	    call->in[1].dims[1] != v.ic / v.groups)
		return ref_fail(call, -EINVAL,
				"weights take %lld channels, input has %lld in %lld groups",
				(long long)call->in[1].dims[1], (long long)v.ic,
				(long long)v.groups);
	v.oh = ref_windows(call, 0, v.ih, v.kh);
	v.ow = ref_windows(call, 1, v.iw, v.kw);
	return conv_result(call, &v);
}

/* Outside the input x equals z, adding 0. */
static uint32_t conv_sum(const struct conv *v, const int8_t *x,
			 const int8_t *w, int z, int64_t n, int64_t o,
			 int64_t oy, int64_t ox)
{
	int64_t per = v->ic / v->groups;
	int64_t g = o / (v->oc / v->groups);
	uint32_t sum = 0;

	for (int64_t c = 0; c < per; c++) {
		for (int64_t ky = 0; ky < v->kh; ky++) {
			int64_t y = oy * v->stride[0] + ky * v->dilation[0] -
				    v->pad[0];
			const int8_t *row, *wrow;

			if (y < 0 || y >= v->ih)
				continue;
			row = x + ((n * v->ic + g * per + c) * v->ih + y) *
			      v->iw;
			wrow = w + ((o * per + c) * v->kh + ky) * v->kw;
			for (int64_t kx = 0; kx < v->kw; kx++) {
				int64_t xx = ox * v->stride[1] +
					     kx * v->dilation[1] - v->pad[1];

				if (xx >= 0 && xx < v->iw)
					sum += (uint32_t)((row[xx] - z) *
							  wrow[kx]);
			}
		}
	}
	return sum;
}

/* The sum for one output element. */
typedef uint32_t sum_fn(const struct conv *v, const int8_t *x, const int8_t *w,
			int z, int64_t n, int64_t o, int64_t oy, int64_t ox);

static int eval_sums(struct fxq_call *call, sum_fn *sum)
{
	struct ref_epilogue e = ref_epilogue(call);
	struct conv v = conv_of(call);
	const int8_t *in = call->in[0].data, *w = call->in[1].data;
	int z = call->in[0].zero_point;
	int64_t at = 0;

	v.oc = call->out[0].dims[1];
	v.oh = call->out[0].dims[2];
	v.ow = call->out[0].dims[3];
	for (int64_t n = 0; n < v.n; n++)
		for (int64_t o = 0; o < v.oc; o++)
			for (int64_t y = 0; y < v.oh; y++)
				for (int64_t x = 0; x < v.ow; x++)
					ref_finish(&e, at++, o,
						   sum(&v, in, w, z, n, o, y, x));
	return 0;
}

int eval_qconv2d(struct fxq_call *call)
{
	return eval_sums(call, conv_sum);
}

int infer_qconv_transpose2d(struct fxq_call *call)
{
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, 4);
	int64_t extra[2];
	struct conv v;

	if (!ret)
		ret = ref_want(call, 1, FXQ_DTYPE_I8, 4);
	if (!ret)
		ret = ref_check_window(call);
	if (ret)
		return ret;
	v = conv_of(call);
	if (v.groups < 1 || v.ic % v.groups)
		return ref_fail(call, -EINVAL,
				"%lld groups do not divide %lld channels",
				(long long)v.groups, (long long)v.ic);
	v.oc = call->in[1].dims[1] * v.groups;
	ret = check_weights(call, 4, v.oc);
	if (ret)
		return ret;
	if (call->in[1].dims[0] != v.ic)
		return ref_fail(call, -EINVAL,
				"weights take %lld channels, input has %lld",
				(long long)call->in[1].dims[0],
				(long long)v.ic);
	ref_ints(call, "output_padding", extra, 2, 0);
	v.oh = (v.ih - 1) * v.stride[0] - v.pad[0] - v.pad[2] +
	       v.dilation[0] * (v.kh - 1) + 1 + extra[0];
	v.ow = (v.iw - 1) * v.stride[1] - v.pad[1] - v.pad[3] +
	       v.dilation[1] * (v.kw - 1) + 1 + extra[1];
	return conv_result(call, &v);
}

/* Gathers: which inputs does the kernel scatter to this output element? */
static uint32_t transpose_sum(const struct conv *v, const int8_t *x,
			      const int8_t *w, int z, int64_t n, int64_t o,
			      int64_t oy, int64_t ox)
{
	int64_t iper = v->ic / v->groups, oper = v->oc / v->groups;
	int64_t g = o / oper;
	uint32_t sum = 0;

	for (int64_t c = g * iper; c < (g + 1) * iper; c++) {
		for (int64_t ky = 0; ky < v->kh; ky++) {
			int64_t y = oy + v->pad[0] - ky * v->dilation[0];

			if (y < 0 || y % v->stride[0] ||
			    y / v->stride[0] >= v->ih)
				continue;
			for (int64_t kx = 0; kx < v->kw; kx++) {
				int64_t xx = ox + v->pad[1] -
					     kx * v->dilation[1];

				if (xx < 0 || xx % v->stride[1] ||
				    xx / v->stride[1] >= v->iw)
					continue;
				sum += (uint32_t)((x[((n * v->ic + c) * v->ih +
						      y / v->stride[0]) * v->iw +
						     xx / v->stride[1]] - z) *
						  w[((c * oper + o % oper) *
						     v->kh + ky) * v->kw + kx]);
			}
		}
	}
	return sum;
}

int eval_qconv_transpose2d(struct fxq_call *call)
{
	return eval_sums(call, transpose_sum);
}

int infer_qlinear(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank = call->in[0].rank;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, -1);

	if (!ret)
		ret = ref_want(call, 1, FXQ_DTYPE_I8, 2);
	if (!ret)
		ret = check_weights(call, 2, call->in[1].dims[0]);
	if (ret)
		return ret;
	if (!rank || call->in[0].dims[rank - 1] != call->in[1].dims[1])
		return ref_fail(call, -EINVAL,
				"weights take %lld features, the input's last dimension differs",
				(long long)call->in[1].dims[1]);
	for (uint32_t i = 0; i < rank; i++)
		dims[i] = call->in[0].dims[i];
	dims[rank - 1] = call->in[1].dims[0];
	ret = ref_result(call, rank, dims);
	return ret ? ret : ref_check_epilogue(call, dims[rank - 1]);
}

int eval_qlinear(struct fxq_call *call)
{
	struct ref_epilogue e = ref_epilogue(call);
	const int8_t *x = call->in[0].data, *w = call->in[1].data;
	int64_t n = call->in[1].dims[0], k = call->in[1].dims[1];
	int64_t rows = k ? fxq_tensor_count(&call->in[0]) / k : 0;
	int z = call->in[0].zero_point;

	for (int64_t r = 0; r < rows; r++) {
		for (int64_t o = 0; o < n; o++) {
			uint32_t sum = 0;

			for (int64_t i = 0; i < k; i++)
				sum += (uint32_t)((x[r * k + i] - z) *
						  w[o * k + i]);
			ref_finish(&e, r * n + o, o, sum);
		}
	}
	return 0;
}

/* Element offset of batch @index of @t, whose batch sizes of 1 repeat. */
static int64_t batch_offset(const struct fxq_tensor *t, uint32_t rank,
			    const int64_t *dims, int64_t index)
{
	int64_t at = 0, step = t->dims[t->rank - 2] * t->dims[t->rank - 1];

	for (int i = (int)rank - 3; i >= 0; i--) {
		int own = i - (int)(rank - t->rank);
		int64_t pos = index % dims[i];

		index /= dims[i];
		if (own < 0)
			continue;
		if (t->dims[own] != 1)
			at += pos * step;
		step *= t->dims[own];
	}
	return at;
}

int infer_qmatmul(struct fxq_call *call)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	int64_t dims[FXQ_MAX_RANK];
	uint32_t rank;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, -1);

	if (!ret)
		ret = ref_want(call, 1, FXQ_DTYPE_I8, -1);
	if (ret)
		return ret;
	if (a->rank < 2 || b->rank < 2 ||
	    a->dims[a->rank - 1] != b->dims[b->rank - 2])
		return ref_fail(call, -EINVAL,
				"matrix sizes do not match");
	rank = a->rank > b->rank ? a->rank : b->rank;
	for (uint32_t i = 0; i + 2 < rank; i++) {
		int ia = (int)i - (int)(rank - a->rank);
		int ib = (int)i - (int)(rank - b->rank);
		int64_t da = ia < 0 ? 1 : a->dims[ia];
		int64_t db = ib < 0 ? 1 : b->dims[ib];

		if (da != db && da != 1 && db != 1)
			return ref_fail(call, -EINVAL,
					"batch sizes %lld and %lld do not match",
					(long long)da, (long long)db);
		dims[i] = da > db ? da : db;
	}
	dims[rank - 2] = a->dims[a->rank - 2];
	dims[rank - 1] = b->dims[b->rank - 1];
	return ref_result(call, rank, dims);
}

int eval_qmatmul(struct fxq_call *call)
{
	const struct fxq_tensor *a = &call->in[0], *b = &call->in[1];
	const struct fxq_tensor *y = &call->out[0];
	int64_t m = y->dims[y->rank - 2], n = y->dims[y->rank - 1];
	int64_t k = a->dims[a->rank - 1];
	int64_t batches = fxq_tensor_count(y) / (m * n);
	float scale = ref_float(call, "m", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	int8_t *out = y->data;

	for (int64_t i = 0; i < batches; i++) {
		const int8_t *pa = (const int8_t *)a->data +
				   batch_offset(a, y->rank, y->dims, i);
		const int8_t *pb = (const int8_t *)b->data +
				   batch_offset(b, y->rank, y->dims, i);

		for (int64_t r = 0; r < m; r++) {
			for (int64_t c = 0; c < n; c++) {
				uint32_t acc = 0;

				for (int64_t j = 0; j < k; j++)
					acc += (uint32_t)
					       ((pa[r * k + j] - a->zero_point) *
						(pb[j * n + c] - b->zero_point));
				*out++ = fxq_q((float)(int32_t)acc * scale,
					       y->zero_point, lo, hi);
			}
		}
	}
	return 0;
}
