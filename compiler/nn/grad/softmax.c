// SPDX-License-Identifier: MIT
/*
 * softmax and log_softmax along one dimension. With s the sum over a row of
 * dy y, and of dy: dx = y (dy - s), and dx = dy - exp(y) s.
 */
#include "../kernels/fmath.h"
#include "../kernels/rows.h"
#include "grad.h"

struct job {
	struct rows rows;
	const real *y, *dy;
	real *dx;
	bool is_log;
};

static void row_task(void *ctx, int64_t row, int thread)
{
	const struct job *j = ctx;
	int64_t at = row_start(&j->rows, row), inner = j->rows.inner;
	double sum = 0;

	(void)thread;
	for (int64_t i = 0; i < j->rows.n; i++) {
		int64_t k = at + i * inner;

		sum += j->is_log ? j->dy[k] : (double)j->dy[k] * j->y[k];
	}
	for (int64_t i = 0; i < j->rows.n; i++) {
		int64_t k = at + i * inner;

		j->dx[k] = (real)(j->is_log ?
				  j->dy[k] - fm_exp(j->y[k]) * sum :
				  j->y[k] * (j->dy[k] - sum));
	}
}

static int back_along(struct grad *g, bool is_log)
{
	struct job job = {
		.y = grad_out(g, 0), .dy = grad_dy(g, 0),
		.dx = grad_dx(g, 0), .is_log = is_log,
	};
	uint32_t dim;
	int ret;

	ret = kern_dim(&g->call, "dim", -1, g->in[0].rank, &dim);
	if (ret || !job.dx)
		return ret;

	job.rows = rows_along(&g->in[0], dim);
	parallel_for(grad_threads(g, 4.0 * fxq_tensor_count(&g->in[0])),
		     job.rows.outer * job.rows.inner, row_task, &job);
	return 0;
}

GRAD_KERNEL(softmax)
{
	return back_along(g, false);
}

GRAD_KERNEL(log_softmax)
{
	return back_along(g, true);
}
