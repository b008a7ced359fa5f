// SPDX-License-Identifier: MIT
/*
 * prelu, relu with a slope that is a tensor. As in torch, a vector as long as
 * the input has channels (dimension 1) has one slope for each; any other slope
 * broadcasts to the input from the right, as in ONNX.
 */
#include "clones.h"
#include "kernel.h"

/* How far the slope moves along each of x's dimensions; 0: it broadcasts. */
static int read_steps(struct fxq_call *call, int64_t *step)
{
	const struct fxq_tensor *x = &call->in[0], *s = &call->in[1];
	int64_t size = 1;

	memset(step, 0, FXQ_MAX_RANK * sizeof(*step));
	if (s->rank == 1 && x->rank > 1 && s->dims[0] == x->dims[1]) {
		step[1] = 1;
		return 0;
	}
	if (s->rank > x->rank)
		return kern_refuse(call, -EINVAL,
				   "the slope has rank %u, the input %u",
				   s->rank, x->rank);

	for (uint32_t d = s->rank; d-- > 0;) {
		uint32_t at = d + x->rank - s->rank;

		if (s->dims[d] != 1 && s->dims[d] != x->dims[at])
			return kern_refuse(call, -EINVAL,
					   "the slope does not broadcast to the input");
		step[at] = s->dims[d] == 1 ? 0 : size;
		size *= s->dims[d];
	}
	return 0;
}

int infer_prelu(struct fxq_call *call)
{
	int64_t step[FXQ_MAX_RANK];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need(call, 1, FXQ_DTYPE_F32);
	if (!ret)
		ret = read_steps(call, step);
	return ret ? ret : kern_same_out(call);
}

/* Where the slopes of a row, numbered by x's other dimensions, start. */
static int64_t slope_start(const struct fxq_tensor *x, const int64_t *step,
			   int64_t row)
{
	int64_t at = 0;

	for (uint32_t d = x->rank - 1; d-- > 0; row /= x->dims[d])
		at += row % x->dims[d] * step[d];
	return at;
}

FXQ_CLONES
static void row(float *y, const float *x, int64_t n, const float *slopes,
		bool along)
{
	float shared = slopes[0];

	for (int64_t i = 0; i < n; i++) {
		float slope = along ? slopes[i] : shared;

		y[i] = x[i] * (x[i] < 0 ? slope : 1);
	}
}

int eval_prelu(struct fxq_call *call)
{
	const struct fxq_tensor *t = &call->in[0];
	const float *x, *slopes;
	int64_t step[FXQ_MAX_RANK], rows, n, along;
	float *y;
	int ret;

	ret = kern_begin(call, infer_prelu);
	if (!ret)
		ret = read_steps(call, step);
	if (ret)
		return ret;

	x = t->data;
	y = call->out[0].data;
	slopes = call->in[1].data;
	n = t->rank ? t->dims[t->rank - 1] : 1;
	along = t->rank ? step[t->rank - 1] : 0;
	rows = t->rank ? kern_product(t, 0, t->rank - 1) : 1;
	for (int64_t r = 0; r < rows; r++, x += n, y += n) {
		const float *s = slopes +
				 (t->rank ? slope_start(t, step, r) : 0);

		row(y, x, n, s, along);
	}
	return 0;
}
