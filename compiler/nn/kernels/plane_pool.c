// SPDX-License-Identifier: MIT
/*
 * Averages whose windows follow from the sizes alone: global_avg_pool over a
 * whole plane, and adaptive_avg_pool2d, whose windows divide it evenly and
 * overlap where they must. Sums are doubles, in the order of the elements.
 */
#include "kernel.h"

int infer_global_avg_pool(struct fxq_call *call)
{
	int64_t dims[FXQ_MAX_RANK];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (ret)
		return ret;

	for (uint32_t d = 0; d < call->in[0].rank; d++)
		dims[d] = d < 2 ? call->in[0].dims[d] : 1;
	return kern_set_out(call, 0, FXQ_DTYPE_F32, call->in[0].rank, dims);
}

int eval_global_avg_pool(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t planes, n, done = 0;
	const float *x;
	float *y;
	int ret;

	ret = kern_begin(call, infer_global_avg_pool);
	if (ret)
		return ret;

	x = t->data;
	y = call->out[0].data;
	planes = t->dims[0] * t->dims[1];
	n = kern_product(t, 2, t->rank);

	/* Four sums at once hide the latency of the additions. */
	for (; done + 4 <= planes; done += 4, x += 4 * n) {
		double sum[4] = { 0 };

		for (int64_t i = 0; i < n; i++)
			for (int c = 0; c < 4; c++)
				sum[c] += x[c * n + i];
		for (int c = 0; c < 4; c++)
			y[done + c] = (float)(sum[c] / (double)n);
	}
	for (; done < planes; done++, x += n) {
		double sum = 0;

		for (int64_t i = 0; i < n; i++)
			sum += x[i];
		y[done] = (float)(sum / (double)n);
	}
	return 0;
}

static int read_adaptive(struct fxq_call *call, int64_t out[2])
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 3);
	if (ret)
		return ret;
	if (!fxq_call_attr(call, "output_size"))
		return kern_refuse(call, -EINVAL, "output_size is missing");
	ret = kern_ints(call, "output_size", out, 2, 1, 0);
	if (ret)
		return ret;
	for (int i = 0; i < 2; i++)
		if (!out[i])
			out[i] = x->dims[x->rank - 2 + i];
	if (x->dims[x->rank - 2] < 1 || x->dims[x->rank - 1] < 1)
		return kern_refuse(call, -EINVAL,
				   "the input has no elements to average");
	return 0;
}

int infer_adaptive_avg_pool2d(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int64_t out[2], dims[FXQ_MAX_RANK];
	int ret;

	ret = read_adaptive(call, out);
	if (ret)
		return ret;

	memcpy(dims, x->dims, sizeof(dims));
	memcpy(dims + x->rank - 2, out, sizeof(out));
	return kern_set_out(call, 0, FXQ_DTYPE_F32, x->rank, dims);
}

/* The average over rows [y0, y1) and columns [x0, x1) of a plane. */
static float average(const float *plane, int64_t width, int64_t y0,
		     int64_t y1, int64_t x0, int64_t x1)
{
	double sum = 0;

	for (int64_t y = y0; y < y1; y++)
		for (int64_t x = x0; x < x1; x++)
			sum += plane[y * width + x];
	return (float)(sum / (double)((y1 - y0) * (x1 - x0)));
}

int eval_adaptive_avg_pool2d(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t out[2], planes, h, w;
	const float *x;
	float *to;
	int ret;

	ret = kern_begin(call, infer_adaptive_avg_pool2d);
	if (!ret)
		ret = read_adaptive(call, out);
	if (ret)
		return ret;

	x = t->data;
	to = call->out[0].data;
	planes = kern_product(t, 0, t->rank - 2);
	h = t->dims[t->rank - 2];
	w = t->dims[t->rank - 1];
	for (int64_t p = 0; p < planes; p++, x += h * w)
		for (int64_t i = 0; i < out[0]; i++)
			for (int64_t j = 0; j < out[1]; j++)
				*to++ = average(x, w, i * h / out[0],
						((i + 1) * h - 1) / out[0] + 1,
						j * w / out[1],
						((j + 1) * w - 1) / out[1] + 1);
	return 0;
}
