// SPDX-License-Identifier: MIT
/*
 * Averages: each element of a window receives its share of the gradient.
 */
#include "../kernels/pool.h"
#include "grad.h"

struct job {
	struct pool p;
	struct pool_span *spans;
	const real *dy;
	real *dx;
	bool count_pad;
	real *shares;		/* a row of outputs for each thread */
};

FXQ_CLONES
static void add_tap(void *row, const void *to, int64_t lo, int64_t hi,
		    int64_t step)
{
	const real *share = row;
	real *dx = (real *)to;

	for (int64_t i = lo; i < hi; i++)
		dx[(i - lo) * step] += share[i];
}

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	const real *dy = j->dy + plane * pool_out_size(p);
	real *share = j->shares + thread * p->out[2];

	for (int64_t r = 0; r < p->out[0] * p->out[1]; r++) {
		int64_t z = r / p->out[1], y = r % p->out[1];
		int64_t rows = pool_extent(p, 0, z, j->count_pad) *
			       pool_extent(p, 1, y, j->count_pad);

		for (int64_t i = 0; i < p->out[2]; i++)
			share[i] = *dy++ / (real)(rows *
				   pool_extent(p, 2, i, j->count_pad));
		pool_row(p, j->spans, z, y, j->dx + plane * pool_in_size(p),
			 sizeof(real), add_tap, share);
	}
}

static int back_avg(struct grad *g, uint32_t nd)
{
	struct job job = {
		.dy = grad_dy(g, 0), .dx = grad_dx_zeroed(g, 0),
		.count_pad = kern_int(&g->call, "count_include_pad", 1),
	};
	struct pool *p = &job.p;
	int threads, ret;

	ret = pool_read(&g->call, nd, p);
	if (ret || !job.dx)
		return ret;

	threads = grad_threads(g, (double)p->taps[0] * p->taps[1] *
			       p->taps[2] * p->planes * pool_out_size(p));
	job.spans = pool_spans(p);
	job.shares = malloc(threads * p->out[2] * sizeof(*job.shares));
	if (!job.spans || !job.shares)
		ret = -ENOMEM;
	else
		parallel_for(threads, p->planes, plane_task, &job);
	free(job.shares);
	free(job.spans);
	return ret;
}

#define AVG_POOL(nd)							\
GRAD_KERNEL(avg_pool##nd##d)						\
{									\
	return back_avg(g, nd);						\
}

AVG_POOL(1)
AVG_POOL(2)
AVG_POOL(3)

GRAD_KERNEL(global_avg_pool)
{
	const struct fxq_tensor *x = &g->in[0];
	int64_t planes = x->dims[0] * x->dims[1];
	int64_t n = kern_product(x, 2, x->rank);
	const real *dy = grad_dy(g, 0);
	real *dx = grad_dx(g, 0);

	for (int64_t p = 0; dx && p < planes; p++) {
		real share = dy[p] / (real)n;

		for (int64_t i = 0; i < n; i++)
			*dx++ = share;
	}
	return 0;
}

/* The window of output @o, of @out that divide @n elements among them. */
static int64_t first_of(int64_t o, int64_t n, int64_t out)
{
	return o * n / out;
}

static int64_t end_of(int64_t o, int64_t n, int64_t out)
{
	return ((o + 1) * n - 1) / out + 1;
}

GRAD_KERNEL(adaptive_avg_pool2d)
{
	const struct fxq_tensor *x = &g->in[0], *y = &g->out[0];
	int64_t h = x->dims[x->rank - 2], w = x->dims[x->rank - 1];
	int64_t oh = y->dims[x->rank - 2], ow = y->dims[x->rank - 1];
	int64_t planes = kern_product(x, 0, x->rank - 2);
	const real *dy = grad_dy(g, 0);
	real *dx = grad_dx_zeroed(g, 0);

	for (int64_t o = 0; dx && o < planes * oh * ow; o++) {
		real *plane = dx + o / (oh * ow) * h * w;
		int64_t i = o / ow % oh, j = o % ow;
		int64_t top = first_of(i, h, oh), bottom = end_of(i, h, oh);
		int64_t left = first_of(j, w, ow), right = end_of(j, w, ow);
		real share = dy[o] / (real)((bottom - top) * (right - left));

		for (int64_t a = top; a < bottom; a++)
			for (int64_t b = left; b < right; b++)
				plane[a * w + b] += share;
	}
	return 0;
}
