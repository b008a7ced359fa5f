// SPDX-License-Identifier: MIT
/*
 * Averages whose windows follow from the sizes alone: global_avg_pool over a
 * whole plane, and adaptive_avg_pool2d, whose windows divide it evenly and
 * overlap where they must. A whole plane is summed in float32 in the order that
 * torch has on processors with AVX2, so that what is calibrated on means has
 * torch's scales; other sums are doubles, in the order of the elements.
 */
#include "clones.h"
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

#define LANES	8		/* added at the end, one after another */
#define ROW	(4 * LANES)	/* sums that go on side by side */
#define LEVELS	4		/* of sums of sums, so that errors stay small */

static void add_row(float *to, const float *x)
{
	for (int i = 0; i < ROW; i++)
		to[i] += x[i];
}

/*
 * Adds @rows rows to sums[0]: after each 2^@power rows what has come together
 * moves up a level, from there after as many moves, and so on.
 */
static void add_rows(float sums[LEVELS][ROW], const float *x, int64_t rows)
{
	int64_t done = 0, step;
	int log = 0, power;

	while ((int64_t)1 << log < rows)
		log++;
	power = log / LEVELS > 4 ? log / LEVELS : 4;
	step = (int64_t)1 << power;
	while (done + step <= rows) {
		for (int64_t i = 0; i < step; i++, done++)
			add_row(sums[0], x + done * ROW);
		for (int k = 1; k < LEVELS; k++) {
			add_row(sums[k], sums[k - 1]);
			memset(sums[k - 1], 0, sizeof(sums[k - 1]));
			if (done & (step - 1) << (k * power))
				break;
		}
	}
	for (; done < rows; done++)
		add_row(sums[0], x + done * ROW);
	for (int k = 1; k < LEVELS; k++)
		add_row(sums[0], sums[k]);
}

/* Too few for lanes: four sums, the rest added to the first. */
static float few_sum(const float *x, int64_t n)
{
	float sum[4] = { 0 };
	int64_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (int k = 0; k < 4; k++)
			sum[k] += x[i + k];
	for (; i < n; i++)
		sum[0] += x[i];
	return sum[0] + sum[1] + sum[2] + sum[3];
}

FXQ_CLONES
static float plane_sum(const float *x, int64_t n)
{
	float sums[LEVELS][ROW] = { { 0 } }, *lane = sums[0], sum = 0;
	int64_t i = n / ROW * ROW;

	if (n < LANES)
		return few_sum(x, n);
	add_rows(sums, x, n / ROW);
	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			lane[k] += x[i + k];
	for (int r = LANES; r < ROW; r++)
		lane[r % LANES] += lane[r];
	for (; i < n; i++)
		sum += x[i];
	for (int k = 0; k < LANES; k++)
		sum += lane[k];
	return sum;
}

int eval_global_avg_pool(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	int64_t planes, n;
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
	for (int64_t p = 0; p < planes; p++)
		y[p] = plane_sum(x + p * n, n) / (float)n;
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
