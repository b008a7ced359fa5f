// SPDX-License-Identifier: MIT
/*
 * batch_norm in evaluation, y = (x - mean) weight / sqrt(var + eps) + bias:
 * all five may be trained, though mean and variance seldom are.
 */
#include <math.h>

#include "grad.h"
#include "sum.h"

struct job {
	const real *x, *dy, *weight, *mean, *var;
	real *dx, *dw, *db, *dmean, *dvar;
	double eps;
	int64_t batch, channels, size;
};

FXQ_CLONES
static void scale(real *dx, const real *dy, int64_t n, real factor)
{
	for (int64_t i = 0; i < n; i++)
		dx[i] = dy[i] * factor;
}

static void channel_task(void *ctx, int64_t c, int thread)
{
	const struct job *j = ctx;
	double inverse = 1 / sqrt(j->var[c] + j->eps);
	double weight = j->weight ? j->weight[c] : 1;
	double sum = 0, products = 0;

	(void)thread;
	for (int64_t n = 0; n < j->batch; n++) {
		int64_t at = (n * j->channels + c) * j->size;

		sum += sum_of(j->dy + at, j->size);
		products += sum_of_products(j->dy + at, j->x + at, j->size);
		if (j->dx)
			scale(j->dx + at, j->dy + at, j->size,
			      (real)(weight * inverse));
	}
	products -= sum * j->mean[c];

	if (j->dw)
		j->dw[c] = (real)(products * inverse);
	if (j->db)
		j->db[c] = (real)sum;
	if (j->dmean)
		j->dmean[c] = (real)(-sum * weight * inverse);
	if (j->dvar)
		j->dvar[c] = (real)(-0.5 * products * weight * inverse *
				    inverse * inverse);
}

GRAD_KERNEL(batch_norm)
{
	const struct fxq_tensor *x = &g->in[0];
	struct job job = {
		.x = x->data, .dy = grad_dy(g, 0), .weight = grad_in(g, 1),
		.mean = grad_in(g, 3), .var = grad_in(g, 4),
		.dx = grad_dx(g, 0), .dw = grad_dx(g, 1), .db = grad_dx(g, 2),
		.dmean = grad_dx(g, 3), .dvar = grad_dx(g, 4),
		.eps = kern_float(&g->call, "eps", 1e-5),
		.batch = x->dims[0], .channels = x->dims[1],
		.size = kern_product(x, 2, x->rank),
	};

	parallel_for(grad_threads(g, PARALLEL_ELEMENT *
				  (double)fxq_tensor_count(x)), job.channels,
		     channel_task, &job);
	return 0;
}
