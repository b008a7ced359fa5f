// SPDX-License-Identifier: MIT
/*
 * lrn: each value over a power of the squares of its neighbours in channel
 * direction: y = x / (bias + alpha / size * Σ x²)^beta, the sum over channels
 * c - (size - 1) / 2 to c + size / 2 in order, as far as they exist.
 */
#include "clones.h"
#include "fmath.h"
#include "kernel.h"
#include "parallel.h"

struct job {
	const float *x;
	float *y;
	int64_t channels, size, window;
	double alpha, beta, bias;
	double *sums;		/* a channel for each thread */
};

int infer_lrn(struct fxq_call *call)
{
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (ret)
		return ret;
	if (kern_int(call, "size", 0) < 1)
		return kern_refuse(call, -EINVAL,
				   "size must be at least 1 channel");

	return kern_same_out(call);
}

FXQ_CLONES
static void add_squares(double *sum, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		sum[i] += (double)x[i] * x[i];
}

FXQ_CLONES
static void divide(float *y, const float *x, const double *sum, int64_t n,
		   double factor, double bias, double beta)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)(x[i] * fm_exp(-beta *
					     fm_log(bias + factor * sum[i])));
}

static void channel_task(void *ctx, int64_t number, int thread)
{
	const struct job *j = ctx;
	int64_t c = number % j->channels, n = j->size;
	int64_t first = c - (j->window - 1) / 2, last = c + j->window / 2;
	const float *x = j->x + (number - c) * n;
	double *sum = j->sums + thread * n;

	first = first < 0 ? 0 : first;
	last = last >= j->channels ? j->channels - 1 : last;
	memset(sum, 0, n * sizeof(*sum));
	for (int64_t i = first; i <= last; i++)
		add_squares(sum, x + i * n, n);
	divide(j->y + number * n, x + c * n, sum, n,
	       j->alpha / (double)j->window, j->bias, j->beta);
}

int eval_lrn(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	struct job job;
	int threads, ret;

	ret = kern_begin(call, infer_lrn);
	if (ret)
		return ret;

	job = (struct job){
		.x = x->data, .y = call->out[0].data,
		.channels = x->dims[1], .size = kern_product(x, 2, x->rank),
		.window = kern_int(call, "size", 1),
		.alpha = kern_float(call, "alpha", 1e-4),
		.beta = kern_float(call, "beta", 0.75),
		.bias = kern_float(call, "bias", kern_float(call, "k", 1)),
	};
	threads = parallel_threads(call->threads,
				   fxq_tensor_count(x) * 20.0);
	job.sums = malloc((threads * job.size + 1) * sizeof(*job.sums));
	if (!job.sums)
		return -ENOMEM;

	parallel_for(threads, x->dims[0] * x->dims[1], channel_task, &job);
	free(job.sums);
	return 0;
}
