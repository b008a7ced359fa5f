// SPDX-License-Identifier: MIT
/*
 * lp_pool: the p-th root of the sum of p-th powers over a window. Powers are
 * taken once of each element; sums are doubles, in the window's order.
 */
#include "fmath.h"
#include "parallel.h"
#include "pool.h"

static int read_lp(struct fxq_call *call, struct pool *p)
{
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (ret)
		return ret;
	if (call->in[0].rank < 3 || call->in[0].rank > 5)
		return kern_refuse(call, -EINVAL,
				   "the input has rank %u, not 3 to 5",
				   call->in[0].rank);
	if (!(kern_float(call, "p", 2) > 0))
		return kern_refuse(call, -EINVAL, "p must be above 0");

	return pool_read(call, call->in[0].rank - 2, p);
}

int infer_lp_pool(struct fxq_call *call)
{
	struct pool p;
	int ret;

	ret = read_lp(call, &p);
	return ret ? ret : pool_set_out(call, 0, FXQ_DTYPE_F32, &p);
}

static void add_tap(void *row, const void *from, int64_t lo, int64_t hi,
		    int64_t step)
{
	const double *x = from;
	double *sum = row;

	for (int64_t i = lo; i < hi; i++, x += step)
		sum[i] += *x;
}

struct job {
	struct pool p;
	const struct pool_span *spans;
	const float *x;
	float *y;
	double power;
	double *powers;		/* a plane for each thread */
	double *sums;		/* a row of outputs */
};

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	int64_t n = pool_in_size(p);
	const float *x = j->x + plane * n;
	float *y = j->y + plane * pool_out_size(p);
	double *powers = j->powers + thread * n;
	double *sum = j->sums + thread * p->out[2];

	for (int64_t i = 0; i < n; i++)
		powers[i] = fm_pow(fm_abs(x[i]), j->power);
	for (int64_t r = 0; r < p->out[0] * p->out[1]; r++) {
		memset(sum, 0, p->out[2] * sizeof(*sum));
		pool_row(p, j->spans, r / p->out[1], r % p->out[1], powers,
			 sizeof(*powers), add_tap, sum);
		for (int64_t i = 0; i < p->out[2]; i++)
			*y++ = (float)fm_pow(sum[i], 1 / j->power);
	}
}

int eval_lp_pool(struct fxq_call *call)
{
	struct pool_span *spans = NULL;
	struct job job;
	int threads, ret;

	ret = kern_begin(call, infer_lp_pool);
	if (!ret)
		ret = read_lp(call, &job.p);
	if (ret)
		return ret;

	threads = parallel_threads(call->threads,
				   fxq_tensor_count(&call->in[0]) * 20.0);
	spans = pool_spans(&job.p);
	job.spans = spans;
	job.x = call->in[0].data;
	job.y = call->out[0].data;
	job.power = kern_float(call, "p", 2);
	job.powers = malloc(threads * pool_in_size(&job.p) *
			    sizeof(*job.powers));
	job.sums = malloc(threads * job.p.out[2] * sizeof(*job.sums));
	if (!spans || !job.powers || !job.sums)
		ret = -ENOMEM;
	else
		parallel_for(threads, job.p.planes, plane_task, &job);

	free(job.sums);
	free(job.powers);
	free(spans);
	return ret;
}
