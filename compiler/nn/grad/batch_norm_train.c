// SPDX-License-Identifier: MIT
/*
 * batch_norm_train: batch normalization while a network trains. A channel is
 * normalized by the mean and the biased variance of its batch, which are the
 * second and third result; what becomes of running statistics is the caller's
 * affair. Sums are doubles.
 */
#include <math.h>

#include "grad.h"
#include "sum.h"

int infer_batch_norm_train(struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	ret = kern_need(call, 0, FXQ_DTYPE_F32);
	if (!ret)
		ret = kern_need_rank(call, 0, 2);
	if (!ret)
		ret = kern_need_vector(call, 1, "the weight", x->dims[1]);
	if (!ret)
		ret = kern_need_vector(call, 2, "the bias", x->dims[1]);
	if (!ret)
		ret = kern_same_out(call);
	for (uint32_t i = 1; i < 3 && !ret; i++)
		ret = kern_set_out(call, i, FXQ_DTYPE_F32, 1, &x->dims[1]);
	if (!ret && !fxq_tensor_count(x))
		ret = kern_refuse(call, -EINVAL,
				  "a batch without elements has no mean");
	return ret;
}

/*
 * struct job - forward: x to y, mean and var; backward: x and the gradients of
 * the three, some absent, to dx, dw and db
 */
struct job {
	const real *x, *weight, *bias, *dy, *dmean, *dvar;
	real *y, *mean, *var, *dx, *dw, *db;
	double eps;
	int64_t batch, channels, size;
};

static void read_job(struct job *j, const struct fxq_call *call)
{
	const struct fxq_tensor *x = &call->in[0];

	j->x = x->data;
	j->weight = kern_data(call, 1);
	j->bias = kern_data(call, 2);
	j->eps = kern_float(call, "eps", 1e-5);
	j->batch = x->dims[0];
	j->channels = x->dims[1];
	j->size = kern_product(x, 2, x->rank);
}

/* Where image @n has channel @c. */
static int64_t place(const struct job *j, int64_t n, int64_t c)
{
	return (n * j->channels + c) * j->size;
}

FXQ_CLONES
static void apply(real *y, const real *x, int64_t n, real mean, real factor,
		  real shift)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (x[i] - mean) * factor + shift;
}

FXQ_CLONES
static void apply_both(real *dx, const real *dy, const real *x, int64_t n,
		       real mean, real of_dy, real of_x, real shift)
{
	for (int64_t i = 0; i < n; i++)
		dx[i] = dy[i] * of_dy + ((x[i] - mean) * of_x + shift);
}

static double channel_mean(const struct job *j, int64_t c)
{
	double sum = 0;

	for (int64_t n = 0; n < j->batch; n++)
		sum += sum_of(j->x + place(j, n, c), j->size);
	return sum / ((double)j->batch * j->size);
}

static double channel_var(const struct job *j, int64_t c, double mean)
{
	double sum = 0;

	for (int64_t n = 0; n < j->batch; n++)
		sum += sum_of_squares(j->x + place(j, n, c), j->size, mean);
	return sum / ((double)j->batch * j->size);
}

static void forward_task(void *ctx, int64_t c, int thread)
{
	const struct job *j = ctx;
	double mean = channel_mean(j, c), var = channel_var(j, c, mean);
	double factor = (j->weight ? j->weight[c] : 1) / sqrt(var + j->eps);
	double bias = j->bias ? j->bias[c] : 0;

	(void)thread;
	for (int64_t n = 0; n < j->batch; n++)
		apply(j->y + place(j, n, c), j->x + place(j, n, c), j->size,
		      (real)mean, (real)factor, (real)bias);
	j->mean[c] = (real)mean;
	j->var[c] = (real)var;
}

int eval_batch_norm_train(struct fxq_call *call)
{
	struct job job = { 0 };
	int ret;

	ret = kern_begin(call, infer_batch_norm_train);
	if (ret)
		return ret;

	read_job(&job, call);
	job.y = call->out[0].data;
	job.mean = call->out[1].data;
	job.var = call->out[2].data;
	parallel_for(parallel_threads(call->threads,
				      PARALLEL_ELEMENT * (double)
				      fxq_tensor_count(&call->in[0])),
		     job.channels, forward_task, &job);
	return 0;
}

/*
 * With h = (x - mean) inverse, the normalized input:
 * dx = weight inverse (dy - average of dy - h (average of dy h)), and what
 * mean and variance contribute by themselves.
 */
static void backward_task(void *ctx, int64_t c, int thread)
{
	const struct job *j = ctx;
	double count = (double)j->batch * j->size;
	double mean = j->mean[c], inverse = 1 / sqrt(j->var[c] + j->eps);
	double factor = (j->weight ? j->weight[c] : 1) * inverse;
	double sum = 0, products = 0, of_x, shift;

	(void)thread;
	for (int64_t n = 0; j->dy && n < j->batch; n++) {
		const real *dy = j->dy + place(j, n, c);

		sum += sum_of(dy, j->size);
		products += sum_of_products(dy, j->x + place(j, n, c),
					    j->size);
	}
	products = (products - sum * mean) * inverse;
	if (j->dw)
		j->dw[c] = (real)products;
	if (j->db)
		j->db[c] = (real)sum;
	if (!j->dx)
		return;

	of_x = -factor * products / count * inverse;
	if (j->dvar)
		of_x += 2 * j->dvar[c] / count;
	shift = -factor * sum / count;
	if (j->dmean)
		shift += j->dmean[c] / count;
	for (int64_t n = 0; n < j->batch; n++) {
		int64_t at = place(j, n, c);

		if (j->dy)
			apply_both(j->dx + at, j->dy + at, j->x + at, j->size,
				   j->mean[c], (real)factor, (real)of_x,
				   (real)shift);
		else
			apply(j->dx + at, j->x + at, j->size, j->mean[c],
			      (real)of_x, (real)shift);
	}
}

GRAD_KERNEL(batch_norm_train)
{
	struct job job = {
		.dy = grad_dy(g, 0), .dmean = grad_dy(g, 1),
		.dvar = grad_dy(g, 2), .dx = grad_dx(g, 0),
		.dw = grad_dx(g, 1), .db = grad_dx(g, 2),
		.mean = g->out[1].data, .var = g->out[2].data,
	};

	read_job(&job, &g->call);
	parallel_for(grad_threads(g, PARALLEL_ELEMENT *
				  (double)fxq_tensor_count(&g->in[0])),
		     job.channels, backward_task, &job);
	return 0;
}
