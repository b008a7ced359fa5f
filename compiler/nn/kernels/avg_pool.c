// SPDX-License-Identifier: MIT
/*
 * avg_pool1d, 2d, 3d. Sums are doubles, in the order of the window's elements,
 * divided by how many there are: those of the input, and if count_include_pad
 * is set those of the padding too, but never what rounding up has added.
 */
#include "clones.h"
#include "parallel.h"
#include "pool.h"

struct job {
	struct pool p;
	const float *x;
	float *y;
	bool count_pad;
	struct pool_span *spans;
	int64_t *columns;	/* elements along the last dimension */
	double *sums;		/* a row of outputs for each thread */
};

FXQ_CLONES
static void add_tap(void *row, const void *from, int64_t lo, int64_t hi,
		    int64_t step)
{
	const float *x = from;
	double *sum = row;

	if (step == 1)
		for (int64_t i = lo; i < hi; i++)
			sum[i] += x[i - lo];
	else if (step == 2)
		for (int64_t i = lo; i < hi; i++)
			sum[i] += x[2 * (i - lo)];
	else
		for (int64_t i = lo; i < hi; i++, x += step)
			sum[i] += *x;
}

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	const float *x = j->x + plane * pool_in_size(p);
	float *to = j->y + plane * pool_out_size(p);
	double *sum = j->sums + thread * p->out[2];

	for (int64_t r = 0; r < p->out[0] * p->out[1]; r++, to += p->out[2]) {
		int64_t z = r / p->out[1], y = r % p->out[1];
		int64_t rows = pool_extent(p, 0, z, j->count_pad) *
			       pool_extent(p, 1, y, j->count_pad);

		memset(sum, 0, p->out[2] * sizeof(*sum));
		pool_row(p, j->spans, z, y, x, sizeof(*x), add_tap, sum);
		for (int64_t i = 0; i < p->out[2]; i++) {
			int64_t n = rows * j->columns[i];

			to[i] = n ? (float)(sum[i] / (double)n) : 0;
		}
	}
}

static int infer_avg(struct fxq_call *call, uint32_t nd)
{
	struct pool p;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = pool_read(call, nd, &p);
	return ret ? ret : pool_set_out(call, 0, FXQ_DTYPE_F32, &p);
}

static int run_avg(struct fxq_call *call, const struct pool *p)
{
	double taps = (double)p->taps[0] * p->taps[1] * p->taps[2];
	int threads = parallel_threads(call->threads, taps * p->planes *
				       pool_out_size(p) / 4);
	struct job job = {
		.p = *p, .x = call->in[0].data, .y = call->out[0].data,
		.count_pad = kern_int(call, "count_include_pad", 1),
	};
	int ret = -ENOMEM;

	job.spans = pool_spans(p);
	job.columns = malloc(p->out[2] * sizeof(*job.columns));
	job.sums = malloc(threads * p->out[2] * sizeof(*job.sums));
	if (!job.spans || !job.columns || !job.sums)
		goto out_free;

	for (int64_t i = 0; i < p->out[2]; i++)
		job.columns[i] = pool_extent(p, 2, i, job.count_pad);
	parallel_for(threads, p->planes, plane_task, &job);
	ret = 0;

out_free:
	free(job.sums);
	free(job.columns);
	free(job.spans);
	return ret;
}

static int eval_avg(struct fxq_call *call, uint32_t nd, fxq_call_fn infer)
{
	struct pool p;
	int ret;

	ret = kern_begin(call, infer);
	if (!ret)
		ret = pool_read(call, nd, &p);
	return ret ? ret : run_avg(call, &p);
}

#define AVG_POOL(nd)							\
int infer_avg_pool##nd##d(struct fxq_call *call)			\
{									\
	return infer_avg(call, nd);					\
}									\
									\
int eval_avg_pool##nd##d(struct fxq_call *call)				\
{									\
	return eval_avg(call, nd, infer_avg_pool##nd##d);		\
}

AVG_POOL(1)
AVG_POOL(2)
AVG_POOL(3)
