// SPDX-License-Identifier: MIT
/*
 * layer_norm, group_norm and instance_norm, as rows of n elements, of which
 * runs share a weight and a bias (see kernels/norm.c). With h the normalized
 * row and u = dy weight, dx = (u - average of u - h (average of u h)) / sd.
 */
#include <math.h>

#include "grad.h"
#include "sum.h"

/*
 * struct norm - the work
 * @rows, @n: the input
 * @run, @weights: elements that share a weight, and how many weights there are:
 *		   element i of row r has number (r * (n / run) + i / run) modulo
 *		   that
 * @dmean, @dinverse: gradients of layer_norm's further results, or NULL
 * @moments: mean and inverse deviation of each row
 */
struct norm {
	const real *x, *weight, *dy, *dmean, *dinverse;
	real *dx;
	int64_t rows, n, run, weights;
	double eps, *moments;
};

static int64_t weight_of(const struct norm *j, int64_t row, int64_t i)
{
	return (row * (j->n / j->run) + i / j->run) % j->weights;
}

/* dy weight, of which nothing comes without dy. */
static double scaled(const struct norm *j, int64_t row, int64_t i)
{
	double dy = j->dy ? j->dy[row * j->n + i] : 0;

	return j->weight ? dy * j->weight[weight_of(j, row, i)] : dy;
}

static void row_task(void *ctx, int64_t row, int thread)
{
	const struct norm *j = ctx;
	const real *x = j->x + row * j->n;
	double mean = sum_of(x, j->n) / (double)j->n;
	double var = sum_of_squares(x, j->n, mean) / (double)j->n;
	double inverse = 1 / sqrt(var + j->eps), sum = 0, products = 0;

	(void)thread;
	j->moments[2 * row] = mean;
	j->moments[2 * row + 1] = inverse;
	for (int64_t i = 0; i < j->n; i++) {
		sum += scaled(j, row, i);
		products += scaled(j, row, i) * (x[i] - mean) * inverse;
	}
	sum *= inverse / (double)j->n;
	products *= inverse / (double)j->n;
	if (j->dmean)
		sum -= j->dmean[row] / (double)j->n;
	if (j->dinverse)
		products += j->dinverse[row] * inverse * inverse / (double)j->n;

	for (int64_t i = 0; j->dx && i < j->n; i++)
		j->dx[row * j->n + i] =
			(real)(scaled(j, row, i) * inverse - sum -
			       (x[i] - mean) * inverse * products);
}

/* Weights are few and rows many: sums of both, a row after the other. */
static void sum_rows(const struct norm *j, double *dw, double *db)
{
	for (int64_t row = 0; row < j->rows; row++)
		for (int64_t i = 0; i < j->n; i++) {
			int64_t w = weight_of(j, row, i);
			double dy = j->dy[row * j->n + i];
			double x = j->x[row * j->n + i];

			dw[w] += dy * (x - j->moments[2 * row]) *
				 j->moments[2 * row + 1];
			db[w] += dy;
		}
}

static int back_weights(struct grad *g, const struct norm *j)
{
	real *dw = grad_dx_zeroed(g, 1), *db = grad_dx_zeroed(g, 2);
	double *sums;

	if ((!dw && !db) || !j->dy)
		return 0;

	sums = calloc(2 * j->weights, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	sum_rows(j, sums, sums + j->weights);
	for (int64_t w = 0; w < j->weights; w++) {
		if (dw)
			dw[w] = (real)sums[w];
		if (db)
			db[w] = (real)sums[j->weights + w];
	}
	free(sums);
	return 0;
}

static int back_norm(struct grad *g, struct norm *j)
{
	int ret;

	if (!j->rows || !j->n)
		return 0;
	j->x = grad_in(g, 0);
	j->weight = grad_in(g, 1);
	j->dy = grad_dy(g, 0);
	j->dx = grad_dx(g, 0);
	j->eps = kern_float(&g->call, "eps", 1e-5);
	j->moments = malloc(2 * j->rows * sizeof(*j->moments));
	if (!j->moments)
		return -ENOMEM;

	parallel_for(grad_threads(g, 8.0 * j->rows * j->n), j->rows, row_task,
		     j);
	ret = back_weights(g, j);
	free(j->moments);
	return ret;
}

/* Sizes that are normalized: as many as those given, or from the axis on. */
GRAD_KERNEL(layer_norm)
{
	const struct fxq_attr *shape = fxq_call_attr(&g->call,
						     "normalized_shape");
	const struct fxq_tensor *x = &g->in[0];
	struct norm j = {
		.dmean = grad_dy(g, 1), .dinverse = grad_dy(g, 2), .run = 1,
	};
	uint32_t axis = 0;
	int ret = 0;

	if (shape)
		axis = x->rank - shape->count;
	else
		ret = kern_dim(&g->call, "axis", -1, x->rank, &axis);
	if (ret)
		return ret;

	j.rows = kern_product(x, 0, axis);
	j.n = j.weights = kern_product(x, axis, x->rank);
	return back_norm(g, &j);
}

static int back_groups(struct grad *g, int64_t groups)
{
	const struct fxq_tensor *x = &g->in[0];
	struct norm j = {
		.rows = x->dims[0] * groups,
		.n = x->dims[1] / groups * kern_product(x, 2, x->rank),
		.run = kern_product(x, 2, x->rank),
		.weights = x->dims[1],
	};

	return back_norm(g, &j);
}

GRAD_KERNEL(group_norm)
{
	return back_groups(g, kern_int(&g->call, "num_groups", 1));
}

GRAD_KERNEL(instance_norm)
{
	return back_groups(g, g->in[0].dims[1] ? g->in[0].dims[1] : 1);
}
