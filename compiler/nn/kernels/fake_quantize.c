// SPDX-License-Identifier: MIT
/*
 * fake_quantize: what a value is after it has been an integer
 *
 * torch's rule: rne(x * (1 / scale)) + z, saturated, in float32; then minus z,
 * times scale. The bounds are applied before the rounding, which gives the same
 * integer and keeps large numbers away from it; NaN becomes the least.
 */
#include <inttypes.h>
#include <math.h>

#include <fxq/fxq_arith.h>

#include "clones.h"
#include "parallel.h"
#include "quantize.h"

/* Integers that a float32 and fxq_rne() hold, with room to spare. */
#define LIMIT	(1 << 20)

int infer_fake_quantize(struct fxq_call *call)
{
	int64_t least = kern_int(call, "quant_min", -128);
	int64_t most = kern_int(call, "quant_max", 127);
	struct runs runs;
	int ret;

	if (least > 0 || most < 0 || least < -LIMIT || most > LIMIT)
		return kern_refuse(call, -EINVAL,
				   "integers from %" PRId64 " to %" PRId64 ": 0 lies between them, and they are within %d",
				   least, most, LIMIT);
	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need(call, 1, FXQ_DTYPE_F32);
	if (!ret && kern_has(call, 2))
		ret = kern_need(call, 2, FXQ_DTYPE_I32);
	if (!ret)
		ret = quantize_runs(call, &runs);
	return ret ? ret : kern_same_out(call);
}

int fake_quantize_bounds(struct fxq_call *call, int64_t i, double scale,
			 float *ret_lo, float *ret_hi)
{
	int64_t least = kern_int(call, "quant_min", -128);
	int64_t most = kern_int(call, "quant_max", 127);
	const int32_t *zeros = kern_data(call, 2);
	int64_t zero = zeros ? zeros[i] : 0;

	if (!isnormal((float)scale) || scale < 0 || zero < least ||
	    zero > most)
		return kern_refuse(call, -EINVAL,
				   "scale %g with zero point %" PRId64 " is no quantization to integers from %" PRId64 " to %" PRId64,
				   scale, zero, least, most);
	*ret_lo = (float)(least - zero);
	*ret_hi = (float)(most - zero);
	return 0;
}

FXQ_CLONES
static void run(float *y, const float *x, int64_t n, float scale, float lo,
		float hi)
{
	float inverse = 1.0f / scale;

	for (int64_t i = 0; i < n; i++) {
		float v = x[i] * inverse;

		v = v > lo ? v : lo;
		v = v < hi ? v : hi;
		y[i] = fxq_rne(v) * scale;
	}
}

struct job {
	struct fxq_call *call;
	struct runs runs;
};

static void run_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	struct piece p = quantize_piece(&j->runs, task);
	const float *x = j->call->in[0].data, *scale = j->call->in[1].data;
	float *y = j->call->out[0].data, lo = 0, hi = 0;

	fake_quantize_bounds(j->call, p.scale, scale[p.scale], &lo, &hi);
	run(y + p.start, x + p.start, p.n, scale[p.scale], lo, hi);
}

int eval_fake_quantize(struct fxq_call *call)
{
	struct job job = { .call = call };
	const float *scale;
	float lo, hi;
	int ret;

	ret = kern_begin(call, infer_fake_quantize);
	if (!ret)
		ret = quantize_runs(call, &job.runs);
	scale = call->in[1].data;
	for (int64_t i = 0; !ret && i < job.runs.scales; i++)
		ret = fake_quantize_bounds(call, i, scale[i], &lo, &hi);
	if (ret)
		return ret;

	parallel_for(parallel_threads(call->threads,
				      PARALLEL_ELEMENT *
				      (double)fxq_tensor_count(&call->in[0])),
		     quantize_pieces(&job.runs), run_task, &job);
	return 0;
}
