// SPDX-License-Identifier: MIT
/*
 * softmax, log_softmax and hardmax along one dimension. Exponentials and their
 * sum, in the order of the elements, are doubles; a result is rounded once.
 * Rows are done one at a time in a buffer, so that exponentials are vector
 * code whatever the dimension's stride.
 */
#include "clones.h"
#include "fmath.h"
#include "parallel.h"
#include "rows.h"

struct job {
	const float *x;
	float *y;
	struct rows rows;
	double *buffer;			/* a row for each thread */
	void (*row)(double *v, int64_t n);
};

static int infer_along(struct fxq_call *call)
{
	uint32_t dim;
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (ret)
		return ret;
	ret = kern_dim(call, "dim", -1, call->in[0].rank, &dim);
	if (ret)
		return ret;

	return kern_same_out(call);
}

/* NaN if any is NaN: then so is every result. */
static double largest(const double *v, int64_t n)
{
	double max = v[0];

	for (int64_t i = 1; i < n; i++)
		max = v[i] > max || v[i] != v[i] ? v[i] : max;
	return max;
}

FXQ_CLONES
static void exponentials(double *v, int64_t n, double max)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = fm_exp(v[i] - max);
}

static double sum_of(const double *v, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

static void softmax_row(double *v, int64_t n)
{
	double sum;

	exponentials(v, n, largest(v, n));
	sum = sum_of(v, n);
	for (int64_t i = 0; i < n; i++)
		v[i] /= sum;
}

/* x - max - log Σ e^(x - max), the sum taken without keeping its terms. */
static void log_softmax_row(double *v, int64_t n)
{
	double max = largest(v, n), sum = 0, log_sum;

	for (int64_t i = 0; i < n; i++)
		sum += fm_exp(v[i] - max);
	log_sum = fm_log(sum);
	for (int64_t i = 0; i < n; i++)
		v[i] = v[i] - max - log_sum;
}

/* 1 at the first of the largest, 0 elsewhere */
static void hardmax_row(double *v, int64_t n)
{
	double max = largest(v, n);
	bool found = false;

	for (int64_t i = 0; i < n; i++) {
		bool is_it = !found && (v[i] == max || v[i] != v[i]);

		found |= is_it;
		v[i] = is_it;
	}
}

static void row_task(void *ctx, int64_t row, int thread)
{
	const struct job *j = ctx;
	int64_t n = j->rows.n, step = j->rows.inner;
	int64_t at = row_start(&j->rows, row);
	double *v = j->buffer + thread * n;

	for (int64_t i = 0; i < n; i++)
		v[i] = j->x[at + i * step];
	j->row(v, n);
	for (int64_t i = 0; i < n; i++)
		j->y[at + i * step] = (float)v[i];
}

static int eval_along(struct fxq_call *call, fxq_call_fn infer,
		      void (*row)(double *v, int64_t n))
{
	const struct fxq_tensor *x = &call->in[0];
	struct job job = { .row = row };
	int64_t count;
	uint32_t dim;
	int threads, ret;

	ret = kern_begin(call, infer);
	if (ret)
		return ret;
	ret = kern_dim(call, "dim", -1, x->rank, &dim);
	count = fxq_tensor_count(x);
	if (ret || !count)
		return ret;

	job.x = x->data;
	job.y = call->out[0].data;
	job.rows = rows_along(x, dim);
	threads = parallel_threads(call->threads, count * 16.0);
	job.buffer = malloc(threads * job.rows.n * sizeof(*job.buffer));
	if (!job.buffer)
		return -ENOMEM;

	parallel_for(threads, job.rows.outer * job.rows.inner, row_task, &job);
	free(job.buffer);
	return 0;
}

#define ALONG(name)							\
int infer_##name(struct fxq_call *call)					\
{									\
	return infer_along(call);					\
}									\
									\
int eval_##name(struct fxq_call *call)					\
{									\
	return eval_along(call, infer_##name, name##_row);		\
}

ALONG(softmax)
ALONG(log_softmax)
ALONG(hardmax)
