// SPDX-License-Identifier: MIT
/*
 * reference_pool.c - integer reference of pooling and resizing
 */
#include <errno.h>

#include "reference.h"

struct window {
	int64_t planes, ih, iw, oh, ow;
	int64_t kernel[2], stride[2], pad[4], dilation[2];
};

static struct window window_of(const struct fxq_call *call)
{
	const int64_t *x = call->in[0].dims, *y = call->out[0].dims;
	struct window w = { .planes = x[0] * x[1], .ih = x[2], .iw = x[3],
			    .oh = y[2], .ow = y[3] };

	ref_ints(call, "kernel_size", w.kernel, 2, 1);
	ref_ints(call, "stride", w.stride, 2, 1);
	ref_ints(call, "padding", w.pad, 4, 0);
	ref_ints(call, "dilation", w.dilation, 2, 1);
	return w;
}

static int infer_window(struct fxq_call *call)
{
	struct window w;
	int64_t dims[4], size[2];
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, 4);

	if (!ret)
		ret = ref_check_window(call);
	if (ret)
		return ret;
	w = window_of(call);
	size[0] = w.ih;
	size[1] = w.iw;
	dims[0] = call->in[0].dims[0];
	dims[1] = call->in[0].dims[1];
	for (int i = 0; i < 2; i++) {
		dims[2 + i] = ref_windows(call, i, size[i], w.kernel[i]);
		if (dims[2 + i] < 1)
			return ref_fail(call, -EINVAL,
					"a window of %lld does not fit into the padded input",
					(long long)w.kernel[i]);
	}
	return ref_result(call, 4, dims);
}

int infer_qmax_pool2d(struct fxq_call *call)
{
	return infer_window(call);
}

int infer_qavg_pool2d(struct fxq_call *call)
{
	return infer_window(call);
}

/* What the window of output (oy, ox) holds inside the input. */
struct tally {
	int32_t sum, count;
	int8_t max;
};

static struct tally tally(const struct window *w, const int8_t *x, int z,
			  int64_t oy, int64_t ox)
{
	struct tally t = { .max = -128 };

	for (int64_t ky = 0; ky < w->kernel[0]; ky++) {
		for (int64_t kx = 0; kx < w->kernel[1]; kx++) {
			int64_t y = oy * w->stride[0] + ky * w->dilation[0] -
				    w->pad[0];
			int64_t xx = ox * w->stride[1] + kx * w->dilation[1] -
				     w->pad[1];
			int8_t q;

			if (y < 0 || y >= w->ih || xx < 0 || xx >= w->iw)
				continue;
			q = x[y * w->iw + xx];
			t.sum += q - z;
			t.count++;
			t.max = q > t.max ? q : t.max;
		}
	}
	return t;
}

int eval_qmax_pool2d(struct fxq_call *call)
{
	struct window w = window_of(call);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	for (int64_t p = 0; p < w.planes; p++, x += w.ih * w.iw)
		for (int64_t oy = 0; oy < w.oh; oy++)
			for (int64_t ox = 0; ox < w.ow; ox++)
				*y++ = (int8_t)fxq_clamp_int(
					tally(&w, x, 0, oy, ox).max, lo, hi);
	return 0;
}

int eval_qavg_pool2d(struct fxq_call *call)
{
	struct window w = window_of(call);
	int count_pad = (int)ref_int(call, "count_include_pad", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	const int8_t *x = call->in[0].data;
	const float *table = call->in[1].data;
	int8_t *y = call->out[0].data;

	for (int64_t p = 0; p < w.planes; p++, x += w.ih * w.iw) {
		for (int64_t oy = 0; oy < w.oh; oy++) {
			for (int64_t ox = 0; ox < w.ow; ox++) {
				struct tally t = tally(&w, x,
						       call->in[0].zero_point,
						       oy, ox);
				int64_t n = count_pad ?
					    w.kernel[0] * w.kernel[1] : t.count;
				float m = n ? table[n - 1] : 0;

				*y++ = fxq_q((float)t.sum * m,
					     call->out[0].zero_point, lo, hi);
			}
		}
	}
	return 0;
}

int infer_qmean_pool2d(struct fxq_call *call)
{
	const int64_t *x = call->in[0].dims;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, 4);

	if (ret)
		return ret;
	return ref_result(call, 4, (int64_t[]){ x[0], x[1], 1, 1 });
}

int eval_qmean_pool2d(struct fxq_call *call)
{
	const int64_t *d = call->in[0].dims;
	float m = ref_float(call, "m", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	for (int64_t p = 0; p < d[0] * d[1]; p++) {
		int32_t sum = 0;

		for (int64_t i = 0; i < d[2] * d[3]; i++)
			sum += *x++ - call->in[0].zero_point;
		*y++ = fxq_q((float)sum * m, call->out[0].zero_point, lo, hi);
	}
	return 0;
}

int infer_qresize2d(struct fxq_call *call)
{
	const int64_t *x = call->in[0].dims;
	int ret = ref_want(call, 0, FXQ_DTYPE_I8, 4);

	for (uint32_t i = 1; !ret && i < 3; i++)
		ret = ref_want(call, i, FXQ_DTYPE_U16, 2);
	if (ret)
		return ret;
	return ref_result(call, 4, (int64_t[]){ x[0], x[1],
						call->in[1].dims[0],
						call->in[2].dims[0] });
}

/* A coordinate of the tables: two neighbours and their weights. */
struct lerp {
	int64_t at[2];
	int32_t weight[2];
};

static struct lerp lerp(const uint16_t *table, int64_t i, int64_t size)
{
	int64_t at = table[2 * i], next = at + 1 < size ? at + 1 : at;
	int32_t f = table[2 * i + 1];

	return (struct lerp){ { at, next }, { 2048 - f, f } };
}

int eval_qresize2d(struct fxq_call *call)
{
	const int64_t *in = call->in[0].dims, *out = call->out[0].dims;
	float m = ref_float(call, "m", 0);
	int bilinear = (int)ref_int(call, "bilinear", 0);
	int lo = (int)ref_int(call, "lo", -128);
	int hi = (int)ref_int(call, "hi", 127);
	int zx = call->in[0].zero_point, zy = call->out[0].zero_point;
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	for (int64_t p = 0; p < in[0] * in[1]; p++, x += in[2] * in[3]) {
		for (int64_t oy = 0; oy < out[2]; oy++) {
			struct lerp v = lerp(call->in[1].data, oy, in[2]);

			for (int64_t ox = 0; ox < out[3]; ox++) {
				struct lerp h = lerp(call->in[2].data, ox,
						     in[3]);
				int32_t acc = 0;

				if (!bilinear) {
					acc = x[v.at[0] * in[3] + h.at[0]] - zx;
					*y++ = fxq_q((float)acc * m, zy, lo, hi);
					continue;
				}
				for (int i = 0; i < 4; i++)
					acc += (x[v.at[i >> 1] * in[3] +
						  h.at[i & 1]] - zx) *
					       v.weight[i >> 1] *
					       h.weight[i & 1];
				*y++ = fxq_q((float)acc * (m * 0x1p-22f), zy,
					     lo, hi);
			}
		}
	}
	return 0;
}
