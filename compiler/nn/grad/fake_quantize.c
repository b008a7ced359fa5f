// SPDX-License-Identifier: MIT
/*
 * fake_quantize, straight through: rounding counts as no change, and what
 * saturates passes nothing on.
 *
 * A scale that is learned changes a value by how far rounding moved it, in
 * steps (LSQ), and a value that saturates by the bound that it stays at. PACT,
 * clip_only, has the latter alone. Sums are in double, over the pieces in
 * order, whatever the number of threads.
 */
#include <math.h>

#include "../kernels/quantize.h"
#include "grad.h"

/*
 * struct job
 * @sums: of the scale's gradient, for each piece; NULL: not wanted
 */
struct job {
	struct grad *g;
	struct runs runs;
	bool clip_only;
	double *sums;
};

static inline real rne(real v)
{
	const real magic = sizeof(real) == 8 ? (real)6755399441055744.0 :
					       (real)12582912.0;

	return (v + magic) - magic;
}

/* One beyond the bounds stands for all that saturates. */
static inline real steps_of(real x, real inverse, float lo, float hi)
{
	real v = x * inverse;

	v = v > lo - 1 ? v : lo - 1;
	return v < hi + 1 ? v : hi + 1;
}

FXQ_CLONES
static void through(real *dx, const real *x, const real *dy, int64_t n,
		    real inverse, float lo, float hi)
{
	for (int64_t i = 0; i < n; i++) {
		real q = rne(steps_of(x[i], inverse, lo, hi));

		dx[i] = q >= lo && q <= hi ? dy[i] : 0;
	}
}

static double sum_of_scale(const real *x, const real *dy, int64_t n,
			   real inverse, float lo, float hi, bool clip_only)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++) {
		real v = steps_of(x[i], inverse, lo, hi), q = rne(v);
		real inside = clip_only ? 0 : q - v;

		sum += (double)dy[i] *
		       (double)(q < lo ? lo : q > hi ? hi : inside);
	}
	return sum;
}

static void back_task(void *ctx, int64_t task, int thread)
{
	const struct job *j = ctx;
	struct piece p = quantize_piece(&j->runs, task);
	const real *x = grad_in(j->g, 0) + p.start;
	const real *dy = grad_dy(j->g, 0) + p.start;
	real scale = grad_in(j->g, 1)[p.scale], *dx = grad_dx(j->g, 0);
	float lo = 0, hi = 0;

	fake_quantize_bounds(&j->g->call, p.scale, (double)scale, &lo, &hi);
	if (dx)
		through(dx + p.start, x, dy, p.n, 1 / scale, lo, hi);
	if (j->sums)
		j->sums[task] = sum_of_scale(x, dy, p.n, 1 / scale, lo, hi,
					     j->clip_only);
}

/* What the sums are multiplied with. */
static double factor(const struct grad *g)
{
	double elements = (double)fxq_tensor_count(&g->in[0]);
	int64_t most = kern_int(&g->call, "quant_max", 127);

	if (!kern_int(&g->call, "grad_scaling", 0))
		return 1;
	return 1 / sqrt(elements * (double)(most > 0 ? most : 1));
}

/* @of_scales: zeros, one for each */
static void add_sums(const struct job *j, double *of_scales)
{
	int64_t n = quantize_pieces(&j->runs);
	real *dscale = grad_dx(j->g, 1);
	double f = factor(j->g);

	for (int64_t i = 0; i < n; i++)
		of_scales[quantize_piece(&j->runs, i).scale] += j->sums[i];
	for (int64_t s = 0; s < j->runs.scales; s++)
		dscale[s] = (real)(of_scales[s] * f);
}

GRAD_KERNEL(fake_quantize)
{
	const real *scale = grad_in(g, 1);
	struct job job = {
		.g = g, .clip_only = kern_int(&g->call, "clip_only", 0),
	};
	double elements = (double)fxq_tensor_count(&g->in[0]);
	float lo, hi;
	int64_t n;
	int ret;

	ret = quantize_runs(&g->call, &job.runs);
	for (int64_t i = 0; !ret && i < job.runs.scales; i++)
		ret = fake_quantize_bounds(&g->call, i, (double)scale[i], &lo,
					   &hi);
	if (ret)
		return ret;

	n = quantize_pieces(&job.runs);
	if (grad_dx(g, 1)) {
		job.sums = calloc(n + job.runs.scales, sizeof(*job.sums));
		if (!job.sums)
			return -ENOMEM;
	}
	parallel_for(grad_threads(g, PARALLEL_ELEMENT * elements), n, back_task, &job);
	if (job.sums)
		add_sums(&job, job.sums + n);
	free(job.sums);
	return 0;
}
