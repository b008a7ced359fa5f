// SPDX-License-Identifier: MIT
/*
 * Max pools: the gradient of a window goes to its maximum, the first of
 * equals, as the forward kernel numbers it.
 */
#include "../kernels/pool.h"
#include "grad.h"

struct job {
	struct pool p;
	struct pool_span *spans;
	const real *x, *y, *dy;
	real *dx;
	bool *taken;		/* a row of outputs for each thread */
};

/* A row of outputs: those whose maximum was met have been taken care of. */
struct row {
	const real *plane, *y, *dy;
	real *dx;
	bool *taken;
};

FXQ_CLONES
static void give_tap(void *to, const void *from, int64_t lo, int64_t hi,
		     int64_t step)
{
	const struct row *row = to;
	const real *x = from;
	real *dx = row->dx + (x - row->plane);

	for (int64_t i = lo; i < hi; i++, x += step, dx += step) {
		/* A NaN is the maximum of its window. */
		bool wins = (*x == row->y[i] || *x != *x) && !row->taken[i];

		*dx += wins ? row->dy[i] : 0;
		row->taken[i] |= wins;
	}
}

/*
 * Two rows of inputs that windows of two by two share among them, which is how
 * most networks pool. A gradient is given away once: what is left is zero then.
 */
FXQ_CLONES
static void give_pairs(real *restrict top, real *restrict bottom,
		       const real *restrict x, const real *restrict below,
		       const real *restrict y, const real *restrict dy,
		       int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		real a = x[2 * i], b = x[2 * i + 1], c = below[2 * i];
		real left = dy[i], g;

		g = (a == y[i]) | (a != a) ? left : 0;
		top[2 * i] = g;
		left -= g;
		g = (b == y[i]) | (b != b) ? left : 0;
		top[2 * i + 1] = g;
		left -= g;
		g = (c == y[i]) | (c != c) ? left : 0;
		bottom[2 * i] = g;
		bottom[2 * i + 1] = left - g;
	}
}

static bool is_pairs(const struct pool *p)
{
	for (int d = 1; d < 3; d++)
		if (p->taps[d] != 2 || p->stride[d] != 2 ||
		    p->dilation[d] != 1 || p->begin[d] ||
		    2 * p->out[d] > p->in[d])
			return false;
	return p->in[0] == 1 && p->taps[0] == 1 && p->out[0] == 1;
}

static void pairs_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	int64_t in = plane * pool_in_size(p), out = plane * pool_out_size(p);
	int64_t width = p->in[2], n = p->out[2];

	(void)thread;
	for (int64_t r = 0; r < p->out[1]; r++) {
		int64_t at = in + 2 * r * width;

		give_pairs(j->dx + at, j->dx + at + width, j->x + at,
			   j->x + at + width, j->y + out + r * n,
			   j->dy + out + r * n, n);
	}
}

static void plane_task(void *ctx, int64_t plane, int thread)
{
	const struct job *j = ctx;
	const struct pool *p = &j->p;
	struct row row = {
		.plane = j->x + plane * pool_in_size(p),
		.y = j->y + plane * pool_out_size(p),
		.dy = j->dy + plane * pool_out_size(p),
		.dx = j->dx + plane * pool_in_size(p),
		.taken = j->taken + thread * p->out[2],
	};

	for (int64_t r = 0; r < p->out[0] * p->out[1]; r++) {
		memset(row.taken, 0, p->out[2] * sizeof(*row.taken));
		pool_row(p, j->spans, r / p->out[1], r % p->out[1], row.plane,
			 sizeof(real), give_tap, &row);
		row.y += p->out[2];
		row.dy += p->out[2];
	}
}

static int back_max(struct grad *g, const struct pool *p)
{
	double taps = (double)p->taps[0] * p->taps[1] * p->taps[2];
	int threads = grad_threads(g, taps * p->planes * pool_out_size(p));
	struct job job = {
		.p = *p, .x = grad_in(g, 0), .y = grad_out(g, 0),
		.dy = grad_dy(g, 0), .dx = grad_dx_zeroed(g, 0),
	};
	int ret = kern_need(&g->call, 0, FXQ_DTYPE_F32);

	if (ret || !job.dx || !job.dy)
		return ret;

	job.spans = pool_spans(p);
	job.taken = malloc(threads * p->out[2] * sizeof(*job.taken));
	if (!job.spans || !job.taken)
		ret = -ENOMEM;
	else
		parallel_for(threads, p->planes,
			     is_pairs(p) ? pairs_task : plane_task, &job);
	free(job.taken);
	free(job.spans);
	return ret;
}

#define MAX_POOL(nd)							\
GRAD_KERNEL(max_pool##nd##d)						\
{									\
	struct pool p;							\
	int ret = pool_read(&g->call, nd, &p);				\
									\
	return ret ? ret : back_max(g, &p);				\
}

MAX_POOL(1)
MAX_POOL(2)
MAX_POOL(3)

GRAD_KERNEL(global_max_pool)
{
	const struct fxq_tensor *x = &g->in[0];
	int64_t n = kern_product(x, 2, x->rank);

	return back_max(g, &(struct pool){
		.planes = x->dims[0] * x->dims[1],
		.in = { 1, 1, n }, .out = { 1, 1, 1 }, .taps = { 1, 1, n },
		.stride = { 1, 1, 1 }, .dilation = { 1, 1, 1 },
	});
}
