// SPDX-License-Identifier: MIT
/*
 * batch_norm in evaluation: each channel has a factor and a summand, computed
 * in double; so is y = (x - mean) factor + bias, which is then rounded once.
 */
#include <math.h>

#include "clones.h"
#include "kernel.h"
#include "parallel.h"

int infer_batch_norm(struct fxq_call *call)
{
	static const char *const names[] = { "the input", "the weight",
					     "the bias", "the mean",
					     "the variance" };
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (!ret)
		ret = kern_need(call, 3, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need(call, 4, FXQ_DTYPE_F32);
	for (uint32_t i = 1; i < 5 && !ret; i++)
		ret = kern_need_vector(call, i, names[i],
				       call->in[0].dims[1]);
	return ret ? ret : kern_same_out(call);
}

FXQ_CLONES
static void normalize(float *y, const float *x, int64_t n, double mean,
		      double factor, double bias)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)((x[i] - mean) * factor + bias);
}

struct job {
	const float *x, *weight, *bias, *mean, *var;
	float *y;
	double eps;
	int64_t channels, size;
};

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	int64_t c = plane % j->channels;
	double weight = j->weight ? j->weight[c] : 1;

	(void)thread;
	normalize(j->y + plane * j->size, j->x + plane * j->size, j->size,
		  j->mean[c], weight / sqrt(j->var[c] + j->eps),
		  j->bias ? j->bias[c] : 0);
}

int eval_batch_norm(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	struct job job;
	int64_t planes;
	int ret;

	ret = kern_begin(call, infer_batch_norm);
	if (ret)
		return ret;

	job = (struct job){
		.x = x->data, .weight = kern_data(call, 1),
		.bias = kern_data(call, 2), .mean = kern_data(call, 3),
		.var = kern_data(call, 4), .y = call->out[0].data,
		.eps = kern_float(call, "eps", 1e-5),
		.channels = x->dims[1], .size = kern_product(x, 2, x->rank),
	};
	planes = x->dims[0] * x->dims[1];
	parallel_for(parallel_threads(call->threads,
				      PARALLEL_ELEMENT *
				      (double)planes * job.size),
		     planes, plane_task, &job);
	return 0;
}
